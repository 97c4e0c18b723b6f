// Trees kept for all threads: hits, the limit, pages that outlive an eviction, threads at once.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"
#include "wikitext/expand.h"

#include <pthread.h>
#include <stdio.h>

static wt_parser *parser_with(wt_cache *cache, arena *mem) {
    struct all {
        wt_options o;
        wt_parser p;
        wt_page page;
        wt_frame frame;
    } *all = arena_new(mem, struct all);
    all->o = world_options();
    all->o.cache = cache;
    all->p = (wt_parser){.o = &all->o,
                         .world = &world_of_tests,
                         .page = &all->page,
                         .mem = mem,
                         .frame = &all->frame};
    return &all->p;
}

static wt_source source_of(const char *text) {
    return (wt_source){.text = str_of(text), .hash = str_hash(str_of(text), 1) | 1};
}

static str as_text(const wt_tree *tree, arena *mem) {
    buf b;
    buf_init(&b, mem, 0);
    wt_unparse(&b, tree->root);
    return buf_str(&b);
}

static wt_cache *cache_of(size_t bytes) {
    wt_cache *c;
    assert_int_equal(wt_cache_open(&c, bytes, NULL), OK);
    return c;
}

static void shares_trees(void **state) {
    (void)state;
    wt_cache *c = cache_of(8 << 20);
    wt_parser *a = parser_with(c, &world_mem), *b = parser_with(c, &world_mem);
    const char *text = arena_cstr(&world_mem, STR("a {{b|c=d}} <noinclude>x</noinclude>"));
    wt_source source = source_of(text);
    const wt_tree *first = wt_tree_of(a, &source), *second = wt_tree_of(b, &source);
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first->text.ptr, text);  // its own copy
    assert_true(str_eq(as_text(first, &world_mem), str_of(text)));
    wt_cache_counters seen;
    wt_cache_count(&seen, c);
    assert_int_equal(seen.hits, 1);
    assert_int_equal(seen.misses, 1);
    assert_int_equal(seen.entries, 1);
    assert_true(seen.bytes > strlen(text) && seen.bytes < seen.limit);
    wt_parsed_end(a);
    wt_parsed_end(b);
    wt_cache_close(c);
    world_forget();
}

static void works_without(void **state) {
    (void)state;
    wt_source source = source_of("{{a}}");
    wt_parser *p = parser_with(NULL, &world_mem);
    assert_ptr_equal(wt_tree_of(p, &source)->text.ptr, source.text.ptr);
    wt_parsed_end(p);
    wt_cache *c = cache_of(1 << 20);
    p = parser_with(c, &world_mem);
    source.hash = 0;  // unknown: not kept
    assert_ptr_equal(wt_tree_of(p, &source)->text.ptr, source.text.ptr);
    char *big = arena_alloc(&world_mem, 1 << 20);
    wt_source too_big = {.text = {memset(big, 'a', 1 << 20), 1 << 20}, .hash = 5};
    assert_ptr_equal(wt_tree_of(p, &too_big)->text.ptr, big);
    wt_cache_counters seen;
    wt_cache_count(&seen, c);
    assert_int_equal(seen.entries, 0);
    wt_parsed_end(p);
    wt_cache_close(c);
    wt_cache_close(NULL);
    world_forget();
}

static void doubts_hashes(void **state) {
    (void)state;
    wt_cache *c = cache_of(1 << 20);
    wt_parser *p = parser_with(c, &world_mem);
    wt_source a = {.text = STR("one"), .hash = 7}, b = {.text = STR("two"), .hash = 7};
    assert_true(str_eq(wt_tree_of(p, &a)->text, a.text));
    assert_true(str_eq(wt_tree_of(p, &b)->text, b.text));
    wt_parsed_end(p);
    wt_cache_close(c);
    world_forget();
}

static void keeps_the_limit(void **state) {
    (void)state;
    enum { TEXTS = 200, LIMIT = 200 << 10 };
    wt_cache *c = cache_of(LIMIT);
    wt_parser *p = parser_with(c, &world_mem);
    const wt_tree *trees[TEXTS];
    for (int i = 0; i < TEXTS; i++) {
        wt_source source = source_of(arena_fmt(&world_mem, "{{a|%d}}", i).ptr);
        source.text = arena_fmt(&world_mem, "{{a|%d}} %0*d", i, 4000, 0);
        trees[i] = wt_tree_of(p, &source);
    }
    wt_cache_counters seen;
    wt_cache_count(&seen, c);
    assert_true(seen.bytes <= LIMIT && seen.entries > 5 && seen.entries < TEXTS);
    for (int i = 0; i < TEXTS; i++)  // evicted, yet held by the page
        assert_true(str_starts(as_text(trees[i], &world_mem), arena_fmt(&world_mem, "{{a|%d", i)));
    wt_parsed_end(p);
    // The newest ones are still there, the oldest are not.
    wt_source newest = source_of(arena_fmt(&world_mem, "{{a|%d}}", TEXTS - 1).ptr);
    newest.text = arena_fmt(&world_mem, "{{a|%d}} %0*d", TEXTS - 1, 4000, 0);
    p = parser_with(c, &world_mem);
    wt_tree_of(p, &newest);
    wt_source oldest = source_of("{{a|0}}");
    wt_tree_of(p, &oldest);
    wt_cache_counters after;
    wt_cache_count(&after, c);
    assert_int_equal(after.hits, seen.hits + 1);
    assert_int_equal(after.misses, seen.misses + 1);
    wt_parsed_end(p);
    wt_cache_close(c);
    world_forget();
}

enum { THREADS = 4, PAGES = 60, TEMPLATES = 40 };

static void *render_pages(void *arg) {
    wt_cache *c = arg;
    arena mem;
    if (arena_open(&mem, 64 << 20, NULL)) return NULL;
    for (int page = 0; page < PAGES; page++) {
        arena_reset(&mem, 1 << 20);
        wt_parser *p = parser_with(c, &mem);
        for (int i = 0; i < TEMPLATES; i++) {
            wt_source source = source_of(arena_fmt(&mem, "{{t|%d}} %0*d", i, 2000, 0).ptr);
            if (!str_eq(as_text(wt_tree_of(p, &source), &mem), source.text)) return NULL;
        }
        wt_parsed_end(p);
    }
    arena_close(&mem);
    return c;
}

static void serves_threads(void **state) {
    (void)state;
    wt_cache *c = cache_of(64 << 10);  // less than the templates take
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_pages, c), 0);
    for (int i = 0; i < THREADS; i++) {
        void *done;
        pthread_join(threads[i], &done);
        assert_ptr_equal(done, c);
    }
    wt_cache_counters seen;
    wt_cache_count(&seen, c);
    assert_int_equal(seen.hits + seen.misses, THREADS * PAGES * TEMPLATES);
    wt_cache_close(c);
}

// The page's end lets go of what it holds: under ASan a leak, or a use after free, fails here.
static void pages_let_go(void **state) {
    (void)state;
    static const world_page pages[] = {{"Template:A", "a{{{1}}}"}, {0}};
    world_use(pages);
    wt_cache *c = cache_of(1 << 20);
    wt_options o = world_options();
    o.cache = c;
    wt_page page = world_page_of("{{a|1}}{{a|2}}", &o);
    wt_page again = world_page_of("{{a|1}}{{a|2}}", &o);
    wt_cache_counters seen;
    wt_cache_count(&seen, c);
    assert_int_equal(seen.misses, 1);
    assert_int_equal(seen.hits, 1);
    wt_cache_close(c);
    assert_true(str_eq(page.html, again.html));
    assert_true(str_eq(page.used[0].title, STR("Template:A")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_trees),   cmocka_unit_test(works_without),
        cmocka_unit_test(doubts_hashes),  cmocka_unit_test(keeps_the_limit),
        cmocka_unit_test(serves_threads), cmocka_unit_test(pages_let_go),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
