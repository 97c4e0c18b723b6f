// wikitext/module.h -- the seam for what runs modules ({{#invoke:Module|function|...}}).
//
// A runner gets the title, the function's name and the frame whose arguments it may read, and
// writes wikitext. Without one, or where it declines, degrade.c shows the families it knows from
// their arguments, and everything else as a box with name and arguments: nothing is dropped.
//
//   Threads   called on the rendering thread; a runner serves many threads at once
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

// {{#invoke:}} inside the template frame->parent, or a template that is missing: a rendering from
// arguments alone, as wikitext. `name` is the template's or module's. Always writes something.
void wt_degrade(buf *out, wt_parser *p, str name, const wt_frame *args);

// Whether degrade.c knows the family that this template's body would hand to a module.
bool wt_degrade_knows(str name);

#endif
