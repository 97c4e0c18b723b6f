// wikitext/func_vars.c -- variables: the site, its figures, the page's revision.
//
// I1  A variable that has no form with an argument is a template when it is written with one.

#include "lang/lang.h"
#include "lang/number.h"
#include "wikitext/func.h"

enum { COUNT_ARTICLES = -1000, COUNT_PAGES = -1001, NS_FILE = 6, NS_CATEGORY = 14 };

// --- Text that stands for itself -----------------------------------------------------------------

static wt_result run_bar(buf *out, const wt_call *c) {
    if (!wt_is_variable(c)) return WT_NOT_MINE;
    buf_byte(out, '|');
    return WT_DONE;
}

static wt_result run_equals(buf *out, const wt_call *c) {
    if (!wt_is_variable(c)) return WT_NOT_MINE;
    buf_byte(out, '=');
    return WT_DONE;
}

// --- The site --------------------------------------------------------------------------------

static str host_of(str server) {
    size_t slashes = str_find(server, STR("//"));
    str host = slashes < server.len ? str_skip(server, slashes + 2) : server;
    return str_first(host, str_find_byte(host, ':'));
}

// "/index.php" to "".
static str script_path(const wt_options *o) {
    str path = str_of(o->script_path ? o->script_path : "");
    size_t n = path.len;
    while (n > 0 && path.ptr[n - 1] != '/')
        n--;
    return str_first(path, n ? n - 1 : 0);
}

static str site_name(const wt_call *c) {
    return c->p->world->site->name;
}

static str server(const wt_call *c) {
    return wt_server(c->p);
}

static str server_name(const wt_call *c) {
    return host_of(server(c));
}

static str scripts(const wt_call *c) {
    return script_path(c->p->o);
}

static str styles(const wt_call *c) {
    return arena_fmt(c->p->mem, "%.*s/skins", STR_ARG(script_path(c->p->o)));
}

static str articles(const wt_call *c) {
    return arena_fmt(c->p->mem, "%s$1", c->p->o->article_path);
}

// "MediaWiki 1.45.0-wmf.8 (abc)" to "1.45.0-wmf.8 (abc)": what made the dump.
static str version(const wt_call *c) {
    str made = c->p->world->site->generator;
    return str_starts(made, STR("MediaWiki ")) ? str_skip(made, 10) : made;
}

static bool is_script_ns(int32_t ns) {
    return ns == 2 || ns == 8;
}

// What kind of text the page has, by its name: {{#contentmodel:canonical}} for programs.
static wt_result run_contentmodel(buf *out, const wt_call *c) {
    static const struct {
        str suffix, name, canonical;
    } models[] = {{STR_INIT(".css"), STR_INIT("CSS"), STR_INIT("css")},
                  {STR_INIT(".js"), STR_INIT("JavaScript"), STR_INIT("javascript")},
                  {STR_INIT(".json"), STR_INIT("JSON"), STR_INIT("json")}};
    const wt_title *t = &c->p->title;
    bool is_canonical = str_eq_nocase(c->first, STR("canonical"));
    for (size_t i = 0; i < countof(models) && is_script_ns(t->ns); i++)
        if (str_ends(t->text, models[i].suffix)) {
            buf_add(out, is_canonical ? models[i].canonical : models[i].name);
            return WT_DONE;
        }
    buf_add(out, t->ns == 828 ? STR("Scribunto") : STR("wikitext"));
    return WT_DONE;
}

static str content_language(const wt_call *c) {
    str code = c->p->world->site->lang;
    return code.len ? code : STR("en");
}

static str direction_mark(const wt_call *c) {
    return lang_is_rtl(content_language(c)) ? STR("\xE2\x80\x8F") : STR("\xE2\x80\x8E");
}

static const struct {
    const char *name;
    str (*value)(const wt_call *c);
} site_vars[] = {
    {"SITENAME", site_name},
    {"SERVER", server},
    {"SERVERNAME", server_name},
    {"SCRIPTPATH", scripts},
    {"STYLEPATH", styles},
    {"ARTICLEPATH", articles},
    {"CURRENTVERSION", version},
    {"CONTENTLANGUAGE", content_language},
    {"CONTENTLANG", content_language},
    {"PAGELANGUAGE", content_language},
    {"DIRMARK", direction_mark},
    {"DIRECTIONMARK", direction_mark},
};

static wt_result run_site(buf *out, const wt_call *c) {
    if (!wt_is_variable(c)) return WT_NOT_MINE;
    for (size_t i = 0; i < countof(site_vars); i++)
        if (str_eq_nocase(c->name, str_of(site_vars[i].name))) {
            buf_add(out, site_vars[i].value(c));
            break;
        }
    return WT_DONE;
}

// Whether the call is about this page. Of other pages only their text is known.
static bool is_here(const wt_call *c) {
    wt_title t;
    return !c->has_colon ||
           (wt_title_parse(&t, c->p, c->first, 0) && str_eq(t.full, c->p->title.full));
}

// --- Figures ---------------------------------------------------------------------------------

// "1,234", or "1234" where the call asks for raw figures.
static wt_result put_count(buf *out, const wt_call *c, uint64_t n) {
    str plain = arena_fmt(c->p->mem, "%llu", (unsigned long long)n);
    bool is_raw = str_eq_nocase(c->first, STR("R")) || wt_call_option(c, STR("R"));
    if (is_raw)
        buf_add(out, plain);
    else
        lang_format_number(out, plain, wt_page_lang(c->p), true);
    return WT_DONE;
}

static wt_result put_world_count(buf *out, const wt_call *c, int32_t what) {
    const wt_world *w = c->p->world;
    if (!c->has_colon && c->part) return WT_NOT_MINE;
    return put_count(out, c, w->count ? w->count(w->arg, what) : 0);
}

static wt_result run_numberofpages(buf *out, const wt_call *c) {
    return put_world_count(out, c, COUNT_PAGES);
}

static wt_result run_numberofarticles(buf *out, const wt_call *c) {
    return put_world_count(out, c, COUNT_ARTICLES);
}

static wt_result run_numberoffiles(buf *out, const wt_call *c) {
    return put_world_count(out, c, NS_FILE);
}

// Of people and edits a dump of pages says nothing.
static wt_result run_zero(buf *out, const wt_call *c) {
    return !c->has_colon && c->part ? WT_NOT_MINE : put_count(out, c, 0);
}

static wt_result run_pagesincategory(buf *out, const wt_call *c) {
    const wt_world *w = c->p->world;
    wt_title t;
    uint64_t n = 0;
    if (wt_title_parse(&t, c->p, c->first, NS_CATEGORY) && t.ns == NS_CATEGORY &&
        w->category_size && wt_expensive(c->p))
        n = w->category_size(w->arg, t.text);
    return put_count(out, c, n);
}

static wt_result run_pagesize(buf *out, const wt_call *c) {
    const wt_world *w = c->p->world;
    wt_title t;
    wt_source source = {.text = {0}};
    if (is_here(c)) return put_count(out, c, c->p->page_bytes);
    if (wt_title_parse(&t, c->p, c->first, 0) && !t.interwiki.len && w->source &&
        wt_expensive(c->p) && !w->source(w->arg, &source, t.full, c->p->mem))
        source.text.len = 0;
    return put_count(out, c, source.text.len);
}

// --- The page and its revision -------------------------------------------------------------------

static wt_result put_id(buf *out, const wt_call *c, uint32_t id) {
    if (!c->has_colon && c->part) return WT_NOT_MINE;
    if (is_here(c) && id) buf_u64(out, id);
    return WT_DONE;
}

static wt_result run_pageid(buf *out, const wt_call *c) {
    return put_id(out, c, c->p->o->page_id);
}

static wt_result run_revisionid(buf *out, const wt_call *c) {
    return put_id(out, c, c->p->o->rev_id);
}

static bool is_saved(const wt_call *c) {
    const wt_world *w = c->p->world;
    wt_status found = WT_MISSING;
    if (w->exists) w->exists(w->arg, &found, &c->p->title.full, 1);
    return found != WT_MISSING;
}

static wt_result run_revisionuser(buf *out, const wt_call *c) {
    if (!c->has_colon && c->part) return WT_NOT_MINE;
    if (is_here(c) && (!c->has_colon || is_saved(c))) buf_add(out, c->p->o->user);
    return WT_DONE;
}

static wt_result run_revisionsize(buf *out, const wt_call *c) {
    if (!c->has_colon && c->part) return WT_NOT_MINE;
    if (is_here(c) && c->p->o->rev_id) buf_u64(out, c->p->page_bytes);
    return WT_DONE;
}

// --- REVISIONDAY... ----------------------------------------------------------------------------

// "2001-01-15T12:34:56Z" as its digits; those of the clock where no revision is known.
static str digits_of_revision(const wt_call *c) {
    buf b;
    str stamp = c->p->o->timestamp;
    buf_init(&b, c->p->mem, 16);
    for (size_t i = 0; i < stamp.len && b.len < 14; i++)
        if (stamp.ptr[i] >= '0' && stamp.ptr[i] <= '9') buf_byte(&b, stamp.ptr[i]);
    return b.len == 14 ? buf_str(&b) : STR("");
}

static const struct {
    const char *name;
    uint8_t from, len;
    bool is_plain;  // no zero in front
} revision_parts[] = {
    {"REVISIONTIMESTAMP", 0, 14, false}, {"REVISIONYEAR", 0, 4, false},
    {"REVISIONMONTH", 4, 2, false},      {"REVISIONMONTH1", 4, 2, true},
    {"REVISIONDAY", 6, 2, true},         {"REVISIONDAY2", 6, 2, false},
};

static wt_result run_revisiontime(buf *out, const wt_call *c) {
    if (!c->has_colon && c->part) return WT_NOT_MINE;
    str digits = is_here(c) ? digits_of_revision(c) : STR("");
    for (size_t i = 0; i < countof(revision_parts) && digits.len; i++)
        if (str_eq(c->name, str_of(revision_parts[i].name))) {
            str part = str_first(str_skip(digits, revision_parts[i].from), revision_parts[i].len);
            buf_add(out,
                    revision_parts[i].is_plain && part.ptr[0] == '0' ? str_skip(part, 1) : part);
        }
    return WT_DONE;
}

#define SITE(name)                                                                                 \
    { name, .no_args = true, .is_case_sensitive = true, .run = run_site }
#define ANY_SITE(name)                                                                             \
    { name, .no_args = true, .run = run_site }
#define TIME(name)                                                                                 \
    { name, .no_args = true, .is_case_sensitive = true, .run = run_revisiontime }
#define VARIABLE(name, function)                                                                   \
    { name, .no_args = true, .is_case_sensitive = true, .run = function }

const wt_func wt_funcs_vars[] = {
    VARIABLE("!", run_bar),
    VARIABLE("=", run_equals),
    SITE("SITENAME"),
    ANY_SITE("server"),
    ANY_SITE("servername"),
    ANY_SITE("scriptpath"),
    ANY_SITE("stylepath"),
    ANY_SITE("articlepath"),
    SITE("CURRENTVERSION"),
    SITE("CONTENTLANGUAGE"),
    SITE("CONTENTLANG"),
    SITE("PAGELANGUAGE"),
    SITE("DIRMARK"),
    SITE("DIRECTIONMARK"),
    {"contentmodel", .has_hash = true, .no_args = true, .run = run_contentmodel},
    VARIABLE("NUMBEROFPAGES", run_numberofpages),
    VARIABLE("NUMBEROFARTICLES", run_numberofarticles),
    VARIABLE("NUMBEROFFILES", run_numberoffiles),
    VARIABLE("NUMBEROFUSERS", run_zero),
    VARIABLE("NUMBEROFACTIVEUSERS", run_zero),
    VARIABLE("NUMBEROFADMINS", run_zero),
    VARIABLE("NUMBEROFEDITS", run_zero),
    {"NUMBERINGROUP", .is_case_sensitive = true, .run = run_zero},
    {"NUMINGROUP", .is_case_sensitive = true, .run = run_zero},
    {"PAGESINCATEGORY", .is_case_sensitive = true, .run = run_pagesincategory},
    {"PAGESINCAT", .is_case_sensitive = true, .run = run_pagesincategory},
    {"PAGESIZE", .is_case_sensitive = true, .run = run_pagesize},
    VARIABLE("PAGEID", run_pageid),
    VARIABLE("REVISIONID", run_revisionid),
    VARIABLE("REVISIONUSER", run_revisionuser),
    VARIABLE("REVISIONSIZE", run_revisionsize),
    TIME("REVISIONTIMESTAMP"),
    TIME("REVISIONYEAR"),
    TIME("REVISIONMONTH"),
    TIME("REVISIONMONTH1"),
    TIME("REVISIONDAY"),
    TIME("REVISIONDAY2"),
    {0},
};
