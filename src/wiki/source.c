// A dump's bytes at any offset: the map itself, or blocks by way of the cache.
//
// Rejected: unpacking straight into the caller's arena (most reads are shorter than a block, and
// the next one is often of the same block).
//
//   I1  the block map is checked once, when it is opened: ascending, inside the file, blocks
//       bounded
//   I2  rows may cover no bytes; a byte belongs to the last row that starts at it or before

#include "wiki/block_cache.h"
#include "wiki/bz2.h"

enum { CACHE_BYTES = 64 << 20 };

bool wiki_source_is_packed(const os_map *file) {
    return str_starts(os_map_str(file), STR("BZh"));
}

static status check_blocks(const wiki_block *b, size_t n, uint64_t file_len, err *e) {
    bool is_good = b && b[0].raw == 0 && b[n].bit <= file_len * 8;
    for (size_t i = 0; is_good && i < n; i++)
        is_good = b[i].bit < b[i + 1].bit && b[i].raw <= b[i + 1].raw &&
                  b[i + 1].raw - b[i].raw <= WIKI__RAW_MAX;
    if (is_good) return OK;
    return err_set(e, E_FORMAT, "the index's block map is not of this file; index it again");
}

static status open_packed(wiki_source *s, const wiki_source_options *o, err *e) {
    TRY(check_blocks(o->blocks, o->n_blocks, s->file.len, e));
    s->blocks = o->blocks;
    s->n_blocks = o->n_blocks;
    s->len = o->blocks[o->n_blocks].raw;
    return wiki__cache_open(&s->cache, os_map_str(&s->file), s->blocks,
                            o->cache_bytes ? o->cache_bytes : CACHE_BYTES, e);
}

status wiki_source_open(wiki_source *s, const char *path, const wiki_source_options *o, err *e) {
    *s = (wiki_source){0};
    TRY(os_map_open(&s->file, path, OS_MAP_RANDOM, e));
    s->is_packed = wiki_source_is_packed(&s->file);
    s->len = s->file.len;
    if (!s->is_packed) return OK;
    status got = open_packed(s, o, e);
    if (!got) return OK;
    wiki_source_close(s);
    return err_in(e, "%s", path);
}

void wiki_source_close(wiki_source *s) {
    wiki__cache_close(s->cache);
    os_map_close(&s->file);
    *s = (wiki_source){.file.fd = -1};
}

// I2
static size_t block_of(const wiki_source *s, uint64_t off) {
    size_t lo = 0, hi = s->n_blocks;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->blocks[mid].raw <= off)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static status copy_blocks(char *dst, wiki_source *s, uint64_t off, uint64_t len, err *e) {
    for (size_t i = block_of(s, off); len; i++) {
        uint64_t skip = off - s->blocks[i].raw, room = s->blocks[i + 1].raw - off;
        size_t n = (size_t)(len < room ? len : room);
        if (!n) continue;
        wiki__pin pin;
        status got = wiki__cache_pin(&pin, s->cache, i, e);
        if (got) return err_in(e, "%s", s->file.path);
        memcpy(dst, pin.text.ptr + skip, n);
        wiki__cache_release(s->cache, &pin);
        dst += n;
        off += n;
        len -= n;
    }
    return OK;
}

status wiki_source_read(str *out, wiki_source *s, uint64_t off, uint64_t len, arena *a, err *e) {
    if (off > s->len || len > s->len - off)
        return err_set(e, E_ARG, "%s: bytes %llu+%llu of %llu", s->file.path,
                       (unsigned long long)off, (unsigned long long)len,
                       (unsigned long long)s->len);
    *out = (str){0};
    if (!len) return OK;
    if (!s->is_packed) return *out = (str){(const char *)s->file.base + off, len}, OK;
    char *dst = arena_try(a, (size_t)len);
    if (!dst)
        return err_set(e, E_LIMIT, "%s: %llu bytes do not fit into memory for a page", s->file.path,
                       (unsigned long long)len);
    *out = (str){dst, (size_t)len};
    return copy_blocks(dst, s, off, len, e);
}

bool wiki_source_is_ready(const wiki_source *s, uint64_t off, uint64_t len) {
    if (!s->is_packed) return os_map_is_resident(&s->file, off, len);
    if (off > s->len || len > s->len - off || !len) return true;  // fails or is empty at once
    for (size_t i = block_of(s, off); i < s->n_blocks && s->blocks[i].raw < off + len; i++)
        if (s->blocks[i].raw < s->blocks[i + 1].raw && !wiki__cache_has(s->cache, i)) return false;
    return true;
}

void wiki_source_counters(wiki_cache_counters *out, const wiki_source *s) {
    *out = (wiki_cache_counters){0};
    if (s->cache) wiki__cache_counters(out, s->cache);
}

// --- Multistream index -----------------------------------------------------------------------

bool wiki_stream_line_parse(wiki_stream_line *out, str line) {
    uint64_t off, id;
    str rest = line, a = str_cut(&rest, ':'), b = str_cut(&rest, ':');
    if (!rest.len || !str_parse_u64(&off, a) || !str_parse_u64(&id, b) || id > UINT32_MAX)
        return false;
    *out = (wiki_stream_line){.off = off, .page_id = (uint32_t)id, .title = rest};
    return true;
}
