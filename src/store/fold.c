// The fold: what a reader compares of a title.
//
// Each code point becomes a short run of code points by rules that look at nothing else: a table
// for dashes, quotes and letters without a decomposition, then case folding, and decomposition
// with the marks dropped where accents are what people leave out: Latin, Greek and Cyrillic. Marks
// of Indic scripts, Thai, Khmer and so on are vowels and stay, and so do ZWJ and ZWNJ, which
// change words there, and the hamza and the maddah, which make letters of their own in Arabic.
//
// Rejected: Unicode collation (long keys, and contractions are no prefix rule); NFKD with all marks
// dropped (turns Hindi words into others); final sigma and Turkish i (context, or a language to
// know).
//
//   I1  a run is folded again until nothing changes, so fold(fold(x)) = fold(x)
//   I2  a dropped code point behind a malformed byte is kept, so that two malformed bytes never
//       meet and become a character
//   I3  what a well-formed code point becomes is well-formed UTF-8

#include "store/fold.h"

#include "base/utf8.h"

#include <pthread.h>
#include <utf8proc.h>

enum { TABLE = 0x3000, RUN_MAX = 16, DEPTH = 6, OTHER = 255 };

typedef struct range {
    int32_t first, last;
} range;

static bool is_in(const range *r, size_t n, int32_t cp) {
    for (size_t i = 0; i < n; i++)
        if (cp >= r[i].first && cp <= r[i].last) return true;
    return false;
}

// Invisible, or a mark that is left out when typing.
static const range dropped[] = {
    {0x00AD, 0x00AD}, {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF},
    {0x05C1, 0x05C2}, {0x05C4, 0x05C5}, {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x0652},
    {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200B}, {0x200E, 0x200F}, {0x202A, 0x202E},
    {0x2060, 0x2060}, {0x2066, 0x2069}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
};

// Latin, Greek, Cyrillic, their signs among letter-like symbols, and Hebrew letters with points.
static const range decomposed[] = {
    {0x00C0, 0x024F}, {0x0370, 0x052F}, {0x1E00, 0x1FFF}, {0x2126, 0x212B}, {0xFB1D, 0xFB4F},
};

static const struct {
    int32_t from;
    char to[4];
} plain[] = {
    {'_', " "},     {0x00D8, "o"},  {0x00E6, "ae"}, {0x00F0, "d"},  {0x00F8, "o"},  {0x00FE, "th"},
    {0x0111, "d"},  {0x0127, "h"},  {0x0131, "i"},  {0x0138, "k"},  {0x0142, "l"},  {0x014B, "n"},
    {0x0153, "oe"}, {0x0167, "t"},  {0x0180, "b"},  {0x01E5, "g"},  {0x0268, "i"},  {0x0289, "u"},
    {0x02B9, "'"},  {0x02BA, "\""}, {0x02BB, "'"},  {0x02BC, "'"},  {0x02BD, "'"},  {0x02BE, "'"},
    {0x02BF, "'"},  {0x05BE, "-"},  {0x05F3, "'"},  {0x05F4, "\""}, {0x1680, " "},  {0x2010, "-"},
    {0x2011, "-"},  {0x2012, "-"},  {0x2013, "-"},  {0x2014, "-"},  {0x2015, "-"},  {0x2018, "'"},
    {0x2019, "'"},  {0x201A, "'"},  {0x201B, "'"},  {0x201C, "\""}, {0x201D, "\""}, {0x201E, "\""},
    {0x201F, "\""}, {0x202F, " "},  {0x2032, "'"},  {0x2033, "\""}, {0x2035, "'"},  {0x2036, "\""},
    {0x205F, " "},  {0x2212, "-"},  {0x3000, " "},  {0x00A0, " "},
};

static const char *plain_of(int32_t cp) {
    if (cp >= 0x2000 && cp <= 0x200A) return " ";
    for (size_t i = 0; i < countof(plain); i++)
        if (plain[i].from == cp) return plain[i].to;
    return NULL;
}

// One round: what cp becomes. Returns the run's length.
static size_t step(int32_t out[RUN_MAX], int32_t cp) {
    if (is_in(dropped, countof(dropped), cp)) return 0;
    const char *to = plain_of(cp);
    size_t n = 0;
    for (; to && to[n]; n++)
        out[n] = to[n];
    if (to) return n;
    out[0] = cp;
    if (cp >= 0xFF01 && cp <= 0xFF5E) return out[0] = cp - 0xFEE0, 1;
    utf8proc_option_t how = UTF8PROC_CASEFOLD;
    if (is_in(decomposed, countof(decomposed), cp)) how |= UTF8PROC_DECOMPOSE;
    int bound = 0;
    utf8proc_ssize_t got = utf8proc_decompose_char(cp, out, RUN_MAX, how, &bound);
    if (got >= 0 && got <= RUN_MAX) return (size_t)got;
    return out[0] = cp, 1;
}

static size_t fold_cp(char *dst, int32_t cp, unsigned depth) {
    int32_t run[RUN_MAX];
    size_t n = step(run, cp), len = 0;
    if (!depth || (n == 1 && run[0] == cp)) return utf8_encode(dst, cp);
    for (size_t i = 0; i < n; i++)
        len += fold_cp(dst + len, run[i], depth - 1);
    return len;
}

// --- Table -----------------------------------------------------------------------------------

typedef struct entry {
    uint8_t n;  // OTHER: too long to stand here
    char to[7];
} entry;

static entry table[TABLE];

static void table_make(void) {
    for (int32_t cp = 0; cp < TABLE; cp++) {
        char to[RUN_MAX * UTF8_MAX];
        size_t n = fold_cp(to, cp, DEPTH);
        table[cp].n = n <= sizeof table[cp].to ? (uint8_t)n : OTHER;
        if (n <= sizeof table[cp].to) memcpy(table[cp].to, to, n);
    }
}

static void table_ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, table_make);
}

static bool is_itself(int32_t cp) {  // Han, Yi and Hangul: no case, no accents
    return (cp >= 0x3400 && cp <= 0xA4CF) || (cp >= 0xAC00 && cp <= 0xD7A3);
}

// Folds the code point at the start of *s and moves behind it.
static size_t fold_one(char *dst, str *s, bool *was_bad) {
    int32_t cp;
    size_t used = utf8_decode(&cp, *s), n;
    if (cp == UTF8_BAD || is_itself(cp))
        memcpy(dst, s->ptr, n = used);
    else if (cp < TABLE && table[cp].n != OTHER)
        memcpy(dst, table[cp].to, n = table[cp].n);
    else
        n = fold_cp(dst, cp, DEPTH);
    if (!n && *was_bad) memcpy(dst, s->ptr, n = used);  // I2
    *was_bad = cp == UTF8_BAD;
    *s = str_skip(*s, used);
    return n;
}

// Folds ASCII at the start of s, eight bytes at a time; returns how many.
static size_t fold_ascii(char *dst, str s) {
    size_t i = 0;
    for (uint64_t w; i + 8 <= s.len; i += 8) {
        memcpy(&w, s.ptr + i, 8);
        if (w & 0x8080808080808080u) break;
        for (size_t k = 0; k < 8; k++)
            dst[i + k] = (char)store_fold_ascii((unsigned char)s.ptr[i + k]);
    }
    for (; i < s.len && (unsigned char)s.ptr[i] < 0x80; i++)
        dst[i] = (char)store_fold_ascii((unsigned char)s.ptr[i]);
    return i;
}

size_t store_fold(char *dst, str s) {
    size_t len = 0;
    bool was_bad = false;
    table_ready();
    while (s.len) {
        size_t n = fold_ascii(dst + len, s);
        len += n;
        s = str_skip(s, n);
        if (n) was_bad = false;
        char one[RUN_MAX * UTF8_MAX];
        if (!s.len) break;
        n = fold_one(one, &s, &was_bad);
        memcpy(dst + len, one, n);
        len += n;
    }
    return len;
}

str store_fold_in(str s, arena *a) {
    char *p = arena_alloc(a, s.len * STORE_FOLD_GROWTH);
    return (str){p, store_fold(p, s)};
}

// --- Order -----------------------------------------------------------------------------------

typedef struct folder {
    str rest;
    size_t at, n;
    bool was_bad;
    char run[RUN_MAX * UTF8_MAX];
} folder;

static int next_byte(folder *f) {
    while (f->at == f->n) {
        if (!f->rest.len) return -1;
        unsigned char c = (unsigned char)f->rest.ptr[0];
        if (c < 0x80) {
            f->rest = str_skip(f->rest, 1);
            f->was_bad = false;
            return store_fold_ascii(c);
        }
        f->at = 0;
        f->n = fold_one(f->run, &f->rest, &f->was_bad);
    }
    return (unsigned char)f->run[f->at++];
}

int store_fold_cmp(str a, str b) {
    size_t same = 0, n = min_size(a.len, b.len);
    while (same < n && a.ptr[same] == b.ptr[same] && (unsigned char)a.ptr[same] < 0x80)
        same++;
    folder fa, fb;  // run is not worth clearing
    fa.rest = str_skip(a, same), fa.at = fa.n = 0, fa.was_bad = false;
    fb.rest = str_skip(b, same), fb.at = fb.n = 0, fb.was_bad = false;
    table_ready();
    for (;;) {
        int x = next_byte(&fa), y = next_byte(&fb);
        if (x != y) return x < y ? -1 : 1;
        if (x < 0) return str_cmp(a, b);
    }
}
