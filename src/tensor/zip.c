// Reads a ZIP directory from its end: end record, central directory, local headers.
//
// The central directory is the truth and every local header must agree with it, because a file on
// which two readers disagree is how a bad file gets past a check. Rejected: libzip (streams, cannot
// hand out views into a map) and walking local headers from the front (sizes may stand behind the
// data there).
//
//   I1  every offset is compared with what is left, never added first
//   I2  [local header, end of data) of two entries never overlap, and all end before the directory
//   I3  names are unique

#include "tensor/zip.h"

#include "base/utf8.h"
#include "tensor/bytes.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    END_LEN = 22,
    END64_LEN = 56,
    LOCATOR_LEN = 20,
    CENTRAL_LEN = 46,
    LOCAL_LEN = 30,
    COMMENT_MAX = 65535,
    FLAG_ENCRYPTED = 1,
    FLAG_SIZES_BEHIND = 8,
    METHOD_STORED = 0,
    EXTRA_ZIP64 = 1,
};
#define SIG_LOCAL   0x04034b50u
#define SIG_CENTRAL 0x02014b50u
#define SIG_END     0x06054b50u
#define SIG_END64   0x06064b50u
#define SIG_LOCATOR 0x07064b50u

typedef struct directory {
    uint64_t off, len, n;
} directory;

static const uint8_t *at(str file, uint64_t off) {
    return (const uint8_t *)file.ptr + off;
}

// The end record is the last thing but a comment, whose length must reach the end exactly.
static bool find_end(uint64_t *out, str file) {
    if (file.len < END_LEN) return false;
    uint64_t off = file.len - END_LEN;
    uint64_t least = off > COMMENT_MAX ? off - COMMENT_MAX : 0;
    for (;; off--) {
        const uint8_t *p = at(file, off);
        if (bytes_le32(p) == SIG_END && bytes_le16(p + 20) == file.len - END_LEN - off) {
            *out = off;
            return true;
        }
        if (off == least) return false;
    }
}

// The ZIP64 end record that the locator in front of the end record points to.
static status read_end64(directory *d, uint64_t *end, str file, err *e) {
    const uint8_t *loc = at(file, *end - LOCATOR_LEN);
    uint64_t off = bytes_le64(loc + 8), room = *end - LOCATOR_LEN;
    if (off > room || room - off < END64_LEN || bytes_le32(at(file, off)) != SIG_END64)
        return err_set(e, E_FORMAT, "zip: the ZIP64 end record is not where its locator says");
    const uint8_t *p = at(file, off);
    if (bytes_le32(loc + 4) || bytes_le32(p + 16) || bytes_le32(p + 20))
        return err_set(e, E_UNSUPPORTED, "zip: split over several disks");
    if (bytes_le64(p + 24) != bytes_le64(p + 32))
        return err_set(e, E_FORMAT, "zip: the end record counts entries in two ways");
    *d = (directory){bytes_le64(p + 48), bytes_le64(p + 40), bytes_le64(p + 32)};
    *end = off;
    return OK;
}

static bool has_locator(str file, uint64_t end) {
    return end >= LOCATOR_LEN && bytes_le32(at(file, end - LOCATOR_LEN)) == SIG_LOCATOR;
}

static status read_end(directory *d, str file, err *e) {
    uint64_t end = 0;
    if (!find_end(&end, file))
        return err_set(e, E_FORMAT, "no ZIP end record: not a torch.save file, or cut short");
    const uint8_t *p = at(file, end);
    if (has_locator(file, end)) {
        TRY(read_end64(d, &end, file, e));
    } else {
        if (bytes_le16(p + 4) || bytes_le16(p + 6) || bytes_le16(p + 8) != bytes_le16(p + 10))
            return err_set(e, E_UNSUPPORTED, "zip: split over several disks");
        *d = (directory){bytes_le32(p + 16), bytes_le32(p + 12), bytes_le16(p + 10)};
    }
    if (d->len > end || d->off > end - d->len)  // I1
        return err_set(e, E_FORMAT, "zip: the directory lies outside the file");
    if (d->n > ZIP_ENTRIES_MAX)
        return err_set(e, E_LIMIT, "zip: %llu entries, limit %d", (unsigned long long)d->n,
                       ZIP_ENTRIES_MAX);
    return OK;
}

// Replaces each 0xFFFFFFFF among the fields by the next 8 bytes of the ZIP64 extra field.
static bool apply_zip64(uint64_t **field, size_t n_fields, str extra) {
    while (extra.len >= 4) {
        const uint8_t *p = at(extra, 0);
        size_t len = bytes_le16(p + 2);
        if (len > extra.len - 4) return false;
        str body = str_first(str_skip(extra, 4), len);
        extra = str_skip(extra, 4 + len);
        if (bytes_le16(p) != EXTRA_ZIP64) continue;
        for (size_t i = 0; i < n_fields; i++) {
            if (*field[i] != UINT32_MAX) continue;
            if (body.len < 8) return false;
            *field[i] = bytes_le64(at(body, 0));
            body = str_skip(body, 8);
        }
        return true;
    }
    for (size_t i = 0; i < n_fields; i++)
        if (*field[i] == UINT32_MAX) return false;
    return true;
}

static bool name_ok(str s) {
    if (s.len == 0 || !utf8_valid(s)) return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F) return false;
    return true;
}

// Checks one name, method and pair of flags; both kinds of header hold them.
static status check_plain(str name, unsigned flags, unsigned method, err *e) {
    if (name.len > ZIP_NAME_MAX)
        return err_set(e, E_LIMIT, "zip: a name of %zu bytes, limit %d", name.len, ZIP_NAME_MAX);
    if (!name_ok(name))
        return err_set(e, E_FORMAT, "zip: a name that is empty or holds control characters");
    if (flags & FLAG_ENCRYPTED)
        return err_set(e, E_UNSUPPORTED, "zip: %.*s is encrypted", STR_ARG(name));
    if (method != METHOD_STORED)
        return err_set(e, E_UNSUPPORTED, "zip: %.*s is compressed (method %u), must be stored",
                       STR_ARG(name), method);
    return OK;
}

// Finds the data behind the local header, which must say what the central directory said.
static status read_local(zip_entry *z, uint64_t len, uint64_t limit, str file, err *e) {
    if (z->off > limit || limit - z->off < LOCAL_LEN)
        return err_set(e, E_FORMAT, "zip: %.*s lies outside the file", STR_ARG(z->name));
    const uint8_t *p = at(file, z->off);
    uint64_t room = limit - z->off - LOCAL_LEN;
    size_t name_len = bytes_le16(p + 26), extra_len = bytes_le16(p + 28);
    if (bytes_le32(p) != SIG_LOCAL || name_len + extra_len > room)
        return err_set(e, E_FORMAT, "zip: %.*s has no local header", STR_ARG(z->name));
    str name = {(const char *)p + LOCAL_LEN, name_len};
    str extra = {name.ptr + name_len, extra_len};
    if (!str_eq(name, z->name))
        return err_set(e, E_FORMAT, "zip: %.*s has another name in its local header",
                       STR_ARG(z->name));
    unsigned flags = bytes_le16(p + 6);
    TRY(check_plain(name, flags, bytes_le16(p + 8), e));
    uint64_t whole = bytes_le32(p + 22), packed = bytes_le32(p + 18);
    if (!apply_zip64((uint64_t *[]){&whole, &packed}, 2, extra))
        return err_set(e, E_FORMAT, "zip: %.*s has a bad extra field", STR_ARG(name));
    bool unsaid = (flags & FLAG_SIZES_BEHIND) && whole == 0 && packed == 0;
    if (!unsaid && (whole != len || packed != len))
        return err_set(e, E_FORMAT, "zip: %.*s has two different sizes", STR_ARG(name));
    room -= name_len + extra_len;
    if (len > room)
        return err_set(e, E_FORMAT, "zip: %.*s of %llu bytes lies outside the file", STR_ARG(name),
                       (unsigned long long)len);
    z->data = (str){extra.ptr + extra_len, len};
    return OK;
}

// Reads one central record at the front of *rest and steps over it.
static status read_central(zip_entry *z, str *rest, uint64_t limit, str file, err *e) {
    const uint8_t *p = at(*rest, 0);
    if (rest->len < CENTRAL_LEN || bytes_le32(p) != SIG_CENTRAL)
        return err_set(e, E_FORMAT, "zip: the directory is broken");
    size_t name_len = bytes_le16(p + 28), extra_len = bytes_le16(p + 30);
    size_t total = CENTRAL_LEN + name_len + extra_len + bytes_le16(p + 32);
    if (total > rest->len) return err_set(e, E_FORMAT, "zip: the directory is broken");
    z->name = (str){rest->ptr + CENTRAL_LEN, name_len};
    TRY(check_plain(z->name, bytes_le16(p + 8), bytes_le16(p + 10), e));
    uint64_t whole = bytes_le32(p + 24), packed = bytes_le32(p + 20);
    z->crc = bytes_le32(p + 16);
    z->off = bytes_le32(p + 42);
    str extra = {z->name.ptr + name_len, extra_len};
    if (!apply_zip64((uint64_t *[]){&whole, &packed, &z->off}, 3, extra))
        return err_set(e, E_FORMAT, "zip: %.*s has a bad extra field", STR_ARG(z->name));
    if (whole != packed)
        return err_set(e, E_FORMAT, "zip: %.*s has two different sizes", STR_ARG(z->name));
    *rest = str_skip(*rest, total);
    return read_local(z, whole, limit, file, e);
}

static int by_off(const void *a, const void *b) {
    const zip_entry *x = a, *y = b;
    return x->off < y->off ? -1 : x->off > y->off;
}

static int by_name(const void *a, const void *b) {
    return str_cmp(((const zip_entry *)a)->name, ((const zip_entry *)b)->name);
}

static status check_disjoint(zip *z, str file, err *e) {
    qsort(z->entry, z->n, sizeof *z->entry, by_off);
    for (size_t i = 1; i < z->n; i++) {  // I2
        const zip_entry *a = &z->entry[i - 1], *b = &z->entry[i];
        if (a->data.ptr + a->data.len > file.ptr + b->off)
            return err_set(e, E_FORMAT, "zip: %.*s and %.*s overlap", STR_ARG(a->name),
                           STR_ARG(b->name));
    }
    qsort(z->entry, z->n, sizeof *z->entry, by_name);
    for (size_t i = 1; i < z->n; i++)  // I3
        if (str_eq(z->entry[i - 1].name, z->entry[i].name))
            return err_set(e, E_FORMAT, "zip: two entries are named %.*s",
                           STR_ARG(z->entry[i].name));
    return OK;
}

status zip_read(zip *out, str file, arena *a, err *e) {
    *out = (zip){0};
    directory d = {0};
    TRY(read_end(&d, file, e));
    str rest = {(const char *)at(file, d.off), d.len};
    if (d.n > d.len / CENTRAL_LEN) return err_set(e, E_FORMAT, "zip: the directory is broken");
    out->entry = arena_try_array(a, d.n, sizeof *out->entry);
    if (!out->entry) return err_set(e, E_LIMIT, "zip: no room for %zu entries", (size_t)d.n);
    for (; out->n < d.n; out->n++)
        TRY(read_central(&out->entry[out->n], &rest, d.off, file, e));
    if (rest.len) return err_set(e, E_FORMAT, "zip: the directory is longer than its entries");
    return check_disjoint(out, file, e);
}

// --- Checksums -----------------------------------------------------------------------------------

// Eight tables, so that eight bytes are a step (Sarwate 1988; Kounavis and Berry 2005).
typedef uint32_t crc_tables[8][256];

static void crc_init(crc_tables t) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
        t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int n = 1; n < 8; n++)
            t[n][i] = t[n - 1][i] >> 8 ^ t[0][t[n - 1][i] & 0xFF];
}

static uint32_t crc_of(str s, crc_tables t) {
    const uint8_t *p = (const uint8_t *)s.ptr;
    uint32_t c = UINT32_MAX;
    size_t n = s.len;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t lo = c ^ bytes_le32(p), hi = bytes_le32(p + 4);
        c = t[7][lo & 0xFF] ^ t[6][lo >> 8 & 0xFF] ^ t[5][lo >> 16 & 0xFF] ^ t[4][lo >> 24] ^
            t[3][hi & 0xFF] ^ t[2][hi >> 8 & 0xFF] ^ t[1][hi >> 16 & 0xFF] ^ t[0][hi >> 24];
    }
    for (; n; n--, p++)
        c = c >> 8 ^ t[0][(c ^ *p) & 0xFF];
    return ~c;
}

static bool crc_matches(const zip_entry *z, crc_tables t) {
    return z->crc == 0 || z->crc == crc_of(z->data, t);
}

static status is_damaged(const zip_entry *z, err *e) {
    return err_set(e, E_FORMAT, "zip: %.*s is damaged: its CRC differs", STR_ARG(z->name));
}

status zip_check(const zip_entry *z, err *e) {
    crc_tables t;
    crc_init(t);
    return crc_matches(z, t) ? OK : is_damaged(z, e);
}

typedef struct crc_job {
    const zip *z;
    crc_tables t;
    _Atomic size_t bad;  // index of the first that differs, n when none does
} crc_job;

static void crc_one(void *arg, size_t i) {
    crc_job *j = arg;
    if (crc_matches(&j->z->entry[i], j->t)) return;
    size_t seen = atomic_load(&j->bad);
    while (i < seen && !atomic_compare_exchange_weak(&j->bad, &seen, i)) {
    }
}

status zip_verify(const zip *z, os_pool *pool, err *e) {
    crc_job j = {.z = z, .bad = z->n};
    crc_init(j.t);
    os_pool_for(pool, z->n, crc_one, &j);
    return j.bad < z->n ? is_damaged(&z->entry[j.bad], e) : OK;
}

const zip_entry *zip_find(const zip *z, str name) {
    zip_entry key = {.name = name};
    return z->n ? bsearch(&key, z->entry, z->n, sizeof key, by_name) : NULL;
}
