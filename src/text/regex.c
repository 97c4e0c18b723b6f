// Matching: backtracking that never does the same work twice.
//
// What follows an instruction at a place matches or does not, whatever led there. So a loop keeps
// the stretch of places behind which nothing matched and the last run of its set that it measured,
// which is enough for the patterns of tokenizers; and when a text makes a pattern go back more
// often than a few times per byte, a bit for every choice at every place says that it failed there
// before. Both hold for all matches of a run, so that "a run of white space that no newline ends",
// looked at from each of its places, is looked at once. Rejected: a Thompson simulation (it finds
// where one match ends in linear time, but begins again for each match, and is slower by far on
// ordinary text); a budget of steps (legal texts exceed any).
//
//   I1  a place within [fail_lo, fail_hi] of a loop was tried: what follows the loop fails there
//   I2  a bit in `failed` means the same for a choice; a frame sets it when it is given up
//   I3  places are ends of characters, a byte outside valid UTF-8 being one

#include "text/regex_code.h"

#include "base/utf8.h"
#include "text/unicode.h"

typedef enum frame_kind { TRY_Y, LOOP_BACK, LOOP_MORE, GIVE_UP } frame_kind;

typedef struct regex_frame {
    uint32_t pc;
    uint32_t kind;
    size_t pos, least;  // least: of LOOP_BACK the lowest place, of LOOP_MORE how many it has
} frame;

typedef struct regex_loop {
    size_t run_start, run_end;  // all between is of the set, and what stands at run_end is not
    size_t fail_lo, fail_hi;    // I1
} loop;

enum { STEPS_FREE = 4096, STEPS_PER_BYTE = 8, FRAMES_FIRST = 64 };

bool regex__fits(const regex *re, const regex_item *x, int32_t cp) {
    bool fits = false;
    switch (x->kind) {
    case RE_RANGE:
        fits = cp >= x->lo && cp <= x->hi;
        break;
    case RE_CATEGORY:
        fits = (unicode_category_bit(cp) & x->categories) != 0;
        break;
    case RE_SPACE:
        fits = unicode_is_space(cp);
        break;
    case RE_SET:
        fits = regex__has(re, &re->sets[x->lo], cp);
        break;
    }
    return fits != x->negate;
}

bool regex__in(const regex *re, const regex_set *s, int32_t cp) {
    int32_t form[5] = {cp};
    size_t n = 1;
    bool is_in = false;
    if (s->fold) {
        form[n++] = unicode_fold(cp);
        if (form[1] >= 'a' && form[1] <= 'z') form[n++] = form[1] - 32;
        if (form[1] == 's') form[n++] = 0x17F;
        if (form[1] == 'k') form[n++] = 0x212A;
    }
    for (size_t f = 0; f < n && !is_in; f++)
        for (uint32_t i = s->first; i < s->first + s->n && !is_in; i++)
            is_in = regex__fits(re, &re->items[i], form[f]);
    if (is_in && s->also >= 0) is_in = regex__has(re, &re->sets[s->also], cp);
    return is_in != s->negate;
}

// --- Frames and failures ------------------------------------------------------------------------

static bool push(regex_run *r, frame f) {
    if (r->n_frames == r->frames_cap) {
        size_t cap = max_size(2 * r->frames_cap, FRAMES_FIRST);
        frame *more = arena_try_array(&r->room, cap, sizeof *more);
        if (!more) return r->no_room = true, false;
        if (r->n_frames) memcpy(more, r->frames, r->n_frames * sizeof *more);
        r->frames = more;
        r->frames_cap = cap;
    }
    r->frames[r->n_frames++] = f;
    return true;
}

static size_t bit_of(const regex_run *r, uint32_t choice, size_t pos) {
    return pos * r->re->n_choices + choice;
}

static bool has_failed(const regex_run *r, uint32_t choice, size_t pos) {
    if (!r->failed) return false;
    size_t b = bit_of(r, choice, pos);
    return r->failed[b >> 6] >> (b & 63) & 1;
}

static void set_failed(regex_run *r, uint32_t choice, size_t pos) {
    if (!r->failed) return;
    size_t b = bit_of(r, choice, pos);
    r->failed[b >> 6] |= (uint64_t)1 << (b & 63);
}

// Counts a step back; from some number on, failures are written down.
static void count_step(regex_run *r) {
    if (++r->steps < STEPS_FREE + STEPS_PER_BYTE * r->from || r->failed) return;
    size_t bits = (r->text.len + 1) * r->re->n_choices;
    r->failed = arena_try_array(&r->room, bits / 64 + 1, sizeof *r->failed);
    if (!r->failed) r->no_room = true;
}

// --- Loops --------------------------------------------------------------------------------------

static inline size_t one(const regex_run *r, const regex_set *s, size_t pos) {
    unsigned char c = (unsigned char)r->text.ptr[pos];
    int32_t cp;
    if (c < 0x80) return s->bits[c >> 6] >> (c & 63) & 1;
    size_t len = unicode_at(&cp, r->text, pos);
    return regex__has(r->re, s, cp) ? len : 0;
}

// Where the characters of the set that begin at `pos` end; `most` of them at most.
static size_t run_of(regex_run *r, const regex_code *x, size_t pos) {
    const regex_set *s = &r->re->sets[x->set];
    size_t end = pos;
    if (x->max != UINT32_MAX) {
        for (size_t len, n = 0; n < x->max && end < r->text.len && (len = one(r, s, end)); n++)
            end += len;
        return end;
    }
    loop *l = &r->loops[x->choice];
    if (pos >= l->run_start && pos < l->run_end) return l->run_end;
    for (size_t len; end < r->text.len && (len = one(r, s, end));) {
        end += len;
        if (end != l->run_start || l->run_end <= end) continue;
        end = l->run_end;  // what is known already
        break;
    }
    if (end > pos) l->run_start = pos, l->run_end = end;
    return end;
}

// The highest place up to `pos` and not below `least` where going on may work; SIZE_MAX: none.
static size_t go_back(const regex_run *r, const regex_code *x, size_t pos, size_t least) {
    const loop *l = &r->loops[x->choice];
    for (;;) {
        if (pos < least) return SIZE_MAX;
        if (pos >= l->fail_lo && pos <= l->fail_hi)
            pos = l->fail_lo;
        else if (!has_failed(r, x->choice, pos))
            return pos;
        if (pos <= least) return SIZE_MAX;
        pos -= unicode_before(r->text, pos);
    }
}

// Nothing matches behind the loop at `pos`: a place of its own, or next to those known.
static void loop_failed(regex_run *r, const regex_code *x, size_t pos) {
    loop *l = &r->loops[x->choice];
    size_t len = pos < r->text.len ? one(r, &r->re->sets[x->set], pos) : 0;
    bool is_known = l->fail_lo <= l->fail_hi;
    if (is_known && pos + len >= l->fail_lo && pos < l->fail_lo)
        l->fail_lo = pos;
    else if (is_known && pos > l->fail_hi && pos - unicode_before(r->text, pos) <= l->fail_hi)
        l->fail_hi = pos;
    else if (pos < l->fail_lo || pos > l->fail_hi)
        l->fail_lo = l->fail_hi = pos;
    set_failed(r, x->choice, pos);
}

// One more character for a lazy loop, or as many as it takes to a place where going on may work.
static bool take_more(regex_run *r, const regex_code *x, frame *f) {
    const loop *l = &r->loops[x->choice];
    size_t len;
    do {
        bool may = f->least < x->max && f->pos < r->text.len;
        len = may ? one(r, &r->re->sets[x->set], f->pos) : 0;
        f->pos += len;
        if (x->max != UINT32_MAX) f->least++;
        if (len && x->max == UINT32_MAX && f->pos >= l->fail_lo && f->pos <= l->fail_hi)
            f->pos = min_size(l->fail_hi, run_of(r, x, f->pos));
    } while (len &&
             (has_failed(r, x->choice, f->pos) || (f->pos >= l->fail_lo && f->pos <= l->fail_hi)));
    return len != 0;
}

// Enters a loop: true and the place to go on from.
static bool enter_loop(regex_run *r, uint32_t pc, size_t *pos) {
    const regex_code *x = &r->re->code[pc];
    const regex_set *s = &r->re->sets[x->set];
    size_t least = *pos, end;
    if (x->min == 1 && x->max == 1) {
        size_t len = *pos < r->text.len ? one(r, s, *pos) : 0;
        *pos += len;
        return len != 0;
    }
    for (uint32_t n = 0; n < x->min; n++) {
        size_t len = least < r->text.len ? one(r, s, least) : 0;
        if (!len) return false;
        least += len;
    }
    if (x->kind == RE_LAZY) {
        *pos = least;
        return x->min == x->max || push(r, (frame){pc, LOOP_MORE, least, x->min});
    }
    end = run_of(r, x, *pos);
    *pos = end;
    if (x->kind == RE_POSSESSIVE) return true;
    *pos = go_back(r, x, end, least);
    if (*pos == SIZE_MAX) return false;
    return (*pos == least && !r->failed) || push(r, (frame){pc, LOOP_BACK, *pos, least});
}

// --- Matching -----------------------------------------------------------------------------------

static bool word_at(str s, size_t pos) {
    int32_t cp;
    if (pos >= s.len) return false;
    unicode_at(&cp, s, pos);
    return unicode_is_word(cp);
}

static bool holds(const regex_run *r, regex_assert how, size_t pos) {
    str s = r->text;
    bool is_word;
    switch (how) {
    case RE_LINE_START:
        return pos == 0 || (s.ptr[pos - 1] == '\n' && pos < s.len);
    case RE_LINE_END:
        return pos == s.len || s.ptr[pos] == '\n';
    case RE_TEXT_START:
        return pos == 0;
    case RE_TEXT_END:
        return pos == s.len;
    case RE_TEXT_END_LINE:
        return pos == s.len || (pos + 1 == s.len && s.ptr[pos] == '\n');
    case RE_WORD:
    case RE_NO_WORD:
        break;
    }
    is_word = (pos > 0 && word_at(s, pos - unicode_before(s, pos))) != word_at(s, pos);
    return is_word == (how == RE_WORD);
}

static bool one_char(const regex_run *r, const regex_code *x, size_t *pos) {
    int32_t cp;
    if (*pos >= r->text.len) return false;
    size_t len = unicode_at(&cp, r->text, *pos);
    if ((x->op == RE_FOLD ? unicode_fold(cp) : cp) != x->cp) return false;
    *pos += len;
    return true;
}

// Takes the newest frame and what it leaves to try. False when there is none above `base`.
static bool back(regex_run *r, size_t base, uint32_t *pc, size_t *pos) {
    while (r->n_frames > base && !r->no_room) {
        frame *f = &r->frames[r->n_frames - 1];
        const regex_code *x = &r->re->code[f->pc];
        count_step(r);
        switch ((frame_kind)f->kind) {
        case TRY_Y:
            *pc = x->y, *pos = f->pos;
            if (r->failed)
                f->kind = GIVE_UP;
            else
                r->n_frames--;
            return true;
        case GIVE_UP:
            set_failed(r, x->choice, f->pos);
            r->n_frames--;
            break;
        case LOOP_BACK:
            loop_failed(r, x, f->pos);
            f->pos = go_back(r, x, f->pos, f->least);
            if (f->pos == SIZE_MAX) {
                r->n_frames--;
                break;
            }
            *pc = f->pc + 1, *pos = f->pos;
            return true;
        case LOOP_MORE:
            loop_failed(r, x, f->pos);
            if (!take_more(r, x, f)) {
                r->n_frames--;
                break;
            }
            *pc = f->pc + 1, *pos = f->pos;
            return true;
        }
    }
    return false;
}

static bool match(regex_run *r, uint32_t pc, size_t pos, size_t *end);

static bool look(regex_run *r, uint32_t pc, size_t pos) {
    const regex_code *x = &r->re->code[pc];
    size_t end, from = pos;
    bool is_there = true;
    for (uint32_t n = 0; x->op == RE_BEHIND && n < x->y && is_there; n++) {
        if (from == 0) is_there = false;
        if (is_there) from -= unicode_before(r->text, from);
    }
    return (is_there && match(r, pc + 1, from, &end)) != x->negate;
}

// Whether the code at `pc` matches from `pos` on; *end is where.
static bool match(regex_run *r, uint32_t pc, size_t pos, size_t *end) {
    const regex *re = r->re;
    size_t base = r->n_frames;
    for (;;) {
        const regex_code *x = &re->code[pc];
        bool goes_on = true;
        switch ((regex_op)x->op) {
        case RE_MATCH:
            *end = pos;
            r->n_frames = base;
            return true;
        case RE_CHAR:
        case RE_FOLD:
            goes_on = one_char(r, x, &pos);
            pc++;
            break;
        case RE_LOOP:
            goes_on = enter_loop(r, pc, &pos);
            pc++;
            break;
        case RE_SPLIT:
            goes_on = !has_failed(r, x->choice, pos) && push(r, (frame){pc, TRY_Y, pos, 0});
            pc = x->x;
            break;
        case RE_JUMP:
            pc = x->x;
            break;
        case RE_ASSERT:
            goes_on = holds(r, (regex_assert)x->kind, pos);
            pc++;
            break;
        case RE_AHEAD:
        case RE_BEHIND:
            goes_on = look(r, pc, pos);
            pc = x->x;
            break;
        }
        if (!goes_on && !back(r, base, &pc, &pos)) return false;
    }
}

static bool match_at(regex_run *r, size_t start, size_t *end) {
    const regex *re = r->re;
    uint64_t can = start < r->text.len ? re->can_start[(unsigned char)r->text.ptr[start]]
                   : re->can_be_empty  ? ~(uint64_t)0
                                       : 0;
    for (; can; can &= can - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(can);
        for (; i < re->n_alts; i++) {
            if (match(r, re->alt[i], start, end)) return true;
            if (i < 63) break;
        }
    }
    return false;
}

void regex_run_init(regex_run *r, const regex *re, str text, arena room) {
    *r = (regex_run){.re = re, .text = text, .room = room, .last_end = SIZE_MAX};
    r->loops = arena_try_array(&r->room, re->n_choices, sizeof *r->loops);
    r->no_room = !r->loops;
    for (uint32_t i = 0; r->loops && i < re->n_choices; i++)
        r->loops[i] = (loop){1, 0, 1, 0};
}

status regex_next(size_t *start, size_t *end, bool *found, regex_run *r, err *e) {
    *found = false;
    while (r->from <= r->text.len && !*found && !r->no_room) {
        size_t at = r->from, to = 0, len = 1;
        int32_t cp;
        *found = match_at(r, at, &to) && !(to == at && at == r->last_end);
        if (*found) {
            *start = at, *end = to;
            r->from = r->last_end = to;
            break;
        }
        if (at < r->text.len) len = unicode_at(&cp, r->text, at);
        r->from = at + len;
    }
    if (r->no_room) return err_set(e, E_LIMIT, "no room to cut a text of %zu bytes", r->text.len);
    return OK;
}
