// wikitext/module.h -- the seam for what runs modules ({{#invoke:Module|function|...}}).
//
// A runner gets the title, the function's name and the frame whose arguments it may read, and
// writes wikitext. Where it declines, wt_options.families is asked in the same way, and also for
// templates that are missing (`module` is the template's name then, `function` is empty).
//
//   Owner     the caller owns a wt_module for as long as pages are rendered with it; what it writes
//             is wikitext, appended to the buf that it is given
//   Threads   called on the rendering thread; a runner serves many threads at once
//   Errors    none: what it cannot show it declines, or says in the text
//   Limits    the page's (wt_limits): a runner asks wt_over() between steps
#ifndef WIKITEXT_MODULE_H
#define WIKITEXT_MODULE_H

#include "wikitext/inside.h"

struct wt_module {
    void *arg;
    // False: declines, nothing was written.
    bool (*invoke)(void *arg, buf *out, wt_parser *p, str module, str function,
                   const wt_frame *frame);
};

#endif
