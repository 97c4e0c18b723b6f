// The products of one step at GPT-2's 124M shape, beside what the machine can do.
//
// A step multiplies by every matrix of 12 layers and the head once. For each kernel set, type of
// weights and number of rows: bytes of weights and operations per second, by the sum of each
// matrix's best time in a few steps (a neighbour on the machine disturbs some of 49, seldom one
// always); beside them the limit, which is the slower of reading those weights at the probe's rate
// and doing those operations at the probe's. The probe reads the same panels, between the steps.
//
//   bench_kern [--threads N] [--ms PER_FIGURE] [--type NAME] [--set NAME] [--rows N]

#include "base/arena.h"
#include "kern/kern.h"
#include "kern/probe.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LAYERS = 12, C = 768, VOCAB = 50257, PER_LAYER = 4, MATS = LAYERS * PER_LAYER + 1 };

static const size_t shapes[PER_LAYER][2] = {{3 * C, C}, {C, C}, {4 * C, C}, {C, 4 * C}};
static const size_t row_counts[] = {1, 2, 4, 8, 16, 32, 128};

typedef struct options {
    int threads, ms, rows;
    str type, set;
} options;

typedef struct step {
    const kern *k;
    os_pool *pool;
    kern_mat mats[MATS];
    arena weights, work;
    size_t bytes, macs;  // of one row
    kern_rows in;
    float *y;
    size_t ldy, rows, chunk;
    const kern_mat *now;
} step;

static size_t shape_n(size_t i) {
    return i == MATS - 1 ? VOCAB : shapes[i % PER_LAYER][0];
}
static size_t shape_k(size_t i) {
    return i == MATS - 1 ? C : shapes[i % PER_LAYER][1];
}

// --- Weights and activations -------------------------------------------------------------------

typedef struct packing {
    const kern_mat *mat;
    const float *w;
} packing;

static void pack_panel(void *arg, size_t p) {
    packing *j = arg;
    const kern_mat *m = j->mat;
    tensor_row row[KERN_PANEL] = {0};
    for (size_t r = 0; r < min_size(KERN_PANEL, m->n - p * KERN_PANEL); r++)
        row[r] = (tensor_row){.data = j->w + (p * KERN_PANEL + r) * m->k, .step = 1};
    kern_pack((char *)m->panels + p * kern_panel_bytes(m->type, m->k), m->type, row, m->k);
}

static void fill(float *x, size_t n) {
    uint64_t s = 1;
    for (size_t i = 0; i < n; i++) {
        s = s * 6364136223846793005U + 1442695040888963407U;
        x[i] = ((float)(s >> 40) * 0x1p-24F - 0.5F) * 0.1F;
    }
}

// Returns seconds that packing took.
static double fill_weights(step *s, kern_type t, const float *source) {
    s->bytes = s->macs = 0;
    for (size_t i = 0; i < MATS; i++)
        s->bytes += kern_panels(shape_n(i)) * kern_panel_bytes(t, shape_k(i));
    err e;
    if (arena_open(&s->weights, s->bytes + KERN_ALIGN, &e)) exit(1);
    madvise(s->weights.base, s->weights.reserve, MADV_HUGEPAGE);
    int64_t start = os_now_ns();
    char *at = (char *)s->weights.base;
    for (size_t i = 0; i < MATS; i++) {
        size_t n = shape_n(i), k = shape_k(i);
        s->mats[i] = (kern_mat){t, at, NULL, n, k};
        packing j = {&s->mats[i], source};
        os_pool_for(s->pool, kern_panels(n), pack_panel, &j);
        at += kern_panels(n) * kern_panel_bytes(t, k);
        s->macs += n * k;
    }
    return os_seconds_since(start);
}

static void fill_rows(step *s) {
    size_t ld = 4 * C + 16, groups = 4 * C / KERN_GROUP;
    err e;
    if (arena_open(&s->work, (size_t)256 << 20, &e)) exit(1);
    float *x = arena_array(&s->work, float, KERN_ROWS_MAX *ld);
    fill(x, KERN_ROWS_MAX * ld);
    s->in.x = x;
    s->in.ld = ld;
    s->in.ld_q = 4 * C;
    s->in.q = arena_array(&s->work, int8_t, KERN_ROWS_MAX * 4 * C);
    s->in.scale = arena_array(&s->work, float, KERN_ROWS_MAX *groups);
    s->in.sum = arena_array(&s->work, int32_t, (size_t)KERN_ROWS_MAX * 4 * C / 32);
    s->ldy = align_up(VOCAB, KERN_PANEL) + 16;
    s->y = arena_array(&s->work, float, KERN_ROWS_MAX * s->ldy);
}

// --- A step ------------------------------------------------------------------------------------

static void chunk(void *arg, size_t i) {
    step *s = arg;
    size_t p0 = i * s->chunk, p1 = min_size(p0 + s->chunk, kern_panels(s->now->n));
    s->k->matmul(s->y, s->ldy, &s->in, s->rows, s->now, p0, p1, KERN_SET);
}

// Lowers `best` of each matrix to what its product took now.
static void run_step(step *s, double best[MATS]) {
    for (size_t i = 0; i < MATS; i++) {
        int64_t start = os_now_ns();
        s->now = &s->mats[i];
        if (kern_type_is_int(s->now->type))
            for (size_t r = 0; r < s->rows; r++)
                s->k->quantise(&s->in, r, s->now->k);
        size_t panels = kern_panels(s->now->n), share = (size_t)os_pool_threads(s->pool) + 1;
        size_t big = 65536 / kern_panel_bytes(s->now->type, s->now->k);
        s->chunk = max_size(1, min_size(big, panels / (4 * share)));
        os_pool_for(s->pool, (panels + s->chunk - 1) / s->chunk, chunk, s);
        best[i] = fmin(best[i], os_seconds_since(start));
    }
}

static void raise_to(double *best, double value) {
    *best = fmax(*best, value);
}

static void print_rows(step *s, const options *o, size_t rows) {
    probe most = {0}, now;
    double best_of[MATS], seconds = 0;
    for (size_t i = 0; i < MATS; i++)
        best_of[i] = 1e9;
    s->rows = rows;
    int64_t until = os_now_ns() + (int64_t)o->ms * 1000000;
    for (int i = 0; i < 3 || os_now_ns() < until; i++) {
        if (i % 8 == 0) {
            probe_at(&now, s->pool, s->weights.base, s->bytes);
            raise_to(&most.read_bytes_per_s, now.read_bytes_per_s);
            raise_to(&most.f32_flops, now.f32_flops);
            raise_to(&most.int8_ops, now.int8_ops);
        }
        run_step(s, best_of);
    }
    for (size_t i = 0; i < MATS; i++)
        seconds += best_of[i];
    double best = 1 / seconds;
    bool is_int = kern_type_is_int(s->mats[0].type);
    double ops = 2 * (double)s->macs * (double)rows, peak = is_int ? most.int8_ops : most.f32_flops;
    double limit = fmin(most.read_bytes_per_s / (double)s->bytes, peak / ops);
    printf("%-11s %-5s %4zu  %7.1f /s  %6.1f of %6.1f GB/s %4.0f %%  %7.1f of %7.1f G/s %4.0f %%  "
           "limit %4.0f %%\n",
           s->k->name, kern_type_name(s->mats[0].type), rows, best, best * (double)s->bytes * 1e-9,
           most.read_bytes_per_s * 1e-9, 100 * best * (double)s->bytes / most.read_bytes_per_s,
           best * ops * 1e-9, peak * 1e-9, 100 * best * ops / peak, 100 * best / limit);
    fflush(stdout);
}

static bool wanted(str filter, const char *name) {
    return filter.len == 0 || str_eq(filter, str_of(name));
}

static void print_type(step *s, const options *o, kern_type t, const float *source) {
    const kern *all[KERN_SETS_MAX];
    size_t sets = kern_all(all);
    double seconds = fill_weights(s, t, source);
    printf("%s: %zu MB packed from f32 in %.0f ms\n", kern_type_name(t), s->bytes >> 20,
           seconds * 1e3);
    for (size_t i = 0; i < sets; i++)
        for (size_t r = 0; r < countof(row_counts) && wanted(o->set, all[i]->name); r++) {
            s->k = all[i];
            bool oracle = i == sets - 1 && o->set.len == 0;  // slow: only when asked for
            if (o->rows ? row_counts[r] == (size_t)o->rows : !oracle)
                print_rows(s, o, row_counts[r]);
        }
    arena_close(&s->weights);
}

// --- The pool ----------------------------------------------------------------------------------

typedef struct meeting {
    _Atomic int here;
    int all;
} meeting;

// Ends when every thread has come.
static void meet(void *arg, size_t i) {
    meeting *m = arg;
    (void)i;
    atomic_fetch_add(&m->here, 1);
    while (atomic_load(&m->here) < m->all)
        ;
}

// Nanoseconds of a range that all threads take part in and that does nothing else: what it costs to
// start them and to be done together, when one range follows another and after `pause_us` of rest.
static double range_ns(os_pool *pool, int pause_us) {
    double best = 1e9;
    meeting m = {0, os_pool_threads(pool) + 1};
    for (int i = 0; i < (pause_us ? 300 : 20000); i++) {
        atomic_store(&m.here, 0);
        if (pause_us) usleep((unsigned)pause_us);
        int64_t start = os_now_ns();
        os_pool_for(pool, (size_t)m.all, meet, &m);
        best = fmin(best, (double)(os_now_ns() - start));
    }
    return best;
}

// --- Main --------------------------------------------------------------------------------------

static options read_options(int argc, char **argv) {
    options o = {.threads = os_cpu_count(), .ms = 400};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads")) o.threads = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--ms")) o.ms = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--rows")) o.rows = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--type")) o.type = str_of(argv[i + 1]);
        if (!strcmp(argv[i], "--set")) o.set = str_of(argv[i + 1]);
    }
    return o;
}

int main(int argc, char **argv) {
    static step s;
    static float source[(size_t)VOCAB * C];
    options o = read_options(argc, argv);
    err e = {0};
    if (o.threads < 1 || os_pool_open(&s.pool, o.threads - 1, 1, "bench", &e)) {
        fprintf(stderr, "bench_kern: %s\n", o.threads < 1 ? "--threads wants a number" : e.msg);
        return 1;
    }
    printf("%s, %d threads; a range costs %.0f ns, %.0f ns after a rest\n", os_cpu_name(),
           o.threads, range_ns(s.pool, 0), range_ns(s.pool, 1000));
    fill(source, countof(source));
    fill_rows(&s);
    for (int t = 0; t < KERN_TYPES; t++)
        if (wanted(o.type, kern_type_name((kern_type)t))) print_type(&s, &o, (kern_type)t, source);
    arena_close(&s.work);
    os_pool_close(s.pool);
    return 0;
}
