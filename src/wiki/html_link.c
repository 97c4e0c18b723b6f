// Links: to pages, files, categories, other wikis, and out.
//
// A link's target is normalised as MediaWiki would, then percent-encoded whole, so that no
// character of it can mean anything in the href. An outside link must start with one of a few
// schemes after entities are decoded; everything else stays text.
//
//   I1  an <a> is never inside an <a>

#include "wiki/html.h"

#include <utf8proc.h>

// --- Outside ---------------------------------------------------------------------------------

static bool is_url_end(char c) {
    return (unsigned char)c <= ' ' || c == '<' || c == '>' || c == '"' || c == '[' || c == ']' ||
           c == '{' || c == '}' || c == '|';
}

static bool is_safe_url(str url) {
    static const str schemes[] = {STR_INIT("http://"), STR_INIT("https://"), STR_INIT("ftp://"),
                                  STR_INIT("//"), STR_INIT("mailto:")};
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == '\\') return false;
    for (size_t i = 0; i < countof(schemes); i++)
        if (str_starts_nocase(url, schemes[i]) && url.len > schemes[i].len) return true;
    return false;
}

// Opens a paragraph where one is due, then the <a>: its place on the stack, or -1.
static int open_anchor(html *h, const buf *attrs) {
    html__ready(h);
    bool is_open = !attrs->failed && html__push(h, TAG_A, BY_LINE, buf_str(attrs));
    return is_open ? h->n_stack - 1 : -1;
}

int html__open_url(html *h, str raw) {
    arena a = h->mem;
    if (h->in_link || raw.len > 8192) return -1;
    str url = wiki_decode_entities(raw, &a);
    buf attrs;
    buf_init(&attrs, &a, url.len * 6 + 128);
    if (attrs.failed || !is_safe_url(url)) return -1;
    buf_add(&attrs, STR(" href=\""));
    buf_html(&attrs, url);
    buf_add(&attrs, STR("\" class=\"external\" rel=\"noopener noreferrer nofollow\""));
    return open_anchor(h, &attrs);
}

static void close_link(html *h, int place) {
    if (place >= 0) html__pop_to(h, place);
}

size_t html__bare_url(html *h, size_t from, size_t colon, size_t limit) {
    static const str schemes[] = {STR_INIT("https"), STR_INIT("http"), STR_INIT("ftp")};
    str s = {h->src.ptr, limit};
    if (!str_starts(str_skip(s, colon), STR("://"))) return 0;
    size_t start = 0;
    for (size_t k = 0; k < countof(schemes) && !start; k++) {
        size_t n = schemes[k].len;
        if (colon < from + n || !str_starts_nocase(str_skip(s, colon - n), schemes[k])) continue;
        char before = colon - n > 0 ? s.ptr[colon - n - 1] : ' ';
        bool in_word = (before | 32) >= 'a' && (before | 32) <= 'z';
        start = in_word ? 0 : colon - n + 1;  // plus one: 0 is "none"
    }
    if (!start--) return 0;
    size_t end = colon + 3;
    while (end < limit && !is_url_end(s.ptr[end]) && !str_starts(str_skip(s, end), STR("''")))
        end++;
    bool has_paren = str_find_byte((str){s.ptr + start, end - start}, '(') < end - start;
    while (end > colon + 3 && strchr(has_paren ? ",;.:!?" : ",;.:!?)", s.ptr[end - 1]))
        end--;
    if (end == colon + 3) return 0;
    str url = {s.ptr + start, end - start};
    if (start > from) html__text(h, (str){s.ptr + from, start - from});
    int place = html__open_url(h, url);
    html__text(h, url);
    close_link(h, place);
    return end;
}

// "[url label]"; `in` is what stands between the brackets.
static void external(html *h, range in) {
    size_t i = in.a;
    while (i < in.b && !is_url_end(h->src.ptr[i]) &&
           !str_starts(html__str(h, (range){i, in.b}), STR("''")))
        i++;
    range url = {in.a, i}, label = html__trim(h, (range){i, in.b});
    int place = html__open_url(h, html__str(h, url));
    if (place < 0) {
        html__text(h, STR("["));
        html__inline(h, label.b > label.a ? label : url);
        return html__text(h, STR("]"));
    }
    h->in_link++;
    if (label.b > label.a)
        html__inline(h, label);
    else
        html__text(h, html__str(h, url));
    h->in_link--;
    close_link(h, place);
}

// --- Pages -----------------------------------------------------------------------------------

static void page_attrs(buf *to, const char *prefix, str title, str fragment, bool is_new) {
    static const char keep[] = ":(),!*@;";
    buf_add(to, STR(" href=\""));
    if (title.len) buf_html(to, str_of(prefix ? prefix : ""));
    for (size_t i = 0, n; i < title.len; i += n + 1) {
        str rest = str_skip(title, i);
        n = str_find_byte(rest, ' ');
        buf_url(to, str_first(rest, n), keep);
        if (n < rest.len) buf_byte(to, '_');
    }
    if (fragment.len) {
        buf_byte(to, '#');
        html__anchor(to, fragment);
    }
    buf_add(to, STR("\" title=\""));
    buf_html(to, title.len ? title : fragment);
    buf_add(to, is_new ? STR("\" class=\"new\"") : STR("\""));
}

static int open_at(html *h, const char *prefix, str title, str fragment, bool is_new) {
    arena a = h->mem;
    buf attrs;
    if (h->in_link || !(title.len || fragment.len)) return -1;
    buf_init(&attrs, &a, 3 * title.len + 6 * (title.len + 2 * fragment.len) + 256);
    page_attrs(&attrs, prefix, title, fragment, is_new);
    return open_anchor(h, &attrs);
}

// A link to a page of this wiki by its title.
static int open_page(html *h, str title, str fragment) {
    bool is_new = !h->in_link && title.len && h->o->exists && !h->o->exists(h->o->arg, title);
    return open_at(h, h->o->link_prefix, title, fragment, is_new);
}

static void labelled(html *h, range label, str text) {
    if (label.b <= label.a) return html__text(h, text);
    h->in_link++;
    html__inline(h, label);
    h->in_link--;
}

void html__link_to(html *h, str text, range label, str shown) {
    arena saved = h->mem;
    int32_t ns;
    str fragment;
    str title = wiki_title_normalise(&ns, &fragment, h->site, text, &h->mem);
    int place = open_page(h, title, fragment);
    labelled(h, label, shown);
    close_link(h, place);
    h->mem = saved;
}

// Letters right behind a link belong to it.
static size_t trail_end(const html *h, size_t i, size_t limit) {
    while (i < limit) {
        int32_t cp;
        size_t n = utf8_decode(&cp, (str){h->src.ptr + i, limit - i});
        if (cp < 'a' || utf8proc_category(cp) != UTF8PROC_CATEGORY_LL) break;
        i += n;
    }
    return i;
}

// --- Files -----------------------------------------------------------------------------------

static bool is_file_option(str s) {
    static const char *const words[] = {
        "thumb", "thumbnail", "frame",  "framed",   "frameless", "border",      "left",
        "right", "center",    "centre", "none",     "baseline",  "sub",         "super",
        "top",   "middle",    "bottom", "text-top", "upright",   "text-bottom",
    };
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq_nocase(s, str_of(words[i]))) return true;
    bool is_size = s.len > 2 && str_ends(s, STR("px"));
    for (size_t i = 0; is_size && i + 2 < s.len; i++)
        is_size = (s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == 'x';
    static const char *const keys[] = {"alt=",     "link=",  "class=", "lang=",  "page=",
                                       "upright=", "start=", "end=",   "thumb=", "thumbtime="};
    for (size_t i = 0; !is_size && i < countof(keys); i++)
        if (str_starts_nocase(s, str_of(keys[i]))) return true;
    return is_size;
}

static bool is_block_option(str s) {
    return str_eq_nocase(s, STR("thumb")) || str_eq_nocase(s, STR("thumbnail")) ||
           str_eq_nocase(s, STR("frame")) || str_eq_nocase(s, STR("framed"));
}

static void figure(html *h, str name, range caption) {
    int base = h->n_stack;
    html__push(h, TAG_FIGURE, BY_LINE, STR(" class=\"file\""));
    int inner = h->n_stack;
    html__push(h, TAG_SPAN, BY_LINE, STR(" class=\"file-name\""));
    buf_html(h->out, name);
    html__pop_to(h, inner);
    if (caption.b > caption.a && html__push(h, TAG_FIGCAPTION, BY_LINE, (str){0})) {
        h->inline_only++;
        html__inline(h, caption);
        h->inline_only--;
    }
    html__pop_to(h, base);
}

// The caption is the last part that is no option. `parts` start behind the name.
static range file_caption(bool *is_block, const html *h, const range *parts, size_t n) {
    range caption = {0};
    for (size_t i = 0; i < n; i++) {
        range p = html__trim(h, parts[i]);
        *is_block |= is_block_option(html__str(h, p));
        if (p.b > p.a && !is_file_option(html__str(h, p))) caption = p;
    }
    return caption;
}

void html__gallery_file(html *h, range r) {
    arena saved = h->mem;
    size_t bar = r.a + str_find_byte(html__str(h, r), '|');
    int32_t ns;
    str fragment, name = html__str(h, html__trim(h, (range){r.a, bar}));
    str title = wiki_title_normalise(&ns, &fragment, h->site, name, &h->mem);
    if (title.len && html__block(h)) figure(h, title, (range){min_size(bar + 1, r.b), r.b});
    h->mem = saved;
}

static void small_image(html *h, str name) {
    html__ready(h);
    html__lit(h, "<span class=\"file\" title=\"");
    buf_html(h->out, name);
    html__lit(h, "\"></span>");
}

static void file(html *h, str title, range in) {
    arena saved = h->mem;
    range *parts = arena_try_array(&h->mem, HTML__ARGS_MAX, sizeof *parts);
    if (!parts) return;
    size_t n = html__split(parts, h, in);
    bool is_block = false;
    range caption = file_caption(&is_block, h, parts + 1, n - 1);
    if (is_block && !h->in_link && html__block(h))
        figure(h, title, caption);
    else
        small_image(h, title);
    h->mem = saved;
}

// --- Categories and other wikis --------------------------------------------------------------

static void add_category(html *h, str title) {
    html__slot *slot = html__slot_of(&h->category_names, title);
    str kept = slot->key.len ? (str){0} : html__keep(h, title);
    if (!kept.len) return;
    slot->key = kept;
    h->categories[h->n_categories++] = kept;
}

void html__categories(html *h) {
    if (!h->n_categories) return;
    html__lit(h, "<div class=\"catlinks\"><ul>\n");
    h->inline_only++;
    for (size_t i = 0; i < h->n_categories; i++) {
        str title = h->categories[i];
        html__lit(h, "<li>");
        html__link_to(h, title, (range){0}, str_skip(title, str_find_byte(title, ':') + 1));
        html__lit(h, "</li>\n");
    }
    h->inline_only--;
    html__lit(h, "</ul></div>\n");
}

static const struct {
    str prefix;
    const char *url;
} projects[] = {
    {STR_INIT("wikt"), "https://en.wiktionary.org/wiki/"},
    {STR_INIT("wiktionary"), "https://en.wiktionary.org/wiki/"},
    {STR_INIT("commons"), "https://commons.wikimedia.org/wiki/"},
    {STR_INIT("s"), "https://en.wikisource.org/wiki/"},
    {STR_INIT("wikisource"), "https://en.wikisource.org/wiki/"},
    {STR_INIT("q"), "https://en.wikiquote.org/wiki/"},
    {STR_INIT("b"), "https://en.wikibooks.org/wiki/"},
    {STR_INIT("n"), "https://en.wikinews.org/wiki/"},
    {STR_INIT("v"), "https://en.wikiversity.org/wiki/"},
    {STR_INIT("species"), "https://species.wikimedia.org/wiki/"},
    {STR_INIT("meta"), "https://meta.wikimedia.org/wiki/"},
    {STR_INIT("m"), "https://meta.wikimedia.org/wiki/"},
    {STR_INIT("mw"), "https://www.mediawiki.org/wiki/"},
    {STR_INIT("d"), "https://www.wikidata.org/wiki/"},
    {STR_INIT("voy"), "https://en.wikivoyage.org/wiki/"},
    {STR_INIT("w"), "https://en.wikipedia.org/wiki/"},
};

// Two or three lower-case letters, as language codes are; "simple" and "xx-yyy" too.
static bool is_language(str s) {
    if (str_eq(s, STR("simple"))) return true;
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= 'a' && s.ptr[n] <= 'z')
        n++;
    if (n < 2 || n > 3) return false;
    for (size_t i = n; i < s.len; i++)
        if (s.ptr[i] != '-' && (s.ptr[i] < 'a' || s.ptr[i] > 'z')) return false;
    return s.len == n || (s.ptr[n] == '-' && s.len < 16);
}

// The URL of "de:Seite" or "wikt:word"; empty when the prefix names no other wiki.
static str interwiki_url(bool *is_lang, str target, arena *a) {
    size_t colon = str_find_byte(target, ':');
    *is_lang = false;
    if (colon == target.len) return (str){0};
    str prefix = str_trim(str_first(target, colon)), page = str_trim(str_skip(target, colon + 1));
    buf b;
    buf_init(&b, a, 3 * target.len + 128);
    for (size_t i = 0; i < countof(projects); i++)
        if (str_eq_nocase(prefix, projects[i].prefix)) {
            buf_add(&b, str_of(projects[i].url));
            break;
        }
    if (!b.len && is_language(prefix)) {
        *is_lang = true;
        buf_fmt(&b, "https://%.*s.wikipedia.org/wiki/", STR_ARG(prefix));
    }
    if (!b.len) return (str){0};
    for (size_t i = 0; i < page.len; i++)
        buf_url(&b, page.ptr[i] == ' ' ? STR("_") : (str){page.ptr + i, 1}, ":(),!*@;/#");
    return b.failed ? (str){0} : buf_str(&b);
}

// --- [[ ]] -----------------------------------------------------------------------------------

typedef struct page_link {
    range in, target, label;
    bool has_colon;
    int32_t ns;
    str title, fragment;
} page_link;

// "ltg:Title#part" where the caller knows that wiki: a link like any other, also by a language's
// code, since the article is here to be read.
static bool do_hosted(html *h, const page_link *k, str target) {
    size_t colon = str_find_byte(target, ':');
    if (!h->o->interwiki || colon == target.len) return false;
    const char *prefix = h->o->interwiki(h->o->arg, str_trim(str_first(target, colon)));
    if (!prefix) return false;
    str part = str_trim(str_skip(target, colon + 1));
    str title = wiki_decode_entities(str_trim(str_cut(&part, '#')), &h->mem);
    if (!title.len) return false;
    int place = open_at(h, prefix, title, str_trim(part), false);
    labelled(h, k->label, target);
    close_link(h, place);
    return true;
}

static bool do_interwiki(html *h, const page_link *k) {
    bool is_lang;
    str target = html__str(h, k->target);
    if (k->ns == 0 && do_hosted(h, k, k->has_colon ? str_skip(target, 1) : target)) return true;
    str url = interwiki_url(&is_lang, k->has_colon ? str_skip(target, 1) : target, &h->mem);
    if (k->ns || !url.len) return false;
    if (is_lang && !k->has_colon) return true;  // a link to the same article elsewhere: not shown
    int place = html__open_url(h, url);
    labelled(h, k->label, target);
    close_link(h, place);
    return true;
}

static page_link parse_link(html *h, range in) {
    page_link k = {.in = in};
    size_t bar = in.a + str_find_byte(html__str(h, in), '|');
    k.target = html__trim(h, (range){in.a, bar});
    k.label = (range){min_size(bar + 1, in.b), in.b};
    str target = html__str(h, k.target);
    k.has_colon = target.len && target.ptr[0] == ':';
    k.title = wiki_title_normalise(&k.ns, &k.fragment, h->site, target, &h->mem);
    return k;
}

static size_t page_link_at(html *h, size_t i, size_t end, size_t limit) {
    page_link k = parse_link(h, (range){i + 2, end - 2});
    if (!k.has_colon && k.ns == 6) return file(h, k.title, k.in), end;
    if (!k.has_colon && k.ns == 14) return add_category(h, k.title), end;
    if (do_interwiki(h, &k)) return end;
    str shown = html__str(h, k.target);
    if (k.has_colon) shown = str_trim(str_skip(shown, 1));
    int place = open_page(h, k.title, k.fragment);
    labelled(h, html__trim(h, k.label), shown);
    size_t trail = trail_end(h, end, limit);
    html__text(h, (str){h->src.ptr + end, trail - end});
    close_link(h, place);
    return trail;
}

size_t html__link(html *h, range r, size_t limit) {
    if (h->src.ptr[r.a + 1] != '[') return external(h, (range){r.a + 1, r.b - 1}), r.b;
    arena saved = h->mem;
    size_t end = page_link_at(h, r.a, r.b, limit);
    h->mem = saved;
    return end;
}
