// Without VNNI: bytes become 16-bit halves, whose products add in pairs without loss. Rejected:
// vpmaddubsw, which saturates at 16 bits.

#if defined(__x86_64__)

#include "kern/kern_int_zmm.h"

#define ROWS             4
#define KERN_INT_NAME(f) kern__int_##f##_avx512

static inline ivec i_dot(ivec a, bytes w, const int8_t *q) {
    __m512i x = i_four(q), low = _mm512_set1_epi16(255);
    __m512i even = _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8), odd = _mm512_srai_epi16(x, 8);
    a = _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_and_si512(w, low), even));
    return _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_srli_epi16(w, 8), odd));
}

#include "kern/kern_int_body.h"

#endif
