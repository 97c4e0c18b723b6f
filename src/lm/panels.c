// The image of a model's weights as a file, with all that says whether it may be used.
//
// Checksums are compared at every open, on all cores: a pass at memory's speed, once, over what the
// first token would have to read anyway; nobody would notice a wrong weight. They are sums of
// their own, in the head, over eight streams: the sections' sum is one chain of multiplications, a
// quarter as fast. Rejected: trusting the file (see above), and a file of panels instead of the
// weights (somebody would have to keep two files that belong together).
//
//   P1  an image is used only when key, length and every checksum agree
//   P2  the layout in the key is a hash of what kern_pack makes of a fixed matrix: a program
//       with other panels cannot take this one's for its own, whoever forgets a version number
//   P3  so is what became of the config: which rows go where, and what is added to them

#include "lm/panels.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char magic[8] = "plpanel";
enum { FORMAT = 2, LANES = 8, PART_ALIGN = STORE_SUM_BLOCK, PROBE_ROWS = 20, PROBE_COLS = 160 };

// --- The key -------------------------------------------------------------------------------------

static uint64_t layout_of(kern_type t) {
    float w[PROBE_ROWS * PROBE_COLS];
    for (size_t i = 0; i < countof(w); i++)
        w[i] = (float)(i * 7919 % 1021) - 510;
    _Alignas(KERN_ALIGN) uint8_t panel[KERN_PANEL * PROBE_COLS * sizeof(float)];
    size_t bytes = kern_panel_bytes(t, PROBE_COLS);
    CHECK(bytes <= sizeof panel);
    memset(panel, 0, sizeof panel);
    tensor_row rows[KERN_PANEL] = {0};
    for (size_t i = 0; i < PROBE_ROWS; i++)
        rows[i] = (tensor_row){TENSOR_F32, w + i * PROBE_COLS, NULL, 1, 0};
    kern_pack(panel, t, rows, PROBE_COLS);
    return store_sum((str){(const char *)panel, bytes});
}

// What a part becomes, and out of which rows of the file (P3).
static uint64_t part_hash(uint64_t h, const lm_part *p) {
    const kern_mat *mat = p->kind <= LM_PART_BIAS ? p->to : NULL;
    uint64_t all[8 + LM_PART_ROLES * 10] = {p->kind, p->is_gated, p->n, p->k,
                                            mat ? mat->type : KERN_TYPES};
    uint64_t *at = all + 8;
    for (int i = 0; i < p->n_roles; i++) {
        const lm_rows *r = &p->rows[i];
        uint32_t bits;
        memcpy(&bits, &r->add, sizeof bits);
        const uint64_t one[10] = {p->role[i], r->by_input, r->n,    r->k,     r->first,
                                  r->group,   r->stride,   r->step, r->pairs, bits};
        memcpy(at, one, sizeof one);
        at += countof(one);
    }
    return str_hash((str){(const char *)all, sizeof all}, h);
}

lm_panels_key lm__panels_key(const lm_model *m, const lm_parts *parts, const weights *w) {
    uint64_t h = FORMAT;
    for (kern_type t = 0; t < KERN_TYPES; t++) {
        uint64_t layout = layout_of(t);  // P2
        h = str_hash((str){(const char *)&layout, sizeof layout}, h);
    }
    for (size_t i = 0; i < parts->n; i++)
        h = part_hash(h, &parts->at[i]);
    return (lm_panels_key){.identity = weights_identity(w),
                           .layout = h,
                           .type = m->spec.type,
                           .head_type = m->spec.head_type};
}

// The i-th of the runs that an image is cut into; all but the last are of one length.
static str part_of(const uint8_t *image, uint64_t len, size_t i) {
    uint64_t step = align_up(len / LM_PANELS_PARTS + 1, PART_ALIGN), at = i * step;
    if (at >= len) return (str){0};
    return (str){(const char *)image + at, min_size(step, len - at)};
}

uint64_t lm__panels_sum(str s) {
    uint64_t lane[LANES] = {1, 2, 3, 4, 5, 6, 7, 8}, w[LANES];
    for (; s.len >= sizeof w; s = str_skip(s, sizeof w)) {
        memcpy(w, s.ptr, sizeof w);
        for (size_t i = 0; i < LANES; i++) {
            uint64_t x = (lane[i] ^ w[i]) * 0x9e3779b97f4a7c15u;
            lane[i] = x ^ x >> 32;
        }
    }
    return str_hash(s, str_hash((str){(const char *)lane, sizeof lane}, s.len));
}

// --- Read ----------------------------------------------------------------------------------------

static const lm_panels_head *head_of(const store_in *in) {
    return (const lm_panels_head *)(const void *)store_in_section(in, 0).ptr;
}

static status check_key(const store_in *in, const lm_panels_key *key, const char *path, err *e) {
    str s = store_in_section(in, 0);
    if (s.len != sizeof(lm_panels_head) || store_sum(s) != in->h->section[0].sum)
        return err_set(e, E_FORMAT, "%s: damaged key", path);
    lm_panels_key have = head_of(in)->key;
    if (have.identity != key->identity)
        return err_set(e, E_STALE, "%s: panels of other weights", path);
    if (have.type != key->type || have.head_type != key->head_type)
        return err_set(e, E_STALE, "%s: panels of another type", path);
    if (have.layout != key->layout || have.len != key->len)
        return err_set(e, E_STALE, "%s: panels of another version of this program", path);
    return OK;
}

// Sections are where part_of() would have them: the image is one run.
static bool is_one_run(const store_in *in, const uint8_t *image, uint64_t len) {
    for (size_t i = 0; i < LM_PANELS_PARTS; i++) {
        str have = store_in_section(in, (int)i + 1), want = part_of(image, len, i);
        if (have.len != want.len || (have.len && have.ptr != want.ptr)) return false;
    }
    return true;
}

typedef struct sum_job {
    const store_in *in;
    _Atomic bool differs;
} sum_job;

static void sum_one(void *arg, size_t i) {
    sum_job *j = arg;
    if (lm__panels_sum(store_in_section(j->in, (int)i + 1)) != head_of(j->in)->sum[i])
        atomic_store(&j->differs, true);
}

static status check_image(const store_in *in, const uint8_t **image, const lm_panels_key *key,
                          const char *path, os_pool *pool, err *e) {
    *image = (const uint8_t *)store_in_section(in, 1).ptr;
    if (!*image || !is_one_run(in, *image, key->len))
        return err_set(e, E_FORMAT, "%s: damaged sections", path);
    os_map_advise(&in->map, OS_MAP_WILLNEED);
    sum_job j = {.in = in};
    os_pool_for(pool, LM_PANELS_PARTS, sum_one, &j);
    return j.differs ? err_set(e, E_FORMAT, "%s: damaged panels", path) : OK;
}

status lm__panels_open(store_in *in, const uint8_t **image, const char *path,
                       const lm_panels_key *key, os_pool *pool, err *e) {
    TRY(store_in_open(in, path, magic, FORMAT, e));
    status s = check_key(in, key, path, e);  // P1
    if (!s) s = check_image(in, image, key, path, pool, e);
    if (s) store_in_close(in);
    return s;
}

// --- Write ---------------------------------------------------------------------------------------

static status put(store_out *o, int section, str s, err *e) {
    TRY(store_out_begin(o, section, e));
    return store_out_put(o, s.ptr, s.len, e);
}

static status put_all(store_out *o, const lm_panels_key *key, const uint8_t *image, err *e) {
    lm_panels_head h = {.key = *key};
    for (size_t i = 0; i < LM_PANELS_PARTS; i++)
        h.sum[i] = lm__panels_sum(part_of(image, key->len, i));
    TRY(put(o, 0, (str){(const char *)&h, sizeof h}, e));
    for (size_t i = 0; i < LM_PANELS_PARTS; i++) {
        str part = part_of(image, key->len, i);
        if (part.len) TRY(put(o, (int)i + 1, part, e));
    }
    return store_out_commit(o, e);
}

status lm__panels_write(const char *path, const lm_panels_key *key, const uint8_t *image, err *e) {
    store_out *o = malloc(sizeof *o);  // holds a block
    if (!o) return err_set(e, E_MEMORY, "%s: no memory to write it", path);
    status s = store_out_open(o, path, magic, FORMAT, e);
    if (!s) {
        s = put_all(o, key, image, e);
        store_out_abort(o);
    }
    free(o);
    return s;
}
