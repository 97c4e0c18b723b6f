// What rendering asks of a hosted wiki: its pages, titles, neighbours and clock (wt_world over a
// view).
//
//   I1  a world lives as long as its view is entered, and is asked by one thread at a time

#include "app/wiki_images.h"
#include "app/wiki_render.h"

#include <time.h>

enum { LOOKUP_ROOM = 1 << 20 };

// Redirects are followed: {{Cite}} may be {{Citation}}'s.
static bool source(void *arg, wt_source *out, str title, arena *a) {
    const wiki_world *w = arg;
    wiki_hit h;
    str xml;
    wiki_revision rev;
    if (title.len > WIKI_TITLE_MAX || !wiki_find(&h, w->view, title, a)) return false;
    if (h.page.is_redirect && !wiki_follow(&h, w->view, a)) return false;
    if (h.page.len > WIKI_UNPACK_MAX || wiki_page_xml(&xml, w->view, &h, a, NULL) ||
        wiki_revision_parse(&rev, xml, a, NULL))
        return false;
    *out = (wt_source){.title = h.page.title,
                       .text = rev.text,
                       .model = rev.model,
                       .hash = str_hash(rev.text, 0) | 1};
    return true;
}

static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    const wiki_world *w = arg;
    arena room;
    memset(out, 0, n * sizeof *out);
    if (arena_open(&room, LOOKUP_ROOM, NULL)) return;
    for (size_t i = 0; i < n; i++) {
        arena a = room;
        wiki_hit h;
        if (titles[i].len <= WIKI_TITLE_MAX && wiki_find(&h, w->view, titles[i], &a))
            out[i] = h.page.is_redirect ? WT_EXISTS | WT_REDIRECT : WT_EXISTS;
    }
    arena_close(&room);
}

static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    const wiki_world *w = arg;
    const char *links = w->links_to ? w->links_to(w->arg, prefix) : NULL;
    if (!links) return wt_wikimedia(out, wiki_view_site(w->view), prefix, a);
    *out = (wt_interwiki){.url = arena_fmt(a, "%s$1", links), .is_hosted = true};
    return true;
}

// A dump holds no pictures: what the folder of them lacks is known by name, with nothing to show.
// Whatever the width, it is the file itself: browsers scale it.
static bool file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    const wiki_world *w = arg;
    (void)width;
    if (!w->images || !wiki_images_find(out, w->images, name, a)) *out = (wt_file){0};
    return true;
}

static uint64_t count(void *arg, int32_t ns) {
    const wiki_world *w = arg;
    (void)ns;
    return wiki_view_pages(w->view);
}

static bool message(void *arg, str *out, str key, arena *a) {
    buf title;
    wt_source found;
    if (key.len == 0 || key.len > WIKI_TITLE_MAX) return false;
    const wiki_world *w = arg;
    const wiki_ns *ns = wiki_ns_of(wiki_view_site(w->view), 8);
    buf_init(&title, a, key.len + 64);
    buf_add(&title, ns ? ns->name : STR("MediaWiki"));
    buf_byte(&title, ':');
    buf_add(&title, key);
    if (!source(arg, &found, buf_str(&title), a)) return false;
    *out = found.text;
    return true;
}

static uint64_t category_size(void *arg, str name) {
    const wiki_world *w = arg;
    arena room;
    wiki_hits hits = {0};
    if (arena_open(&room, LOOKUP_ROOM, NULL)) return 0;
    wiki_category(&hits, &name, w->view, name, 0, 0, &room);
    arena_close(&room);
    return hits.total;
}

void wiki_world_fill(wt_world *out, wiki_world *w) {
    *out = (wt_world){
        .arg = w,
        .site = wiki_view_site(w->view),
        .now = (int64_t)time(NULL),
        .source = source,
        .exists = exists,
        .interwiki = interwiki,
        .file = file,
        .count = count,
        .message = message,
        .category_size = category_size,
    };
}
