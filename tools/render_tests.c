// Renders what tests/conformance/parsertests.py asks for, in the world of MediaWiki's own parser
// tests: a line of JSON in, a line of JSON out.

#include "base/json.h"
#include "base/json_read.h"
#include "wikitext/wikitext.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 256 << 20, ARTICLES_MAX = 4096 };

// --- The world of parserTests.txt: what its runner sets up ------------------------------------

static const wiki_site site = {
    .name = STR_INIT("MediaWiki"),
    .dbname = STR_INIT("parsertests"),
    .base = STR_INIT("http://example.org/wiki/Main_Page"),
    .lang = STR_INIT("en"),
    .ns = {{-2, STR_INIT("Media"), false},
           {-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {2, STR_INIT("User"), false},
           {3, STR_INIT("User talk"), false},
           {6, STR_INIT("File"), false},
           {7, STR_INIT("File talk"), false},
           {8, STR_INIT("MediaWiki"), false},
           {9, STR_INIT("MediaWiki talk"), false},
           {4, STR_INIT("MediaWiki"), false},
           {5, STR_INIT("MediaWiki talk"), false},
           {10, STR_INIT("Template"), false},
           {11, STR_INIT("Template talk"), false},
           {12, STR_INIT("Help"), false},
           {13, STR_INIT("Help talk"), false},
           {14, STR_INIT("Category"), false},
           {15, STR_INIT("Category talk"), false},
           {100, STR_INIT("MemoryAlpha"), false},
           {101, STR_INIT("MemoryAlpha talk"), false}},
    .n_ns = 20,
};

static const struct {
    const char *prefix, *url;
    bool is_language, is_local;
} interwikis[] = {
    {"wikinvest", "https://meta.wikimedia.org/wiki/Interwiki_map/discontinued#Wikinvest", false,
     false},
    {"local", "http://doesnt.matter.org/$1", false, true},
    {"wikipedia", "http://en.wikipedia.org/wiki/$1", false, false},
    {"meatball", "http://www.usemod.com/cgi-bin/mb.pl?$1", false, false},
    {"memoryalpha", "http://www.memory-alpha.org/en/index.php/$1", false, false},
    {"zh", "http://zh.wikipedia.org/wiki/$1", true, false},
    {"es", "http://es.wikipedia.org/wiki/$1", true, false},
    {"fr", "http://fr.wikipedia.org/wiki/$1", true, false},
    {"ru", "http://ru.wikipedia.org/wiki/$1", true, false},
    {"mi", "http://example.com/wiki/$1", true, true},
    {"mul", "http://wikisource.org/wiki/$1", true, false},
    {"en", "http://en.wikipedia.org/wiki/$1", true, false},
    {"stats", "https://stats.wikimedia.org/$1", false, false},
    {"gerrit", "https://gerrit.wikimedia.org/$1", false, false},
};

static struct { str title, text; } articles[ARTICLES_MAX];
static size_t n_articles;

static bool article(wt_source *out, str title) {
    for (size_t i = 0; i < n_articles; i++)
        if (str_eq(articles[i].title, title)) {
            *out = (wt_source){.title = articles[i].title,
                               .text = articles[i].text,
                               .hash = str_hash(articles[i].text, 1) | 1};
            return true;
        }
    return false;
}

static bool is_redirect(str text) {
    return str_starts_nocase(str_trim(text), STR("#REDIRECT"));
}

// What the software says where no page says something else.
static bool software_message(wt_source *out, str title) {
    if (!str_eq(title, STR("MediaWiki:History short"))) return false;
    *out = (wt_source){.title = title, .text = STR("History"), .hash = 1};
    return true;
}

static bool source(void *arg, wt_source *out, str title, arena *a) {
    int32_t ns;
    str fragment;
    (void)arg;
    if (!article(out, title)) return software_message(out, title);
    if (!is_redirect(out->text)) return true;
    str target = str_skip(out->text, str_find(out->text, STR("[[")) + 2);
    target = str_first(target, str_find(target, STR("]]")));
    target = wiki_title_normalise(&ns, &fragment, &site, target, a);
    wt_source to;
    if (article(&to, target)) *out = to;
    return true;
}

static bool is_special(str title) {
    static const char *const pages[] = {"BookSources", "RecentChanges", "Upload",
                                        "Version",     "Search",        "Contributions",
                                        "Preferences", "Userlogin",     "SpecialPages",
                                        "AllPages",    "WhatLinksHere", "Log"};
    str name = str_skip(title, 8);
    if (!str_starts(title, STR("Special:"))) return false;
    name = str_first(name, str_find_byte(name, '/'));
    for (size_t i = 0; i < countof(pages); i++)
        if (str_eq_nocase(name, str_of(pages[i]))) return true;
    return false;
}

static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        wt_source found;
        bool is_there = article(&found, titles[i]);
        bool leads_on = is_there && is_redirect(found.text);
        out[i] = leads_on                            ? WT_EXISTS | WT_REDIRECT
                 : is_there || is_special(titles[i]) ? WT_EXISTS
                                                     : WT_MISSING;
    }
}

static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)a;
    for (size_t i = 0; i < countof(interwikis); i++)
        if (str_eq(prefix, str_of(interwikis[i].prefix))) {
            *out = (wt_interwiki){.url = str_of(interwikis[i].url),
                                  .is_language = interwikis[i].is_language,
                                  .is_local = interwikis[i].is_local};
            return true;
        }
    return false;
}

// Files, and where MediaWiki's repository of the tests has them.
static const struct {
    const char *name, *dir, *mime;
    const char *before, *behind;  // of the name of a scaled one; NULL: none
    int32_t width, height;
    double duration;
    bool is_hidden;
} files[] = {
    {"Foobar.jpg", "3/3a", "image/jpeg", "", "", 1941, 220, 0, false},
    {"Hi-ho.jpg", "9/9d", "image/jpeg", "", "", 1941, 220, 0, false},
    {"Tall.jpg", "8/88", "image/jpeg", "", "", 200, 300, 0, false},
    {"Thumb.png", "e/ea", "image/png", "", "", 135, 135, 0, false},
    {"Bad.jpg", "0/09", "image/jpeg", "", "", 320, 240, 0, true},
    {"Foobar.svg", "f/ff", "image/svg+xml", "", ".png", 240, 180, 0, false},
    {"LoremIpsum.djvu", "5/5f", "image/vnd.djvu", "page", ".jpg", 2480, 3508, 0, false},
    {"Video.ogv", "0/00", "video/ogg; codecs=\"theora\"", "", ".jpg", 320, 240, 4.3667, false},
    {"Transcode.webm", "0/09", "video/webm; codecs=\"vp8, vorbis\"", "", ".jpg", 492, 360, 4.3667,
     false},
    {"Audio.oga", "4/41", "audio/ogg; codecs=\"vorbis\"", NULL, NULL, 0, 0, 0.99875, false},
};

static str page_title;  // of the test: the list of bad images has exceptions

static bool file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    const char *images = "http://example.com/images";
    (void)arg;
    str detail = out->detail, sort = str_cut(&detail, '=');
    *out = (wt_file){0};
    if (str_eq(name, STR("Redirect to foobar.jpg"))) name = out->name = STR("Foobar.jpg");
    for (size_t i = 0; i < countof(files); i++) {
        if (!str_eq(name, str_of(files[i].name))) continue;
        bool is_film = files[i].duration > 0;
        out->url = arena_fmt(a, "%s/%s/%s", images, files[i].dir, files[i].name);
        out->width = files[i].width, out->height = files[i].height;
        out->mime = str_of(files[i].mime);
        out->duration = files[i].duration;
        out->is_hidden = files[i].is_hidden && !str_eq(page_title, STR("Nasty page"));
        int32_t scaled = is_film && !width ? out->width : width;
        if (!files[i].before || !scaled) return true;
        bool is_seek = str_eq(sort, STR("seek")), is_lang = str_eq(sort, STR("lang"));
        str page = str_eq(sort, STR("page")) ? detail : STR("1");
        str before = is_lang && !str_eq(detail, STR("en"))
                         ? arena_fmt(a, "lang%.*s-", STR_ARG(detail))
                     : *files[i].before ? arena_fmt(a, "page%.*s-", STR_ARG(page))
                                        : STR("");
        str seek = is_seek ? arena_fmt(a, "seek%%3D%.*s-", STR_ARG(detail)) : STR("-");
        str thumb = arena_fmt(a, "%s/thumb/%s/%s/%.*s%dpx-%.*s%s%s", images, files[i].dir,
                              files[i].name, STR_ARG(before), scaled,
                              STR_ARG(is_film ? seek : STR("")), files[i].name, files[i].behind);
        *(is_film ? &out->poster : &out->url) = thumb;
        return true;
    }
    return false;
}

static uint64_t count(void *arg, int32_t ns) {
    (void)arg, (void)ns;
    return n_articles;
}

static bool message(void *arg, str *out, str key, arena *a) {
    (void)arg;
    wt_source found;
    str title = arena_fmt(a, "MediaWiki:%.*s", STR_ARG(key));
    int32_t ns;
    str fragment;
    title = wiki_title_normalise(&ns, &fragment, &site, title, a);
    bool is_there = article(&found, title) || software_message(&found, title);
    if (is_there) *out = found.text;
    return is_there;
}

static const wt_world world = {.site = &site,
                               .now = 123,
                               .source = source,
                               .exists = exists,
                               .interwiki = interwiki,
                               .file = file,
                               .count = count,
                               .message = message};

// --- Questions and answers --------------------------------------------------------------------

static str kept(str s) {
    char *copy = malloc(s.len + 1);
    if (!copy) abort();
    if (s.len) memcpy(copy, s.ptr, s.len);
    return (str){copy, s.len};
}

static void forget_articles(void) {
    for (size_t i = 0; i < n_articles; i++)
        free((void *)(uintptr_t)articles[i].title.ptr),
            free((void *)(uintptr_t)articles[i].text.ptr);
    n_articles = 0;
}

// "Template:table_attribs" as "Template:Table attribs".
static str full_title(str written, arena *a) {
    int32_t ns;
    str fragment, name = wiki_title_normalise(&ns, &fragment, &site, written, a);
    return name.len ? name : written;
}

static void take_articles(const json_value *v, arena scratch) {
    if (!v || v->kind != JSON_OBJECT) return;
    forget_articles();
    for (uint32_t i = 0; i < v->n && n_articles < ARTICLES_MAX; i++) {
        articles[n_articles].title = kept(full_title(v->items[i].key, &scratch));
        articles[n_articles++].text = kept(v->items[i].string);
    }
}

static void take_options(wt_options *o, const json_value *options, arena *a) {
    str value;
    uint64_t width;
    if (json_is_str(&value, json_get(options, "thumbsize")) && str_parse_u64(&width, value))
        o->thumb_width = (int32_t)width;
    if (json_is_str(&value, json_get(options, "maxincludesize")) && str_parse_u64(&width, value))
        o->limits.expanded_bytes = o->limits.argument_bytes = (uint32_t)width;
    if (json_is_str(&value, json_get(options, "externallinktarget")))
        o->link_target = arena_cstr(a, value);
    if (json_is_str(&value, json_get(options, "wgenableuploads")) && str_eq(value, STR("0")))
        o->no_uploads = true;
    if (json_is_str(&value, json_get(options, "wgallowexternalimages")))
        o->external_images = !str_eq(value, STR("0")) && !str_eq(value, STR("false"));
}

// wgMaxTocLevel=3 leaves two levels in the contents.
static int32_t toc_levels(const json_value *options) {
    str level;
    uint64_t n;
    bool is_set = json_is_str(&level, json_get(options, "wgmaxtoclevel"));
    return is_set && str_parse_u64(&n, level) && n > 1 ? (int32_t)n - 1 : 0;
}

static void answer(str line, arena scratch, arena mem) {
    const json_value *request;
    err e = {0};
    str title = {0}, wikitext = {0};
    buf out;
    json j;
    wt_page page;
    if (json_read(&request, line, &mem, &e)) {
        fprintf(stderr, "render_tests: %s\n", e.msg);
        exit(1);
    }
    json_is_str(&title, json_get(request, "title"));
    json_is_str(&wikitext, json_get(request, "wikitext"));
    page_title = title;
    take_articles(json_get(request, "articles"), scratch);
    const json_value *options = json_get(request, "options");
    wt_options o = {.world = &world,
                    .title = title,
                    .page_id = 187,
                    .rev_id = 1337,
                    .timestamp = STR("1970-01-01T00:02:03Z"),
                    .user = STR("127.0.0.1"),
                    .article_path = "/wiki/",
                    .script_path = "/index.php",
                    .server = "http://example.org",
                    .red_links_to_editor = true,
                    .external_images = true,
                    .subpages = json_get(options, "subpage"),
                    .edit_links = true,
                    .toc_levels = toc_levels(options),
                    .legacy_ids = true,
                    .no_toc = json_get(options, "notoc"),
                    .no_tidy = json_get(options, "notidy"),
                    .follow_host = "no-nofollow.org",
                    .thumb_width = 180};
    take_options(&o, options, &mem);
    if (wt_render(&page, wikitext, &o, &mem, scratch)) exit(1);
    buf_init(&out, &scratch, 0);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "html"), json_str(&j, page.html);
    json_close(&j, '}');
    buf_byte(&out, '\n');
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
}

int main(void) {
    arena mem, scratch;
    char *line = NULL;
    size_t cap = 0;
    if (arena_open(&mem, ROOM, NULL) || arena_open(&scratch, ROOM, NULL)) return 1;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        answer((str){line, (size_t)n}, scratch, mem);
    }
    free(line);
    forget_articles();
    arena_close(&mem);
    arena_close(&scratch);
    return 0;
}
