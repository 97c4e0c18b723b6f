// The dump scanner: MediaWiki's XML export as page records with byte offsets.
//
// In these files '<' occurs in tags and nowhere else (text is escaped), so memchr for '<' is a
// complete tokenizer and runs at memory speed; a general XML parser would look at every byte and
// give no offsets. Elements are known by name and depth, never by indentation, so schema 0.3 to
// 0.11, extra elements, several content slots and comments all read the same way.
//
//   I1  every str handed out lies inside the XML
//   I2  `at` only grows: the scan is linear
//   I3  a page is handed out only when its "</page>" was seen

#include "wiki/inside.h"

enum { DEPTH_MAX = 16 };
#define CUT SIZE_MAX

typedef struct tag {
    size_t start, end;  // of the whole tag, '<' and '>' included
    str name, attrs;
    bool is_end, is_empty;
} tag;

typedef enum seen { SEEN_TAG, SEEN_END, SEEN_CUT, SEEN_BAD } seen;

// --- Tags ------------------------------------------------------------------------------------

static bool is_name_end(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '/' || c == '>';
}

static bool has_odd_quotes(str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '"';
    return n & 1;
}

// Offset behind the '>' of the tag at `from`, or 0. A '>' inside a quoted value does not count.
static size_t tag_end(str xml, size_t from) {
    bool is_quoted = false;
    for (size_t i = from; i < xml.len;) {
        size_t n = str_find_byte(str_skip(xml, i), '>');
        if (i + n == xml.len) return 0;
        is_quoted ^= has_odd_quotes((str){xml.ptr + i, n});
        i += n + 1;
        if (!is_quoted) return i;
    }
    return 0;
}

// "<!-- -->", "<? ?>" and "<! >": offset behind it, `at` itself when it is none, CUT when it does
// not end.
static size_t skip_markup(str xml, size_t at) {
    static const struct {
        str open, close;
    } kinds[] = {
        {STR_INIT("<!--"), STR_INIT("-->")},
        {STR_INIT("<?"), STR_INIT("?>")},
        {STR_INIT("<!"), STR_INIT(">")},
    };
    str s = str_skip(xml, at);
    if (s.len < 2 || (s.ptr[1] != '!' && s.ptr[1] != '?')) return at;
    for (size_t i = 0; i < countof(kinds); i++) {
        if (!str_starts(s, kinds[i].open)) continue;
        size_t n = str_find(s, kinds[i].close);
        return n == s.len ? CUT : at + n + kinds[i].close.len;
    }
    return at;
}

static bool parse_tag(tag *t, str xml) {
    str s = {xml.ptr + t->start + 1, t->end - t->start - 2};
    if (str_find_byte(s, '<') != s.len) return false;
    t->is_end = s.len && s.ptr[0] == '/';
    if (t->is_end) s = str_skip(s, 1);
    t->is_empty = !t->is_end && s.len && s.ptr[s.len - 1] == '/';
    if (t->is_empty) s.len--;
    size_t n = 0;
    while (n < s.len && !is_name_end(s.ptr[n]))
        n++;
    t->name = str_first(s, n);
    t->attrs = str_skip(s, n);
    return n > 0;
}

// A tag of nothing but its name, as most are: one look at each byte.
static bool is_bare_tag(tag *t, str xml) {
    size_t from = t->start + 1;
    t->is_end = from < xml.len && xml.ptr[from] == '/';
    from += t->is_end;
    size_t i = from;
    while (i < xml.len && xml.ptr[i] >= '0' && xml.ptr[i] != '<' && xml.ptr[i] != '>')
        i++;
    if (i == from || i >= xml.len || xml.ptr[i] != '>' || xml.ptr[from] == '?') return false;
    t->is_empty = false;
    t->name = (str){xml.ptr + from, i - from};
    t->attrs = (str){xml.ptr + i, 0};
    t->end = i + 1;
    return true;
}

static seen next_tag(tag *t, str xml, size_t *at) {
    for (;;) {
        t->start = *at + str_find_byte(str_skip(xml, *at), '<');
        if (t->start == xml.len) return SEEN_END;
        if (is_bare_tag(t, xml)) {
            *at = t->end;
            return SEEN_TAG;
        }
        size_t past = skip_markup(xml, t->start);
        if (past == CUT) return SEEN_CUT;
        *at = past;
        if (past != t->start) continue;
        t->end = tag_end(xml, t->start);
        if (t->end == 0) return SEEN_CUT;
        *at = t->end;
        return parse_tag(t, xml) ? SEEN_TAG : SEEN_BAD;
    }
}

static bool is_named(const tag *t, str name) {
    return t->name.len == name.len && !memcmp(t->name.ptr, name.ptr, name.len);
}

// The raw value of an attribute. False when it is absent.
static bool attr_get(str *out, str attrs, const char *name) {
    str want = str_of(name);
    while (attrs.len) {
        attrs = str_trim(attrs);
        size_t eq = str_find_byte(attrs, '=');
        str key = str_trim(str_first(attrs, eq));
        str rest = str_trim(str_skip(attrs, eq + 1));
        if (!rest.len || (rest.ptr[0] != '"' && rest.ptr[0] != '\'')) return false;
        char quote = rest.ptr[0];
        rest = str_skip(rest, 1);
        str value = str_cut(&rest, quote);
        if (str_eq(key, want)) {
            *out = value;
            return true;
        }
        attrs = rest;
    }
    return false;
}

// --- Errors ----------------------------------------------------------------------------------

static status is_damaged(err *e, size_t at, const char *what) {
    return err_set(e, E_FORMAT,
                   "byte %zu: %s: the dump is damaged; download it again or compare its checksum",
                   at, what);
}

static status is_cut(err *e, str xml, size_t since, const char *what) {
    return err_set(e, E_FORMAT,
                   "ends at byte %zu inside %s that starts at byte %zu: the dump is cut short; "
                   "download it again or compare its size",
                   xml.len, what, since);
}

static status from_seen(err *e, seen s, str xml, const tag *t, size_t since, const char *what) {
    if (s == SEEN_TAG) return OK;
    if (s == SEEN_BAD) return is_damaged(e, t->start, "a tag that does not end");
    return is_cut(e, xml, since, what);
}

// --- Pages -----------------------------------------------------------------------------------

// Elements whose text is wanted, by the depth they stand at: 1 in <page>, 2 in <revision>.
static const struct {
    str name;
    int depth;
    size_t field;
} leaves[] = {
    {STR_INIT("title"), 1, offsetof(wiki__page, title)},
    {STR_INIT("ns"), 1, offsetof(wiki__page, ns)},
    {STR_INIT("id"), 1, offsetof(wiki__page, id)},
    {STR_INIT("id"), 2, offsetof(wiki__page, rev_id)},
    {STR_INIT("timestamp"), 2, offsetof(wiki__page, timestamp)},
    {STR_INIT("model"), 2, offsetof(wiki__page, model)},
    {STR_INIT("sha1"), 2, offsetof(wiki__page, sha1)},
    {STR_INIT("text"), 2, offsetof(wiki__page, text)},
};

typedef struct page_scan {
    str xml;
    size_t at;
    int depth;
    bool in_revision;
    bool has_text_sha1;  // the text's own digest is better than its revision's, which covers slots
    wiki__page *page;
} page_scan;

static str *leaf_of(const page_scan *s, const tag *t) {
    int depth = s->depth == 2 && !s->in_revision ? 0 : s->depth;
    for (size_t i = 0; i < countof(leaves); i++)
        if (leaves[i].depth == depth && is_named(t, leaves[i].name))
            return (str *)((char *)s->page + leaves[i].field);
    return NULL;
}

// Up to the next tag, which must be the end of `t`.
static status read_leaf(str *out, page_scan *s, const tag *t, err *e) {
    tag end;
    seen got = next_tag(&end, s->xml, &s->at);
    TRY(from_seen(e, got, s->xml, &end, s->page->off, "the page"));
    if (!end.is_end || !str_eq(end.name, t->name))
        return is_damaged(e, end.start, "a tag inside text");
    *out = (str){s->xml.ptr + t->end, end.start - t->end};
    return OK;
}

static void text_attrs(page_scan *s, const tag *t) {
    str v;
    s->page->has_text = !attr_get(&v, t->attrs, "deleted");
    s->has_text_sha1 = attr_get(&v, t->attrs, "sha1");
    if (s->has_text_sha1) s->page->sha1 = v;
}

static status on_leaf(str *field, page_scan *s, const tag *t, err *e) {
    wiki__page *p = s->page;
    str value = {s->xml.ptr + t->end, 0};
    if (!t->is_empty) TRY(read_leaf(&value, s, t, e));
    if (field == &p->text) text_attrs(s, t);
    if (field == &p->sha1 && s->has_text_sha1) return OK;
    *field = value;
    return OK;
}

static void on_revision(page_scan *s) {
    wiki__page *p = s->page;
    s->in_revision = true;
    s->has_text_sha1 = false;
    p->rev_id = p->timestamp = p->model = p->sha1 = p->text = (str){0};
    p->has_text = false;
}

static status on_open(page_scan *s, const tag *t, err *e) {
    if (is_named(t, STR("page"))) return is_damaged(e, t->start, "a page starts inside a page");
    str *field = leaf_of(s, t);
    if (field) return on_leaf(field, s, t, e);
    if (s->depth == 1 && is_named(t, STR("redirect"))) {
        s->page->is_redirect = true;
        attr_get(&s->page->redirect, t->attrs, "title");
    }
    if (t->is_empty) return OK;
    if (s->depth == 1 && is_named(t, STR("revision"))) on_revision(s);
    if (++s->depth > DEPTH_MAX) return is_damaged(e, t->start, "elements nested too deep");
    return OK;
}

static status on_end(page_scan *s, const tag *t, err *e) {
    s->depth--;
    if (s->depth == 1) s->in_revision = false;
    if (is_named(t, STR("page")) != (s->depth == 0))
        return is_damaged(e, t->start, "an end tag without its start");
    return OK;
}

// `start` is the "<page>" tag.
static status read_page(wiki__page *out, wiki__dump *d, const tag *start, err *e) {
    *out = (wiki__page){.off = start->start};
    page_scan s = {.xml = d->xml, .at = start->end, .depth = start->is_empty ? 0 : 1, .page = out};
    while (s.depth) {
        tag t;
        seen got = next_tag(&t, s.xml, &s.at);
        TRY(from_seen(e, got, s.xml, &t, out->off, "the page"));
        TRY(t.is_end ? on_end(&s, &t, e) : on_open(&s, &t, e));
    }
    if (!out->title.len) return is_damaged(e, out->off, "a page without a title");
    out->len = s.at - out->off;
    d->at = s.at;
    return OK;
}

// --- Siteinfo --------------------------------------------------------------------------------

static str keep(wiki__dump *d, str raw) {
    return arena_str(d->perm, wiki_decode_entities(raw, d->perm));
}

static void site_ns(wiki__dump *d, const tag *t, str raw) {
    int64_t key;
    str v;
    if (!attr_get(&v, t->attrs, "key") || !str_parse_i64(&key, v) || key < INT32_MIN ||
        key > INT32_MAX)
        return;
    wiki_ns *ns = &d->site->ns[d->site->n_ns++];
    *ns = (wiki_ns){.key = (int32_t)key, .name = keep(d, raw)};
    ns->case_sensitive = attr_get(&v, t->attrs, "case") && str_eq(v, STR("case-sensitive"));
}

static void site_leaf(wiki__dump *d, const tag *t, str raw) {
    static const struct {
        str name;
        size_t field;
    } fields[] = {
        {STR_INIT("sitename"), offsetof(wiki_site, name)},
        {STR_INIT("dbname"), offsetof(wiki_site, dbname)},
        {STR_INIT("base"), offsetof(wiki_site, base)},
        {STR_INIT("generator"), offsetof(wiki_site, generator)},
    };
    if (!d->site || raw.len > WIKI_TITLE_MAX) return;
    if (is_named(t, STR("namespace")) && d->site->n_ns < WIKI_NS_MAX) site_ns(d, t, raw);
    for (size_t i = 0; i < countof(fields); i++) {
        str *field = (str *)((char *)d->site + fields[i].field);
        if (is_named(t, fields[i].name) && !field->len) *field = keep(d, raw);
    }
}

static status read_site(wiki__dump *d, const tag *start, err *e) {
    while (true) {
        tag t;
        seen got = next_tag(&t, d->xml, &d->at);
        TRY(from_seen(e, got, d->xml, &t, start->start, "the siteinfo"));
        if (t.is_end && is_named(&t, STR("siteinfo"))) return OK;
        if (is_named(&t, STR("page"))) return is_damaged(e, t.start, "a page inside the siteinfo");
        size_t stop = t.end + str_find_byte(str_skip(d->xml, t.end), '<');
        if (!t.is_end) site_leaf(d, &t, (str){d->xml.ptr + t.end, t.is_empty ? 0 : stop - t.end});
    }
}

static status read_root(wiki__dump *d, const tag *t, err *e) {
    str v;
    if (attr_get(&v, t->attrs, "version") && !str_starts(v, STR("0.")))
        return err_set(e, E_UNSUPPORTED, "export schema %.*s; 0.3 to 0.11 are known", STR_ARG(v));
    bool is_new = d->site && !d->site->lang.len;
    if (is_new && attr_get(&v, t->attrs, "xml:lang") && v.len <= WIKI_TITLE_MAX)
        d->site->lang = keep(d, v);
    d->has_root = true;
    return OK;
}

// --- The whole file --------------------------------------------------------------------------

static const struct {
    str magic;
    const char *what;
} not_xml[] = {
    {STR_INIT("BZh"), "compressed with bzip2; give it the ending .bz2"},
    {STR_INIT("\x1f\x8b"), "compressed with gzip; unpack it first (gzip -d)"},
    {STR_INIT("\xfd"
              "7zXZ"),
     "compressed with xz; unpack it first (xz -d)"},
    {STR_INIT("7z\xbc\xaf"), "a 7z archive; unpack it first (7z x)"},
    {STR_INIT("\x28\xb5\x2f\xfd"), "compressed with zstd; unpack it first (zstd -d)"},
    {STR_INIT("PK\x03\x04"), "a zip archive; unpack it first (unzip)"},
    {STR_INIT("\xff\xfe"), "UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
    {STR_INIT("\xfe\xff"), "UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
};

static status check_encoding(str xml, err *e) {
    if (!xml.len) return err_set(e, E_FORMAT, "empty file");
    for (size_t i = 0; i < countof(not_xml); i++)
        if (str_starts(xml, not_xml[i].magic))
            return err_set(e, E_FORMAT, "no dump but %s", not_xml[i].what);
    str head = str_first(xml, 64);
    size_t nul = str_find_byte(head, 0);
    if (nul < head.len)
        return err_set(e, E_FORMAT,
                       "byte %zu is zero: not UTF-8; if it is UTF-16 convert it first "
                       "(iconv -f UTF-16 -t UTF-8)",
                       nul);
    return OK;
}

static bool starts_a_dump(const tag *t) {
    return !t->is_end && (is_named(t, STR("mediawiki")) || is_named(t, STR("page")));
}

status wiki__dump_open(wiki__dump *d, str xml, wiki_site *site, arena *perm, err *e) {
    *d = (wiki__dump){.xml = xml, .site = site, .perm = perm};
    TRY(check_encoding(xml, e));
    if (str_starts(xml, STR("\xef\xbb\xbf"))) d->at = 3;
    size_t at = d->at;
    tag t;
    seen got = next_tag(&t, xml, &at);
    bool starts_clean =
        got == SEEN_TAG &&
        str_trim((str){xml.ptr + d->at, str_find_byte(str_skip(xml, d->at), '<')}).len == 0;
    if (starts_clean && starts_a_dump(&t)) return OK;
    if (got == SEEN_CUT) return is_cut(e, xml, t.start, "a tag");
    return err_set(e, E_FORMAT,
                   "no MediaWiki dump: neither <mediawiki> nor <page> stands at its start");
}

static status at_end(wiki__dump *d, bool *more, err *e) {
    *more = false;
    if (str_trim(str_skip(d->xml, d->at)).len) return is_damaged(e, d->at, "bytes behind the end");
    if (d->n_pages || d->has_footer) return OK;
    return is_cut(e, d->xml, 0, "the header");
}

status wiki__dump_next(bool *more, wiki__page *out, wiki__dump *d, err *e) {
    for (;;) {
        tag t;
        seen got = next_tag(&t, d->xml, &d->at);
        if (got == SEEN_END) return at_end(d, more, e);
        TRY(from_seen(e, got, d->xml, &t, t.start, "a tag"));
        if (t.is_end && is_named(&t, STR("mediawiki"))) {
            d->has_footer = true;
        } else if (!t.is_end && is_named(&t, STR("mediawiki"))) {
            TRY(read_root(d, &t, e));
        } else if (!t.is_end && is_named(&t, STR("siteinfo"))) {
            if (!t.is_empty) TRY(read_site(d, &t, e));
        } else if (!t.is_end && is_named(&t, STR("page"))) {
            d->n_pages++;
            *more = true;
            return read_page(out, d, &t, e);
        } else {
            return is_damaged(e, t.start, "an element that is no page");
        }
    }
}
