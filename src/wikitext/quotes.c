// wikitext/quotes.c -- ''italic'', '''bold''', '''''both''''': apostrophes, each line by itself.
//
// A run of 2 is italic, 3 bold, 5 both; of 4 the first is text, of more than 5 all but the last 5.
// When a line has an odd number of bolds and of italics, one bold is an apostrophe and an italic
// ("l'''amour''" in French): the first behind a word of one letter, else behind a longer word, else
// behind a space.
//
// I1  Text without two apostrophes in a row costs a search and a copy.
// I2  Every line ends with nothing open.

#include "wikitext/inside.h"

typedef struct run {
    size_t at, len;  // of the apostrophes that are a mark: 2, 3 or 5
} run;

typedef enum state { NONE, B, I, BI, IB } state;  // what is open, the innermost last

// What a mark writes and leaves open. A run of 5 where nothing is open (NONE) waits for the next.
static const struct step {
    const char *html;
    state next;
} steps[][6] = {
    [2] = {[NONE] = {"<i>", I},
           [B] = {"<i>", BI},
           [I] = {"</i>", NONE},
           [BI] = {"</i>", B},
           [IB] = {"</b></i><b>", B}},
    [3] = {[NONE] = {"<b>", B},
           [B] = {"</b>", NONE},
           [I] = {"<b>", IB},
           [BI] = {"</i></b><i>", I},
           [IB] = {"</b>", I}},
    [5] = {[B] = {"</b><i>", I},
           [I] = {"</i><b>", B},
           [BI] = {"</i></b>", NONE},
           [IB] = {"</b></i>", NONE}},
};

static const char *const closings[] = {
    [NONE] = "", [B] = "</b>", [I] = "</i>", [BI] = "</i></b>", [IB] = "</b></i>"};

// From `from` to the next two apostrophes; s.len when there are none.
static size_t next_quotes(str s, size_t from) {
    while (from + 1 < s.len) {
        const char *at = memchr(s.ptr + from, '\'', s.len - 1 - from);
        if (!at) break;
        if (at[1] == '\'') return (size_t)(at - s.ptr);
        from = (size_t)(at - s.ptr) + 2;
    }
    return s.len;
}

// The marks of a line into scratch; false when there is no room.
static bool find_runs(run **out, size_t *n, str line, size_t from, arena *scratch) {
    size_t cap = 0;
    *n = 0;
    for (size_t at = from; at < line.len; at = next_quotes(line, at)) {
        size_t end = at;
        while (end < line.len && line.ptr[end] == '\'')
            end++;
        if (*n == cap) {
            size_t more = cap ? 2 * cap : 64;
            run *runs = arena_try_array(scratch, more, sizeof *runs);
            if (!runs) return false;
            if (cap) memcpy(runs, *out, cap * sizeof *runs);
            *out = runs, cap = more;
        }
        size_t len = end - at >= 5 ? 5 : end - at == 4 ? 3 : end - at;
        (*out)[(*n)++] = (run){end - len, len};
        at = end;
    }
    return true;
}

// The bold that is an apostrophe and an italic, when both are odd.
static void settle_odd(run *runs, size_t n, str line) {
    size_t bolds = 0, italics = 0;
    for (size_t i = 0; i < n; i++)
        bolds += runs[i].len != 2, italics += runs[i].len != 3;
    if (bolds % 2 == 0 || italics % 2 == 0) return;
    run *one_letter = NULL, *word = NULL, *space = NULL;
    for (size_t i = 0; i < n && !one_letter; i++) {
        run *r = &runs[i];
        if (r->len != 3) continue;
        size_t from = i ? runs[i - 1].at + runs[i - 1].len : 0;  // of the text in front
        size_t len = r->at - from;
        const char *end = line.ptr + r->at;
        if (len > 0 && end[-1] == ' ')
            space = space ? space : r;
        else if (len > 1 && end[-2] == ' ')
            one_letter = r;
        else
            word = word ? word : r;
    }
    run *r = one_letter ? one_letter : word ? word : space;
    if (r) *r = (run){r->at + 1, 2};
}

static void put_line(buf *out, str line, const run *runs, size_t n) {
    state open = NONE;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        run r = runs[i];
        buf_add(out, (str){line.ptr + done, r.at - done});
        done = r.at + r.len;
        if (r.len == 5 && open == NONE) {  // what closes first was opened last
            size_t next = i + 1 < n ? runs[i + 1].len : 0;
            bool has_text = next || done < line.len;
            buf_add(out, next > 2 ? STR("<i><b>") : has_text ? STR("<b><i>") : STR(""));
            open = next > 2 ? IB : has_text ? BI : NONE;
            continue;
        }
        const struct step *s = &steps[r.len][open];
        buf_add(out, str_of(s->html));
        open = s->next;
    }
    buf_add(out, str_skip(line, done));
    buf_add(out, str_of(closings[open]));
}

void wt_quotes(buf *out, wt_parser *p, str in, arena scratch) {
    size_t done = 0;
    for (size_t at = 0; (at = next_quotes(in, at)) < in.len;) {
        const char *eol = memrchr(in.ptr + done, '\n', at - done);
        size_t start = eol ? (size_t)(eol + 1 - in.ptr) : done;
        size_t end = at + str_find_byte(str_skip(in, at), '\n');
        str line = {in.ptr + start, end - start};
        arena unwind = scratch;
        run *runs = NULL;
        size_t n = 0;
        if (!find_runs(&runs, &n, line, at - start, &unwind)) {
            p->over |= WT_OVER_MEMORY;
            break;
        }
        settle_odd(runs, n, line);
        buf_add(out, (str){in.ptr + done, start - done});
        put_line(out, line, runs, n);
        done = at = end;
    }
    buf_add(out, str_skip(in, done));
}

str wt_quotes_str(wt_parser *p, str text, arena scratch) {
    if (next_quotes(text, 0) == text.len) return text;
    buf b;
    buf_init(&b, p->mem, text.len + 64);
    wt_quotes(&b, p, text, scratch);
    return buf_str(&b);
}
