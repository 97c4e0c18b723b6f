// lm/pages.h -- keys and values in pages of 16 tokens, shared between sequences; for lm/ only.
//
// A page holds the keys and values of KERN_PAGE consecutive tokens for all layers and heads of one
// model, and for a layer of short convolution its last inputs among these tokens: position t's in
// slot t % (taps - 1), where the next overwrite it. So who continues a page needs no other state
// than pages, and a full page keeps what the tokens after it need. A page that is full never
// changes again: it goes into a tree keyed by the ids that lead to it, and any sequence that begins
// with the same ids uses it instead of computing it; where ids part within a page, the sequence
// begins with a copy. Pages of the tree that nobody uses stay, least recently used first to go,
// while there is room.
//
//   Owner     lm_pages owns memory and tree; a sequence holds references until lm__seq_close
//   Threads   one thread at a time per lm_budget: the scheduler's
//   Limits    lm_budget.max bytes; a sequence reserves every page it may ever need when it opens,
//             so that it never fails for want of one later
//   Source    Kwon et al. 2023 (paged attention); Zheng et al. 2024 (prefix tree)
#ifndef LM_PAGES_H
#define LM_PAGES_H

#include "lm/model.h"

typedef struct lm_pages lm_pages;

// Bytes that the pages of several models may take together. All zero but `max` at first.
typedef struct lm_budget {
    size_t max;
    size_t used;      // by sequences
    size_t resident;  // handed out since they were last given back to the system; >= used
    uint64_t clock;   // of least recent use
    lm_pages *first;  // all that draw on it
} lm_budget;

// Pages of one model. Address space is reserved for the whole budget, or for what `ulimit -v`
// leaves of it (one full context at least); memory is committed as pages are first used.
NODISCARD status lm__pages_open_in(lm_pages **out, const lm_model *m, lm_budget *b, err *e);

// The same with a budget of its own.
NODISCARD status lm__pages_open(lm_pages **out, const lm_model *m, size_t bytes, err *e);
void lm__pages_close(lm_pages *p);  // accepts NULL; all sequences are closed

typedef struct lm_page_counts {
    size_t total, used, kept;  // used: held by sequences; kept: by the tree only, for as long as
                               // nobody needs the room
    size_t page_bytes;
    uint64_t hit_tokens, looked_tokens;  // of prompts: found in the tree; asked for
} lm_page_counts;
void lm__page_counts(lm_page_counts *out, const lm_pages *p);

size_t lm__page_bytes(const lm_model *m);

// Pages that a sequence of `max_length` tokens may need.
size_t lm__pages_for(size_t max_length);

typedef struct lm_seq {
    lm_pages *pages;
    uint32_t *page;   // the block table, max_length / 16 rounded up
    size_t n_table;   // its length
    size_t n_shared;  // pages of it that are in the tree, from the front
    size_t n_past;    // tokens whose keys and values are there
} lm_seq;

// Opens a sequence for a prompt: as many of its full pages as the tree has and, but for models with
// convolutions, a copy of the page that goes on most like it; all but its last token at most (that
// one must be computed, for its logits). And pages for the rest up to max_length.
// False when there are not enough pages now; *s is unchanged then.
bool lm__seq_open(lm_seq *s, lm_pages *p, const int32_t *prompt, size_t n_prompt,
                  size_t max_length);

// Takes from the tree what others have put there since: n_past moves over full pages of the n known
// ids, all but the last id at most. The pages of its own that this frees go back.
void lm__seq_match(lm_seq *s, const int32_t *ids, size_t n);

// `n` tokens more have their keys and values; ids are all of the sequence's. Full pages go to the
// tree; where it has the same ids already, the sequence uses the tree's page and frees its own.
void lm__seq_advance(lm_seq *s, const int32_t *ids, size_t n);

void lm__seq_close(lm_seq *s);  // accepts a zeroed one

// Keys and values of one head of one layer of attention.
kern_kv lm__seq_kv(const lm_seq *s, size_t layer, size_t head);

// Where position `pos` keeps its inputs of a layer of convolution: n_embd floats.
float *lm__seq_conv(const lm_seq *s, size_t layer, size_t pos);

#endif
