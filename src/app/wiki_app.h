// app/wiki_app.h -- what the files of the wiki app share: the hosted wikis, a request's view.
//
//   Owner     wiki_hosts owns the wikis. A request holds its view until the reply is sent, so that
//             strs into maps may be handed over as they are
//   Threads   hosts are immutable once open; handlers: as http/http.h says
//   Errors    what begins with wiki_ask_ replies itself when it says false
#ifndef APP_WIKI_APP_H
#define APP_WIKI_APP_H

#include "app/app.h"
#include "app/metrics.h"
#include "wiki/wiki.h"

enum {
    WIKI_HOSTS_MAX = 64,
    WIKI_NAME_MAX = 63,
    WIKI_UNPACK_MAX = 16 << 20,  // bytes of a packed dump, or of a page to render, in one reply
    WIKI_SEARCH_MS = 50,
};

typedef struct wiki_host {
    wiki *w;            // NULL: it could not be opened
    const char *name;   // in routes: [A-Za-z0-9._-]
    const char *links;  // "/w/NAME/wiki/"
    const char *reads;  // "/w/NAME/read/"
} wiki_host;

typedef struct wiki_cache wiki_cache;
typedef struct wiki_renders wiki_renders;  // wiki_render.h
typedef struct wiki_images wiki_images;    // wiki_images.h

typedef struct wiki_hosts {
    wiki_host at[WIKI_HOSTS_MAX];
    size_t n;
    wiki_cache *cache;
    wiki_renders *renders;
    wiki_images *images;  // NULL: none
    arena mem, cache_mem;
} wiki_hosts;

// What a request works with.
typedef struct wiki_ask {
    http_req *rq;
    const wiki_hosts *hosts;
    const wiki_host *host;
    wiki_view *view;
    arena *a;           // the request's
    const char *links;  // what links in its articles begin with
    bool is_to_read;    // they lead to whole pages, those to other wikis too
} wiki_ask;

// The wiki that {db} names, or `name` when it is not NULL ("" is the first), or the first.
bool wiki_ask_begin(wiki_ask *q, http_req *rq, void *app);
void wiki_ask_to_read(wiki_ask *q);  // links lead to /read/
bool wiki_ask_named(wiki_ask *q, http_req *rq, void *app, str name);

// The name a request asks for: the rest of the path, else ?name=.
bool wiki_ask_name(str *name, http_req *rq);
// A whole number from the query in [min, max]; `dflt` when absent or empty.
bool wiki_ask_number(int64_t *out, http_req *rq, const char *key, int64_t dflt, int64_t min,
                     int64_t max);
// The page of that name, redirects not followed.
bool wiki_ask_find(wiki_hit *h, const wiki_ask *q, str name);

// The page's XML on a worker. Replies 413 or 500.
bool wiki_ask_xml(str *xml, const wiki_ask *q, const wiki_hit *h);
// 413, 400 or 500 for bytes of a dump that could not be had.
void wiki_reply_unread(http_req *rq, status s);
// The XML of a page that lies there. Replies 413, 400 or 500.
bool wiki_ask_slice(str *xml, const wiki_ask *q, uint64_t off, uint64_t len);
// Finds the page a request names, follows redirects (`?redirect=no`: not), and says in headers what
// was found. Replies 404.
bool wiki_ask_page(wiki_hit *h, const wiki_ask *q, bool follow);
// Where links to the hosted wiki with that name, dbname or language begin; NULL: there is none.
// `ask` is a wiki_ask.
const char *wiki_links_to(void *ask, str prefix);

// "/w/NAME/wiki/" + "Title", encoded.
void wiki_put_url(buf *b, str links, str title);
void wiki_put_page_url(buf *b, const wiki_host *host, str title);

// --- Suggestions that are asked for again and again (wiki_cache.c) -------------------------------

typedef struct wiki_question {
    uint64_t view;  // wiki_view_number
    str text;
    int32_t limit, ns;
} wiki_question;

NODISCARD status wiki_cache_open(wiki_cache **out, arena *mem, err *e);
// The answer, copied to `a`; false when it is not there. `c` may be NULL. Never waits.
bool wiki_cache_get(str *body, wiki_cache *c, const wiki_question *w, arena *a);
void wiki_cache_put(wiki_cache *c, const wiki_question *w, str body);

// --- Handlers of the other files ---------------------------------------------------------------

typedef void wiki_handler(http_req *rq, void *app);
wiki_handler wiki_api_list, wiki_api_one, wiki_api_suggest, wiki_api_search, wiki_api_titles,
    wiki_api_title, wiki_api_page, wiki_api_random, wiki_api_categories, wiki_api_category,
    wiki_api_backlinks, wiki_api_redirects;
wiki_handler wiki_read_page, wiki_html_one, wiki_text_one, wiki_sections_one;
// Where the reading view's style sheet lies; "": the build has none.
str wiki_read_style(void);
wiki_handler wiki_kiwix_suggest, wiki_kiwix_random, wiki_kiwix_search, wiki_kiwix_description,
    wiki_opensearch, wiki_opensearch_suggest;

// --- Of the whole app (wiki_host.c) --------------------------------------------------------------

status wiki_app_open(void **self, const app_options *o, err *e);
void wiki_app_stats(json *j, void *self);
void wiki_app_metrics(metrics *m, void *self);
void wiki_app_close(void *self);

// The fields of one wiki's object in /stats and /api/wiki; `is_whole`: counters, too.
void wiki_put_state(json *j, const wiki_host *host, bool is_whole);

#endif
