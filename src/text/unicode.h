// text/unicode.h -- what tokenizers ask of Unicode: categories, white space, words, normal forms.
//
//   Threads   pure functions; any
//   Limits    memory is linear in the text, work n log n, whatever combines with what
//   Errors    unicode_normal: E_LIMIT when the arena has no room
//   Source    utf8proc (Unicode 15.0 in Debian 12) and what 16 adds, which is Oniguruma's version
//             in tokenizers 0.22; case and numbers up to 17, which is Rust's. UAX #15, UTS #18
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include "base/arena.h"

// Sets of general categories, a bit for each in utf8proc's order.
enum {
    UNICODE_LETTER = 0x3E,
    UNICODE_MARK = 0x1C0,
    UNICODE_NUMBER = 0xE00,
    UNICODE_DIGIT = 0x200,
    UNICODE_CONNECTOR = 0x1000,
    UNICODE_PUNCTUATION = 0x7F000,
};

// The categories that \p{NAME} means ("L", "Lu", "Letter", ...); 0 when it is none.
uint32_t unicode_categories(str name);

// 1 << category.
uint32_t unicode_category_bit(int32_t cp);
bool unicode_is_space(int32_t cp);  // White_Space
bool unicode_is_word(int32_t cp);   // Oniguruma's \w: letters, marks, decimal digits, connectors
// Rust's \w (UTS #18): also letters in circles and of numbers, and the joiners.
bool unicode_is_alphabetic_word(int32_t cp);
bool unicode_is_numeric(int32_t cp);      // Rust's char::is_numeric: N
bool unicode_is_punctuation(int32_t cp);  // P, and all of ASCII that is no letter, digit, space

int32_t unicode_lower(int32_t cp);
// The simple case folding; of a character without one, itself.
int32_t unicode_fold(int32_t cp);

// The character at s.ptr[at] and its length; a byte that begins no valid one is U+FFFD alone.
size_t unicode_at(int32_t *cp, str s, size_t at);
// The length of the character that ends at `at`, by the same rule. `at` must not be 0.
size_t unicode_before(str s, size_t at);

typedef enum unicode_form { UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD } unicode_form;

// `s` must be valid UTF-8. *out is `s` itself where that is normal already, or lies in `a`.
NODISCARD status unicode_normal(str *out, str s, unicode_form form, arena *a, err *e);

#endif
