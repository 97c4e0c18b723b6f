// tensor/bytes.h -- little-endian loads from bytes that may be unaligned. Pure; any thread.
#ifndef TENSOR_BYTES_H
#define TENSOR_BYTES_H

#include "base/base.h"

static inline uint64_t bytes_le(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}
static inline uint16_t bytes_le16(const uint8_t *p) {
    return (uint16_t)bytes_le(p, 2);
}
static inline uint32_t bytes_le32(const uint8_t *p) {
    return (uint32_t)bytes_le(p, 4);
}
static inline uint64_t bytes_le64(const uint8_t *p) {
    return bytes_le(p, 8);
}

#endif
