// text/regex_code.h -- a compiled pattern: instructions and sets of characters.
//
//   Owner     internal to text/regex*.c
#ifndef TEXT_REGEX_CODE_H
#define TEXT_REGEX_CODE_H

#include "text/regex.h"

typedef enum regex_op {
    RE_MATCH,
    RE_CHAR,    // one character, cp
    RE_FOLD,    // one character whose folding is cp
    RE_LOOP,    // min to max characters of a set
    RE_SPLIT,   // tries x, then y
    RE_JUMP,    // to x
    RE_ASSERT,  // kind
    RE_AHEAD,   // the code behind it, up to RE_MATCH, matches here (or not: negate); goes on at x
    RE_BEHIND,  // the same `min` characters before
} regex_op;

typedef enum regex_assert {
    RE_LINE_START,
    RE_LINE_END,
    RE_TEXT_START,
    RE_TEXT_END,
    RE_TEXT_END_LINE,
    RE_WORD,
    RE_NO_WORD,
} regex_assert;

typedef enum regex_greed { RE_GREEDY, RE_LAZY, RE_POSSESSIVE } regex_greed;

typedef struct regex_code {
    uint8_t op, kind;  // kind: of an assertion, or greed
    bool negate;
    uint16_t choice;  // of SPLIT and LOOP: its number
    union {
        struct {
            uint32_t x, y;
        };
        struct {
            uint32_t set, min, max;  // max UINT32_MAX: no end
        };
        int32_t cp;
    };
} regex_code;

typedef enum regex_item_kind { RE_RANGE, RE_CATEGORY, RE_SPACE, RE_SET } regex_item_kind;

typedef struct regex_item {
    regex_item_kind kind;
    bool negate;
    int32_t lo, hi;  // RANGE; SET: lo is its number
    uint32_t categories;
} regex_item;

enum { RE_BITS = 0x10000 };  // characters that a set's bitmap answers for

typedef struct regex_set {
    uint32_t first, n;  // items, of which one must fit
    int32_t also;       // another set that must fit, too; -1: none
    bool negate, fold;
    uint64_t *bits;
} regex_set;

struct regex {
    regex_code *code;
    uint32_t n_code, n_choices;
    regex_set *sets;
    uint32_t n_sets;
    regex_item *items;
    uint32_t n_items;
    // The alternatives of the whole pattern: where each begins, and by the first byte of a place
    // which of them can match there. All of them behind the 64th share its bit.
    uint32_t *alt;
    uint32_t n_alts;
    uint64_t can_start[256];
    bool can_be_empty;  // then any place may match, the end too
};

// Whether an item fits, and a whole set holds a character.
bool regex__fits(const regex *re, const regex_item *x, int32_t cp);
bool regex__in(const regex *re, const regex_set *s, int32_t cp);

static inline bool regex__has(const regex *re, const regex_set *s, int32_t cp) {
    if (cp < RE_BITS && s->bits) return s->bits[cp >> 6] >> (cp & 63) & 1;
    return regex__in(re, s, cp);
}

#endif
