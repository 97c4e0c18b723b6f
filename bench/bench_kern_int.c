// Products with integer weights at the shape of a model, beside what this machine allows.
//
// One pass is what a token costs without attention and norms: the products of all layers and the
// head, weights from memory, rows quantised before each product, work cut as lm/forward.c cuts
// it. Beside it stand the same bytes, only read, by as many threads and in turns with the passes
// (the machine may be shared), and what the probe finds. --errors prints how far products are from
// those of f32 instead.
//
//   bench_kern_int [--model gpt2|smollm2|cached] [--type NAME] [--threads N] [--set NAME]
//                  [--rows N] [--errors 1]

#include "base/arena.h"
#include "kern/kern.h"
#include "kern/probe.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { ROUNDS = 9, EMBD = 768, PARTS = 4, MATRICES_MAX = 128, LD = 3072, BYTES = 256 << 20 };

typedef struct shape {
    size_t n, k;
    kern_store how;
} shape;

typedef struct model {
    const char *name;
    size_t layers;
    shape layer[PARTS], head;
} model;

static const model models[] = {
    {"gpt2",
     12,
     {{2304, 768, KERN_SET}, {768, 768, KERN_ADD}, {3072, 768, KERN_GELU}, {768, 3072, KERN_ADD}},
     {50257, 768, KERN_SET}},
    {"smollm2",
     30,
     {{960, 576, KERN_SET}, {576, 576, KERN_ADD}, {3072, 576, KERN_SWIGLU}, {576, 1536, KERN_ADD}},
     {49152, 576, KERN_SET}},
    // Weights that stay in a core's second cache.
    {"cached",
     1,
     {{576, 576, KERN_SET}, {576, 576, KERN_ADD}, {576, 576, KERN_SET}, {576, 576, KERN_ADD}},
     {576, 576, KERN_SET}},
};

typedef struct world {
    const kern *kern;
    os_pool *pool;
    arena a;
    const model *model;
    kern_mat mats[MATRICES_MAX];  // the last is the head
    size_t matrices;
    size_t bytes;
    kern_rows in;
    float *y;
    size_t rows, chunk;
    const kern_mat *now;
    kern_store how;
    _Atomic uint64_t read;  // what sums of a plain read go to, so that they are not left out
} world;

// --- Weights -----------------------------------------------------------------------------------

static void *map(world *w, size_t bytes) {
    return arena_alloc(&w->a, align_up(bytes, KERN_ALIGN));
}

// A panel of 32 rows of k.
static void pack_rows(char *panel, kern_type t, const float *rows, size_t k) {
    tensor_row row[KERN_PANEL] = {0};
    for (size_t r = 0; r < KERN_PANEL; r++)
        row[r] = (tensor_row){.data = rows + r * k, .step = 1};
    kern_pack(panel, t, row, k);
}

// Panels are all alike: memory does not know.
static void fill_matrix(world *w, kern_mat *m, kern_type t, shape s) {
    float *rows = malloc(KERN_PANEL * s.k * sizeof *rows);
    CHECK(rows);
    uint64_t x = s.n;
    for (size_t i = 0; i < KERN_PANEL * s.k; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        rows[i] = (float)(x >> 40) * 0x1p-27F - 0.0625F;
    }
    size_t bytes = kern_panel_bytes(t, s.k);
    char *panels = map(w, kern_panels(s.n) * bytes);
    pack_rows(panels, t, rows, s.k);
    for (size_t p = 1; p < kern_panels(s.n); p++)
        memcpy(panels + p * bytes, panels, bytes);
    *m = (kern_mat){t, panels, NULL, s.n, s.k};
    w->bytes += kern_panels(s.n) * bytes;
    free(rows);
}

static void fill(world *w, kern_type t) {
    const model *m = w->model;
    arena_reset(&w->a, BYTES);
    w->bytes = 0;
    w->matrices = m->layers * PARTS + 1;
    for (size_t i = 0; i < w->matrices; i++)
        fill_matrix(w, &w->mats[i], t, i + 1 < w->matrices ? m->layer[i % PARTS] : m->head);
    float *x = map(w, KERN_ROWS_MAX * LD * sizeof *x);
    for (size_t i = 0; i < KERN_ROWS_MAX * LD; i++)
        x[i] = sinf((float)i);
    w->in = (kern_rows){.x = x, .ld = LD, .ld_q = LD};
    w->in.q = map(w, KERN_ROWS_MAX * LD);
    w->in.scale = map(w, KERN_ROWS_MAX * LD / KERN_GROUP * sizeof(float));
    w->in.sum = map(w, KERN_ROWS_MAX * LD / 32 * sizeof(int32_t));
    w->y = map(w, KERN_ROWS_MAX * align_up(m->head.n, KERN_PANEL) * sizeof *w->y);
}

// --- Passes ------------------------------------------------------------------------------------

static void quantise_row(void *arg, size_t r) {
    world *w = arg;
    w->kern->quantise(&w->in, r, w->now->k);
}

static void multiply_chunk(void *arg, size_t i) {
    world *w = arg;
    size_t p0 = i * w->chunk, p1 = min_size(p0 + w->chunk, kern_panels(w->now->n));
    size_t ldy = align_up(w->now->n, KERN_PANEL);
    w->kern->matmul(w->y, ldy, &w->in, w->rows, w->now, p0, p1, w->how);
}

static void multiply(world *w, size_t i) {
    const kern_mat *m = &w->mats[i];
    w->how = i + 1 < w->matrices ? w->model->layer[i % PARTS].how : KERN_SET;
    size_t panels = kern_panels(m->n), share = (size_t)os_pool_threads(w->pool) + 1;
    w->now = m;
    os_pool_for(w->rows < 8 ? NULL : w->pool, w->rows, quantise_row, w);
    w->chunk = max_size(1, min_size(65536 / kern_panel_bytes(m->type, m->k), panels / (4 * share)));
    os_pool_for(w->pool, (panels + w->chunk - 1) / w->chunk, multiply_chunk, w);
}

// Seconds. One thread looks at the processor's time that it had: others may run on this machine.
static double now_s(const world *w) {
    if (w->pool && os_pool_threads(w->pool) > 0) return (double)os_now_ns() * 1e-9;
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Seconds of the layers, or of the head.
static double pass(world *w, bool with_head) {
    double t = now_s(w);
    if (with_head)
        multiply(w, w->matrices - 1);
    else
        for (size_t i = 0; i + 1 < w->matrices; i++)
            multiply(w, i);
    return now_s(w) - t;
}

enum { READ_PART = 1 << 18 };
typedef uint64_t wide __attribute__((vector_size(64)));

#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static void
read_part(void *arg, size_t i) {
    world *w = arg;
    const char *at = (const char *)w->mats[0].panels + i * READ_PART;
    const wide *v = (const wide *)(const void *)at;
    wide sum[4] = {0};
    for (size_t j = 0; j < READ_PART / sizeof *v; j += 4)
        for (size_t l = 0; l < 4; l++) {
            __builtin_prefetch(&v[j + l + 128], 0, 2);
            sum[l] += v[j + l];
        }
    wide all = sum[0] + sum[1] + sum[2] + sum[3];
    w->read += all[0] + all[7];
}

static double read_all(world *w) {
    double t = now_s(w);
    os_pool_for(w->pool, w->bytes / READ_PART, read_part, w);
    return now_s(w) - t;
}

// --- Report ------------------------------------------------------------------------------------

static void report(world *w, size_t rows) {
    double layers = INFINITY, last = INFINITY, read = INFINITY;
    w->rows = rows;
    for (int i = 0; i < ROUNDS; i++) {
        layers = fmin(layers, pass(w, false));
        last = fmin(last, pass(w, true));
        read = fmin(read, read_all(w));
    }
    double all = layers + last, weights = 0;
    for (size_t i = 0; i < w->matrices; i++)
        weights += 2.0 * (double)w->mats[i].n * (double)w->mats[i].k;
    printf("%-5s %4zu %9.2f %9.2f %8.1f %6.0f%% %9.0f %9.0f %9.0f\n",
           kern_type_name(w->mats[0].type), rows, layers * 1e3, last * 1e3,
           (double)w->bytes / all / 1e9, 100 * read / all, weights * (double)rows / all / 1e9,
           (double)rows / all, (double)rows / layers);
}

static void run(world *w, size_t only_rows, const char *only_type) {
    static const size_t rows[] = {1, 2, 4, 8, 16, 32, 128};
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
        if (only_type && strcmp(only_type, kern_type_name((kern_type)t)) != 0) continue;
        fill(w, (kern_type)t);
        probe p;
        probe_at(&p, w->pool, w->mats[0].panels, w->bytes);
        printf("%s: %.1f MB, read at %.1f GB/s; int8 products from registers %.0f GOP/s\n",
               kern_type_name((kern_type)t), (double)w->bytes / 1e6, p.read_bytes_per_s / 1e9,
               p.int8_ops / 1e9);
        printf("type  rows layers_ms   head_ms     GB/s of_read     GOP/s  tokens/s  prefill/s\n");
        for (size_t i = 0; i < countof(rows); i++)
            if (!only_rows || rows[i] == only_rows) report(w, rows[i]);
    }
}

// --- Errors ------------------------------------------------------------------------------------

static uint64_t next(uint64_t *x) {  // splitmix64
    uint64_t z = *x += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static float normal(uint64_t *x) {  // Box and Muller
    double u = (double)(next(x) >> 11) * 0x1p-53, v = (double)(next(x) >> 11) * 0x1p-53;
    return (float)(sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v));
}

// One number in `rare` is `times` larger; by column where `column`, as in GPT-2's activations.
static float *fill_numbers(size_t rows, size_t k, size_t rare, float times, bool column) {
    float *p = malloc(rows * k * sizeof *p);
    CHECK(p);
    uint64_t x = rare + 1;
    for (size_t i = 0; i < rows * k; i++) {
        bool large = column ? i % k % rare == rare - 1 : next(&x) % rare == 0;
        p[i] = normal(&x) * (large ? times : 1);
    }
    return p;
}

// |product - product of f32| / |product of f32|, over all of y.
static double product_error(world *w, kern_type t, const float *weights, const float *x) {
    enum { ROWS = 16 };
    kern_mat m = {t, map(w, kern_panels(EMBD) * kern_panel_bytes(t, EMBD)), NULL, EMBD, EMBD};
    for (size_t p = 0; p < kern_panels(EMBD); p++)
        pack_rows((char *)m.panels + p * kern_panel_bytes(t, EMBD), t,
                  weights + p * KERN_PANEL * EMBD, EMBD);
    kern_rows in = w->in;
    in.x = x;
    in.ld = EMBD;
    for (size_t r = 0; r < ROWS; r++)
        w->kern->quantise(&in, r, EMBD);
    w->kern->matmul(w->y, EMBD, &in, ROWS, &m, 0, kern_panels(EMBD), KERN_SET);
    double error = 0, size = 0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < EMBD; i++) {
            double y = 0;
            for (size_t j = 0; j < EMBD; j++)
                y += (double)x[r * EMBD + j] * (double)weights[i * EMBD + j];
            error += pow((double)w->y[r * EMBD + i] - y, 2);
            size += y * y;
        }
    return sqrt(error / size);
}

static void print_errors(world *w) {
    static const struct {
        const char *name;
        size_t rare_w, rare_x;
    } cases[] = {{"normal", SIZE_MAX, SIZE_MAX},
                 {"1 of 200 weights 8 x", 200, SIZE_MAX},
                 {"1 of 150 columns of x 30 x", SIZE_MAX, 150},
                 {"both", 200, 150}};
    fill(w, KERN_INT8);
    printf("%-28s %8s %8s\n", "error of products", "int8", "int4");
    for (size_t i = 0; i < countof(cases); i++) {
        float *weights = fill_numbers(EMBD, EMBD, cases[i].rare_w, 8, false);
        float *x = fill_numbers(16, EMBD, cases[i].rare_x, 30, true);
        printf("%-28s %7.2f%% %7.2f%%\n", cases[i].name,
               100 * product_error(w, KERN_INT8, weights, x),
               100 * product_error(w, KERN_INT4, weights, x));
        free(weights);
        free(x);
    }
}

int main(int argc, char **argv) {
    static world w;
    err e = {0};
    const char *set = NULL, *type = NULL;
    int threads = os_cpu_count();
    size_t rows = 0;
    w.model = models;
    bool errors = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads")) threads = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--set")) set = argv[i + 1];
        if (!strcmp(argv[i], "--errors")) errors = true;
        if (!strcmp(argv[i], "--type")) type = argv[i + 1];
        for (size_t m = 0; m < countof(models) && !strcmp(argv[i], "--model"); m++)
            if (!strcmp(argv[i + 1], models[m].name)) w.model = &models[m];
        if (!strcmp(argv[i], "--rows")) rows = (size_t)atoi(argv[i + 1]);
    }
    const kern *all[KERN_SETS_MAX];
    size_t n = kern_all(all);
    for (size_t i = n; i-- > 0;)
        if (!set || !strcmp(set, all[i]->name)) w.kern = all[i];
    if (!w.kern || arena_open(&w.a, BYTES, &e) ||
        os_pool_open(&w.pool, threads - 1, 1, "bench", &e)) {
        fprintf(stderr, "bench_kern_int: %s\n", w.kern ? e.msg : "no such kernel set here");
        return 1;
    }
    madvise(w.a.base, BYTES, MADV_HUGEPAGE);
    printf("%s, %d threads, kernels %s, %s\n", os_cpu_name(), threads, w.kern->name, w.model->name);
    if (errors)
        print_errors(&w);
    else
        run(&w, rows, type);
    os_pool_close(w.pool);
    arena_close(&w.a);
    return 0;
}
