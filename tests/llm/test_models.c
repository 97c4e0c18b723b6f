// Who loads when, and what goes for it. Models are made up here: the registry sees no difference.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "llm/models.h"
#include "llm/parts.h"
#include "os/log.h"
#include "tests/llm/folders.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { MODELS = 6, MB = 1 << 20, LOG_MAX = 4096 };
#define HOUR INT64_C(3600000000000)  // in which nothing happens by itself

// --- Models that are made up ---------------------------------------------------------------------
// Called "a", "b", ..., of 100 MB each, but for "huge".

typedef struct fake_tokenizer {
    uint64_t alive;
} fake_tokenizer;

static struct {
    pthread_mutex_t lock;
    char log[LOG_MAX];  // "+a" loaded, "-a" closed
    size_t n_log;
    bool fails, has_gate;
    sem_t gate;
    _Atomic int opens, closes, measures;
    _Atomic uint64_t stamp;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(char what, str name) {
    pthread_mutex_lock(&fake.lock);
    if (fake.n_log + 2 + name.len < LOG_MAX)
        fake.n_log += (size_t)sprintf(fake.log + fake.n_log, "%c%.*s ", what, STR_ARG(name));
    pthread_mutex_unlock(&fake.lock);
}

static bool log_is(const char *want) {
    pthread_mutex_lock(&fake.lock);
    bool is = strcmp(fake.log, want) == 0;
    if (!is) print_message("log: %s\n", fake.log);
    pthread_mutex_unlock(&fake.lock);
    return is;
}

status llm__parts_measure(size_t *bytes, const llm_source *s, const llm_how *how, err *e) {
    (void)how;
    fake.measures++;
    *bytes = str_starts(s->name, STR("huge")) ? 1000 * (size_t)MB : 100 * (size_t)MB;
    if (fake.fails)
        return err_set(e, E_FORMAT, "%s: %s/config.json: no model_type", s->path, s->path);
    return OK;
}

status llm__parts_open(llm_parts *out, const llm_source *s, const llm_how *how, err *e) {
    *out = (llm_parts){0};
    if (str_eq(s->name, STR("short"))) return err_set(e, E_FORMAT, "it is cut off");
    *how->permille = 250;
    fake.opens++;
    if (fake.has_gate) sem_wait(&fake.gate);
    fake_tokenizer *t = malloc(sizeof *t);
    t->alive = 0xa11ce;
    out->tokens = (tokenizer *)(void *)t;
    out->view.tokens = out->tokens;
    out->context = 4096;
    out->view.fingerprint = str_hash(s->name, 0);
    note('+', s->name);
    return OK;
}

void llm__parts_close(llm_parts *p) {
    fake.closes++;
    note('-', p->view.name);
    memset(p->tokens, 0, sizeof(fake_tokenizer));
    free(p->tokens);
    *p = (llm_parts){0};
}

uint64_t llm__parts_stamp(int64_t *created, const llm_source *s) {
    *created = 1700000000;
    return strstr(s->path, "gone") ? 0 : atomic_load(&fake.stamp);
}

static bool is_alive(const llm_model *m) {
    return ((const fake_tokenizer *)(const void *)m->tokens)->alive == 0xa11ce &&
           m->fingerprint == str_hash(m->name, 0);
}

// --- Asking --------------------------------------------------------------------------------------

static bool has_patience = true;  // for room

static llm_models *models_new(size_t budget_mb, size_t n, const char *const *names) {
    static char room[MODELS + 1][64];
    const char *specs[MODELS + 1];
    fake.log[0] = 0;
    fake.n_log = 0;
    fake.opens = fake.closes = fake.measures = 0;
    fake.fails = fake.has_gate = false;
    fake.stamp = 1;
    for (size_t i = 0; i < n; i++) {
        snprintf(room[i], sizeof room[i], "%s=/nowhere/%s", names[i], names[i]);
        specs[i] = room[i];
    }
    llm_models_config c = {.specs = specs,
                           .n_specs = n,
                           .budget = budget_mb * MB,
                           .room_ns = has_patience ? HOUR : HOUR / 100000,
                           .retry_ns = HOUR,
                           .owed_ns = HOUR};
    llm_models *m;
    err e = {0};
    if (llm_models_open(&m, &c, &e)) fail_msg("%s", e.msg);
    return m;
}

static llm_models *six(size_t budget_mb) {
    return models_new(budget_mb, MODELS, (const char *[]){"a", "b", "c", "d", "e", "f"});
}

static void ring(void *arg) {
    sem_post(arg);
}

// Waits until it is there, or has failed.
static status get(const llm_model **out, llm_models *m, const char *name, err *e) {
    sem_t bell;
    sem_init(&bell, 0, 0);
    status st;
    while ((st = llm_models_get(out, m, str_of(name), ring, &bell, e)) == E_AGAIN)
        sem_wait(&bell);
    sem_destroy(&bell);
    return st;
}

static const llm_model *take(llm_models *m, const char *name) {
    const llm_model *got;
    err e = {0};
    if (get(&got, m, name, &e)) fail_msg("%s: %s", name, e.msg);
    assert_true(str_eq(got->name, str_of(name)));
    assert_true(is_alive(got));
    return got;
}

static void use(llm_models *m, const char *name) {
    llm_models_release(m, take(m, name));
}

static llm_row row_of(llm_models *m, size_t i) {
    llm_row rows[LLM_MODELS_MAX];
    assert_true(i < llm_models_rows(rows, m));
    return rows[i];
}

static void wait_state(llm_models *m, size_t i, llm_state want) {
    while (row_of(m, i).state != want)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

// --- One load for all ----------------------------------------------------------------------------

typedef struct asker {
    llm_models *m;
    const char *name;
    _Atomic int *got;
    bool ok;
} asker;

static void *ask_once(void *arg) {
    asker *a = arg;
    const llm_model *got;
    a->ok = get(&got, a->m, a->name, NULL) == OK && is_alive(got);
    atomic_fetch_add(a->got, 1);
    if (a->ok) llm_models_release(a->m, got);
    return NULL;
}

static void many_ask_and_one_load_answers(void **state) {
    (void)state;
    enum { ASKERS = 8 };
    llm_models *m = six(600);
    fake.has_gate = true;
    sem_init(&fake.gate, 0, 0);
    pthread_t thread[ASKERS];
    asker a[ASKERS];
    _Atomic int got = 0;
    for (size_t i = 0; i < ASKERS; i++) {
        a[i] = (asker){m, "c", &got, false};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_once, &a[i]), 0);
    }
    wait_state(m, 2, LLM_LOADING);
    while (fake.opens == 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(got, 0);
    llm_row row = row_of(m, 2);
    assert_true(row.loaded > 0.24 && row.loaded < 0.26);
    assert_int_equal(row.bytes, 100 * MB);
    sem_post(&fake.gate);
    for (size_t i = 0; i < ASKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(a[i].ok);
    }
    assert_int_equal(fake.opens, 1);
    row = row_of(m, 2);
    assert_int_equal(row.state, LLM_READY);
    assert_int_equal(row.holders, 0);
    assert_int_equal(row.context, 4096);
    assert_true(row.loaded == 1);
    assert_int_equal(row_of(m, 1).state, LLM_COLD);
    llm_models_close(m);
    assert_true(log_is("+c -c "));
    sem_destroy(&fake.gate);
}

static void who_leaves_is_not_called(void **state) {
    (void)state;
    llm_models *m = six(600);
    fake.has_gate = true;
    sem_init(&fake.gate, 0, 0);
    sem_t leaves, stays;
    sem_init(&leaves, 0, 0);
    sem_init(&stays, 0, 0);
    const llm_model *got;
    err e = {0};
    assert_int_equal(llm_models_get(&got, m, STR("a"), ring, &leaves, &e), E_AGAIN);
    assert_string_equal(e.msg, "a is being loaded");
    assert_null(got);
    assert_int_equal(llm_models_get(&got, m, STR("a"), ring, &stays, NULL), E_AGAIN);
    assert_int_equal(llm_models_get(&got, m, STR("a"), NULL, NULL, NULL), E_AGAIN);
    llm_models_leave(m, &leaves);
    sem_destroy(&leaves);  // who rings it now is seen
    sem_post(&fake.gate);
    sem_wait(&stays);
    use(m, "a");
    int rung;
    assert_int_equal(sem_getvalue(&stays, &rung), 0);
    assert_int_equal(rung, 0);  // once
    sem_destroy(&stays);
    sem_destroy(&fake.gate);
    llm_models_close(m);
}

// --- Room ----------------------------------------------------------------------------------------

static void the_least_recent_goes_first(void **state) {
    (void)state;
    llm_models *m = six(350);
    use(m, "a");
    use(m, "b");
    use(m, "c");
    use(m, "a");
    assert_true(log_is("+a +b +c "));
    use(m, "d");
    assert_true(log_is("+a +b +c -b +d "));
    use(m, "e");
    use(m, "a");
    use(m, "b");
    assert_true(log_is("+a +b +c -b +d -c +e -d +b "));
    llm_memory memory;
    llm_models_memory(&memory, m);
    assert_int_equal(memory.budget, 350 * MB);
    assert_int_equal(memory.used, 300 * MB);
    assert_int_equal(memory.loads, 6);
    assert_int_equal(memory.drops, 3);
    llm_models_close(m);
}

static void held_models_stay(void **state) {
    (void)state;
    has_patience = false;
    llm_models *m = six(200);
    has_patience = true;
    const llm_model *a = take(m, "a"), *b = take(m, "b"), *c;
    err e = {0};
    assert_int_equal(get(&c, m, "c", &e), E_MEMORY);  // after a while
    assert_string_equal(e.msg, "c: no room: it takes 100 MB, and models in use 200 of 200 MB");
    assert_true(is_alive(a) && is_alive(b));
    assert_int_equal(row_of(m, 2).state, LLM_BROKEN);
    assert_int_equal(row_of(m, 0).holders, 1);
    assert_true(take(m, "a") == a);
    llm_models_release(m, a);
    llm_models_release(m, b);
    use(m, "d");
    assert_true(is_alive(a));
    assert_true(log_is("+a +b -b +d "));
    llm_models_release(m, a);
    llm_models_close(m);
}

static void who_waits_for_room_gets_it(void **state) {
    (void)state;
    llm_models *m = six(100);
    const llm_model *a = take(m, "a"), *got;
    sem_t bell;
    sem_init(&bell, 0, 0);
    for (int i = 0; i < 100; i++) {  // asked again whenever its wait was over
        assert_int_equal(llm_models_get(&got, m, STR("b"), ring, &bell, NULL), E_AGAIN);
        llm_models_release(m, a);
        sem_wait(&bell);
        use(m, "b");
        a = take(m, "a");
    }
    llm_models_release(m, a);
    sem_destroy(&bell);
    llm_models_close(m);
}

static void a_model_over_the_budget_is_refused(void **state) {
    (void)state;
    llm_models *m = models_new(300, 2, (const char *[]){"a", "huge"});
    const llm_model *got;
    err e = {0};
    use(m, "a");
    assert_int_equal(get(&got, m, "huge", &e), E_LIMIT);
    assert_string_equal(e.msg, "huge: its weights take 1000 MB, the models may take 300 MB in all");
    assert_true(log_is("+a "));  // nobody had to go
    llm_models_close(m);
}

static void who_was_called_back_finds_the_model(void **state) {
    (void)state;
    llm_models *m = six(150);
    const llm_model *got;
    sem_t bell;
    sem_init(&bell, 0, 0);
    assert_int_equal(llm_models_get(&got, m, STR("b"), ring, &bell, NULL), E_AGAIN);
    sem_wait(&bell);
    assert_int_equal(llm_models_get(&got, m, STR("a"), NULL, NULL, NULL), E_AGAIN);
    wait_state(m, 0, LLM_LOADING);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);  // however long it takes to ask
    assert_int_equal(llm_models_get(&got, m, STR("b"), NULL, NULL, NULL), OK);
    assert_true(is_alive(got));
    llm_models_release(m, got);
    wait_state(m, 0, LLM_READY);
    sem_destroy(&bell);
    llm_models_close(m);
}

// Two models of which one fits at a time: each serves who waits for it before it goes.
static void *swap(void *arg) {
    asker *a = arg;
    a->ok = true;
    for (int i = 0; i < 15; i++) {
        const llm_model *got;
        a->ok &= get(&got, a->m, a->name, NULL) == OK && is_alive(got);
        if (!a->ok) return NULL;
        llm_models_release(a->m, got);
    }
    return NULL;
}

static void two_that_fit_one_at_a_time_take_turns(void **state) {
    (void)state;
    llm_models *m = six(150);
    pthread_t thread[2];
    asker a[2] = {{m, "a", NULL, false}, {m, "b", NULL, false}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, swap, &a[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        assert_true(a[i].ok);
    }
    assert_in_range(fake.opens, 2, 30);  // no load was for nothing
    llm_models_close(m);
}

// --- Failure -------------------------------------------------------------------------------------

static void a_broken_model_says_why_and_is_tried_again(void **state) {
    (void)state;
    llm_models *m = six(600);
    const llm_model *got;
    err e = {0};
    fake.fails = true;
    assert_int_equal(get(&got, m, "b", &e), E_FORMAT);
    assert_string_equal(e.msg, "b: b: b/config.json: no model_type");  // no path of this machine
    assert_int_equal(fake.measures, 1);
    assert_int_equal(get(&got, m, "b", &e), E_FORMAT);
    assert_int_equal(fake.measures, 1);  // at once
    llm_row row = row_of(m, 1);
    assert_int_equal(row.state, LLM_BROKEN);
    assert_string_equal(row.why, "b: b/config.json: no model_type");
    fake.fails = false;
    use(m, "a");
    fake.stamp = 2;  // its files have changed
    while (llm_models_get(&got, m, STR("b"), NULL, NULL, &e) != OK)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    llm_models_release(m, got);
    assert_int_equal(row_of(m, 1).state, LLM_READY);
    assert_string_equal(row_of(m, 1).why, "");
    llm_memory memory;
    llm_models_memory(&memory, m);
    assert_int_equal(memory.failures, 1);
    assert_int_equal(memory.used, 200 * MB);
    llm_models_close(m);
}

static void a_load_that_fails_leaves_no_trace(void **state) {
    (void)state;
    llm_models *m = models_new(100, 2, (const char *[]){"a", "short"});
    const llm_model *got;
    err e = {0};
    for (int i = 0; i < 3; i++) {
        fake.stamp = (uint64_t)i + 10;
        while (llm_models_get(&got, m, STR("short"), NULL, NULL, &e) != E_FORMAT)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        assert_string_equal(e.msg, "short: it is cut off");
        use(m, "a");
    }
    llm_memory memory;
    llm_models_memory(&memory, m);
    assert_int_equal(memory.used, 100 * MB);
    llm_models_close(m);
}

static void what_is_not_there_is_told(void **state) {
    (void)state;
    llm_models *m = models_new(600, 2, (const char *[]){"a", "gone"});
    const llm_model *got;
    err e = {0};
    assert_int_equal(row_of(m, 1).state, LLM_BROKEN);
    assert_int_equal(llm_models_get(&got, m, STR("gone"), NULL, NULL, &e), E_NOT_FOUND);
    assert_string_equal(e.msg, "gone: its path does not exist");
    assert_int_equal(llm_models_get(&got, m, STR("x\ty"), NULL, NULL, &e), E_NOT_FOUND);
    assert_string_equal(e.msg, "there is no model \"?\", but these: a, gone");
    assert_int_equal(llm_models_get(&got, m, STR("20B"), NULL, NULL, &e), E_NOT_FOUND);
    assert_string_equal(e.msg, "\"20B\" is openai/gpt-oss-20b, which is not here; the server's "
                               "--model adds it. There are: a, gone");
    llm_absent absent[LLM_ALIASED];
    assert_int_equal(llm_models_absent(absent, m), LLM_ALIASED);
    llm_models_close(m);
    const char *none[] = {"=x"};
    llm_models_config c = {.specs = none, .n_specs = 1};
    assert_int_equal(llm_models_open(&m, &c, NULL), E_ARG);
    assert_null(m);
}

// --- All at once ---------------------------------------------------------------------------------

static void *ask_on(void *arg) {
    asker *a = arg;
    uint64_t x = (uintptr_t)a;
    a->ok = true;
    for (int i = 0; i < 40; i++) {
        const llm_model *got;
        x = x * 6364136223846793005U + 1442695040888963407U;
        char name[2] = {(char)('a' + (x >> 33) % MODELS), 0};
        status st = get(&got, a->m, name, NULL);
        a->ok &= st == OK && is_alive(got);
        if (!a->ok) return NULL;
        sched_yield();
        a->ok &= is_alive(got);
        llm_models_release(a->m, got);
    }
    return NULL;
}

static void nothing_that_is_held_dies_in_a_crowd(void **state) {
    (void)state;
    enum { ASKERS = 6 };
    llm_models *m = six(250);
    pthread_t thread[ASKERS];
    asker a[ASKERS];
    for (size_t i = 0; i < ASKERS; i++) {
        a[i] = (asker){m, NULL, NULL, false};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_on, &a[i]), 0);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(a[i].ok);
    }
    llm_memory memory;
    llm_models_memory(&memory, m);
    assert_true(memory.used <= 250 * (size_t)MB);
    llm_models_close(m);
    assert_int_equal(fake.opens, fake.closes);
}

// --- Figures -------------------------------------------------------------------------------------

// app/metrics.c would bring all apps with it: what it is told is enough.
static struct {
    const char *family;
    double ready[2], failures;
    int n;
} told;

void metrics_family(metrics *m, metrics_kind kind, const char *name, const char *help) {
    (void)m;
    assert_int_equal(kind, METRICS_GAUGE);
    assert_true(help[0] >= 'A' && help[0] <= 'Z');
    told.family = name;
}

void metrics_f64(metrics *m, const metrics_label *label, double v) {
    (void)m;
    bool is_first = str_eq(label->value, STR("a"));
    told.n++;
    if (!strcmp(told.family, "llm_model_ready")) told.ready[!is_first] = v;
}

void metrics_one(metrics *m, metrics_kind kind, const char *name, const char *help, double v) {
    (void)m, (void)help;
    assert_true((kind == METRICS_COUNTER) == str_ends(str_of(name), STR("_total")));
    if (!strcmp(name, "llm_load_failures_total")) told.failures = v;
}

static void figures_show_each_model(void **state) {
    (void)state;
    llm_models *m = models_new(300, 2, (const char *[]){"a", "gone"});
    use(m, "a");
    ARENA_ON_STACK(a, 32768);
    buf b;
    buf_init(&b, &a, 16384);
    json j;
    json_init(&j, &b);
    json_open(&j, '{');
    llm_models_stats(&j, m);
    json_close(&j, '}');
    str text = buf_str(&b);
    static const char *const says[] = {"\"budget_bytes\": 314572800", "\"used_bytes\": 104857600",
                                       "\"state\": \"ready\"",
                                       "\"why\": \"its path does not exist\""};
    for (size_t i = 0; i < countof(says); i++)
        if (str_find(text, str_of(says[i])) == text.len) fail_msg("%.*s", STR_ARG(text));
    metrics to = {.to = &b};
    told.ready[1] = 1;
    llm_models_metrics(&to, m);
    assert_true(told.ready[0] == 1 && told.ready[1] == 0 && told.failures == 1);
    assert_int_equal(told.n, 10);  // five figures of each
    llm_models_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_ask_and_one_load_answers),
        cmocka_unit_test(who_leaves_is_not_called),
        cmocka_unit_test(the_least_recent_goes_first),
        cmocka_unit_test(held_models_stay),
        cmocka_unit_test(who_waits_for_room_gets_it),
        cmocka_unit_test(a_model_over_the_budget_is_refused),
        cmocka_unit_test(who_was_called_back_finds_the_model),
        cmocka_unit_test(two_that_fit_one_at_a_time_take_turns),
        cmocka_unit_test(a_broken_model_says_why_and_is_tried_again),
        cmocka_unit_test(a_load_that_fails_leaves_no_trace),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(nothing_that_is_held_dies_in_a_crowd),
        cmocka_unit_test(figures_show_each_model),
    };
    os_log_set_level(LOG_CRITICAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
