// The index file: from title to the page's place in the dump, mapped as it stands.
//
//   header     magic, version, identity of the dump, sections, checksums (inside.h)
//   SITE       siteinfo: strings as u16 length + bytes; see put_site in build.c
//   RECORDS    40 bytes per page, in code-point order of titles
//   FOLDED     u32 rank per page, in order of (fold(title), rank)
//   TEXT       for each record its title, then its redirect target
//
// All integers are little endian, sections are 64-byte aligned. An exact look-up is a binary search
// over RECORDS; a case-blind one a binary search over FOLDED, whose keys are folded again while
// searching: a fold is a pure function of the title, so storing it would buy little for much.
//
// Rejected: tries (a prefix is no range, pages in memory all over), SQLite (twice the size and a
// page cache of its own), a stored lower-case key per title (the original's 12.7 million aliases).
//
//   I1  records are sorted by title, titles are unique (the last in the dump wins)
//   I2  nothing read from the file is used as an offset before it was checked: a corrupt file gives
//       wrong answers, never a read outside the map. Opening checks header and bounds, and the
//       sections' checksums where the whole file is small; wiki__index_verify checks them always
//   I3  opening touches a few pages only

#include "wiki/index.h"

#include "wiki/inside.h"

enum { VERIFY_AT_OPEN = 4 << 20, IDENTITY = 1 << 20, PREFIX_DEPTH_MAX = 1 << 22 };

// --- Checksums -------------------------------------------------------------------------------

uint64_t wiki__sum(str s) {
    uint64_t h = 0;
    for (size_t at = 0; at < s.len; at += WIKI__SUM_BLOCK)
        h = str_hash(str_first(str_skip(s, at), WIKI__SUM_BLOCK), h);
    return h;
}

uint64_t wiki__xml_sum(str xml) {
    uint64_t head = wiki__sum(str_first(xml, IDENTITY));
    return head ^ wiki__sum(str_skip(xml, xml.len - min_size(xml.len, IDENTITY))) * 3;
}

static const wiki__header *header_of(const wiki_index *ix) {
    return (const wiki__header *)ix->map.base;
}

static str section_of(const wiki_index *ix, int i) {
    const wiki__section *s = &header_of(ix)->section[i];
    return (str){(const char *)ix->map.base + s->off, s->len};
}

status wiki__index_verify(const wiki_index *ix, err *e) {
    for (int i = 0; i < WIKI__SECTIONS; i++)
        if (wiki__sum(section_of(ix, i)) != header_of(ix)->section[i].sum)
            return err_set(e, E_FORMAT, "%s: section %d is damaged; build the index again",
                           ix->map.path, i);
    return OK;
}

// --- Open ------------------------------------------------------------------------------------

static status damaged(const wiki_index *ix, const char *what, err *e) {
    return err_set(e, E_FORMAT, "%s: %s; build the index again", ix->map.path, what);
}

static status check_header(const wiki_index *ix, err *e) {
    const wiki__header *h = header_of(ix);
    if (ix->map.len < sizeof *h || memcmp(h->magic, WIKI__MAGIC, sizeof h->magic))
        return damaged(ix, "no index of ours", e);
    if (h->version != WIKI__VERSION || h->fold_version != WIKI__FOLD_VERSION)
        return damaged(ix, "written by another version", e);
    if (h->sum != wiki__sum((str){(const char *)h, offsetof(wiki__header, sum)}))
        return damaged(ix, "damaged header", e);
    if (h->file_len != ix->map.len) return damaged(ix, "cut short", e);
    return OK;
}

static status check_sections(const wiki_index *ix, err *e) {
    const wiki__header *h = header_of(ix);
    for (int i = 0; i < WIKI__SECTIONS; i++) {
        const wiki__section *s = &h->section[i];
        bool is_inside = s->off >= sizeof *h && s->off % WIKI__ALIGN == 0 &&
                         s->off <= h->file_len && s->len <= h->file_len - s->off;
        if (!is_inside) return damaged(ix, "a section lies outside the file", e);
    }
    if (h->n_pages > UINT32_MAX - 1 ||
        h->section[WIKI__RECORDS].len != h->n_pages * sizeof(wiki__record) ||
        h->section[WIKI__FOLDED].len != h->n_pages * sizeof(uint32_t))
        return damaged(ix, "sections and page count do not agree", e);
    return OK;
}

static bool get_bytes(void *out, str *s, size_t n) {
    if (s->len < n) return false;
    memcpy(out, s->ptr, n);
    *s = str_skip(*s, n);
    return true;
}

static bool get_str(str *out, str *s) {
    uint16_t n;
    if (!get_bytes(&n, s, sizeof n) || s->len < n) return false;
    *out = str_first(*s, n);
    *s = str_skip(*s, n);
    return true;
}

static bool get_site(wiki_site *site, str s) {
    str *strings[] = {&site->name, &site->dbname, &site->base, &site->generator, &site->lang};
    for (size_t i = 0; i < countof(strings); i++)
        if (!get_str(strings[i], &s)) return false;
    uint32_t n;
    if (!get_bytes(&n, &s, sizeof n) || n > WIKI_NS_MAX) return false;
    for (site->n_ns = 0; site->n_ns < n; site->n_ns++) {
        wiki_ns *ns = &site->ns[site->n_ns];
        uint8_t case_sensitive;
        if (!get_bytes(&ns->key, &s, sizeof ns->key) || !get_bytes(&case_sensitive, &s, 1) ||
            !get_str(&ns->name, &s))
            return false;
        ns->case_sensitive = case_sensitive;
    }
    return true;
}

static status use_sections(wiki_index *ix, err *e) {
    ix->n = header_of(ix)->n_pages;
    ix->xml_len = header_of(ix)->xml_len;
    ix->xml_sum = header_of(ix)->xml_sum;
    ix->records = (const wiki__record *)section_of(ix, WIKI__RECORDS).ptr;
    ix->folded = (const uint32_t *)section_of(ix, WIKI__FOLDED).ptr;
    ix->text = section_of(ix, WIKI__TEXT);
    if (!get_site(&ix->site, section_of(ix, WIKI__SITE))) return damaged(ix, "damaged siteinfo", e);
    return ix->map.len <= VERIFY_AT_OPEN ? wiki__index_verify(ix, e) : OK;
}

static status check_dump(const wiki_index *ix, uint64_t xml_len, int64_t mtime_ns, err *e) {
    const wiki__header *h = header_of(ix);
    if (h->xml_len == xml_len && h->xml_mtime_ns == mtime_ns) return OK;
    return err_set(e, E_STALE,
                   "%s: the dump changed since it was indexed; run `parallelopedia index` again",
                   ix->map.path);
}

static status open_map(wiki_index *ix, const char *path, uint64_t xml_len, int64_t mtime_ns,
                       err *e) {
    TRY(os_map_open(&ix->map, path, OS_MAP_RANDOM, e));
    TRY(check_header(ix, e));
    TRY(check_dump(ix, xml_len, mtime_ns, e));
    TRY(check_sections(ix, e));
    return use_sections(ix, e);
}

// The handle lives in an arena of its own, which stands at its start.
typedef struct handle {
    wiki_index ix;
    arena home;
} handle;

status wiki_index_open(wiki_index **out, const char *path, uint64_t xml_len, int64_t xml_mtime_ns,
                       err *e) {
    *out = NULL;
    arena home;
    TRY(arena_open(&home, sizeof(handle) + 4096, e));
    handle *h = arena_new(&home, handle);
    h->home = home;
    status s = open_map(&h->ix, path, xml_len, xml_mtime_ns, e);
    if (s)
        wiki_index_close(&h->ix);
    else
        *out = &h->ix;
    return s;
}

void wiki_index_close(wiki_index *ix) {
    if (!ix) return;
    os_map_close(&ix->map);
    arena home = ((handle *)ix)->home;
    arena_close(&home);
}

// --- Records ---------------------------------------------------------------------------------

size_t wiki_index_pages(const wiki_index *ix) {
    return ix->n;
}

const wiki_site *wiki_index_site(const wiki_index *ix) {
    return &ix->site;
}

static str text_at(const wiki_index *ix, uint64_t at, size_t len) {  // I2
    if (at > ix->text.len || len > ix->text.len - at) return (str){0};
    return (str){ix->text.ptr + at, len};
}

static str title_of(const wiki_index *ix, size_t rank) {
    const wiki__record *r = &ix->records[rank];
    return text_at(ix, r->text_at, r->title_len);
}

void wiki_index_get(wiki_page *out, const wiki_index *ix, int64_t rank) {
    CHECK(rank >= 0 && (size_t)rank < ix->n);
    const wiki__record *r = &ix->records[rank];
    bool is_inside = r->off <= ix->xml_len && r->len <= ix->xml_len - r->off;
    *out = (wiki_page){
        .rank = rank,
        .title = title_of(ix, (size_t)rank),
        .off = is_inside ? r->off : 0,
        .len = is_inside ? r->len : 0,
        .ns = r->ns,
        .id = r->id,
        .is_redirect = r->flags & WIKI__REDIRECT,
        .is_bad_sha1 = r->flags & WIKI__BAD_SHA1,
    };
    if (out->is_redirect && r->text_at <= UINT64_MAX - r->title_len)
        out->redirect = text_at(ix, r->text_at + r->title_len, r->redirect_len);
}

// --- Searches --------------------------------------------------------------------------------

// First rank whose title is not before `key`; with `is_past`, not starting with it either.
static size_t title_bound(const wiki_index *ix, str key, bool is_past) {
    size_t lo = 0, hi = ix->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        str t = title_of(ix, mid);
        int c = str_cmp(is_past ? str_first(t, key.len) : t, key);
        if (c < 0 || (is_past && c == 0))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

// A damaged FOLDED may name ranks that do not exist: they read as rank 0 (I2).
static size_t rank_at(const wiki_index *ix, size_t place) {
    uint32_t r = ix->folded[place];
    return r < ix->n ? r : 0;
}

// The same bounds over FOLDED; `key` is folded.
static size_t folded_bound(const wiki_index *ix, str key, bool is_past, arena scratch) {
    size_t lo = 0, hi = ix->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        arena a = scratch;
        str t = wiki_title_fold(title_of(ix, rank_at(ix, mid)), &a);
        int c = str_cmp(is_past ? str_first(t, key.len) : t, key);
        if (c < 0 || (is_past && c == 0))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool wiki_index_find(wiki_page *out, const wiki_index *ix, str title) {
    size_t at = title_bound(ix, title, false);
    if (at == ix->n || !str_eq(title_of(ix, at), title)) return false;
    wiki_index_get(out, ix, (int64_t)at);
    return true;
}

static bool find_folded(wiki_page *out, const wiki_index *ix, str title, arena scratch) {
    str key = wiki_title_fold(title, &scratch);
    size_t at = folded_bound(ix, key, false, scratch);
    if (at == ix->n) return false;
    size_t rank = rank_at(ix, at);
    if (!str_eq(wiki_title_fold(title_of(ix, rank), &scratch), key)) return false;
    wiki_index_get(out, ix, (int64_t)rank);
    return true;
}

bool wiki_index_resolve(wiki_page *out, const wiki_index *ix, str text, arena scratch) {
    if (!text.len || text.len > WIKI__LINK_MAX) return false;
    if (wiki_index_find(out, ix, text)) return true;
    str decoded = wiki_decode_entities(text, &scratch);
    if (wiki_index_find(out, ix, decoded)) return true;
    int32_t ns;
    str fragment;
    str title = wiki_title_normalise(&ns, &fragment, &ix->site, text, &scratch);
    if (!title.len) return false;
    return wiki_index_find(out, ix, title) || find_folded(out, ix, title, scratch);
}

bool wiki_index_follow(wiki_page *p, const wiki_index *ix, arena scratch) {
    for (int hop = 0; p->is_redirect && hop < WIKI_REDIRECT_MAX; hop++) {
        arena a = scratch;
        int32_t ns;
        str fragment;
        str to = wiki_title_normalise(&ns, &fragment, &ix->site, p->redirect, &a);
        wiki_page next;
        if (!to.len || !wiki_index_find(&next, ix, to)) return false;
        *p = next;
    }
    return !p->is_redirect;
}

// --- Prefixes --------------------------------------------------------------------------------

static void sift_down(uint32_t *heap, size_t n, size_t at) {
    for (size_t kid; (kid = 2 * at + 1) < n; at = kid) {
        if (kid + 1 < n && heap[kid + 1] > heap[kid]) kid++;
        if (heap[at] >= heap[kid]) return;
        uint32_t t = heap[at];
        heap[at] = heap[kid], heap[kid] = t;
    }
}

// The k smallest ranks of FOLDED[lo, hi), sorted, into `heap`: a heap of the best so far, its
// worst on top, then a heap sort. One pass over the range, so a one-letter prefix of a million
// titles costs about a millisecond.
static void smallest(uint32_t *heap, size_t k, const wiki_index *ix, size_t lo, size_t hi) {
    for (size_t i = 0; i < k; i++)
        heap[i] = ix->folded[lo + i];
    for (size_t i = k / 2; i-- > 0;)
        sift_down(heap, k, i);
    for (size_t i = lo + k; i < hi; i++)
        if (ix->folded[i] < heap[0]) {
            heap[0] = ix->folded[i];
            sift_down(heap, k, 0);
        }
    for (size_t n = k; n > 1; n--) {
        uint32_t t = heap[0];
        heap[0] = heap[n - 1], heap[n - 1] = t;
        sift_down(heap, n - 1, 0);
    }
}

static size_t prefix_folded(int64_t *ranks, size_t max, size_t skip, size_t *total,
                            const wiki_index *ix, str prefix, arena scratch) {
    str key = wiki_title_fold(prefix, &scratch);
    size_t lo = folded_bound(ix, key, false, scratch);
    size_t hi = max_size(lo, folded_bound(ix, key, true, scratch));
    *total = hi - lo;
    if (skip >= *total || skip >= PREFIX_DEPTH_MAX) return 0;
    size_t n = min_size(max, min_size(*total, PREFIX_DEPTH_MAX) - skip);
    uint32_t *best = n ? arena_try_array(&scratch, skip + n, sizeof *best) : NULL;
    if (!best) return 0;
    smallest(best, skip + n, ix, lo, hi);
    for (size_t i = 0; i < n; i++)
        ranks[i] = best[skip + i] < ix->n ? best[skip + i] : 0;  // I2
    return n;
}

static size_t prefix_exact(int64_t *ranks, size_t max, size_t skip, size_t *total,
                           const wiki_index *ix, str prefix) {
    size_t lo = title_bound(ix, prefix, false);
    size_t hi = max_size(lo, title_bound(ix, prefix, true));
    *total = hi - lo;
    if (skip >= *total) return 0;
    size_t n = min_size(max, *total - skip);
    for (size_t i = 0; i < n; i++)
        ranks[i] = (int64_t)(lo + skip + i);
    return n;
}

// Entities, NFC and underscores as in a link, but neither trimmed nor capitalised: "new " is a
// longer prefix than "new".
static str clean_prefix(str s, arena *a) {
    s = wiki__nfc(wiki_decode_entities(s, a), a);
    char *p = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        p[i] = s.ptr[i] == '_' ? ' ' : s.ptr[i];
    return (str){p, s.len};
}

size_t wiki_index_prefix(int64_t *ranks, size_t max, size_t skip, size_t *total,
                         const wiki_index *ix, str prefix, arena scratch) {
    *total = 0;
    if (prefix.len > WIKI__LINK_MAX) return 0;
    str s = clean_prefix(prefix, &scratch);
    return wiki__has_upper(s) ? prefix_exact(ranks, max, skip, total, ix, s)
                              : prefix_folded(ranks, max, skip, total, ix, s, scratch);
}

// --- Paths -----------------------------------------------------------------------------------

const char *wiki_xml_path(arena *a, const char *dump) {
    str s = str_of(dump);
    if (str_ends(s, STR(".bz2"))) s.len -= 4;
    return arena_cstr(a, s);
}

const char *wiki_index_path(arena *a, const char *dump) {
    return arena_fmt(a, "%s.idx", wiki_xml_path(a, dump)).ptr;
}
