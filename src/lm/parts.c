// The parts of a model, listed from two tables: what a layer and the model around it may have, and
// what shape each role has by the spec. The family (lm/arch.c) says which of them there are, and
// where. An image is these parts one after another.
//
//   I1  every part's shape follows from the spec, and what the file has is compared with it before
//       anything is read
//   I2  with one list, places and types are the same whoever fills the image

#include "lm/parts.h"

#include <stdio.h>
#include <stdlib.h>

// --- Shapes ----------------------------------------------------------------------------------

typedef enum unit {
    ONE,
    EMBD,
    EMBD_3,
    VOCAB,
    BLOCK,
    HEAD,
    HEADS,
    Q_ALL,
    KV_ALL,
    FF,
    EXPERTS,
    TAPS,
} unit;

static size_t size_of(unit u, const lm_spec *s, int layer) {
    switch (u) {
    case ONE:
        return 1;
    case EMBD:
        return (size_t)s->n_embd;
    case EMBD_3:
        return 3 * (size_t)s->n_embd;
    case VOCAB:
        return (size_t)s->vocab_size;
    case BLOCK:
        return (size_t)s->block_size;
    case HEAD:
        return (size_t)s->head_dim;
    case HEADS:
        return (size_t)s->n_head;
    case Q_ALL:
        return (size_t)s->n_head * (size_t)s->head_dim;
    case KV_ALL:
        return (size_t)s->n_kv_head * (size_t)s->head_dim;
    case FF:
        return lm__ff(s, layer);
    case EXPERTS:
        return (size_t)s->n_expert;
    case TAPS:
        return (size_t)s->n_conv;
    }
    return 0;
}

static const struct shape {
    const char *name;
    unit n, k;
} shape_of[LM_ROLES] = {
    [LM_EMBED] = {"the embedding", VOCAB, EMBD},
    [LM_WPE] = {"the positions", BLOCK, EMBD},
    [LM_NORM_OUT] = {"the last norm", EMBD, ONE},
    [LM_HEAD] = {"the head", VOCAB, EMBD},
    [LM_NORM_IN] = {"the norm", EMBD, ONE},
    [LM_NORM_POST_IN] = {"the norm behind attention", EMBD, ONE},
    [LM_NORM_MLP] = {"the norm before the MLP", EMBD, ONE},
    [LM_NORM_POST_MLP] = {"the norm behind the MLP", EMBD, ONE},
    [LM_Q] = {"Q", Q_ALL, EMBD},
    [LM_K] = {"K", KV_ALL, EMBD},
    [LM_V] = {"V", KV_ALL, EMBD},
    [LM_O] = {"O", EMBD, Q_ALL},
    [LM_NORM_Q] = {"the norm of Q", HEAD, ONE},
    [LM_NORM_K] = {"the norm of K", HEAD, ONE},
    [LM_SINKS] = {"the sinks", HEADS, ONE},
    [LM_CONV_IN] = {"the convolution's input", EMBD_3, EMBD},
    [LM_CONV] = {"the convolution", EMBD, TAPS},
    [LM_CONV_OUT] = {"the convolution's output", EMBD, EMBD},
    [LM_GATE] = {"the gate", FF, EMBD},
    [LM_UP] = {"up", FF, EMBD},
    [LM_DOWN] = {"down", EMBD, FF},
    [LM_ROUTER] = {"the router", EXPERTS, EMBD},
    [LM_ROUTER_BIAS] = {"the router's bias", EXPERTS, ONE},
};

static size_t rows_of(const lm_spec *s, lm_role role, int layer) {
    if (s->qk_norm == LM_QK_ALL && role == LM_NORM_Q) return size_of(Q_ALL, s, layer);
    if (s->qk_norm == LM_QK_ALL && role == LM_NORM_K) return size_of(KV_ALL, s, layer);
    return size_of(shape_of[role].n, s, layer);
}

// --- What there may be -----------------------------------------------------------------------

typedef enum row_kind { MATRIX, NORM, VECTOR, TABLE, TAPS_OF } row_kind;
typedef enum row_when { ALWAYS, ATTENDS, CONVOLVES, HAS_EXPERTS, TIED_NOT } row_when;

typedef struct row {
    row_kind kind;
    row_when when;
    size_t at;  // of the kern_mat, lm_norm or float * in its struct
    int n_roles;
    lm_role role[LM_PART_ROLES];
} row;

#define IN(field) offsetof(lm_layer, field)
static const row layer_rows[] = {
    {NORM, ALWAYS, IN(norm_in), 1, {LM_NORM_IN}},
    {MATRIX, ATTENDS, IN(in), 3, {LM_Q, LM_K, LM_V}},
    {NORM, ATTENDS, IN(norm_q), 1, {LM_NORM_Q}},
    {NORM, ATTENDS, IN(norm_k), 1, {LM_NORM_K}},
    {VECTOR, ATTENDS, IN(sinks), 1, {LM_SINKS}},
    {MATRIX, ATTENDS, IN(out), 1, {LM_O}},
    {MATRIX, CONVOLVES, IN(in), 1, {LM_CONV_IN}},
    {TAPS_OF, CONVOLVES, IN(conv), 1, {LM_CONV}},
    {MATRIX, CONVOLVES, IN(out), 1, {LM_CONV_OUT}},
    {NORM, ALWAYS, IN(norm_post_in), 1, {LM_NORM_POST_IN}},
    {NORM, ALWAYS, IN(norm_mlp), 1, {LM_NORM_MLP}},
    {MATRIX, HAS_EXPERTS, IN(router), 1, {LM_ROUTER}},
    {VECTOR, HAS_EXPERTS, IN(router_bias), 1, {LM_ROUTER_BIAS}},
    {NORM, ALWAYS, IN(norm_post_mlp), 1, {LM_NORM_POST_MLP}},
};
#undef IN
#define IN(field) offsetof(lm_model, field)
static const row model_rows[] = {
    {MATRIX, ALWAYS, IN(head), 1, {LM_HEAD}},
    {MATRIX, TIED_NOT, IN(embed), 1, {LM_EMBED}},
    {TABLE, ALWAYS, IN(wpe), 1, {LM_WPE}},
    {NORM, ALWAYS, IN(norm_out), 1, {LM_NORM_OUT}},
};
#undef IN

// Matrices of an MLP or expert, of which the model has a list of their own.
static const row up_gated = {MATRIX, ALWAYS, 0, 2, {LM_GATE, LM_UP}};
static const row up_plain = {MATRIX, ALWAYS, 0, 1, {LM_UP}};
static const row down_row = {MATRIX, ALWAYS, 0, 1, {LM_DOWN}};

static bool applies(row_when when, const lm_spec *s, int layer) {
    const lm_layer_spec *l = &s->layer[layer < 0 ? 0 : layer];
    switch (when) {
    case ATTENDS:
        return l->mixer == LM_MIX_ATTENTION;
    case CONVOLVES:
        return l->mixer == LM_MIX_CONV;
    case HAS_EXPERTS:
        return l->is_moe;
    case TIED_NOT:
        return !s->is_tied;
    default:
        return true;
    }
}

// Without a file: whether a model of this spec has such a part.
static bool is_implied(const lm_spec *s, lm_role role) {
    switch (role) {
    case LM_WPE:
        return s->has_wpe;
    case LM_NORM_IN:
    case LM_NORM_MLP:
        return s->norm_at & LM_NORM_PRE;
    case LM_NORM_POST_IN:
    case LM_NORM_POST_MLP:
        return s->norm_at & LM_NORM_POST;
    case LM_NORM_Q:
    case LM_NORM_K:
        return s->qk_norm != LM_QK_NONE;
    case LM_SINKS:
        return s->has_sinks;
    case LM_ROUTER_BIAS:
        return s->router == LM_ROUTE_SIGMOID;
    default:
        return true;
    }
}

// --- The list --------------------------------------------------------------------------------

typedef struct lister {
    lm_parts *out;
    lm_model *m;
    const weights *file;
} lister;

static status add(lister *l, const lm_part *p, err *e) {
    lm_parts *a = l->out;
    if (a->n == a->room) {
        size_t room = a->room ? 2 * a->room : 256;
        lm_part *more = realloc(a->at, room * sizeof *more);
        if (!more) return err_set(e, E_MEMORY, "no memory for a list of %zu tensors", room);
        a->at = more;
        a->room = room;
    }
    a->at[a->n++] = *p;
    return OK;
}

static status check_rows(const lm_rows *r, const lm_part *p, lm_role role, size_t n, size_t k,
                         err *e) {
    if (r->n == n && r->k == k) return OK;
    return err_set(e, E_FORMAT, "layer %d: %s has shape [%zu, %zu], the config wants [%zu, %zu]",
                   p->layer, shape_of[role].name, r->n, r->k, n, k);
}

// The rows of a part, one role after another. *has: there is such a part.
static status ask(lm_part *p, bool *has, const lister *l, bool is_bias, err *e) {
    const lm_spec *s = &l->m->spec;
    int found = 0;
    p->n = 0;
    for (int i = 0; i < p->n_roles; i++) {
        lm_role role = p->role[i];
        size_t n = rows_of(s, role, p->layer),
               k = is_bias ? 1 : size_of(shape_of[role].k, s, p->layer);
        bool here = is_bias ? s->biases >> role & 1 : is_implied(s, role);
        p->rows[i] = (lm_rows){.n = n, .k = k};
        if (l->file)
            TRY((is_bias ? lm__arch_bias : lm__arch_weight)(&p->rows[i], &here, l->file, s, role,
                                                            p->layer, p->expert, e));
        if (!here) p->rows[i] = (lm_rows){.n = n, .k = k};
        TRY(check_rows(&p->rows[i], p, role, n, k, e));  // I1
        found += here;
        p->n += n;
        p->k = k;
    }
    *has = found > 0;
    if (found == p->n_roles || found == 0 || is_bias) return OK;
    return err_set(e, E_FORMAT, "layer %d: %s and what belongs to it: some are missing", p->layer,
                   shape_of[p->role[0]].name);
}

static status add_matrix(lister *l, lm_part *p, err *e) {
    bool has;
    kern_mat *mat = p->to;
    p->kind = LM_PART_MATRIX;
    TRY(ask(p, &has, l, false, e));
    if (!has) return OK;
    mat->n = p->n;
    mat->k = p->k;
    TRY(add(l, p, e));
    TRY(ask(p, &has, l, true, e));
    p->kind = LM_PART_BIAS;
    return has ? add(l, p, e) : OK;
}

static status add_plain(lister *l, lm_part *p, lm_part_kind kind, bool is_bias, err *e) {
    bool has;
    p->kind = kind;
    TRY(ask(p, &has, l, is_bias, e));
    return has ? add(l, p, e) : OK;
}

static status add_norm(lister *l, lm_part *p, err *e) {
    lm_norm *norm = p->to;
    p->to = &norm->gain;
    TRY(add_plain(l, p, LM_PART_VECTOR, false, e));
    p->to = &norm->bias;
    return add_plain(l, p, LM_PART_VECTOR, true, e);
}

static status add_row(lister *l, const row *r, void *to, int layer, int expert, err *e) {
    lm_part p = {.layer = layer, .expert = expert, .to = to, .n_roles = r->n_roles};
    memcpy(p.role, r->role, sizeof p.role);
    p.is_gated = r == &up_gated;
    switch (r->kind) {
    case MATRIX:
        return add_matrix(l, &p, e);
    case NORM:
        return add_norm(l, &p, e);
    case VECTOR:
        return add_plain(l, &p, LM_PART_VECTOR, false, e);
    case TABLE:
        return add_plain(l, &p, LM_PART_TABLE, false, e);
    case TAPS_OF:
        return add_plain(l, &p, LM_PART_TAPS, false, e);
    }
    return OK;
}

static status add_rows(lister *l, const row *rows, size_t n, void *owner, int layer, err *e) {
    for (size_t i = 0; i < n; i++)
        if (applies(rows[i].when, &l->m->spec, layer))
            TRY(add_row(l, &rows[i], (char *)owner + rows[i].at, layer, -1, e));
    return OK;
}

static status add_mlps(lister *l, int layer, err *e) {
    const lm_spec *s = &l->m->spec;
    lm_layer *to = &l->m->layers[layer];
    for (size_t i = 0; i < lm__mlps(s, layer); i++) {
        int expert = s->layer[layer].is_moe ? (int)i : -1;
        TRY(add_row(l, s->is_gated ? &up_gated : &up_plain, &to->up[i], layer, expert, e));
        TRY(add_row(l, &down_row, &to->down[i], layer, expert, e));
    }
    return OK;
}

static status new_mats(lm_model *m, err *e) {
    size_t n = 0;
    for (int i = 0; i < m->spec.n_layer; i++)
        n += 2 * lm__mlps(&m->spec, i);
    m->mats = calloc(n, sizeof *m->mats);
    if (!m->mats) return err_set(e, E_MEMORY, "no memory for a list of %zu matrices", n);
    kern_mat *at = m->mats;
    for (int i = 0; i < m->spec.n_layer; i++) {
        m->layers[i].up = at;
        m->layers[i].down = at + lm__mlps(&m->spec, i);
        at += 2 * lm__mlps(&m->spec, i);
    }
    return OK;
}

status lm__parts_of(lm_parts *out, lm_model *m, const weights *file, err *e) {
    lister l = {out, m, file};
    *out = (lm_parts){0};
    TRY(new_mats(m, e));
    for (int i = 0; i < m->spec.n_layer; i++) {
        TRY(add_rows(&l, layer_rows, countof(layer_rows), &m->layers[i], i, e));
        TRY(add_mlps(&l, i, e));
    }
    return add_rows(&l, model_rows, countof(model_rows), m, -1, e);
}

void lm__parts_free(lm_parts *p) {
    free(p->at);
    *p = (lm_parts){0};
}

tensor_row lm__part_row(const lm_part *p, size_t r) {
    const lm_rows *rows = p->rows;
    if (p->is_gated) {
        rows += r % KERN_PANEL / (KERN_PANEL / 2);
        r = r / KERN_PANEL * (KERN_PANEL / 2) + r % (KERN_PANEL / 2);
    } else {
        for (int i = 1; i < p->n_roles && r >= rows->n; i++)
            r -= rows++->n;
    }
    if (r >= rows->n || !rows->t.data) return (tensor_row){.dtype = TENSOR_F32, .step = 1};
    return lm__rows_at(rows, r);
}
