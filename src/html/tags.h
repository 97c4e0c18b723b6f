// html/tags.h -- the elements that may stand in a page, as one table: what wikitext may write,
// which attributes it may give them, and how the tree builder treats them.
//
//   Threads   an immutable table; any
//   Source    https://html.spec.whatwg.org/multipage/parsing.html (special, scope, formatting...);
//             https://www.mediawiki.org/wiki/Help:HTML_in_wikitext (what is allowed)
#ifndef HTML_TAGS_H
#define HTML_TAGS_H

#include "base/str.h"

// How an element stands in the tree and on the stack of open elements.
enum {
    IS_SPECIAL = 1 << 0,     // "special" in the standard's sense
    IS_SCOPE = 1 << 1,       // ends the search of "has an element in scope"
    IS_IMPLIED = 1 << 2,     // has an end tag that may be left out
    IS_VOID = 1 << 3,        // has no content
    IS_FORMAT = 1 << 4,      // goes into the list of active formatting elements
    IS_ROWS = 1 << 5,        // table tbody tfoot thead tr: text in it is fostered
    IS_INLINE = 1 << 6,      // is wrapped in <p> when it stands in the body
    IS_META = 1 << 7,        // invisible: neither is wrapped nor ends a wrap
    IS_MATH = 1 << 8,        // MathML
    IS_MATH_TEXT = 1 << 9,   // MathML in which HTML may stand
    IS_MARK = 1 << 10,       // gets class="mw-empty-elt" when it has neither attributes nor content
    IS_LF = 1 << 11,         // its first newline is dropped
    IS_USER = 1 << 12,       // wikitext may write it
    IS_SINGLE = 1 << 13,     // wikitext may write <x/>: no content
    IS_PARAGRAPH = 1 << 14,  // its start tag ends an open <p>
};

// Groups of attributes: an attribute is allowed on an element that has one of its groups.
enum {
    ATTR_COMMON = 1 << 0,
    ATTR_ALIGN = 1 << 1,
    ATTR_CITE = 1 << 2,
    ATTR_CLEAR = 1 << 3,
    ATTR_WIDTH = 1 << 4,
    ATTR_DATETIME = 1 << 5,
    ATTR_UL = 1 << 6,
    ATTR_OL = 1 << 7,
    ATTR_LI = 1 << 8,
    ATTR_TABLE = 1 << 9,
    ATTR_CELL = 1 << 10,
    ATTR_ROW = 1 << 11,
    ATTR_FONT = 1 << 12,
    ATTR_VALUE = 1 << 13,
    ATTR_META = 1 << 14,
    ATTR_LINK = 1 << 15,
    ATTR_SPAN = 1 << 16,
    ATTR_A = 1 << 17,
    ATTR_IMG = 1 << 18,
    ATTR_MEDIA = 1 << 19,
    ATTR_MATH = 1 << 20,
};

// What a start tag and an end tag do in the body: the cases of "in body".
typedef enum tag_start {
    START_OTHER,
    START_BLOCK,
    START_HEADING,
    START_PRE,
    START_LI,
    START_DD,
    START_A,
    START_FORMAT,
    START_TABLE,
    START_INLINE_VOID,
    START_VOID,
    START_RAW,
    START_HR,
    START_RUBY_BASE,
    START_RUBY_TEXT,
    START_MATH,
    START_ROWS,  // parts of a table: nothing outside one
} tag_start;

typedef enum tag_end {
    END_OTHER,
    END_BLOCK,
    END_P,
    END_LI,
    END_DD,
    END_HEADING,
    END_FORMAT,
    END_BR,
    END_NONE,
} tag_end;

typedef enum tag_id {
    TAG_TEXT,  // no element: text
    TAG_ROOT,  // what all stands in
    TAG_WRAP,  // a <p> that the tree put around inline content
#define TAG(id, name, start, end, flags, attrs) TAG_##id,
#include "html/tags.inc"
    TAG_COUNT,
    TAG_UNKNOWN = TAG_COUNT,
} tag_id;

typedef struct tag_row {
    char name[16];  // padded with NUL
    uint8_t len, start, end;
    uint32_t flags, attrs;
} tag_row;

extern const tag_row tag_rows[TAG_COUNT];

// The element of this name in any case, or TAG_UNKNOWN.
tag_id tag_find(str name);

static inline uint32_t tag_flags(tag_id id) {
    return tag_rows[id].flags;
}

#endif
