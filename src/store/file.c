// Files of sections: what the index is made of.
//
// A section's checksum is a chain of hashes over blocks of 64 KiB, taken while the bytes are
// written, so that writing needs no second pass; the header comes last and says where everything
// lies. Rejected: one checksum over the file (a damaged section could not be named), a table of
// blocks (no reader needs to check a part).
//
//   F1  the file at the path is replaced by rename after everything was written and synced
//   F2  nothing of the header is used before magic, version, its own checksum and the file's length
//       were checked; no section lies outside the file
//   F3  opening touches the header only

#include "store/file.h"

#include <errno.h>
#include <unistd.h>

_Static_assert(sizeof(store_header) % STORE_ALIGN == 32, "sections start behind padding");

uint64_t store_sum(str s) {
    uint64_t h = 0;
    for (; s.len; s = str_skip(s, STORE_SUM_BLOCK))
        h = str_hash(str_first(s, STORE_SUM_BLOCK), h);
    return h;
}

static uint64_t header_sum(const store_header *h) {
    return store_sum((str){(const char *)h, offsetof(store_header, sum)});
}

// --- Write -----------------------------------------------------------------------------------

status store_out_open(store_out *o, const char *path, const char magic[8], uint32_t version,
                      err *e) {
    o->h = (store_header){.version = version, .n_sections = STORE_SECTIONS_MAX};
    memcpy(o->h.magic, magic, sizeof o->h.magic);
    o->section = NULL;
    o->n_block = 0;
    TRY(os_new_open(&o->file, path, e));
    status s = os_new_write(&o->file, &o->h, sizeof o->h, e);
    if (s) store_out_abort(o);
    return s;
}

static status flush_block(store_out *o, err *e) {
    if (!o->n_block) return OK;
    o->section->sum = str_hash((str){o->block, o->n_block}, o->section->sum);
    size_t n = o->n_block;
    o->n_block = 0;
    return os_new_write(&o->file, o->block, n, e);
}

status store_out_begin(store_out *o, int section, err *e) {
    static const char zeros[STORE_ALIGN];
    CHECK(section >= 0 && section < STORE_SECTIONS_MAX && !o->h.section[section].off);
    TRY(flush_block(o, e));
    size_t pad = align_up(o->file.len, STORE_ALIGN) - o->file.len;
    TRY(os_new_write(&o->file, zeros, pad, e));
    o->section = &o->h.section[section];
    *o->section = (store_section){.off = o->file.len};
    return OK;
}

status store_out_put(store_out *o, const void *data, size_t len, err *e) {
    const char *p = data;
    CHECK(o->section != NULL);
    o->section->len += len;
    while (len) {
        size_t n = min_size(len, sizeof o->block - o->n_block);
        memcpy(o->block + o->n_block, p, n);
        o->n_block += n;
        p += n, len -= n;
        if (o->n_block == sizeof o->block) TRY(flush_block(o, e));
    }
    return OK;
}

static status sink_put(void *arg, const void *data, size_t len, err *e) {
    return store_out_put(arg, data, len, e);
}

store_sink store_out_sink(store_out *o) {
    return (store_sink){sink_put, o};
}

status store_out_commit(store_out *o, err *e) {
    TRY(flush_block(o, e));
    o->h.file_len = o->file.len;
    o->h.sum = header_sum(&o->h);
    TRY(os_new_patch(&o->file, 0, &o->h, sizeof o->h, e));
    return os_new_commit(&o->file, e);  // F1
}

void store_out_abort(store_out *o) {
    os_new_abort(&o->file);
}

// --- Read ------------------------------------------------------------------------------------

static status is_bad(const store_in *in, const char *what, err *e) {
    return err_set(e, E_FORMAT, "%s: %s; build it again", in->map.path, what);
}

static status check_header(const store_in *in, const char magic[8], uint32_t version, err *e) {
    const store_header *h = (const store_header *)in->map.base;
    if (in->map.len < sizeof h->magic || memcmp(h->magic, magic, sizeof h->magic))
        return is_bad(in, "no file of this kind", e);
    if (in->map.len < offsetof(store_header, file_len)) return is_bad(in, "cut short", e);
    if (h->version != version) return is_bad(in, "written by another version", e);
    if (in->map.len < sizeof *h) return is_bad(in, "cut short", e);
    if (h->sum != header_sum(h) || h->n_sections != STORE_SECTIONS_MAX)
        return is_bad(in, "damaged header", e);
    if (h->file_len != in->map.len) return is_bad(in, "cut short", e);
    for (int i = 0; i < STORE_SECTIONS_MAX; i++) {
        const store_section *s = &h->section[i];
        bool is_inside = s->off <= h->file_len && s->len <= h->file_len - s->off &&
                         s->off % STORE_ALIGN == 0 && (s->off >= sizeof *h || !s->len);
        if (!is_inside) return is_bad(in, "a section lies outside the file", e);
    }
    return OK;
}

status store_in_open(store_in *in, const char *path, const char magic[8], uint32_t version,
                     err *e) {
    *in = (store_in){.map.fd = -1};
    TRY(os_map_open(&in->map, path, OS_MAP_RANDOM, e));
    status s = check_header(in, magic, version, e);
    if (s) {
        store_in_close(in);
        return s;
    }
    in->h = (const store_header *)in->map.base;
    return OK;
}

void store_in_close(store_in *in) {
    os_map_close(&in->map);
    in->h = NULL;
}

str store_in_section(const store_in *in, int section) {
    const store_section *s = &in->h->section[section];
    return s->len ? (str){(const char *)in->map.base + s->off, s->len} : (str){0};
}

static status read_at(const store_in *in, char *to, size_t len, uint64_t off, err *e) {
    while (len) {
        ssize_t n = pread(in->map.fd, to, len, (off_t)off);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "%s: read", in->map.path);
        if (n == 0) return is_bad(in, "cut short", e);
        to += n, len -= (size_t)n, off += (uint64_t)n;
    }
    return OK;
}

status store_in_verify(const store_in *in, err *e) {
    char block[STORE_SUM_BLOCK];
    for (int i = 0; i < STORE_SECTIONS_MAX; i++) {
        const store_section *s = &in->h->section[i];
        uint64_t sum = 0;
        for (uint64_t at = 0; at < s->len; at += sizeof block) {
            size_t n = min_size(s->len - at, sizeof block);
            TRY(read_at(in, block, n, s->off + at, e));
            sum = str_hash((str){block, n}, sum);
        }
        if (sum != s->sum)
            return err_set(e, E_FORMAT, "%s: section %d is damaged; build it again", in->map.path,
                           i);
    }
    return OK;
}
