// jinja/text.h -- strings as Python has them: Unicode white space, case, words, classes.
//
//   Owner     views into what was given
//   Threads   pure functions; any
//   Source    Python's str methods; Unicode's SpecialCasing for what one character does not map to
//             one character
#ifndef JINJA_TEXT_H
#define JINJA_TEXT_H

#include "base/buf.h"
#include "base/str.h"

bool text_is_space(int32_t cp);
str text_lstrip(str s);
str text_rstrip(str s);
// Bytes of the first character (1 for a malformed one), of the last; of a leading run of \w.
size_t text_first_len(str s);
size_t text_last_len(str s);
size_t text_word_len(str s);
// Byte offset of the n-th character; s.len behind the last.
size_t text_offset(str s, size_t n);

typedef enum text_class {
    TEXT_ALPHA,
    TEXT_ALNUM,
    TEXT_DECIMAL,
    TEXT_DIGIT,
    TEXT_NUMERIC,
    TEXT_SPACE,
    TEXT_PRINTABLE,
    TEXT_UPPER,  // or title case
    TEXT_LOWER,
    TEXT_TITLE,
    TEXT_CASED,
    TEXT_WORD,
} text_class;
bool text_is(int32_t cp, text_class c);
bool text_all(str s, text_class c);  // and not empty

typedef enum text_case { TEXT_TO_UPPER, TEXT_TO_LOWER, TEXT_TO_TITLE, TEXT_TO_FOLD } text_case;
void text_put_case(buf *to, str s, text_case c);  // all of it
void text_put_title(buf *to, str s);              // str.title()
void text_put_capitalized(buf *to, str s);        // str.capitalize()
void text_put_swapped(buf *to, str s);

// The length of a line's end here, as str.splitlines sees it; 0: none.
size_t text_line_end(str s);

// What Python's float() reads, "inf" and "nan" also; a text without space and underscores.
bool text_parse_float(double *out, str s);

#endif
