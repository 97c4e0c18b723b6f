// Pages and the prefix tree: random histories beside a naive model of them, eviction, budgets.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/pages.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 128, SEQS = 12, TABLE = CONTEXT / KERN_PAGE };

static lm_model *model_new(int n_layer) {
    lm_spec s = {
        .block_size = CONTEXT, .vocab_size = 300, .n_layer = n_layer, .n_head = 2, .n_embd = 32};
    lm_model *m;
    assert_int_equal(lm__model_random(&m, &s, 7, NULL), OK);
    return m;
}

static lm_page_counts counts(const lm_pages *p) {
    lm_page_counts c;
    lm__page_counts(&c, p);
    return c;
}

static uint32_t random_below(uint64_t *state, uint32_t n) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % n;
}

// --- What a position should hold: a function of the ids up to it --------------------------------

static float content(const int32_t *ids, size_t pos, size_t head) {
    uint32_t h = (uint32_t)head * 977;
    for (size_t i = 0; i <= pos; i++)
        h = h * 31 + (uint32_t)ids[i];
    return (float)(h % 100003);
}

static void write_pos(const lm_seq *s, const int32_t *ids, size_t pos, size_t layers) {
    for (size_t layer = 0; layer < layers; layer++)
        for (size_t head = 0; head < 2; head++) {
            kern_kv kv = lm__seq_kv(s, layer, head);
            float both[2][16];
            for (size_t i = 0; i < 16; i++) {
                both[0][i] = content(ids, pos, layer * 2 + head) + (float)i;
                both[1][i] = -both[0][i];
            }
            kern_kv_put(&kv, pos, both[0], both[1], 16);
        }
}

// Keys and values stand as kern.h says; the last layer and head is the one that a wrong stride of
// pages would hit.
static void check_pos(const lm_seq *s, const int32_t *ids, size_t pos, size_t layers) {
    kern_kv kv = lm__seq_kv(s, layers - 1, 1);
    const float *keys = kv.base + kv.page[pos / KERN_PAGE] * kv.stride;
    const float *values = keys + 16 * KERN_PAGE;
    float want = content(ids, pos, (layers - 1) * 2 + 1);
    for (size_t i = 0; i < 16; i += 15) {
        assert_true(keys[i * KERN_PAGE + pos % KERN_PAGE] == want + (float)i);
        assert_true(values[pos % KERN_PAGE * 16 + i] == -(want + (float)i));
    }
}

// --- The naive model ---------------------------------------------------------------------------

typedef struct member {
    lm_seq seq;
    int32_t ids[CONTEXT];
    size_t n_max;
    bool open;
} member;

typedef struct world {
    lm_model *m;
    lm_pages *p;
    size_t layers;
    member of[SEQS];
    uint64_t rng;
} world;

static void world_open(world *w, size_t layers, lm_budget *b, uint64_t seed) {
    *w = (world){.m = model_new((int)layers), .layers = layers, .rng = seed};
    assert_int_equal(lm__pages_open_in(&w->p, w->m, b, NULL), OK);
}

static void world_close(world *w) {
    for (size_t i = 0; i < SEQS; i++)
        if (w->of[i].open) lm__seq_close(&w->of[i].seq);
    assert_int_equal(counts(w->p).used, 0);
    lm__pages_close(w->p);
    lm_model_close(w->m);
}

// Ids with few branches, so that sequences share; what comes after n_past is decided already.
static void random_ids(world *w, member *m) {
    uint32_t common = random_below(&w->rng, CONTEXT), kind = random_below(&w->rng, 3);
    for (uint32_t i = 0; i < CONTEXT; i++)
        m->ids[i] = (int32_t)(i < common ? kind * 100 + i % 7 : random_below(&w->rng, 300));
}

static void write_and_advance(world *w, member *m, size_t n) {
    for (size_t i = 0; i < n; i++)
        write_pos(&m->seq, m->ids, m->seq.n_past + i, w->layers);
    lm__seq_advance(&m->seq, m->ids, n);
}

static void random_step(world *w) {
    member *m = &w->of[random_below(&w->rng, SEQS)];
    size_t left = m->n_max - m->seq.n_past, known = m->seq.n_past + left / 2;
    switch (random_below(&w->rng, 8)) {
    case 0:
        if (m->open) lm__seq_close(&m->seq);
        m->open = false;
        break;
    case 1:
        if (m->open && known > m->seq.n_past) lm__seq_match(&m->seq, m->ids, known);
        break;
    default:
        if (m->open) {
            if (left) write_and_advance(w, m, 1 + random_below(&w->rng, (uint32_t)left));
            break;
        }
        random_ids(w, m);
        m->n_max = 1 + random_below(&w->rng, CONTEXT);
        m->open = lm__seq_open(&m->seq, w->p, m->ids, 1 + random_below(&w->rng, (uint32_t)m->n_max),
                               m->n_max);
        if (!m->open) m->seq = (lm_seq){0};
    }
}

// No page is used twice but where ids agree, none is out of its place, all hold what was written.
static void check_world(const world *w) {
    enum { PAGES_MAX = 4096 };
    static struct {
        const member *by;
        size_t at, times;
        bool shared;
    } seen[PAGES_MAX];
    lm_page_counts c = counts(w->p);
    size_t used = 0;
    assert_true(c.total <= PAGES_MAX);
    memset(seen, 0, sizeof seen);
    for (const member *m = w->of; m < w->of + SEQS; m++) {
        if (!m->open) continue;
        assert_int_equal(m->seq.n_table, lm__pages_for(m->n_max));
        assert_int_equal(m->seq.n_shared, m->seq.n_past / KERN_PAGE);
        for (size_t i = 0; i < m->seq.n_table; i++) {
            uint32_t page = m->seq.page[i];
            assert_true(page < c.total);
            bool shared = i < m->seq.n_shared;
            if (seen[page].times++) {
                assert_true(shared && seen[page].shared && seen[page].at == i);
                assert_memory_equal(seen[page].by->ids, m->ids,
                                    (i + 1) * KERN_PAGE * sizeof *m->ids);
                continue;
            }
            seen[page].by = m, seen[page].at = i, seen[page].shared = shared;
            used++;
        }
        for (size_t pos = 0; pos < m->seq.n_past; pos++)
            check_pos(&m->seq, m->ids, pos, w->layers);
    }
    assert_int_equal(c.used, used);
    assert_true(c.used + c.kept <= c.total);
}

static void random_histories_keep_every_page(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        lm_budget b = {.max = (20 + 25 * seed) * 8192};  // 12 sequences of 8 pages would like 96
        world w;
        world_open(&w, 2, &b, seed);
        for (int i = 0; i < 1500; i++) {
            random_step(&w);
            check_world(&w);
            assert_int_equal(b.used, counts(w.p).used * 8192);
            assert_true(b.used <= b.resident && b.resident <= b.max);
        }
        lm_page_counts c = counts(w.p);
        assert_true(c.hit_tokens > 0 && c.hit_tokens <= c.looked_tokens);
        world_close(&w);
        assert_int_equal(b.used + b.resident, 0);
    }
}

// Two models whose pages differ in size draw on one budget.
static void models_share_a_budget(void **state) {
    (void)state;
    lm_budget b = {.max = 60 * 8192};
    world w[2];
    world_open(&w[0], 2, &b, 1);
    world_open(&w[1], 5, &b, 2);
    uint64_t rng = 3;
    for (int i = 0; i < 3000; i++) {
        size_t at = random_below(&rng, 2);
        random_step(&w[at]);
        check_world(&w[at]);
        assert_int_equal(b.used, counts(w[0].p).used * 8192 + counts(w[1].p).used * 20480);
        assert_true(b.used <= b.resident && b.resident <= b.max);
    }
    world_close(&w[0]);
    assert_int_equal(b.used, counts(w[1].p).used * 20480);
    world_close(&w[1]);
    assert_int_equal(b.used + b.resident, 0);
}

// --- One thing at a time -------------------------------------------------------------------------

static int32_t ones[CONTEXT], twos[CONTEXT];

static world small_world(size_t pages, lm_budget *b) {
    world w;
    *b = (lm_budget){.max = pages * 8192};
    world_open(&w, 2, b, 1);
    for (size_t i = 0; i < CONTEXT; i++)
        ones[i] = 1, twos[i] = 2;
    return w;
}

static void run(world *w, const int32_t *ids, size_t n) {
    lm_seq s;
    assert_true(lm__seq_open(&s, w->p, ids, n, n));
    lm__seq_advance(&s, ids, n - s.n_past);
    lm__seq_close(&s);
}

static size_t found(world *w, const int32_t *ids, size_t n) {
    lm_seq s;
    assert_true(lm__seq_open(&s, w->p, ids, n, n));
    size_t past = s.n_past;
    lm__seq_close(&s);
    return past;
}

static void a_prompt_is_found_again(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(16, &b);
    run(&w, ones, 40);
    assert_int_equal(counts(w.p).kept, 2);
    assert_int_equal(found(&w, ones, 40), 32);
    assert_int_equal(found(&w, ones, 33), 32);
    assert_int_equal(found(&w, ones, 32), 31);  // the last token is computed, for its logits
    assert_int_equal(found(&w, ones, 1), 0);
    assert_int_equal(found(&w, twos, 40), 0);
    int32_t mixed[40];
    memcpy(mixed, ones, sizeof mixed);
    mixed[31] = 2;
    assert_int_equal(found(&w, mixed, 40), 31);
    mixed[20] = 2;
    assert_int_equal(found(&w, mixed, 40), 20);
    mixed[0] = 2;  // the same second page behind another first one is another page
    mixed[20] = mixed[31] = 1;
    assert_int_equal(found(&w, mixed, 40), 0);
    assert_int_equal(counts(w.p).hit_tokens, 32 + 32 + 31 + 31 + 20);
    world_close(&w);
}

// The beginning of a page is copied, the likest one's, and who goes on writes into the copy.
static void a_page_is_begun_with_a_copy(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(16, &b);
    member m[3] = {{.n_max = 40}, {.n_max = 40}, {.n_max = 40}};
    for (int32_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 40; j++)
            m[i].ids[j] = j < 20 + 4 * (size_t)i ? 1 : 10 + i;
    for (size_t i = 0; i < 3; i++) {
        assert_true(lm__seq_open(&m[i].seq, w.p, m[i].ids, 40, 40));
        assert_int_equal(m[i].seq.n_past, i ? 16 + 4 * i : 0);
        write_and_advance(&w, &m[i], 40 - m[i].seq.n_past);
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t pos = 0; pos < 40; pos++)
            check_pos(&m[i].seq, m[i].ids, pos, 2);
        lm__seq_close(&m[i].seq);
    }
    assert_int_equal(found(&w, ones, 40), 28);
    world_close(&w);
}

// The page that is copied from makes no room for the copy while another can.
static void what_is_copied_from_goes_last(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(4, &b);
    run(&w, ones, 32);
    run(&w, twos, 32);
    assert_int_equal(counts(w.p).kept, 4);
    int32_t mixed[17];
    for (size_t i = 0; i < 17; i++)
        mixed[i] = i < 8 ? 1 : 3;
    assert_int_equal(found(&w, mixed, 17), 8);
    assert_int_equal(found(&w, ones, 17), 16);
    world_close(&w);
}

// Of many pages that begin alike only the newest are looked through.
static void a_crowd_of_beginnings_costs_no_more(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(256, &b);
    int32_t ids[17];
    for (int32_t i = 0; i < 200; i++) {
        ids[0] = i;
        for (size_t j = 1; j < 17; j++)
            ids[j] = 7;
        run(&w, ids, 17);
    }
    for (ids[0] = 0; ids[0] < 200; ids[0]++)
        assert_int_equal(found(&w, ids, 10), ids[0] < 200 - 64 ? 0 : 9);
    world_close(&w);
}

// The same ids behind other ids are another page, whatever the hashes say.
static void pages_belong_to_what_leads_to_them(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(256, &b);
    int32_t ids[33] = {0};
    for (ids[0] = 0; ids[0] < 120; ids[0]++)
        run(&w, ids, ids[0] % 2 ? 32 : 16);
    for (ids[0] = 0; ids[0] < 120; ids[0]++)
        assert_int_equal(found(&w, ids, 33), ids[0] % 2 ? 32 : 16);
    world_close(&w);
}

static void running_sequences_share(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(16, &b);
    lm_seq s[2];
    assert_true(lm__seq_open(&s[0], w.p, ones, 100, 128));
    assert_true(lm__seq_open(&s[1], w.p, ones, 100, 128));
    assert_int_equal(counts(w.p).used, 16);
    lm__seq_advance(&s[0], ones, 50);
    lm__seq_match(&s[1], ones, 100);
    assert_int_equal(s[1].n_past, 48);
    assert_int_equal(counts(w.p).used, 13);
    lm__seq_advance(&s[0], ones, 14);
    lm__seq_advance(&s[1], ones, 16);  // computed twice, kept once
    assert_int_equal(counts(w.p).used, 12);
    assert_int_equal(s[0].page[3], s[1].page[3]);
    lm__seq_match(&s[1], ones, 100);  // nothing is there that it has not
    assert_int_equal(s[1].n_past, 64);
    lm__seq_close(&s[0]);
    assert_int_equal(counts(w.p).used, 8);
    assert_int_equal(counts(w.p).kept, 0);
    lm__seq_close(&s[1]);
    assert_int_equal(counts(w.p).kept, 4);
    world_close(&w);
}

static void the_least_used_goes_first_and_leaves_before_roots(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(8, &b);
    run(&w, ones, 64);
    run(&w, twos, 64);
    assert_int_equal(counts(w.p).kept, 8);
    assert_int_equal(found(&w, ones, 17), 16);  // ones is younger now, at its root
    lm_seq s;
    int32_t other[CONTEXT] = {3};
    assert_true(lm__seq_open(&s, w.p, other, 48, 48));  // three leaves of ones go
    assert_int_equal(counts(w.p).kept, 5);
    lm__seq_close(&s);
    assert_int_equal(found(&w, ones, 64), 16);
    assert_int_equal(found(&w, twos, 65), 64);
    world_close(&w);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(8, &b);
    run(&w, ones, 64);
    lm_seq s, none = {0};
    assert_true(lm__seq_open(&s, w.p, twos, 80, 80));
    lm_page_counts before = counts(w.p);
    assert_int_equal(before.used, 5);
    assert_int_equal(before.kept, 3);
    // Pages that the tree keeps for it are no reason to count them twice.
    assert_false(lm__seq_open(&none, w.p, ones, 64, 64));
    assert_null(none.pages);
    assert_int_equal(counts(w.p).used, before.used);
    assert_int_equal(counts(w.p).kept, before.kept);
    assert_int_equal(found(&w, ones, 48), 32);
    lm__seq_close(&s);
    assert_true(lm__seq_open(&s, w.p, twos, 1, 128));  // every page there is: none was lost
    assert_int_equal(counts(w.p).used, 8);
    assert_int_equal(counts(w.p).kept, 0);
    lm__seq_close(&s);
    lm__seq_close(&none);
    world_close(&w);
}

static void a_budget_below_a_page_has_none(void **state) {
    (void)state;
    lm_budget b;
    world w = small_world(0, &b);
    lm_seq s;
    assert_int_equal(counts(w.p).total, 0);
    assert_false(lm__seq_open(&s, w.p, ones, 1, 1));
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_keep_every_page),
        cmocka_unit_test(models_share_a_budget),
        cmocka_unit_test(a_prompt_is_found_again),
        cmocka_unit_test(a_page_is_begun_with_a_copy),
        cmocka_unit_test(what_is_copied_from_goes_last),
        cmocka_unit_test(a_crowd_of_beginnings_costs_no_more),
        cmocka_unit_test(pages_belong_to_what_leads_to_them),
        cmocka_unit_test(running_sequences_share),
        cmocka_unit_test(the_least_used_goes_first_and_leaves_before_roots),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(a_budget_below_a_page_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
