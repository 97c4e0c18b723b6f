// Files become panels: the family says where each part lies (arch.c), and all panels of all
// matrices are packed in one parallel loop; then the files are let go.
//
// Rejected: repacking matrix by matrix (threads would wait for each other at every one).
//
//   I1  nothing is read from a tensor before its shape has been compared (parts.c)

#include "lm/panels.h"
#include "lm/parts.h"
#include "os/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>

// --- Filling ---------------------------------------------------------------------------------

// A part's units are numbers [first[i], first[i + 1]) of the whole: panels, and rows of tables.
typedef struct filler {
    const lm_parts *parts;
    size_t *first;
    size_t n_units;
    const lm_load *how;
    _Atomic size_t done;
} filler;

static size_t units_of(const lm_part *p) {
    if (p->kind == LM_PART_MATRIX) return kern_panels(p->n);
    return p->kind == LM_PART_TABLE ? p->n : 1;
}

static void fill_panel(const lm_part *p, size_t panel) {
    const kern_mat *mat = p->to;
    tensor_row rows[KERN_PANEL];
    for (size_t i = 0; i < KERN_PANEL; i++)
        rows[i] = lm__part_row(p, panel * KERN_PANEL + i);
    uint8_t *to = (uint8_t *)(uintptr_t)mat->panels + panel * kern_panel_bytes(mat->type, mat->k);
    kern_pack(to, mat->type, rows, mat->k);
}

static void fill_bias(const lm_part *p) {
    float *to = (float *)(uintptr_t)((const kern_mat *)p->to)->bias;
    for (size_t i = 0; i < kern_panels(p->n) * KERN_PANEL; i++) {
        tensor_row r = lm__part_row(p, i);
        tensor_row_to_f32(&to[i], &r, 1);
    }
}

static void fill_floats(const lm_part *p) {
    float *to = *(float **)p->to, row[LM_CONV_MAX];
    bool is_taps = p->kind == LM_PART_TAPS;
    for (size_t i = 0; i < p->n; i++) {
        tensor_row r = lm__part_row(p, i);
        tensor_row_to_f32(row, &r, is_taps ? p->k : 1);
        for (size_t j = 0; j < (is_taps ? p->k : 1); j++)
            to[j * p->n + i] = row[j];
    }
}

static void fill_unit(const lm_part *p, size_t unit) {
    switch (p->kind) {
    case LM_PART_MATRIX:
        fill_panel(p, unit);
        return;
    case LM_PART_BIAS:
        fill_bias(p);
        return;
    case LM_PART_TABLE: {
        tensor_row r = lm__part_row(p, unit);
        tensor_row_to_f32(*(float **)p->to + unit * p->k, &r, p->k);
        return;
    }
    default:
        fill_floats(p);
    }
}

static bool is_cancelled(const lm_load *how) {
    return how->cancelled && atomic_load_explicit(how->cancelled, memory_order_relaxed);
}

static void show(const lm_load *how, unsigned permille) {
    if (how->permille) atomic_store_explicit(how->permille, permille, memory_order_relaxed);
}

static void fill_one(void *arg, size_t unit) {
    filler *f = arg;
    if (is_cancelled(f->how)) return;
    size_t done = atomic_fetch_add_explicit(&f->done, 1, memory_order_relaxed);
    show(f->how, (unsigned)(done * 1000 / f->n_units));
    size_t lo = 0, hi = f->parts->n;  // the last part that begins at or before `unit`
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (f->first[mid] <= unit)
            lo = mid;
        else
            hi = mid;
    }
    fill_unit(&f->parts->at[lo], unit - f->first[lo]);
}

static status fill(const lm_parts *parts, const lm_load *how, os_pool *pool, err *e) {
    filler f = {.parts = parts, .how = how};
    f.first = malloc(parts->n * sizeof *f.first);
    if (!f.first) return err_set(e, E_MEMORY, "no memory for a list of tensors");
    for (size_t i = 0; i < parts->n; i++) {
        f.first[i] = f.n_units;
        f.n_units += units_of(&parts->at[i]);
    }
    os_pool_for(pool, f.n_units, fill_one, &f);
    free(f.first);
    return is_cancelled(how) ? err_set(e, E_CLOSED, "loading was cancelled") : OK;
}

// --- Open ------------------------------------------------------------------------------------

typedef struct loader {
    const lm_load *how;
    weights *file;
    os_pool *pool;
    lm_model *m;
    lm_parts parts;
    size_t len;  // of the image
} loader;

// The image out of the file of panels. False: there is none of use, and the note says why.
static bool map_panels(loader *l, const lm_panels_key *key) {
    const uint8_t *image;
    err *note = l->how->note;
    status s = lm__panels_open(&l->m->panels, &image, l->how->panels, key, l->pool, note);
    if (s) {
        if (s == E_NOT_FOUND && note) *note = (err){0};  // the first start
        return false;
    }
    lm__model_place(l->m, &l->parts, image);
    l->m->spec.mapped = true;
    return true;
}

static status model_fill(loader *l, err *e) {
    const lm_load *how = l->how;
    lm_panels_key key;
    if (how->verify) TRY(weights_verify(l->file, l->pool, e));
    if (how->panels) {
        key = lm__panels_key(l->m, &l->parts, l->file);
        key.len = l->len;
        if (map_panels(l, &key)) return OK;
    }
    weights_prefetch(l->file);
    TRY(lm__model_reserve(l->m, &l->parts, l->len, e));
    TRY(fill(&l->parts, how, l->pool, e));
    if (!how->panels) return OK;
    err unsaid = {0};
    err *note = how->note ? how->note : &unsaid;
    if (lm__panels_write(how->panels, &key, l->m->a.base, note)) (void)err_in(note, "not written");
    return OK;
}

// Ids that the caller knows to end a text; one that the model cannot draw is none.
static status add_ends(lm_spec *s, const lm_load *how, err *e) {
    for (size_t i = 0; i < how->n_eos; i++) {
        int32_t id = how->eos[i];
        if (id < 0 || id >= s->n_ids || lm_spec_ends(s, id)) continue;
        if (s->n_eos == LM_EOS_MAX)
            return err_set(e, E_LIMIT, "over %d ids end a text", LM_EOS_MAX);
        s->eos[s->n_eos++] = id;
    }
    return OK;
}

// All but the weights.
static status model_of(loader *l, err *e) {
    lm_spec s;
    TRY(lm__arch_read(&s, l->file, e));
    if (l->how->context) TRY(lm__arch_context(&s, l->how->context, e));
    TRY(lm__spec_check(&s, e));
    TRY(lm__arch_check_all(l->file, &s, e));
    TRY(add_ends(&s, l->how, e));
    TRY(lm__model_new(&l->m, &l->parts, &l->len, &s, l->how->has_type ? &l->how->type : NULL,
                      l->file, e));
    kern_type kv = l->how->has_kv ? l->how->kv : lm__kv_type(l->m->spec.type);
    if (kv != KERN_F32 && kv != KERN_F16)
        return err_set(e, E_ARG, "keys and values are kept in f32 or f16, not %s",
                       kern_type_name(kv));
    l->m->spec.kv_type = kv;
    return OK;
}

static status loader_open(loader *l, const char *path, const lm_load *how, err *e) {
    static const lm_load as_it_is;
    *l = (loader){.how = how ? how : &as_it_is};
    TRY(weights_open(&l->file, path, e));
    status s = model_of(l, e);
    if (s) (void)err_in(e, "%s", path);
    return s;
}

static void loader_close(loader *l) {
    os_pool_close(l->pool);
    lm__parts_free(&l->parts);
    weights_close(l->file);
    lm_model_close(l->m);
}

status lm_model_measure(lm_spec *spec, size_t *bytes, const char *path, const lm_load *how,
                        err *e) {
    loader l;
    *bytes = 0;
    status s = loader_open(&l, path, how, e);
    if (!s) {
        *spec = l.m->spec;
        *bytes = l.len;
    }
    loader_close(&l);
    return s;
}

status lm_model_open(lm_model **out, const char *path, const lm_load *how, err *e) {
    loader l;
    *out = NULL;
    if (how && how->note) *how->note = (err){0};
    status s = loader_open(&l, path, how, e);
    if (!s) {
        s = os_pool_open(&l.pool, os_cpu_count() - 1, 1, "lm-load", e);
        if (!s) s = model_fill(&l, e);
        if (s) (void)err_in(e, "%s", path);
    }
    if (!s) {
        *out = l.m;
        l.m = NULL;
        show(l.how, 1000);
    }
    loader_close(&l);
    return s;
}
