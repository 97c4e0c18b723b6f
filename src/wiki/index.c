// Opening the index file, and look-ups of titles.
//
//   SITE, FACTS             what the dump says about itself, and what it is
//   TITLES                  title -> payload: ordinal, namespace, flags, score (inside.h)
//   OFFSETS, GAPS, IDS      by ordinal, the place of the page in the dump
//   TARGETS, REDIRECTS      by rank among the redirects, where each leads
//   BEST                    suggest.c;  WORDS.. search.c;  CATEGORIES.. graph.c
//
// All integers are little endian. A page's length is not stored: it ends where the next one starts,
// less the few bytes that stand between all of a dump's pages; the rare others are in GAPS.
//
// Rejected: records of fixed size (40 bytes a page, twice the whole index now), a folded key beside
// each title (the order of TITLES is the folded one), SQLite (twice the size, a cache of its own).
//
//   I1  TITLES is in order of store_fold_cmp, titles are unique (the last in the dump wins)
//   I2  nothing read from the file is used as an offset or a rank before it was checked or clamped:
//       a corrupt file gives wrong answers, never a read outside. Opening checks how sections fit
//       each other, and their checksums where the whole file is small; wiki_index_verify checks
//       them always
//   I3  opening touches a few pages only, however large the file is

#include "wiki/index.h"

#include "wiki/inside.h"

enum { VERIFY_AT_OPEN = 4 << 20, IDENTITY = 1 << 20, EQUAL_MAX = 4096 };

uint64_t wiki__file_sum(const os_map *file) {
    str all = os_map_str(file);
    uint64_t head = store_sum(str_first(all, IDENTITY));
    return head ^ store_sum(str_skip(all, all.len - min_size(all.len, IDENTITY))) * 3;
}

// --- Siteinfo --------------------------------------------------------------------------------

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

// --- Open ------------------------------------------------------------------------------------

static str section_of(const wiki_index *ix, int i) {
    return store_in_section(&ix->file, i);
}

static status damaged(const wiki_index *ix, const char *what, err *e) {
    return err_set(e, E_FORMAT, "%s: %s; build the index again", ix->file.map.path, what);
}

static status use_facts(wiki_index *ix, err *e) {
    str s = section_of(ix, WIKI__FACTS);
    if (s.len != sizeof *ix->facts) return damaged(ix, "no facts about the dump", e);
    ix->facts = (const wiki__facts *)s.ptr;
    const wiki__facts *f = ix->facts;
    if (f->fold_version != STORE_FOLD_VERSION) return damaged(ix, "written by another version", e);
    bool is_sane = f->n_pages <= UINT32_MAX - 1 && f->n_ordinals <= UINT32_MAX - 1 &&
                   f->n_pages <= f->n_ordinals && f->n_redirects <= f->n_pages &&
                   f->ord_bits <= 32 && f->n_ns <= WIKI__NS_SEEN_MAX &&
                   memchr(f->newest, 0, sizeof f->newest);
    return is_sane ? OK : damaged(ix, "damaged facts about the dump", e);
}

static status check_dump(const wiki_index *ix, uint64_t len, int64_t mtime_ns, err *e) {
    if (ix->facts->file_len == len && ix->facts->file_mtime_ns == mtime_ns) return OK;
    return err_set(e, E_STALE,
                   "%s: the dump changed since it was indexed; run `parallelopedia index` again",
                   ix->file.map.path);
}

static status use_ids(wiki_index *ix, err *e) {
    str s = section_of(ix, WIKI__IDS);
    if (s.len < 8) return damaged(ix, "no page ids", e);
    ix->has_ids_ef = s.ptr[0] == 1;
    s = str_skip(s, 8);
    if (ix->has_ids_ef)
        TRY(store_ef_open(&ix->ids_ef, s, e));
    else
        TRY(store_packed_open(&ix->ids, s, e));
    size_t n = ix->has_ids_ef ? ix->ids_ef.n : ix->ids.n;
    return n == ix->facts->n_ordinals ? OK : damaged(ix, "page ids and pages do not agree", e);
}

static void use_arrays(wiki_index *ix) {
    str bad = section_of(ix, WIKI__BAD), gaps = section_of(ix, WIKI__GAPS);
    ix->bad = (const uint32_t *)bad.ptr, ix->n_bad = bad.len / sizeof *ix->bad;
    ix->gaps = (const wiki__gap *)gaps.ptr, ix->n_gaps = gaps.len / sizeof *ix->gaps;
    ix->redirects_before = (const uint32_t *)section_of(ix, WIKI__REDIRECTS).ptr;
    ix->best = section_of(ix, WIKI__BEST);
}

static bool blocks_fit(const wiki_index *ix) {
    str s = section_of(ix, WIKI__BLOCKMAP);
    uint64_t n = ix->facts->n_blocks;
    if (!n) return s.len == 0;
    if (n > s.len / sizeof(wiki_block) || s.len != (n + 1) * sizeof(wiki_block)) return false;
    const wiki_block *b = (const wiki_block *)s.ptr;
    return b[0].raw == 0 && b[n].raw >= ix->facts->xml_len;  // more: pages read so far
}

static status use_pages(wiki_index *ix, err *e) {
    const wiki__facts *f = ix->facts;
    TRY(store_dict_open(&ix->titles, section_of(ix, WIKI__TITLES), e));
    TRY(store_ef_open(&ix->offsets, section_of(ix, WIKI__OFFSETS), e));
    TRY(store_packed_open(&ix->targets, section_of(ix, WIKI__TARGETS), e));
    TRY(use_ids(ix, e));
    use_arrays(ix);
    bool agree = ix->titles.n == f->n_pages && ix->offsets.n == f->n_ordinals &&
                 ix->targets.n == f->n_redirects &&
                 section_of(ix, WIKI__REDIRECTS).len == ix->titles.n_blocks * sizeof(uint32_t) &&
                 wiki__best_check(ix->best, ix->titles.n_blocks) && blocks_fit(ix);
    return agree ? OK : damaged(ix, "sections and page count do not agree", e);
}

// Optional sections come in pairs, and each list belongs to something that is there.
static status use_lists(store_lists *l, const wiki_index *ix, int section, size_t n, err *e) {
    TRY(store_lists_open(l, section_of(ix, section), e));
    return l->n == n ? OK : damaged(ix, "lists and their keys do not agree", e);
}

static status use_optional(wiki_index *ix, err *e) {
    const struct {
        unsigned with;
        int keys, lists;
        store_dict *dict;
        store_lists *to;
    } rows[] = {
        {WIKI_WITH_WORDS, WIKI__WORDS, WIKI__WORD_LISTS, &ix->words, &ix->word_lists},
        {WIKI_WITH_CATEGORIES, WIKI__CATEGORIES, WIKI__MEMBERS, &ix->categories, &ix->members},
        {WIKI_WITH_LINKS, -1, WIKI__BACKLINKS, NULL, &ix->backlinks},
        {WIKI_WITH_ALL, -1, WIKI__LEADS, NULL, &ix->leads},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        if (!(ix->facts->with & rows[i].with) || !section_of(ix, rows[i].lists).len) continue;
        if (rows[i].dict) TRY(store_dict_open(rows[i].dict, section_of(ix, rows[i].keys), e));
        size_t n = rows[i].dict ? rows[i].dict->n : ix->titles.n;
        TRY(use_lists(rows[i].to, ix, rows[i].lists, n, e));
    }
    return OK;
}

static status use_sections(wiki_index *ix, uint64_t len, int64_t mtime_ns, err *e) {
    TRY(use_facts(ix, e));
    if (ix->file.map.len <= VERIFY_AT_OPEN) TRY(store_in_verify(&ix->file, e));
    TRY(check_dump(ix, len, mtime_ns, e));
    TRY(use_pages(ix, e));
    TRY(use_optional(ix, e));
    if (!get_site(&ix->site, section_of(ix, WIKI__SITE))) return damaged(ix, "damaged siteinfo", e);
    return OK;
}

static status open_file(wiki_index *ix, const char *path, uint64_t len, int64_t mtime_ns, err *e) {
    TRY(store_in_open(&ix->file, path, WIKI__MAGIC, WIKI__VERSION, e));
    status s = use_sections(ix, len, mtime_ns, e);
    return s ? err_in(e, "%s", path) : OK;
}

// The handle lives in an arena of its own, which stands at its start.
typedef struct handle {
    wiki_index ix;
    arena home;
} handle;

status wiki_index_open(wiki_index **out, const char *path, uint64_t file_len, int64_t file_mtime_ns,
                       err *e) {
    *out = NULL;
    arena home;
    TRY(arena_open(&home, sizeof(handle) + 4096, e));
    handle *h = arena_new(&home, handle);
    h->home = home;
    h->ix.file.map.fd = -1;
    status s = open_file(&h->ix, path, file_len, file_mtime_ns, e);
    if (s)
        wiki_index_close(&h->ix);
    else
        *out = &h->ix;
    return s;
}

void wiki_index_close(wiki_index *ix) {
    if (!ix) return;
    store_in_close(&ix->file);
    arena home = ((handle *)ix)->home;
    arena_close(&home);
}

size_t wiki_index_pages(const wiki_index *ix) {
    return ix->titles.n;
}

uint64_t wiki_index_bytes(const wiki_index *ix) {
    return ix->file.map.len;
}

const wiki_site *wiki_index_site(const wiki_index *ix) {
    return &ix->site;
}

uint64_t wiki_index_xml_len(const wiki_index *ix) {
    return ix->facts->xml_len;
}

const wiki_block *wiki_index_blocks(size_t *n, const wiki_index *ix) {
    *n = ix->facts->n_blocks;
    return (const wiki_block *)section_of(ix, WIKI__BLOCKMAP).ptr;
}

str wiki_index_newest(const wiki_index *ix) {
    return str_of(ix->facts->newest);
}

unsigned wiki_index_with(const wiki_index *ix) {
    return ix->facts->with;
}

// --- A page ----------------------------------------------------------------------------------

static uint64_t gap_after(const wiki_index *ix, uint64_t ordinal) {
    size_t lo = 0, hi = ix->n_gaps;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ix->gaps[mid].ordinal < ordinal)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool is_odd = lo < ix->n_gaps && ix->gaps[lo].ordinal == ordinal;
    return is_odd ? ix->gaps[lo].bytes : ix->facts->gap;
}

// Never outside the XML, whatever the sections say (I2).
static void place_of(uint64_t *off, uint64_t *len, const wiki_index *ix, uint32_t ordinal) {
    uint64_t end = ix->facts->xml_len;
    *off = *len = 0;
    if (ordinal >= ix->offsets.n) return;
    uint64_t at = store_ef_get(&ix->offsets, ordinal);
    if (ordinal + 1 < ix->offsets.n) end = store_ef_get(&ix->offsets, ordinal + 1);
    uint64_t gap = gap_after(ix, ordinal);
    if (end > ix->facts->xml_len || at > end || gap > end - at) return;
    *off = at;
    *len = end - at - gap;
}

static bool is_bad(const wiki_index *ix, uint32_t ordinal) {
    size_t lo = 0, hi = ix->n_bad;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ix->bad[mid] < ordinal)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ix->n_bad && ix->bad[lo] == ordinal;
}

static uint32_t id_of(const wiki_index *ix, uint32_t ordinal) {
    if (ordinal >= ix->facts->n_ordinals) return 0;
    return (uint32_t)(ix->has_ids_ef ? store_ef_get(&ix->ids_ef, ordinal)
                                     : store_packed_get(&ix->ids, ordinal));
}

// Where the page at `rank` leads; WIKI_NO_RANK when it is no redirect, or leads nowhere.
static int64_t target_of(const wiki_index *ix, size_t rank) {
    uint64_t payload[STORE_DICT_BLOCK] = {0};
    size_t block = rank / STORE_DICT_BLOCK, in_block = rank % STORE_DICT_BLOCK;
    size_t n = store_dict_payloads(payload, &ix->titles, block);
    if (in_block >= n || !wiki__payload_of(payload[in_block]).is_redirect) return WIKI_NO_RANK;
    uint64_t k = ix->redirects_before[block];
    for (size_t i = 0; i < in_block; i++)
        k += wiki__payload_of(payload[i]).is_redirect;
    if (k >= ix->targets.n) return WIKI_NO_RANK;
    uint64_t to = store_packed_get(&ix->targets, k);
    return to < ix->titles.n ? (int64_t)to : WIKI_NO_RANK;
}

// All that stands with the title; returns the page's ordinal.
static uint32_t get_title(wiki_page *out, const wiki_index *ix, int64_t rank, arena *a) {
    CHECK(rank >= 0 && (size_t)rank < ix->titles.n);
    char title[STORE_KEY_MAX];
    uint64_t packed = 0;
    str s = store_dict_get(&ix->titles, (size_t)rank, title, &packed);
    wiki__payload p = wiki__payload_of(packed);
    *out = (wiki_page){
        .rank = rank,
        .title = arena_str(a, s),
        .ns = p.ns_index < ix->facts->n_ns ? ix->facts->ns[p.ns_index] : 0,
        .is_redirect = p.is_redirect,
        .is_disambiguation = p.is_disambiguation,
        .score = p.score,
        .target = p.is_redirect ? target_of(ix, (size_t)rank) : WIKI_NO_RANK,
    };
    return p.ordinal;
}

void wiki_index_get_title(wiki_page *out, const wiki_index *ix, int64_t rank, arena *a) {
    get_title(out, ix, rank, a);
}

void wiki_index_get(wiki_page *out, const wiki_index *ix, int64_t rank, arena *a) {
    uint32_t ordinal = get_title(out, ix, rank, a);
    out->id = id_of(ix, ordinal);
    out->is_bad_sha1 = is_bad(ix, ordinal);
    place_of(&out->off, &out->len, ix, ordinal);
}

// --- Titles ----------------------------------------------------------------------------------

int64_t wiki_index_find(const wiki_index *ix, str title) {
    size_t rank;
    if (!title.len || title.len > STORE_KEY_MAX) return WIKI_NO_RANK;
    return store_dict_find(&rank, NULL, &ix->titles, title) ? (int64_t)rank : WIKI_NO_RANK;
}

// Of the titles with the same fold the best: by score, an article before a redirect, the first.
static int64_t find_folded(const wiki_index *ix, str title, arena scratch) {
    if (!title.len || title.len > STORE_KEY_MAX) return WIKI_NO_RANK;
    size_t lo, hi;
    str folded = store_fold_in(title, &scratch);
    if (!folded.len) return WIKI_NO_RANK;
    store_dict_equal(&lo, &hi, &ix->titles, folded);
    int64_t best = WIKI_NO_RANK;
    unsigned best_score = 0;
    store_dict_cursor c;
    store_dict_seek(&c, &ix->titles, lo);
    str key;
    uint64_t payload;
    for (size_t i = lo; i < hi && i - lo < EQUAL_MAX && store_dict_next(&key, &payload, &c); i++) {
        wiki__payload p = wiki__payload_of(payload);
        unsigned score = 2u * p.score + !p.is_redirect + 1;
        if (score > best_score) best = (int64_t)i, best_score = score;
    }
    return best;
}

int64_t wiki_index_resolve(const wiki_index *ix, str text, arena scratch) {
    if (!text.len || text.len > WIKI__LINK_MAX) return WIKI_NO_RANK;
    int64_t rank = wiki_index_find(ix, text);
    if (rank >= 0) return rank;
    str decoded = wiki_decode_entities(text, &scratch);
    if (decoded.ptr != text.ptr && (rank = wiki_index_find(ix, decoded)) >= 0) return rank;
    int32_t ns;
    str fragment;
    str title = wiki_title_normalise(&ns, &fragment, &ix->site, text, &scratch);
    rank = wiki_index_find(ix, title);
    return rank >= 0 ? rank : find_folded(ix, title, scratch);
}

int64_t wiki_index_follow(const wiki_index *ix, int64_t rank) {
    for (int hop = 0; hop <= WIKI_REDIRECT_MAX && rank >= 0; hop++) {
        uint64_t payload[STORE_DICT_BLOCK] = {0};
        size_t at = (size_t)rank % STORE_DICT_BLOCK;
        size_t n = store_dict_payloads(payload, &ix->titles, (size_t)rank / STORE_DICT_BLOCK);
        if (at >= n) return WIKI_NO_RANK;
        if (!wiki__payload_of(payload[at]).is_redirect) return rank;
        rank = target_of(ix, (size_t)rank);
    }
    return WIKI_NO_RANK;
}

// --- Prefixes --------------------------------------------------------------------------------

// "new " is a longer prefix than "new": nothing is trimmed.
str wiki__clean_prefix(str s, arena *a) {
    s = wiki_nfc(wiki_decode_entities(s, a), a);
    char *p = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        p[i] = s.ptr[i] == '_' ? ' ' : s.ptr[i];
    return (str){p, s.len};
}

void wiki_index_range(int64_t *lo, int64_t *hi, const wiki_index *ix, str prefix, arena scratch) {
    size_t from = 0, to = 0;
    if (prefix.len <= WIKI__LINK_MAX) {
        str folded = store_fold_in(wiki__clean_prefix(prefix, &scratch), &scratch);
        store_dict_prefix(&from, &to, &ix->titles, folded);
    }
    *lo = (int64_t)from, *hi = (int64_t)to;
}

const char *wiki_index_path(arena *a, const char *dump) {
    return arena_fmt(a, "%s.idx", dump).ptr;
}
