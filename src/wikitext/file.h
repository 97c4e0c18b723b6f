// wikitext/file.h -- pictures, sounds and films: what a link asks for, and what is shown.
//
//   Owner     strs lie in p->mem or view what they were read from
//   Errors    none
#ifndef WIKITEXT_FILE_H
#define WIKITEXT_FILE_H

#include "wikitext/link.h"

typedef enum wt_format {
    WT_PLAIN,
    WT_THUMB,
    WT_MANUAL,  // a thumb that shows another file
    WT_FRAMED,
    WT_FRAMELESS,
} wt_format;

typedef struct wt_picture {
    wt_title title;  // as linked, or where its redirect leads
    wt_file file;
    bool is_there;
    wt_format format;
    const char *halign, *valign;  // "left", "text-top"; NULL: none
    int32_t width, height;        // 0: not asked for
    double upright;
    bool has_upright, has_border, has_alt, is_muted, is_loop;
    str alt, tooltip;  // plain text
    str caption;       // HTML, with markers
    str class, manual, page, lang, start, end, thumbtime;
    bool has_link, has_no_link;  // link=x; link=
    str link_url;                // "": link_title
    wt_title link_title;
} wt_picture;

// What the world has of a file.
void wt_picture_find(wt_picture *out, wt_parser *p, const wt_title *title);
// "thumb|left|A caption" into *out, which has been found.
void wt_picture_options(wt_picture *out, wt_parser *p, str options);

// Options one by one, for galleries. OPTION_NONE: is none, a caption.
typedef enum wt_picture_option {
    OPTION_NONE,
    OPTION_FORMAT,
    OPTION_HALIGN,
    OPTION_VALIGN,
    OPTION_BORDER,
    OPTION_MUTED,
    OPTION_LOOP,
    OPTION_UPRIGHT,
    OPTION_MANUAL,
    OPTION_ALT,
    OPTION_CLASS,
    OPTION_LINK,
    OPTION_PAGE,
    OPTION_LANG,
    OPTION_START,
    OPTION_END,
    OPTION_THUMBTIME,
    OPTION_UNUSED,  // is known, and says nothing to us
    OPTION_SIZE,
} wt_picture_option;
// *value: what follows "="; *word: the canonical word.
wt_picture_option wt_picture_option_of(str *value, const char **word, str lang, str part);
// "200x100px": false when it is no size. What is absent is 0.
bool wt_picture_size(int32_t *width, int32_t *height, str text);
// link=; false: no target.
bool wt_picture_link(wt_picture *out, wt_parser *p, str value);
// page=, lang=, start=, end=, thumbtime=: false when this file has no such thing.
bool wt_picture_detail(wt_picture *out, wt_picture_option option, str value);

// Text as HTML in which quotes are as they were.
str wt_escaped_text(wt_parser *p, str text);
// HTML as plain words: tags and markers gone, references decoded, spaces collapsed.
str wt_plain(wt_parser *p, str html);

// A picture in a box of so many pixels (0: any height), scaled as it says or not at all.
typedef struct wt_shown {
    str url, url_2x;
    int32_t width, height;
} wt_shown;
wt_shown wt_picture_fit(wt_parser *p, const wt_picture *pic, int32_t width, int32_t height);

// <a><img></a>, <span><audio></span>: without the box around it. `resource` says which file it is
// where the link leads elsewhere.
void wt_put_picture(buf *out, wt_parser *p, const wt_picture *pic, const wt_shown *shown,
                    bool has_resource);
// What stands for a picture that cannot be shown; width and height: asked for, 0 not.
void wt_put_broken(buf *out, wt_parser *p, const wt_picture *pic, str label, int32_t width,
                   int32_t height);
// Whether there is something to put: an address.
static inline bool wt_is_showable(const wt_picture *pic) {
    return pic->is_there && pic->file.url.len && !pic->file.is_hidden;
}
bool wt_is_audio(const wt_picture *pic);

#endif
