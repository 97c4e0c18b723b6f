// Words of titles: where a folded title is cut, and the sections that say which titles have a word.
//
// A word is a run of letters, digits and their marks, as Unicode has them; all else cuts, also
// apostrophes ("Einstein's" is found by "einstein", "O'Brien" by "brien" and by "o'brien"). Scripts
// written without spaces have no runs to cut, so there each letter with its marks is a word.
// Titles are cut when the index is built and queries when they come, by the same function on text
// folded by the same rule: that is all the agreement there is.
//
// Rejected: dropping apostrophes ("l'amour" would be found by "lamour" only); pairs of code points
// for Chinese (twice the size, and search of titles need not rank phrases).
//
//   I1  a word has 1..WORD_MAX bytes and no zero byte; what is longer is cut at a code point
//   I2  every word is a slice of whole code points of the text, so it is folded as the text is

#include "wiki/words.h"
#include "base/utf8.h"
#include "wiki/inside.h"
#include "wiki/keyed.h"

#include <utf8proc.h>

// --- Cutting ---------------------------------------------------------------------------------

enum kind { CUT, LETTER, MARK, ALONE };  // ALONE: a letter that is a word by itself

// Scripts without spaces between words.
static const struct {
    int32_t first, last;
} alone[] = {
    {0x0E00, 0x0EFF},    // Thai, Lao
    {0x1000, 0x109F},    // Myanmar
    {0x1780, 0x17FF},    // Khmer
    {0x1950, 0x19DF},    // Tai Le, New Tai Lue
    {0x1A20, 0x1AAF},    // Tai Tham
    {0x2E80, 0x2FDF},    // radicals
    {0x3005, 0x312F},    // Kana, Bopomofo, marks of repetition
    {0x31A0, 0x31FF},    // Bopomofo and Katakana extended
    {0x3400, 0x4DBF},    // Han
    {0x4E00, 0x9FFF},    // Han
    {0xA9E0, 0xA9FF},    // Myanmar
    {0xAA60, 0xAADF},    // Myanmar, Tai Viet
    {0xF900, 0xFAFF},    // Han
    {0xFF66, 0xFF9F},    // Katakana, half as wide
    {0x1B000, 0x1B16F},  // Kana
    {0x20000, 0x3FFFD},  // Han
};

static bool stands_alone(int32_t cp) {
    for (size_t i = 0; i < countof(alone) && cp >= alone[i].first; i++)
        if (cp <= alone[i].last) return true;
    return false;
}

static enum kind kind_of(int32_t cp) {
    if (cp == 0x200C || cp == 0x200D) return MARK;  // joiners stand inside words
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return stands_alone(cp) ? ALONE : LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return MARK;
    default:
        return CUT;
    }
}

static bool is_ascii_word(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

// Kind and length of what stands at s.ptr[at], which is inside.
static enum kind kind_at(size_t *len, str s, size_t at) {
    uint8_t c = (uint8_t)s.ptr[at];
    *len = 1;
    if (c < 128) return is_ascii_word(c) ? LETTER : CUT;
    int32_t cp;
    *len = utf8_decode(&cp, str_skip(s, at));
    return cp == UTF8_BAD ? CUT : kind_of(cp);
}

static str clipped(str word) {
    size_t n = min_size(word.len, WIKI__WORD_MAX);
    while (n && n < word.len && ((uint8_t)word.ptr[n] & 0xC0) == 0x80)
        n--;
    return str_first(word, n);  // I1
}

bool wiki__word_next(str *word, str *rest) {
    size_t at = 0, len = 0;
    enum kind first = CUT;
    for (; at < rest->len; at += len)
        if ((first = kind_at(&len, *rest, at)) == LETTER || first == ALONE) break;
    if (at >= rest->len) return *rest = (str){0}, false;
    size_t start = at;
    for (at += len; at < rest->len; at += len) {
        enum kind k = kind_at(&len, *rest, at);
        if (k != MARK && (k != LETTER || first == ALONE)) break;
    }
    *word = clipped((str){rest->ptr + start, at - start});
    *rest = str_skip(*rest, at);
    return true;
}

void wiki__words_of(str folded, void (*found)(void *arg, str word), void *arg) {
    for (str word; wiki__word_next(&word, &folded);)
        found(arg, word);
}

// --- Sections --------------------------------------------------------------------------------

size_t wiki__word_record(uint8_t out[STORE_KEY_MAX + 8], str folded_word, uint32_t rank) {
    str word = str_first(folded_word, STORE_KEY_MAX);
    memcpy(out, word.ptr, word.len);
    return word.len + wiki__record_put_tail(out + word.len, rank);
}

status wiki__words_write(store_out *o, store_merge *sorted, const char *dir, err *e) {
    wiki__keyed k = {
        .dict = WIKI__WORDS, .lists = WIKI__WORD_LISTS, .cut = wiki__record_tail, .dir = dir};
    uint64_t n;
    return wiki__keyed_write(&n, o, &k, sorted, e);
}
