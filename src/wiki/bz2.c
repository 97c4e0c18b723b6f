// bzip2's framing. Blocks are found by their mark at any bit, moved to a byte boundary, and given
// to libbz2 as a stream of one block, so that blocks unpack side by side whatever stream they are
// in.
//
// Rejected: only cutting at streams (a dump of one stream would use one processor, and have no
// random reads); a decoder of our own (libbz2 is the reference).
//
//   I1  a mark inside a block's data does no harm: the block is then cut short, its unpacking
//       fails, and it is tried up to the next mark
//   I2  libbz2 checks every block's sum, wiki__bz2_walk that of the stream and that nothing else
//       stands between blocks

#include "wiki/bz2.h"

#include <bzlib.h>
#include <pthread.h>
#include <sys/mman.h>

enum { MARK_BITS = 48, HEAD_BITS = 80, TRIES = 4 };
static const uint64_t block_mark = 0x314159265359, end_mark = 0x177245385090;
#define MARK_MASK 0xffffffffffffULL

static uint64_t load_be(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

// The 64 bits at `bit`; zeros behind the end.
static uint64_t bits_at(str file, uint64_t bit) {
    uint8_t b[16] = {0};
    uint64_t at = bit / 8;
    if (at >= file.len) return 0;
    memcpy(b, file.ptr + at, min_size(9, file.len - at));
    unsigned shift = bit % 8;
    return shift ? load_be(b) << shift | b[8] >> (8 - shift) : load_be(b);
}

static bool is_mark(uint64_t v, bool or_end) {
    return v >> 16 == block_mark || (or_end && v >> 16 == end_mark);
}

// Bytes 1 to 5 of the seven that a mark touches lie wholly inside it at every shift, so of the four
// pairs of neighbours among them exactly one stands at a multiple of four. A bit for each pair that
// occurs in a mark is all that the search looks at.
typedef struct pair_set {
    uint64_t block[1024], any[1024];  // of block marks; of both
} pair_set;

static pair_set pairs;

static void add_pairs(uint64_t *set, uint64_t mark) {
    for (unsigned shift = 0; shift < 8; shift++)
        for (unsigned i = 1; i <= 4; i++) {
            uint16_t pair = (uint16_t)(mark << (16 - shift) >> (48 - 8 * i));
            set[pair / 64] |= 1ULL << pair % 64;
        }
}

static void make_pairs(void) {
    add_pairs(pairs.block, block_mark);
    add_pairs(pairs.any, block_mark);
    add_pairs(pairs.any, end_mark);
}

// The first mark whose bytes 1 to 4 hold byte `at`, at bit `from` or later.
static uint64_t mark_around(str file, size_t at, uint64_t from, bool or_end) {
    uint64_t first = (uint64_t)(at < 4 ? 0 : at - 4) * 8;
    for (uint64_t bit = first > from ? first : from; bit < (uint64_t)at * 8; bit++)
        if (bit + MARK_BITS <= (uint64_t)file.len * 8 && is_mark(bits_at(file, bit), or_end))
            return bit;
    return WIKI__NO_BIT;
}

uint64_t wiki__bz2_find(str file, uint64_t from, bool or_end) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_pairs);
    const uint64_t *set = or_end ? pairs.any : pairs.block;
    const uint8_t *p = (const uint8_t *)file.ptr;
    for (size_t at = from / 8 + 1; at + 1 < file.len; at += 4) {
        uint16_t pair = (uint16_t)(p[at] << 8 | p[at + 1]);
        if (!(set[pair / 64] >> pair % 64 & 1)) continue;
        uint64_t bit = mark_around(file, at, from, or_end);
        if (bit != WIKI__NO_BIT) return bit;
    }
    return WIKI__NO_BIT;
}

// --- One block -------------------------------------------------------------------------------

status wiki__bz2_work_open(arena *work, err *e) {
    TRY(arena_open(work, WIKI__BZ2_WORK, e));
    madvise(work->base, work->reserve, MADV_HUGEPAGE);
    return OK;
}

// Not cleared: libbz2 clears what it has to, and this is megabytes a block.
static void *pool_alloc(void *arg, int n, int size) {
    arena *a = arg;
    size_t len = align_up((size_t)n * (size_t)size, 64);
    if (len > arena_room(a)) return NULL;
    void *p = a->base + a->used;
    a->used += len;
    return p;
}

static void pool_free(void *arg, void *p) {
    (void)arg;
    (void)p;
}

// Appends the top `n` bits of v behind the n_bits that stand in dst, whose rest is zero.
static void put_bits(uint8_t *dst, uint64_t n_bits, uint64_t v, unsigned n) {
    for (unsigned i = 0; i < n; i++, n_bits++)
        dst[n_bits / 8] |= (uint8_t)((v >> (63 - i) & 1) << (7 - n_bits % 8));
}

// A whole stream of the block [bit, end). Returns its length, 0 without memory.
static size_t wrap(uint8_t **out, str file, uint64_t bit, uint64_t end, arena *a) {
    uint64_t n = end - bit;
    uint8_t *dst = arena_try(a, n / 8 + 64);
    if (!dst) return 0;
    memcpy(dst, "BZh9", 4);
    for (uint64_t i = 0; i < n; i += 56) {
        uint64_t v = __builtin_bswap64(bits_at(file, bit + i) & ~(uint64_t)255);
        memcpy(dst + 4 + i / 8, &v, 8);
    }
    memset(dst + 4 + (n + 7) / 8, 0, 32);
    if (n % 8) dst[4 + n / 8] &= (uint8_t)(0xff00 >> n % 8);
    put_bits(dst, 32 + n, end_mark << 16, MARK_BITS);
    put_bits(dst, 32 + n + MARK_BITS, bits_at(file, bit + MARK_BITS), 32);
    *out = dst;
    return (size_t)(4 + (n + HEAD_BITS + 7) / 8);
}

// libbz2's code for the block cut at `end`.
static int unpack_at(size_t *len, void *dst, str file, uint64_t bit, uint64_t end, arena work) {
    uint8_t *in;
    size_t n = wrap(&in, file, bit, end, &work);
    if (!n) return BZ_MEM_ERROR;
    bz_stream z = {.bzalloc = pool_alloc, .bzfree = pool_free, .opaque = &work};
    int rc = BZ2_bzDecompressInit(&z, 0, 0);
    if (rc) return rc;
    z.next_in = (char *)in;
    z.avail_in = (unsigned)n;
    z.next_out = dst;
    z.avail_out = (unsigned)*len;
    rc = BZ2_bzDecompress(&z);
    *len -= z.avail_out;
    BZ2_bzDecompressEnd(&z);
    return rc == BZ_STREAM_END && z.avail_in ? BZ_DATA_ERROR : rc;
}

status wiki__bz2_unpack(size_t *len, uint64_t *end, void *dst, str file, uint64_t bit, arena *work,
                        err *e) {
    uint64_t at = bit + MARK_BITS;
    const size_t room = *len;
    for (int i = 0; i < TRIES; i++) {  // I1
        str near = str_first(file, (size_t)(bit / 8) + WIKI__PACKED_MAX);
        uint64_t stop = wiki__bz2_find(near, at, true);
        if (stop == WIKI__NO_BIT || stop < bit + HEAD_BITS) break;
        *len = room;
        int rc = unpack_at(len, dst, file, bit, stop, *work);
        *end = stop;
        if (rc == BZ_STREAM_END) return OK;
        if (rc == BZ_MEM_ERROR) return err_set(e, E_MEMORY, "no memory to unpack a bzip2 block");
        at = stop + 1;
    }
    return err_set(e, E_FORMAT,
                   "byte %llu: a bzip2 block that is damaged or cut short; download the file again "
                   "or compare its checksum",
                   (unsigned long long)(bit / 8));
}

// --- Between blocks --------------------------------------------------------------------------

static status is_bad(err *e, uint64_t bit, const char *what) {
    return err_set(e, E_FORMAT, "byte %llu: %s; download the file again or compare its checksum",
                   (unsigned long long)(bit / 8), what);
}

static bool is_header(str file, uint64_t at) {
    str s = str_skip(file, at);
    return s.len >= 4 && memcmp(s.ptr, "BZh", 3) == 0 && s.ptr[3] >= '1' && s.ptr[3] <= '9';
}

static status read_footer(wiki__bz2_walk *w, str file, err *e) {
    if (w->bit + HEAD_BITS > (uint64_t)file.len * 8)
        return is_bad(e, w->bit, "a bzip2 stream that is cut short");
    if (bits_at(file, w->bit + MARK_BITS) >> 32 != w->sum)
        return is_bad(e, w->bit, "a bzip2 stream whose sum does not match");
    w->bit = (w->bit + HEAD_BITS + 7) / 8 * 8;
    w->sum = 0;
    w->in_stream = false;
    return OK;
}

status wiki__bz2_settle(wiki__bz2_walk *w, str file, err *e) {
    while (w->in_stream || w->bit / 8 < file.len) {
        uint64_t mark = bits_at(file, w->bit) >> 16 & MARK_MASK;
        if (!w->in_stream) {
            if (!is_header(file, w->bit / 8))
                return is_bad(e, w->bit, "neither the end nor a bzip2 stream");
            w->bit += 32;
            w->in_stream = true;
        } else if (mark == end_mark) {
            TRY(read_footer(w, file, e));
        } else {
            return mark == block_mark ? OK : is_bad(e, w->bit, "no bzip2 block, or cut short");
        }
    }
    return OK;
}

status wiki__bz2_step(wiki__bz2_walk *w, str file, uint64_t end, err *e) {
    uint32_t sum = (uint32_t)(bits_at(file, w->bit + MARK_BITS) >> 32);
    w->sum = (w->sum << 1 | w->sum >> 31) ^ sum;
    w->bit = end;
    return wiki__bz2_settle(w, file, e);
}
