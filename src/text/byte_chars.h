// text/byte_chars.h -- the characters that byte-level vocabularies write bytes as.
//
//   Source    openai/gpt-2 src/encoder.py bytes_to_unicode(): printable ones stand for themselves,
//             the 68 others are U+0100 to U+0143 in their order
#ifndef TEXT_BYTE_CHARS_H
#define TEXT_BYTE_CHARS_H

#include "base/base.h"

// The byte that a character stands for, or -1.
static inline int bpe__byte_of(int32_t cp) {
    int32_t k = cp - 256;
    if ((cp >= 33 && cp <= 126) || (cp >= 161 && cp <= 172) || (cp >= 174 && cp <= 255)) return cp;
    if (k < 0 || k > 67) return -1;
    return k < 33 ? k : k == 33 ? 127 : k < 67 ? k - 34 + 128 : 173;
}

static inline int32_t bpe__char_of(uint8_t byte) {
    if (byte < 33) return 256 + byte;
    if (byte == 127) return 256 + 33;
    if (byte >= 128 && byte < 161) return 256 + 34 + byte - 128;
    return byte == 173 ? 256 + 67 : byte;
}

#endif
