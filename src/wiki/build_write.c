// Writing: the sections of the index, each in one pass over what the join left.
//
//   W1  every section is a function of the ranks, the rows and the sorts: the same bytes always
//   W2  the usual gap between pages is the most frequent one, of equals the smallest

#include "wiki/build.h"

enum { GAPS = 256, WRITE_MEMORY = 16 };

typedef struct writer {
    wiki__join *j;
    store_out out;
    wiki__facts facts;
    uint8_t *block_max;
    size_t n_blocks;
    wiki__order *word_titles;
} writer;

// --- Site ------------------------------------------------------------------------------------

static status put_str(store_out *o, str s, err *e) {
    uint16_t n = (uint16_t)s.len;  // the scanner keeps none longer than WIKI_TITLE_MAX
    TRY(store_out_put(o, &n, sizeof n, e));
    return store_out_put(o, s.ptr, n, e);
}

static status put_site(store_out *o, const wiki_site *site, err *e) {
    TRY(store_out_begin(o, WIKI__SITE, e));
    const str *strings[] = {&site->name, &site->dbname, &site->base, &site->generator, &site->lang};
    for (size_t i = 0; i < countof(strings); i++)
        TRY(put_str(o, *strings[i], e));
    uint32_t n = (uint32_t)site->n_ns;
    TRY(store_out_put(o, &n, sizeof n, e));
    for (size_t i = 0; i < n; i++) {
        uint8_t case_sensitive = site->ns[i].case_sensitive;
        TRY(store_out_put(o, &site->ns[i].key, sizeof site->ns[i].key, e));
        TRY(store_out_put(o, &case_sensitive, 1, e));
        TRY(put_str(o, site->ns[i].name, e));
    }
    return OK;
}

// --- Titles ----------------------------------------------------------------------------------

static uint8_t score_of(const wiki__join *j, size_t rank) {
    return wiki__score((uint64_t)j->count[rank] + j->more[rank]);
}

static status put_title(writer *w, store_dict_writer *d, str title, uint32_t ordinal, size_t rank,
                        err *e) {
    wiki__join *j = w->j;
    uint8_t score = score_of(j, rank);
    uint8_t *max = &w->block_max[rank / STORE_DICT_BLOCK];
    if (*max < score) *max = score;
    return store_dict_add(d, title, (uint64_t)ordinal << 16 | (uint64_t)j->kind[rank] << 8 | score,
                          e);
}

static status put_all(writer *w, store_dict_writer *d, err *e) {
    wiki__join *j = w->j;
    wiki__order *titles = arena_new(&j->mem, wiki__order);
    wiki__order_read(titles, &j->order);
    size_t n;
    for (size_t rank = 0;; rank++) {
        bool more;
        str title;
        uint32_t ordinal;
        TRY(wiki__order_next(&more, &title, &ordinal, titles, e));
        if (!more) return store_dict_done(&n, d, e);
        TRY(put_title(w, d, title, ordinal, rank, e));
        if (wiki__build_cancelled(j->b)) return wiki__build_cancel(e);
    }
}

static status put_titles(writer *w, err *e) {
    store_dict_writer *d = NULL;
    TRY(store_out_begin(&w->out, WIKI__TITLES, e));
    status s =
        store_dict_begin(&d, store_out_sink(&w->out), 16 + w->facts.ord_bits, w->j->symbols, e);
    if (!s) s = put_all(w, d, e);
    store_dict_drop(d);
    return s;
}

static status put_best(writer *w, err *e) {
    TRY(store_out_begin(&w->out, WIKI__BEST, e));
    return wiki__best_write(store_out_sink(&w->out), w->block_max, w->n_blocks, e);
}

// --- Redirects -------------------------------------------------------------------------------

static bool is_redirect(const wiki__join *j, size_t rank) {
    return wiki__payload_of((uint64_t)j->kind[rank] << 8).is_redirect;
}

static status put_redirects(writer *w, err *e) {
    uint32_t before = 0;
    TRY(store_out_begin(&w->out, WIKI__REDIRECTS, e));
    for (size_t r = 0; r < w->j->n_pages; r++) {
        if (r % STORE_DICT_BLOCK == 0) TRY(store_out_put(&w->out, &before, sizeof before, e));
        before += is_redirect(w->j, r);
    }
    return OK;
}

static status put_targets(writer *w, err *e) {
    store_packer p;
    TRY(store_out_begin(&w->out, WIKI__TARGETS, e));
    store_packer_init(&p, store_out_sink(&w->out), store_width(w->j->n_pages));
    for (size_t r = 0; r < w->j->n_pages; r++) {
        uint32_t to = w->j->target[r];
        if (!is_redirect(w->j, r)) continue;
        TRY(store_packer_add(&p, to == WIKI__NO_PLACE ? w->j->n_pages : to, e));
    }
    return store_packer_done(&p, e);
}

// --- By ordinal ------------------------------------------------------------------------------

static uint64_t get_off(void *arg, size_t i) {
    return ((const wiki__row *)arg)[i].off;
}

static uint64_t get_id(void *arg, size_t i) {
    return ((const wiki__row *)arg)[i].id;
}

static status put_offsets(writer *w, err *e) {
    wiki__join *j = w->j;
    uint64_t max = j->n_ordinals ? j->row[j->n_ordinals - 1].off : 0;
    TRY(store_out_begin(&w->out, WIKI__OFFSETS, e));
    return store_ef_write(store_out_sink(&w->out), j->n_ordinals, max, get_off, (void *)j->row,
                          j->mem, e);
}

static status put_packed_ids(writer *w, uint32_t max, err *e) {
    store_packer p;
    store_packer_init(&p, store_out_sink(&w->out), store_width(max));
    for (size_t i = 0; i < w->j->n_ordinals; i++)
        TRY(store_packer_add(&p, w->j->row[i].id, e));
    return store_packer_done(&p, e);
}

static status put_ids(writer *w, err *e) {
    wiki__join *j = w->j;
    uint8_t head[8] = {1};
    uint32_t max = 0;
    for (size_t i = 0; i < j->n_ordinals; i++) {
        if (j->row[i].id < max) head[0] = 0;
        if (j->row[i].id > max) max = j->row[i].id;
    }
    TRY(store_out_begin(&w->out, WIKI__IDS, e));
    TRY(store_out_put(&w->out, head, sizeof head, e));
    if (!head[0]) return put_packed_ids(w, max, e);
    return store_ef_write(store_out_sink(&w->out), j->n_ordinals, max, get_id, (void *)j->row,
                          j->mem, e);
}

// The XML's length, or in a snapshot how far it was unpacked.
static uint64_t xml_len(const wiki__join *j) {
    return wiki_reader_len(j->b->reader);
}

static uint64_t gap_behind(const wiki__join *j, size_t i) {
    uint64_t next = i + 1 < j->n_ordinals ? j->row[i + 1].off : xml_len(j);
    return next - j->row[i].off - j->row[i].len;
}

static uint32_t usual_gap(const wiki__join *j) {
    uint64_t seen[GAPS] = {0};
    for (size_t i = 0; i < j->n_ordinals; i++) {
        uint64_t gap = gap_behind(j, i);
        if (gap < GAPS) seen[gap]++;
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < GAPS; i++)
        if (seen[i] > seen[best]) best = i;
    return best;
}

static status put_gaps(writer *w, err *e) {
    TRY(store_out_begin(&w->out, WIKI__GAPS, e));
    for (size_t i = 0; i < w->j->n_ordinals; i++) {
        wiki__gap gap = {i, gap_behind(w->j, i)};
        if (gap.bytes != w->facts.gap) TRY(store_out_put(&w->out, &gap, sizeof gap, e));
    }
    return OK;
}

static status put_bad(writer *w, err *e) {
    TRY(store_out_begin(&w->out, WIKI__BAD, e));
    for (size_t i = 0; i < w->j->n_ordinals; i++) {
        uint32_t ordinal = (uint32_t)i;
        if (w->j->row[i].flags & WIKI__IS_BAD)
            TRY(store_out_put(&w->out, &ordinal, sizeof ordinal, e));
    }
    return OK;
}

// In a snapshot the last row is the start of the block that was unpacked last: its end is put
// behind.
static status put_blocks(writer *w, err *e) {
    size_t n;
    wiki_reader *r = w->j->b->reader;
    const wiki_block *blocks = wiki_reader_blocks(&n, r);
    if (!blocks) return OK;
    wiki_block end = {wiki_reader_packed_at(r) * 8, wiki_reader_len(r)};
    bool is_open = blocks[n].raw < end.raw;
    w->facts.n_blocks = n + is_open;
    if (!w->facts.n_blocks) return OK;
    TRY(store_out_begin(&w->out, WIKI__BLOCKMAP, e));
    TRY(store_out_put(&w->out, blocks, (n + 1) * sizeof *blocks, e));
    return is_open ? store_out_put(&w->out, &end, sizeof end, e) : OK;
}

// --- Optional sections -----------------------------------------------------------------------

static status with_merge(writer *w, store_sort **sorts, size_t n,
                         status (*put)(writer *, store_merge *, err *), err *e) {
    store_merge *m;
    if (!sorts[0]) return OK;
    TRY(store_merge_open(&m, sorts, n, w->j->b->memory / WRITE_MEMORY, e));
    status s = put(w, m, e);
    store_merge_close(m);
    return s;
}

static status put_words(writer *w, store_merge *m, err *e) {
    return wiki__words_write(&w->out, m, w->j->b->temp, e);
}

static status put_categories(writer *w, store_merge *m, err *e) {
    return wiki__categories_write(&w->out, m, w->j->b->temp, &w->j->n_categories, e);
}

static status put_backlinks(writer *w, store_merge *m, err *e) {
    return wiki__graph_write(&w->out, WIKI__BACKLINKS, m, w->j->n_pages, w->j->b->temp, e);
}

static status put_leads(writer *w, store_merge *m, err *e) {
    return wiki__graph_write(&w->out, WIKI__LEADS, m, w->j->n_pages, w->j->b->temp, e);
}

static status put_optional(writer *w, err *e) {
    wiki__join *j = w->j;
    TRY(with_merge(w, &j->words, 1, put_words, e));
    TRY(with_merge(w, &j->categories, 1, put_categories, e));
    TRY(with_merge(w, j->backlinks, (size_t)j->b->n_workers, put_backlinks, e));
    return with_merge(w, &j->leads, 1, put_leads, e);
}

// --- Words and categories, sorted while titles are written --------------------------------------

typedef struct word_adder {
    store_sort *sort;
    uint32_t rank;
    status s;
    err *e;
} word_adder;

static void on_word(void *arg, str word) {
    word_adder *w = arg;
    uint8_t rec[STORE_KEY_MAX + 8];
    if (w->s || word.len > STORE_KEY_MAX) return;
    w->s = store_sort_add(w->sort, rec, wiki__word_record(rec, word, w->rank), w->e);
}

static status sort_words(writer *w, err *e) {
    wiki__join *j = w->j;
    char folded[STORE_FOLD_GROWTH * WIKI_TITLE_MAX];
    word_adder words = {j->words, 0, OK, e};
    wiki__order_read(w->word_titles, &j->order);
    for (bool more = j->words != NULL; more && !words.s; words.rank++) {
        str title;
        uint32_t ordinal;
        TRY(wiki__order_next(&more, &title, &ordinal, w->word_titles, e));
        if (more) wiki__words_of((str){folded, store_fold(folded, title)}, on_word, &words);
        if (wiki__build_cancelled(j->b)) return wiki__build_cancel(e);
    }
    if (j->words) store_sort_settle(j->words);
    return words.s;
}

static status sort_categories(writer *w, err *e) {
    TRY(wiki__build_categories(w->j, e));
    if (w->j->categories) store_sort_settle(w->j->categories);
    return OK;
}

// --- All of it -------------------------------------------------------------------------------

static void fill_facts(writer *w) {
    wiki__join *j = w->j;
    const os_map *file = wiki_reader_file(j->b->reader);
    w->facts = (wiki__facts){
        .fold_version = STORE_FOLD_VERSION,
        .with = j->with,
        .n_pages = j->n_pages,
        .n_ordinals = j->n_ordinals,
        .n_redirects = j->n_redirects,
        .file_len = file->len,
        .file_sum = wiki__file_sum(file),
        .file_mtime_ns = file->mtime_ns,
        .xml_len = xml_len(j),
        .gap = usual_gap(j),
        .ord_bits = store_width(j->n_ordinals),
        .n_ns = (uint32_t)j->n_ns,
    };
    memcpy(w->facts.ns, j->ns, j->n_ns * sizeof j->ns[0]);
    memcpy(w->facts.newest, j->newest, sizeof w->facts.newest);
}

static status put_facts(writer *w, err *e) {
    TRY(store_out_begin(&w->out, WIKI__FACTS, e));
    return store_out_put(&w->out, &w->facts, sizeof w->facts, e);
}

static status put_base(writer *w, err *e) {
    static status (*const steps[])(writer *, err *) = {
        put_titles, put_redirects, put_best, put_targets, put_offsets,
        put_gaps,   put_ids,       put_bad,  put_blocks,  put_facts,
    };
    TRY(put_site(&w->out, &w->j->b->site, e));
    for (size_t i = 0; i < countof(steps); i++) {
        TRY(steps[i](w, e));
        wiki__build_tell(w->j->b, i, countof(steps), false);
        if (wiki__build_cancelled(w->j->b)) return wiki__build_cancel(e);
    }
    w->j->b->result->title_bytes = w->out.file.len;
    return OK;
}

// What is written first is written while the sorts of what comes last are filled.
static status (*const tasks[])(writer *, err *) = {put_base, sort_words, sort_categories};

typedef struct task_work {
    writer *w;
    err e[countof(tasks)];
} task_work;

static void run_task(void *arg, size_t i) {
    task_work *t = arg;
    if (tasks[i](t->w, &t->e[i])) return;
}

static status put_sections(writer *w, err *e) {
    task_work *t = arena_new(&w->j->mem, task_work);
    t->w = w;
    w->word_titles = arena_new(&w->j->mem, wiki__order);
    os_pool_for(w->j->pool, countof(tasks), run_task, t);
    for (size_t i = 0; i < countof(tasks); i++)
        if (t->e[i].code) return err_set(e, t->e[i].code, "%s", t->e[i].msg);
    return put_optional(w, e);
}

status wiki__build_write(wiki__join *j, const char *path, err *e) {
    writer *w = arena_new(&j->mem, writer);
    w->j = j;
    w->n_blocks = (j->n_pages + STORE_DICT_BLOCK - 1) / STORE_DICT_BLOCK;
    w->block_max = arena_array(&j->mem, uint8_t, w->n_blocks + 1);
    fill_facts(w);
    TRY(store_out_open(&w->out, path, WIKI__MAGIC, WIKI__VERSION, e));
    status s = put_sections(w, e);
    if (!s) s = store_out_commit(&w->out, e);
    j->b->result->index_bytes = w->out.file.len;
    store_out_abort(&w->out);
    return s;
}
