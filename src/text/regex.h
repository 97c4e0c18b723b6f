// text/regex.h -- the regular expressions of pre-tokenisers: where a pattern matches next.
//
// Oniguruma's syntax and choice (the first alternative that leads to a match, from the leftmost
// place), as far as tokenizers use it: alternatives, groups, (?i:), classes with \p{}, negation,
// nesting and &&, \s \d \w \h, quantifiers greedy, lazy and possessive, look-ahead and look-behind
// of bounded length, ^ $ \A \z \Z \b \B. What else there is refuses the pattern with its name.
//
//   Owner     a regex lies in the arena that regex_compile was given; immutable
//   Threads   any; a regex_run is one thread's
//   Limits    REGEX_*_MAX. Work is linear in the text for all matches of a run together (times the
//             size of the pattern), and so is memory: no pattern backtracks twice over one place
//   Errors    compile: E_FORMAT, E_UNSUPPORTED, E_LIMIT, naming what and where in the pattern;
//             find: E_LIMIT when the arena has no room
//   Source    github.com/kkos/oniguruma doc/RE (Ruby's syntax, as huggingface/tokenizers sets it).
//             A byte that belongs to no valid UTF-8 matches as U+FFFD
#ifndef TEXT_REGEX_H
#define TEXT_REGEX_H

#include "base/arena.h"

enum {
    REGEX_PATTERN_MAX = 4096,  // bytes
    REGEX_CODE_MAX = 4096,     // instructions
    REGEX_SETS_MAX = 256,
    REGEX_DEPTH_MAX = 64,     // of groups and classes
    REGEX_REPEAT_MAX = 1000,  // {n,m} of a group or with an upper bound
};

typedef struct regex regex;

NODISCARD status regex_compile(regex **out, str pattern, arena *perm, err *e);
// A pattern that is `text` itself.
NODISCARD status regex_literal(regex **out, str text, arena *perm, err *e);

// What is known about one text while its matches are looked for.
typedef struct regex_run {
    const regex *re;
    str text;
    arena room;        // its own from here on
    uint64_t *failed;  // a bit for each choice at each place; NULL until it is worth it
    struct regex_frame *frames;
    struct regex_loop *loops;
    size_t n_frames, frames_cap, steps;
    size_t from, last_end;  // where to look next, the end of the last match
    bool has_match, no_room;
} regex_run;

// `room` is by value: what is taken of it is gone with the run. Callers that use the arena while a
// run goes on use r->room.
void regex_run_init(regex_run *r, const regex *re, str text, arena room);

// The next match; *found is false when there is none. Matches come in order and do not overlap; an
// empty one does not stand where the last one ended.
NODISCARD status regex_next(size_t *start, size_t *end, bool *found, regex_run *r, err *e);

#endif
