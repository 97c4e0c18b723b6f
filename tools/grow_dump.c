// grow_dump -- writes a MediaWiki dump of any size out of the pages of small real ones.
//
//   grow_dump [--bytes 10G | --pages N] [--seed S] [--redirects PERCENT] [--schema 0.10]
//             [--bz2 | --multistream] [--out FILE] DUMP...
//
// A DUMP is an .xml or .xml.bz2 file. The first one gives the header (its language and namespaces);
// with schema 0.11 (the default) it and every page are brought to what MediaWiki 1.46 writes:
// <origin>, `bytes` and `sha1` on <text>. First come all pages of the dumps under their own titles,
// so that links lead somewhere, then pages drawn from them at random under titles recombined from
// theirs; one of so many is a made-up redirect to an earlier page. What stands in a text is real
// and unchanged, and its sha1 is right; titles, ids and redirects behind the first round are
// synthetic.
//
// --multistream writes streams of 100 pages with a header and a footer stream, as Wikimedia does,
// and beside FILE ("X.xml.bz2") its "X-index.txt.bz2". --bz2 writes one stream: pieces are packed
// side by side, each small enough to be exactly one block, and their blocks are joined bit by bit.
//
//   Source    https://www.mediawiki.org/wiki/Help:Export; bzip2's format as its decoder reads it
//
// Rejected: a list of given titles (20 million do not fit beside the pages; title number n is a
// pure function of the seed and n instead, so that a redirect can name any page without
// remembering it).
//
//   G1  the same arguments give the same bytes, whatever the number of cores
//   G2  title(n) differs from title(m): words, their order and the marks between them can be read
//       back from it (words hold no marks, and no digits alone), and n from them
//   G3  a piece of PIECE bytes is at most one bzip2 block: 4 equal bytes grow to 5 there at worst

#include "base/buf.h"
#include "base/opt.h"
#include "os/cpu.h"
#include "os/file.h"
#include "os/pool.h"
#include "wiki/inside.h"

#include <bzlib.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PAGES_MAX = 1 << 20,  // of the dumps given
    WORDS_MAX = 1 << 20,
    NAMESPACES_MAX = 64,
    STREAM_PAGES = 100,
    PIECE = 719984,
    BATCH = 32,  // streams packed side by side
    BUFFER = 4 << 20,
    ID_STEP = 3,
    REV_FIRST = 1000000000,
};

// A page but for its title and ids.
typedef struct piece {
    str title;   // raw XML, in the header's namespace
    int ns;      // place in `site`
    str extra;   // lines between the page's id and its revision: <redirect>, <restrictions>
    str before;  // from behind the revision's id to before <origin>
    str after;   // from <model> to the end of the page
} piece;

typedef struct options {
    bool help, bz2, multistream;
    const char *out, *bytes, *schema;
    int64_t pages, seed, redirects;
} options;

// clang-format off
static const opt rows[] = {
    {"bytes", OPT_STR, offsetof(options, bytes), .arg = "SIZE", .about = "Stop at about so many bytes of XML: 10G, 500M, 4096"},
    {"pages", OPT_INT, offsetof(options, pages), 0, INT64_MAX, "N", "Stop after so many pages", "0"},
    {"seed", OPT_INT, offsetof(options, seed), 0, INT64_MAX, "S", "Another dump of the same kind", "1"},
    {"redirects", OPT_INT, offsetof(options, redirects), 0, 100, "PERCENT", "Redirects among the pages behind the first round", "25"},
    {"schema", OPT_STR, offsetof(options, schema), .arg = "VERSION", .about = "0.10 or 0.11", .dflt = "0.11"},
    {"bz2", OPT_FLAG, offsetof(options, bz2), .about = "Pack into one bz2 stream"},
    {"multistream", OPT_FLAG, offsetof(options, multistream), .about = "Pack into a stream per 100 pages and write their index"},
    {"out", OPT_STR, offsetof(options, out), .arg = "FILE", .about = "Write here instead of stdout"},
    {"help", OPT_FLAG, offsetof(options, help), .about = "Print this help"},
};
// clang-format on

static arena perm, scratch;
static options opts;
static bool is_old;  // schema 0.10
static str header;
static struct {
    int key;
    str name;
} site[NAMESPACES_MAX];
static int n_site;
static piece *pages;
static size_t n_pages;
static str *words, *openers;  // any words; those that may begin a title
static size_t n_words, n_openers;

NORETURN static void die(const char *what, const char *why) {
    fprintf(stderr, "grow_dump: %s: %s\n", what, why);
    exit(1);
}

static uint64_t mix(uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

// --- Sets of strings ------------------------------------------------------------------------

// A set of strs by hash, in the arena; only for what lives as long as the program.
typedef struct str_set {
    str *slot;
    size_t mask;
} str_set;

static bool set_add(str_set *s, str x) {  // false: was there
    for (size_t i = str_hash(x, 1) & s->mask;; i = (i + 1) & s->mask) {
        if (!s->slot[i].ptr) return s->slot[i] = x, true;
        if (str_eq(s->slot[i], x)) return false;
    }
}

static bool set_has(const str_set *s, str x) {
    for (size_t i = str_hash(x, 1) & s->mask; s->slot[i].ptr; i = (i + 1) & s->mask)
        if (str_eq(s->slot[i], x)) return true;
    return false;
}

static str_set set_make(size_t room) {
    size_t n = 1;
    while (n < 2 * room)
        n *= 2;
    return (str_set){arena_array(&perm, str, n), n - 1};
}

static str_set taken;  // titles of the first round

// --- Reading the dumps -----------------------------------------------------------------------

static str unpack(str packed, const char *path) {
    buf out;
    buf_init(&out, &perm, 0);
    bz_stream z = {.next_in = (char *)packed.ptr, .avail_in = (unsigned)packed.len};
    if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK) die(path, "no memory");
    for (;;) {
        char *to = buf_room(&out, BUFFER);
        if (!to) die(path, "too large");
        z.next_out = to, z.avail_out = BUFFER;
        int rc = BZ2_bzDecompress(&z);
        out.len += BUFFER - z.avail_out;
        if (rc == BZ_STREAM_END) {
            bz_stream next = {.next_in = z.next_in, .avail_in = z.avail_in};
            BZ2_bzDecompressEnd(&z);
            if (next.avail_in < 14) break;
            z = next;
            if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK) die(path, "no memory");
        } else if (rc != BZ_OK || (z.avail_in == 0 && z.avail_out != 0)) {
            die(path, "no whole bz2 file");
        }
    }
    return buf_str(&out);
}

static str read_dump(const char *path) {
    static os_map maps[64];
    static size_t n;
    err e = {0};
    if (n == countof(maps)) die(path, "too many dumps");
    os_map *m = &maps[n++];
    if (os_map_open(m, path, OS_MAP_SEQUENTIAL, &e)) die(path, e.msg);
    str s = os_map_str(m);
    return str_starts(s, STR("BZh")) ? unpack(s, path) : s;
}

// What stands between `from` and the next `to`, both left out; "" when they are not there.
static str between(str s, str from, str to) {
    str rest = str_skip(s, str_find(s, from) + from.len);
    size_t end = str_find(rest, to);
    return end == rest.len ? (str){0} : str_first(rest, end);
}

// Entities of MediaWiki's own making; false for any other.
static bool decode(str *out, str xml, arena *a) {
    static const struct {
        str name;
        char c;
    } known[] = {{STR_INIT("&lt;"), '<'},
                 {STR_INIT("&gt;"), '>'},
                 {STR_INIT("&quot;"), '"'},
                 {STR_INIT("&amp;"), '&'}};
    char *to = arena_alloc(a, xml.len + 1);
    size_t n = 0;
    while (xml.len) {
        size_t plain = str_find_byte(xml, '&'), k = 0;
        memcpy(to + n, xml.ptr, plain);
        n += plain, xml = str_skip(xml, plain);
        if (!xml.len) break;
        while (k < countof(known) && !str_starts(xml, known[k].name))
            k++;
        if (k == countof(known)) return false;
        to[n++] = known[k].c, xml = str_skip(xml, known[k].name.len);
    }
    *out = (str){to, n};
    return true;
}

// <model> to </page> in the shape of the schema; `text` is XML.
static bool make_after(str *out, str model, str format, str text, arena a) {
    str plain;
    char sha1[WIKI__SHA1_DIGITS];
    buf b;
    if (!decode(&plain, text, &a) || !wiki__sha1(sha1, plain)) return false;
    buf_init(&b, &perm, text.len + 600);
    buf_fmt(&b, "      <model>%.*s</model>\n      <format>%.*s</format>\n      <text",
            STR_ARG(model), STR_ARG(format));
    if (!is_old) buf_fmt(&b, " bytes=\"%zu\" sha1=\"%.*s\"", plain.len, WIKI__SHA1_DIGITS, sha1);
    if (is_old || text.len) buf_fmt(&b, " xml:space=\"preserve\"");
    buf_add(&b, text.len ? STR(">") : STR(" />"));
    buf_add(&b, text);
    if (text.len) buf_add(&b, STR("</text>"));
    buf_fmt(&b, "\n      <sha1>%.*s</sha1>\n    </revision>\n  </page>\n", WIKI__SHA1_DIGITS, sha1);
    *out = buf_str(&b);
    return true;
}

static int find_site(str key) {
    int64_t n;
    if (!str_parse_i64(&n, key)) return -1;
    for (int i = 0; i < n_site; i++)
        if (site[i].key == n) return i;
    return -1;
}

// `title` without the name its own wiki has for the namespace, behind the header's.
static str site_title(str title, int ns) {
    if (!site[ns].key) return title;
    str bare = str_skip(title, str_find_byte(title, ':') + 1);
    return bare.len ? arena_fmt(&perm, "%.*s:%.*s", STR_ARG(site[ns].name), STR_ARG(bare)) : bare;
}

static void add_page(str xml) {
    piece p = {.ns = find_site(between(xml, STR("<ns>"), STR("</ns>")))};
    str rev = between(xml, STR("<revision>"), STR("</revision>"));
    str tag = between(rev, STR("<text"), STR(">")), text = {0};
    if (p.ns < 0 || !tag.ptr || n_pages == PAGES_MAX) return;
    if (!str_ends(tag, STR("/"))) {
        str from = str_skip(rev, (size_t)(tag.ptr - rev.ptr) + tag.len + 1);
        text = str_first(from, str_find(from, STR("</text>")));
    }
    p.title = site_title(between(xml, STR("<title>"), STR("</title>")), p.ns);
    p.extra = between(xml, STR("</id>\n"), STR("    <revision>\n"));
    str meta = str_skip(rev, str_find(rev, STR("</id>\n")) + 6);
    p.before = str_first(meta, min_size(str_find(meta, STR("      <origin>")),
                                        str_find(meta, STR("      <model>"))));
    str model = between(rev, STR("<model>"), STR("</model>"));
    str format = between(rev, STR("<format>"), STR("</format>"));
    if (!p.title.len || !model.len || !make_after(&p.after, model, format, text, scratch)) return;
    if (set_add(&taken, p.title)) pages[n_pages++] = p;
}

// The header of `xml`, in the shape of the schema, with its namespaces.
static void set_header(str xml, const char *path) {
    str old = str_first(xml, str_find(xml, STR("</siteinfo>")));
    if (old.len == xml.len) die(path, "the first dump has no <siteinfo>");
    buf b;
    buf_init(&b, &perm, old.len + 64);
    while (old.len) {
        size_t at = min_size(str_find(old, STR("export-0.1")), str_find(old, STR("version=\"0.1")));
        buf_add(&b, str_first(old, at));
        old = str_skip(old, at);
        if (!old.len) break;
        size_t name = str_starts(old, STR("export")) ? 10 : 12;
        buf_add(&b, str_first(old, name));
        buf_byte(&b, is_old ? '0' : '1');
        old = str_skip(old, name + 1);
    }
    buf_add(&b, STR("</siteinfo>\n"));
    header = buf_str(&b);
    str rest = header;
    while (n_site < NAMESPACES_MAX) {
        rest = str_skip(rest, str_find(rest, STR("<namespace key=")));
        if (!rest.len) break;
        int64_t key;
        if (!str_parse_i64(&key, between(rest, STR("key=\""), STR("\"")))) die(path, "namespaces");
        str open = str_first(rest, str_find_byte(rest, '>'));
        bool is_empty = str_ends(open, STR("/"));
        site[n_site].key = (int)key;
        site[n_site++].name = is_empty ? STR("") : between(rest, STR(">"), STR("</namespace>"));
        rest = str_skip(rest, open.len);
    }
}

static void add_dump(const char *path) {
    str xml = read_dump(path);
    if (!header.len) set_header(xml, path);
    size_t before = n_pages;
    for (;;) {
        xml = str_skip(xml, str_find(xml, STR("<page>")));
        size_t end = str_find(xml, STR("</page>"));
        if (end == xml.len) break;
        add_page(str_first(xml, end));
        xml = str_skip(xml, end + 7);
    }
    if (n_pages == before) fprintf(stderr, "grow_dump: %s: no pages that fit\n", path);
}

// --- Titles ----------------------------------------------------------------------------------

static bool is_word_byte(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

// G2: three bytes and more, so that "of" between two words is no word, and not digits alone.
static bool is_word(str w) {
    size_t digits = 0;
    for (size_t i = 0; i < w.len; i++)
        digits += (size_t)(isdigit((unsigned char)w.ptr[i]) != 0);
    return w.len >= 3 && w.len <= 24 && digits < w.len;
}

static void add_words(str title, str_set *all, str_set *first) {
    for (bool is_first = true; title.len; is_first = false) {
        size_t n = 0;
        if (title.ptr[0] == '&') title = str_skip(title, str_find_byte(title, ';'));
        while (n < title.len && is_word_byte(title.ptr[n]))
            n++;
        str w = str_first(title, n);
        title = str_skip(title, n ? n : 1);
        if (!is_word(w)) continue;
        bool opens = is_first || isupper((unsigned char)w.ptr[0]);
        if (n_words < WORDS_MAX && set_add(all, w)) words[n_words++] = w;
        if (opens && set_add(first, w)) openers[n_openers++] = w;
    }
}

static void collect_words(void) {
    words = arena_array(&perm, str, WORDS_MAX);
    openers = arena_array(&perm, str, WORDS_MAX);
    str_set all = set_make(WORDS_MAX), first = set_make(WORDS_MAX);
    for (size_t i = 0; i < n_pages; i++) {
        str t = pages[i].title;
        add_words(site[pages[i].ns].key ? str_skip(t, str_find_byte(t, ':') + 1) : t, &all, &first);
    }
    if (n_openers < 16) die("titles", "too few words to recombine");
}

static const piece *page_of(uint64_t n) {
    return &pages[n < n_pages ? n : mix(mix((uint64_t)opts.seed) ^ n) % n_pages];
}

// What stands before, between and behind the words; %1 %2 %3 are the words.
static const char *const patterns[] = {
    "%1 %2 %3",       "%1 %2 (%3)", "%1 of %2 %3",          "%1, %2 %3", "%1-%2 %3",
    "%1 &amp; %2 %3", "%1 %2's %3", "&quot;%1 %2 %3&quot;", "%1 %2/%3"};
static const char *const short_patterns[] = {"%1 %2", "%1 (%2)", "%1 of %2", "%1, %2", "%1-%2"};

static void add_pattern(buf *b, const char *p, const str w[3]) {
    for (; *p; p++) {
        if (*p != '%')
            buf_byte(b, *p);
        else
            buf_add(b, w[*++p - '1']);
    }
}

// Appends title number n: the n-th pair or triple of words, in an order that the seed shuffles.
static void add_title(buf *b, uint64_t n) {
    const piece *p = page_of(n);
    if (n < n_pages) return buf_add(b, p->title);
    size_t start = b->len;
    if (site[p->ns].key) buf_fmt(b, "%.*s:", STR_ARG(site[p->ns].name));
    uint64_t h = mix(n ^ mix((uint64_t)opts.seed + 1)), pairs = (uint64_t)n_openers * n_words;
    bool is_short = n < pairs && h % 3 == 0;
    uint64_t all = is_short ? pairs : pairs * n_words;
    // A step that shares no factor with n_openers or n_words runs through all numbers below `all`.
    uint64_t step = 2654435761u;  // a prime larger than either
    uint64_t at = (uint64_t)((unsigned __int128)n * step % all);
    str w[3] = {openers[at % n_openers], words[at / n_openers % n_words],
                words[at / n_openers / n_words % n_words]};
    if (is_short)
        add_pattern(b, short_patterns[(h >> 8) % countof(short_patterns)], w);
    else
        add_pattern(b, patterns[(h >> 8) % countof(patterns)], w);
    if (set_has(&taken, (str){b->ptr + start, b->len - start})) buf_fmt(b, " (%zu)", (size_t)n);
}

// --- Pages -----------------------------------------------------------------------------------

static uint64_t id_of(uint64_t n) {
    return 10 + n * ID_STEP + mix(n) % ID_STEP;
}

static void add_front(buf *b, uint64_t n, str extra) {
    buf_add(b, STR("  <page>\n    <title>"));
    add_title(b, n);
    buf_add(b, STR("</title>\n    <ns>"));
    buf_u64(b, (uint64_t)site[page_of(n)->ns].key);
    buf_add(b, STR("</ns>\n    <id>"));
    buf_u64(b, id_of(n));
    buf_add(b, STR("</id>\n"));
    buf_add(b, extra);
    buf_add(b, STR("    <revision>\n      <id>"));
    buf_u64(b, REV_FIRST + n);
    buf_add(b, STR("</id>\n"));
}

static void add_rest(buf *b, uint64_t n, str before, str after) {
    buf_add(b, before);
    if (!is_old) {
        buf_add(b, STR("      <origin>"));
        buf_u64(b, REV_FIRST + n);
        buf_add(b, STR("</origin>\n"));
    }
    buf_add(b, after);
}

static void add_redirect(buf *b, uint64_t n, arena a) {
    static const char before[] =
        "      <timestamp>2025-01-01T00:00:00Z</timestamp>\n      <contributor>\n"
        "        <username>Grow dump</username>\n        <id>1</id>\n      </contributor>\n"
        "      <comment>made up</comment>\n";
    buf title, text;
    str line, after;
    buf_init(&title, &a, 1024);
    add_title(&title, mix(n + 7) % n);
    line = arena_fmt(&a, "    <redirect title=\"%.*s\" />\n", (int)title.len, title.ptr);
    buf_init(&text, &a, title.len + 64);
    buf_fmt(&text, "#REDIRECT [[%.*s]]", (int)title.len, title.ptr);
    add_front(b, n, line);
    arena saved = perm;  // make_after writes there
    if (!make_after(&after, STR("wikitext"), STR("text/x-wiki"), buf_str(&text), a))
        die("redirect", "its title has an unknown entity");
    add_rest(b, n, (str){before, sizeof before - 1}, after);
    perm = saved;
}

static void add_nth_page(buf *b, uint64_t n) {
    const piece *p = page_of(n);
    if (n >= n_pages && mix(n ^ 0x5eed) % 100 < (uint64_t)opts.redirects && !site[p->ns].key)
        return add_redirect(b, n, scratch);
    add_front(b, n, p->extra);
    add_rest(b, n, p->before, p->after);
}

// --- Writing ---------------------------------------------------------------------------------

static int out_fd = 1;
static uint64_t out_len;

static void put(str s) {
    while (s.len) {
        ssize_t n = write(out_fd, s.ptr, s.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) die(opts.out ? opts.out : "stdout", strerror(errno));
        s = str_skip(s, (size_t)n);
        out_len += (uint64_t)n;
    }
}

typedef struct plan {
    uint64_t pages, bytes;  // where to stop; 0: no limit
    uint64_t n, written;    // pages and bytes of XML so far
} plan;

static bool wants_more(const plan *p) {
    return (!p->pages || p->n < p->pages) && (!p->bytes || p->written < p->bytes);
}

static void next_page(buf *b, plan *p) {
    size_t before = b->len;
    add_nth_page(b, p->n++);
    p->written += b->len - before;
    if (b->failed) die("memory", "a page is too large");
}

static const str footer = STR_INIT("</mediawiki>\n");

static void write_plain(plan *p) {
    arena a;
    buf b;
    if (arena_open(&a, (size_t)1 << 30, NULL)) die("memory", "none");
    buf_init(&b, &a, 2 * BUFFER);
    buf_add(&b, header);
    while (wants_more(p)) {
        next_page(&b, p);
        if (b.len < BUFFER) continue;
        put(buf_str(&b));
        buf_reset(&b);
    }
    buf_add(&b, footer);
    put(buf_str(&b));
    arena_close(&a);
}

// --- Packing ---------------------------------------------------------------------------------

typedef struct pack_job {
    arena a;
    buf xml;
    str packed;
    uint64_t first, n;  // its pages
} pack_job;

static pack_job jobs[BATCH];
static os_pool *pool;

static void pack_one(void *arg, size_t i) {
    (void)arg;
    pack_job *j = &jobs[i];
    unsigned room = (unsigned)(j->xml.len + j->xml.len / 100 + 700);
    char *to = arena_alloc(&j->a, room);
    if (BZ2_bzBuffToBuffCompress(to, &room, j->xml.ptr, (unsigned)j->xml.len, 9, 0, 0) != BZ_OK)
        die("bz2", "does not fit");
    j->packed = (str){to, room};
}

static void packing_open(void) {
    err e = {0};
    if (os_pool_open(&pool, os_cpu_count() - 1, 1, "pack", &e)) die("threads", e.msg);
    for (size_t i = 0; i < BATCH; i++)
        if (arena_open(&jobs[i].a, (size_t)1 << 30, &e)) die("memory", e.msg);
}

static void job_reset(pack_job *j) {
    arena_reset(&j->a, BUFFER);
    buf_init(&j->xml, &j->a, 1 << 20);
}

static void put_stream(str xml) {
    job_reset(&jobs[0]);
    buf_add(&jobs[0].xml, xml);
    pack_one(NULL, 0);
    put(jobs[0].packed);
}

static void add_index_lines(buf *index, const pack_job *j, uint64_t off) {
    for (uint64_t n = j->first; n < j->first + j->n; n++) {
        buf_fmt(index, "%llu:%llu:", (unsigned long long)off, (unsigned long long)id_of(n));
        add_title(index, n);
        buf_byte(index, '\n');
    }
}

static void fill_streams(size_t *n_jobs, plan *p) {
    for (*n_jobs = 0; *n_jobs < BATCH && wants_more(p); ++*n_jobs) {
        pack_job *j = &jobs[*n_jobs];
        job_reset(j);
        j->first = p->n;
        while (p->n < j->first + STREAM_PAGES && wants_more(p))
            next_page(&j->xml, p);
        j->n = p->n - j->first;
    }
}

static void write_index(const char *dump, str lines) {
    str base = str_of(dump);
    if (!str_ends(base, STR(".xml.bz2"))) die(dump, "--multistream wants a name in .xml.bz2");
    str path = arena_fmt(&perm, "%.*s-index.txt.bz2", (int)(base.len - 8), dump);
    FILE *f = fopen(path.ptr, "wb");
    int rc = BZ_OK;
    BZFILE *z = f ? BZ2_bzWriteOpen(&rc, f, 9, 0, 0) : NULL;
    while (z && rc == BZ_OK && lines.len) {
        str part = str_first(lines, BUFFER);
        BZ2_bzWrite(&rc, z, (void *)part.ptr, (int)part.len);
        lines = str_skip(lines, part.len);
    }
    if (z) BZ2_bzWriteClose(&rc, z, 0, NULL, NULL);
    if (!f || fclose(f) || rc != BZ_OK) die(path.ptr, "cannot be written");
}

static void write_multistream(plan *p) {
    arena a;
    buf index;
    if (arena_open(&a, (size_t)8 << 30, NULL)) die("memory", "none");
    buf_init(&index, &a, BUFFER);
    put_stream(header);
    for (size_t n; fill_streams(&n, p), n;) {
        os_pool_for(pool, n, pack_one, NULL);
        for (size_t i = 0; i < n; i++) {
            add_index_lines(&index, &jobs[i], out_len);
            put(jobs[i].packed);
        }
    }
    put_stream(footer);
    write_index(opts.out, buf_str(&index));
    arena_close(&a);
}

// Bits, most significant first.
typedef struct bit_writer {
    uint64_t acc;
    unsigned n;
    buf out;
} bit_writer;

static void bits_put(bit_writer *w, uint64_t v, unsigned n) {  // n <= 32
    w->acc = w->acc << n | (v & ((1ull << n) - 1));
    for (w->n += n; w->n >= 8; w->n -= 8)
        buf_byte(&w->out, (char)(w->acc >> (w->n - 8)));
}

// A bz2 stream ends with a 48-bit magic and a 32-bit sum, then 0..7 bits of padding.
enum { HEAD_BITS = 32, TAIL_BITS = 80 };

static uint64_t bits_at(str s, size_t at, unsigned n) {
    uint64_t v = 0;
    for (size_t i = at; i < at + n; i++)
        v = v << 1 | ((uint8_t)s.ptr[i / 8] >> (7 - i % 8) & 1);
    return v;
}

// Where the blocks of a stream end.
static size_t blocks_end(str packed) {
    for (size_t pad = 0; pad < 8; pad++) {
        size_t at = packed.len * 8 - pad - TAIL_BITS;
        if (bits_at(packed, at, 48) == 0x177245385090u) return at;
    }
    die("bz2", "a stream without its end");
}

// Appends the one block of `packed` and adds its sum to *sum.
static void add_block(bit_writer *w, uint32_t *sum, str packed) {
    size_t end = blocks_end(packed), at = HEAD_BITS;
    uint32_t own = (uint32_t)bits_at(packed, end + 48, 32);  // of one block: the block's (G3)
    *sum = (*sum << 1 | *sum >> 31) ^ own;
    for (; at + 8 <= end; at += 8)
        bits_put(w, (uint8_t)packed.ptr[at / 8], 8);
    if (at < end) bits_put(w, bits_at(packed, at, (unsigned)(end - at)), (unsigned)(end - at));
}

// Moves up to PIECE bytes from `from` into each job; *n_jobs of them got some.
static void fill_pieces(size_t *n_jobs, buf *from, plan *p, bool *is_over) {
    while (from->len < (size_t)PIECE * BATCH && wants_more(p))
        next_page(from, p);
    if (!wants_more(p) && !*is_over) {
        buf_add(from, footer);
        *is_over = true;
    }
    str rest = buf_str(from);
    for (*n_jobs = 0; *n_jobs < BATCH && rest.len; ++*n_jobs) {
        if (rest.len < PIECE && !*is_over) break;
        job_reset(&jobs[*n_jobs]);
        buf_add(&jobs[*n_jobs].xml, str_first(rest, PIECE));
        rest = str_skip(rest, PIECE);
    }
    memmove(from->ptr, rest.ptr, rest.len);
    from->len = rest.len;
}

static void write_bz2(plan *p) {
    arena a, b;
    buf xml;
    bit_writer w = {0};
    uint32_t sum = 0;
    bool is_over = false;
    if (arena_open(&a, (size_t)1 << 30, NULL) || arena_open(&b, (size_t)1 << 30, NULL))
        die("memory", "none");
    buf_init(&xml, &a, BUFFER);
    buf_init(&w.out, &b, BUFFER);
    buf_add(&w.out, STR("BZh9"));
    buf_add(&xml, header);
    for (size_t n; fill_pieces(&n, &xml, p, &is_over), n;) {
        os_pool_for(pool, n, pack_one, NULL);
        for (size_t i = 0; i < n; i++)
            add_block(&w, &sum, jobs[i].packed);
        put(buf_str(&w.out));
        buf_reset(&w.out);
    }
    bits_put(&w, 0x177245, 24);
    bits_put(&w, 0x385090, 24);
    bits_put(&w, sum, 32);
    if (w.n) bits_put(&w, 0, 8 - w.n);
    put(buf_str(&w.out));
}

// --- Main ------------------------------------------------------------------------------------

static uint64_t size_of(const char *s) {
    char *end;
    double v = strtod(s, &end);
    const char *unit = strchr("kMGT", *end);
    if (v < 0 || end == s || !unit || (*end && end[1])) die(s, "no size");
    for (ptrdiff_t i = *end ? unit - "kMGT" + 1 : 0; i > 0; i--)
        v *= 1000;
    return (uint64_t)v;
}

static void read_options(opt_list *dumps, int argc, char **argv) {
    static const opt_table table = {.command = "",
                                    .about =
                                        "Write a dump of any size from the pages of small ones.",
                                    .row = rows,
                                    .n = countof(rows),
                                    .rest = "DUMP...",
                                    .rest_min = 1,
                                    .rest_max = 64};
    err e = {0};
    buf b;
    opt_source from = {.argc = argc - 1, .argv = argv + 1};
    if (opt_parse(&opts, dumps, &table, &from, &perm, &e)) die("options", e.msg);
    if (opts.help || !dumps->n) {
        buf_init(&b, &perm, 0);
        opt_help(&b, &table, "grow_dump", scratch);
        fwrite(b.ptr, 1, b.len, stdout);
        exit(opts.help ? 0 : 2);
    }
    if (opts.multistream && !opts.out) die("--multistream", "wants --out, for the index beside it");
    if (!opts.bytes && !opts.pages) die("options", "--bytes or --pages says where to stop");
    is_old = !strcmp(opts.schema, "0.10");
}

int main(int argc, char **argv) {
    opt_list dumps = {0};
    if (arena_open(&perm, (size_t)4 << 30, NULL) || arena_open(&scratch, (size_t)1 << 30, NULL))
        die("memory", "none");
    read_options(&dumps, argc, argv);
    pages = arena_array(&perm, piece, PAGES_MAX);
    taken = set_make(PAGES_MAX);
    for (size_t i = 0; i < dumps.n; i++)
        add_dump(dumps.items[i]);
    collect_words();
    if (opts.out && (out_fd = open(opts.out, O_WRONLY | O_CREAT | O_TRUNC, 0666)) < 0)
        die(opts.out, strerror(errno));
    plan p = {.pages = (uint64_t)opts.pages, .bytes = opts.bytes ? size_of(opts.bytes) : 0};
    if (opts.multistream || opts.bz2) packing_open();
    (opts.multistream ? write_multistream : opts.bz2 ? write_bz2 : write_plain)(&p);
    if (close(out_fd)) die(opts.out ? opts.out : "stdout", strerror(errno));
    fprintf(stderr, "%llu pages, %llu bytes of XML\n", (unsigned long long)p.n,
            (unsigned long long)(p.written + header.len + footer.len));
    os_pool_close(pool);
    return 0;
}
