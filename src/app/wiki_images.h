// app/wiki_images.h -- pictures for articles, from a folder of the operator's (--images DIR).
//
// A file "Foo bar.jpg" is looked for as DIR/Foo_bar.jpg and DIR/Foo bar.jpg, then where a MediaWiki
// keeps it: DIR/a/ab/Foo_bar.jpg, by the MD5 of its name. Nothing is scaled: browsers do that.
//
//   Owner     wiki_images owns a handle of the folder
//   Threads   any; nothing changes after open
//   Blocks    on disk: on workers only
//   Limits    names of IMAGE_NAME_MAX bytes; the kinds of file in the table of wiki_images.c
//   Errors    open: E_NOT_FOUND, E_ARG (no folder)
//   Safety    no link is followed, no name holds a '/': what is not in the folder is not sent
#ifndef APP_WIKI_IMAGES_H
#define APP_WIKI_IMAGES_H

#include "app/wiki_app.h"
#include "wikitext/wikitext.h"

enum { IMAGE_NAME_MAX = 240 };

NODISCARD status wiki_images_open(wiki_images **out, const char *dir, arena *mem, err *e);
void wiki_images_close(wiki_images *w);  // accepts NULL

// The file of that name ("Foo bar.jpg"): its address, kind and size. False: it is not there.
bool wiki_images_find(wt_file *out, const wiki_images *w, str name, arena *a);

wiki_handler wiki_image_one;  // GET /images/NAME

#endif
