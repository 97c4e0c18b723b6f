// wikitext/pp.c -- wikitext to the preprocessor's tree: braces, brackets, headings, tags, comments.
//
// One run from left to right with a stack of what is open. Everything that is open holds one flat
// list of nodes; a separator ("|", "=") is a node of that list too. So a bracket that never closes
// gives its list to what is below by one link, and one that closes walks its list once.
//
// I1  A node is in one list, and is walked once as part of a call and once as part of a heading:
//     time is linear, however brackets nest.
// I2  What was searched for and is not there ('>', "</ref>") is not searched for again.
// I3  Texts are views of the input; neighbours that touch are one node. The text of a call is all
//     of it, as written: what wt_unparse needs, without recursion.
// I4  The loop goes round only while the arena has room for whatever one round makes and for
//     breaking what is open; else the rest is text (is_cut).
//
// Source: https://www.mediawiki.org/wiki/Preprocessor_ABNF, Manual:Preprocessor; behaviour of
// MediaWiki's hash preprocessor.

#include "wikitext/inside.h"

#if defined __SSSE3__
#include <tmmintrin.h>
#elif defined __aarch64__
#include <arm_neon.h>
#endif

enum {
    ROUND_ROOM = 1 << 10,  // bytes of nodes that one round of the loop makes, at most
    NAME_MAX = 40,         // of a tag
    UNCLOSED_MAX = 64,
};

// Inside: never in a finished tree.
enum { SEP_PIPE = WT_IGNORE + 1, SEP_EQUALS, MAYBE_HEADING };

#define NOWHERE SIZE_MAX

// --- Finding the next byte that may mean something -----------------------------------------------

enum {
    C_LINE = 1,
    C_ANGLE = 2,
    C_EQUALS = 4,
    C_SQUARE = 8,
    C_SQUARE_END = 16,
    C_BRACE = 32,
    C_PIPE = 64,
    C_BRACE_END = 128,
    C_ALWAYS = C_LINE | C_ANGLE | C_SQUARE | C_BRACE,
};

// Each of the eight bytes has a bit; a byte is one of them when the bits of its halves meet.
static const uint8_t low_half[16] = {[0xA] = C_LINE,
                                     [0xB] = C_SQUARE | C_BRACE,
                                     [0xC] = C_ANGLE | C_PIPE,
                                     [0xD] = C_EQUALS | C_SQUARE_END | C_BRACE_END};
static const uint8_t high_half[16] = {[0] = C_LINE,
                                      [3] = C_ANGLE | C_EQUALS,
                                      [5] = C_SQUARE | C_SQUARE_END,
                                      [7] = C_BRACE | C_PIPE | C_BRACE_END};

static inline unsigned class_of(char c) {
    return low_half[c & 15] & high_half[(uint8_t)c >> 4];
}

// Offset of the first byte of the wanted classes from i on, or n.
static size_t scan(const char *p, size_t i, size_t n, unsigned want) {
#if defined __SSSE3__
    const __m128i low = _mm_loadu_si128((const __m128i *)low_half);
    const __m128i high = _mm_loadu_si128((const __m128i *)high_half);
    const __m128i mask = _mm_set1_epi8((char)want), nibble = _mm_set1_epi8(15);
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
        __m128i hi = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
        __m128i hit = _mm_and_si128(_mm_and_si128(_mm_shuffle_epi8(low, v), hi), mask);
        unsigned misses = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(hit, _mm_setzero_si128()));
        if (misses != 0xFFFF) return i + (size_t)__builtin_ctz(~misses);
    }
#elif defined __aarch64__
    const uint8x16_t low = vld1q_u8(low_half), high = vld1q_u8(high_half);
    const uint8x16_t mask = vdupq_n_u8((uint8_t)want), nibble = vdupq_n_u8(0x8F);
    for (; i + 16 <= n; i += 16) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p + i);
        uint8x16_t hi = vqtbl1q_u8(high, vshrq_n_u8(v, 4));
        uint8x16_t hit = vandq_u8(vandq_u8(vqtbl1q_u8(low, vandq_u8(v, nibble)), hi), mask);
        uint8x8_t bits = vshrn_n_u16(vreinterpretq_u16_u8(vtstq_u8(hit, hit)), 4);
        uint64_t hits = vget_lane_u64(vreinterpret_u64_u8(bits), 0);
        if (hits) return i + (size_t)__builtin_ctzll(hits) / 4;
    }
#endif
    while (i < n && !(class_of(p[i]) & want))
        i++;
    return i;
}

// --- What is open --------------------------------------------------------------------------------

typedef struct list {
    wt_node *head, *tail;
} list;

typedef struct piece {
    struct piece *below;  // also: the next one to use again
    list out;
    size_t at;       // of its first bracket, or the first "=" of a heading
    uint32_t count;  // of brackets not yet closed
    char kind;       // '{', '[', '-' for "-{", '\n' for a heading; 0: the page
    bool line_start;
    bool has_prefix;  // "-" in front, which may yet make "-{" of what is left over
    bool has_pipe, has_equals;
    size_t visual_end, comment_end;  // where a comment at the end starts and ends; NOWHERE
} piece;

typedef struct reader {
    const char *p;
    size_t n, i;
    arena *a;
    piece bottom, *top, *spare;
    uint32_t n_nodes, n_open, n_headings;
    size_t used, room;  // of the arena: when this began; what is enough
    bool is_included, has_onlyinclude, is_skipping, is_line_start, is_without_gt;
    str unclosed[UNCLOSED_MAX];  // tags whose end is not in the rest of the text
    size_t n_unclosed;
} reader;

static str span(const reader *r, size_t from, size_t to) {
    return (str){r->p + from, to - from};
}

static bool is_at(const reader *r, size_t i, str what) {
    return i <= r->n && str_starts(span(r, i, r->n), what);
}

static size_t find(const reader *r, size_t from, str what) {
    size_t at = from + str_find(span(r, from, r->n), what);
    return at == r->n ? NOWHERE : at;
}

static size_t count_of(const reader *r, size_t i, char c, size_t most) {
    size_t n = 0;
    while (n < most && i + n < r->n && r->p[i + n] == c)
        n++;
    return n;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static size_t blanks_end(const reader *r, size_t i) {
    while (i < r->n && is_blank(r->p[i]))
        i++;
    return i;
}

static size_t blanks_start(const reader *r, size_t i) {
    while (i > 0 && is_blank(r->p[i - 1]))
        i--;
    return i;
}

// I4: there is room. Not arena_new, whose call costs as much as the rest of a node.
static inline wt_node *new_node(reader *r, int kind, str text) {
    size_t at = align_up(r->a->used, 16);
    wt_node *node = (wt_node *)(r->a->base + at);
    r->a->used = at + sizeof *node;
    r->n_nodes++;
    *node = (wt_node){.kind = (wt_kind)kind, .text = text};
    return node;
}

static void append(list *to, wt_node *node) {
    if (to->tail)
        to->tail->next = node;
    else
        to->head = node;
    to->tail = node;
}

static void add_text(reader *r, size_t from, size_t to) {
    if (from >= to) return;
    wt_node *tail = r->top->out.tail;
    if (tail && (int)tail->kind == WT_TEXT && tail->text.ptr + tail->text.len == r->p + from)
        tail->text.len += to - from;
    else
        append(&r->top->out, new_node(r, WT_TEXT, span(r, from, to)));
}

// I3: texts that touch become one.
static void join(list *to, list from) {
    if (!from.head) return;
    wt_node *a = to->tail, *b = from.head;
    if (a && a->kind == WT_TEXT && b->kind == WT_TEXT && a->text.ptr + a->text.len == b->text.ptr) {
        a->text.len += b->text.len;
        b = (wt_node *)b->next;
    }
    if (!b) return;
    if (a)
        a->next = b;
    else
        to->head = b;
    to->tail = from.tail;
}

static piece *push(reader *r, char kind, size_t at, size_t count) {
    piece *new = r->spare;
    if (new)
        r->spare = new->below;
    else
        new = arena_new(r->a, piece);
    *new = (piece){.below = r->top,
                   .at = at,
                   .count = (uint32_t)count,
                   .kind = kind,
                   .visual_end = NOWHERE,
                   .comment_end = NOWHERE};
    r->n_open++;
    return r->top = new;
}

// Its value stays good until the next push.
static piece *pop(reader *r) {
    piece *old = r->top;
    r->top = old->below;
    old->below = r->spare;
    r->spare = old;
    r->n_open--;
    return old;
}

static size_t piece_start(const piece *p) {
    return p->at - p->has_prefix;
}

// Its opening brackets are text after all, as is all that it has; it has been popped.
static void give_up(reader *r, const piece *p, size_t opening) {
    if (p->kind != '\n') add_text(r, p->at + p->count - opening, p->at + p->count);
    join(&r->top->out, p->out);
}

// --- Headings ------------------------------------------------------------------------------------

// Children of inner headings take the place of those: only a heading at the top level is one.
static const wt_node *flatten(wt_node *node, wt_node **tail) {
    const wt_node *first = NULL, **link = &first;
    for (wt_node *next; node; node = next) {
        next = (wt_node *)node->next;
        bool is_heading = (int)node->kind == MAYBE_HEADING;
        *link = is_heading ? node->child : node;
        *tail = is_heading ? (wt_node *)(uintptr_t)node->text.ptr : node;
        link = &(*tail)->next;
    }
    *link = NULL;
    return first;
}

static void start_line(reader *r) {
    size_t count = count_of(r, r->i, '=', 6);
    bool is_assignment = count == 1 && r->top->has_pipe && !r->top->has_equals;
    if (!count || is_assignment) return;
    push(r, '\n', r->i, count);
    add_text(r, r->i, r->i + count);
    r->i += count;
}

// How deep a heading the line is that ends at r->i; 0: none.
static size_t heading_level(const reader *r, const piece *h) {
    size_t end = blanks_start(r, r->i);
    if (end == h->comment_end) end = blanks_start(r, h->visual_end);
    size_t n = 0;
    while (end - n > h->at && r->p[end - n - 1] == '=')
        n++;
    if (end - n > h->at) return min_size(n, h->count);
    return n < 3 ? 0 : min_size((n - 1) / 2, 6);  // nothing but "=" on the line
}

// The line break itself is left, since it may start another heading.
static void end_heading(reader *r) {
    size_t level = heading_level(r, r->top);
    piece *h = pop(r);
    if (!level) {
        give_up(r, h, 0);
        return;
    }
    wt_node *node = new_node(r, MAYBE_HEADING, (str){0}), *tail = NULL;
    node->level = (uint8_t)level;
    node->index = ++r->n_headings;
    node->child = flatten(h->out.head, &tail);
    node->text.ptr = (const char *)tail;  // for flatten
    append(&r->top->out, node);
}

// --- Brackets ------------------------------------------------------------------------------------

static void open_brackets(reader *r, char c, bool has_dash) {
    size_t start = r->i - has_dash, count = count_of(r, r->i, c, r->n);
    bool is_converter = has_dash && count == 1;
    piece *new = is_converter ? push(r, '-', start, 2) : push(r, c, r->i, count);
    new->has_prefix = has_dash && !is_converter;
    new->line_start = new->at > 0 && r->p[new->at - 1] == '\n';
    r->i += count;
}

// The separators of its list become parts; keys are what stands in front of "=".
static wt_node *make_call(reader *r, const piece *p, wt_kind kind) {
    wt_node *call = new_node(r, kind, (str){0}), *name = new_node(r, WT_NAME, (str){0});
    wt_node *part = NULL, *last = name, *tail;
    const wt_node **link = &name->child;
    uint32_t unnamed = 0;
    call->child = name;
    for (wt_node *node = p->out.head, *next; node; node = next) {
        next = (wt_node *)node->next;
        if ((int)node->kind == SEP_PIPE) {  // has its value as child
            *link = NULL;
            node->kind = WT_PART, node->text = (str){0}, node->index = ++unnamed;
            last->next = node, last = part = node;
            link = (const wt_node **)&((wt_node *)node->child)->child;
        } else if ((int)node->kind == SEP_EQUALS && part) {
            *link = NULL;
            wt_node *value = (wt_node *)part->child;
            *node = (wt_node){.kind = WT_KEY, .child = value->child, .next = value};
            part->child = node, part->index = 0, unnamed--;
            value->child = NULL, link = &value->child;
        } else if ((int)node->kind == MAYBE_HEADING) {
            node->next = NULL;
            *link = flatten(node, &tail);
            link = &tail->next;
        } else {
            *link = node, link = &node->next;
        }
    }
    *link = NULL;
    last->next = NULL;
    return call;
}

// What is left of its opening brackets once the inner ones are closed.
static void keep_rest(reader *r, piece rest) {
    if (rest.count >= 2) {
        piece *again = push(r, rest.kind, rest.at, rest.count);
        again->line_start = rest.line_start, again->has_prefix = rest.has_prefix;
    } else if (rest.count == 1 && rest.has_prefix) {
        push(r, '-', rest.at - 1, 2)->line_start = rest.line_start;
    } else {
        add_text(r, piece_start(&rest), rest.at + rest.count);
    }
}

static void close_brackets(reader *r, char c) {
    piece done = *pop(r);
    bool is_converter = done.kind == '-';
    size_t most = done.kind == '{' ? 3 : 2;
    size_t n = is_converter ? 2 : count_of(r, r->i, c, min_size(done.count, most));
    piece rest = done;
    rest.count -= (uint32_t)n;
    if (done.kind == '{') {
        wt_node *call = make_call(r, &done, n == 3 ? WT_ARG : WT_TEMPLATE);
        call->line_start = done.line_start && done.count == n;
        call->text = span(r, done.at + rest.count, r->i + n);
        keep_rest(r, rest);
        append(&r->top->out, call);
    } else {
        keep_rest(r, rest);
        give_up(r, &done, n);
        add_text(r, r->i, r->i + n);
    }
    r->i += n;
}

static void add_separator(reader *r, int kind) {
    wt_node *node = new_node(r, kind, span(r, r->i, r->i + 1));
    append(&r->top->out, node);
    if (kind == SEP_PIPE) {
        node->child = new_node(r, WT_VALUE, (str){0});
        r->top->visual_end = r->top->comment_end = NOWHERE;
    }
    r->top->has_pipe = true, r->top->has_equals = kind == SEP_EQUALS;
    r->i++;
}

// --- Comments ------------------------------------------------------------------------------------

static void add_comment(reader *r, size_t from, size_t to) {
    append(&r->top->out, new_node(r, WT_COMMENT, span(r, from, to)));
}

// The end of one or more comments with nothing but blanks between and behind them.
static size_t comments_end(const reader *r, size_t end) {
    while (is_at(r, end, STR("<!--"))) {
        size_t close = find(r, end + 4, STR("-->"));
        if (close == NOWHERE) break;
        end = blanks_end(r, close + 3);
    }
    return end;
}

// Blanks in front of a comment that has a line for itself go with it.
static void drop_blanks(reader *r, size_t from) {
    wt_node *tail = r->top->out.tail;
    size_t n = r->i - from;
    if (n && tail && tail->kind == WT_TEXT && tail->text.len >= n &&
        tail->text.ptr + tail->text.len == r->p + r->i)
        tail->text.len -= n;
}

static void read_comment(reader *r) {
    size_t close = find(r, r->i + 4, STR("-->"));
    if (close == NOWHERE) {
        add_comment(r, r->i, r->n);
        r->i = r->n;
        return;
    }
    size_t from = blanks_start(r, r->i), start = r->i, end = close + 3;
    if (from > 0 && r->p[from - 1] == '\n') {  // the first of the line: I1
        size_t line_end = comments_end(r, blanks_end(r, end));
        if (line_end < r->n && r->p[line_end] == '\n') {
            drop_blanks(r, from);
            start = from, end = line_end + 1;
            r->is_line_start = true;
        }
    }
    if (r->top->comment_end != from) r->top->visual_end = from;
    r->top->comment_end = end;
    add_comment(r, start, end);
    r->i = end;
}

// --- Tags ----------------------------------------------------------------------------------------

typedef enum tag_kind { TAG_NONE, TAG_IGNORED, TAG_IGNORED_ELEMENT, TAG_EXT } tag_kind;

static tag_kind kind_of_tag(const reader *r, str name) {
    static const struct {
        str name;
        tag_kind included, alone;
    } tags[] = {
        {STR_INIT("noinclude"), TAG_IGNORED_ELEMENT, TAG_IGNORED},
        {STR_INIT("/noinclude"), TAG_NONE, TAG_IGNORED},
        {STR_INIT("includeonly"), TAG_IGNORED, TAG_IGNORED_ELEMENT},
        {STR_INIT("/includeonly"), TAG_IGNORED, TAG_NONE},
        {STR_INIT("onlyinclude"), TAG_NONE, TAG_IGNORED},
        {STR_INIT("/onlyinclude"), TAG_NONE, TAG_IGNORED},
    };
    for (size_t i = 0; i < countof(tags); i++)
        if (str_eq_nocase(name, tags[i].name))
            return r->is_included ? tags[i].included : tags[i].alone;
    return name.len && name.ptr[0] != '/' && wt_ext_known(name) ? TAG_EXT : TAG_NONE;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The name behind "<", which ends at a space, ">" or "/>"; empty: none.
static str tag_name(const reader *r, size_t i) {
    size_t start = i, most = min_size(r->n, i + NAME_MAX);
    if (i < most && r->p[i] == '/') i++;
    while (i < most && r->p[i] != '>' && r->p[i] != '/' && r->p[i] != '<' && !is_space(r->p[i]))
        i++;
    bool is_ended = i < most && (r->p[i] == '>' || is_space(r->p[i]) || is_at(r, i, STR("/>")));
    return is_ended ? span(r, start, i) : STR("");
}

// "</name >" from `from` on: where it starts, and *end where it ends; NOWHERE.
static size_t find_close(const reader *r, size_t from, str name, size_t *end) {
    for (size_t i = from; (i = find(r, i, STR("</"))) != NOWHERE; i += 2) {
        if (!str_starts_nocase(span(r, i + 2, r->n), name)) continue;
        size_t j = i + 2 + name.len;
        while (j < r->n && is_space(r->p[j]))
            j++;
        if (j < r->n && r->p[j] == '>') {
            *end = j + 1;
            return i;
        }
    }
    return NOWHERE;
}

static bool is_unclosed(const reader *r, str name) {
    for (size_t i = 0; i < r->n_unclosed; i++)
        if (str_eq_nocase(r->unclosed[i], name)) return true;
    return false;
}

static size_t close_of(reader *r, size_t from, str name, size_t *end) {
    if (is_unclosed(r, name)) return NOWHERE;
    size_t close = find_close(r, from, name, end);
    if (close == NOWHERE && r->n_unclosed < UNCLOSED_MAX) r->unclosed[r->n_unclosed++] = name;
    return close;
}

static void literal_to(reader *r, size_t end) {
    add_text(r, r->i, end);
    r->i = end;
}

static void ignore_to(reader *r, size_t end) {
    append(&r->top->out, new_node(r, WT_IGNORE, span(r, r->i, end)));
    r->i = end;
}

// From "<name" at r->i; its tag ends with the ">" at `gt`.
static void read_element(reader *r, str name, tag_kind kind, size_t gt) {
    size_t inner = gt + 1, end = inner, close = NOWHERE;
    bool is_short = r->p[gt - 1] == '/', may_be_open = kind == TAG_IGNORED_ELEMENT;
    if (!is_short) {
        close = close_of(r, inner, name, &end);
        if (close == NOWHERE && !may_be_open) {
            literal_to(r, inner);
            return;
        }
        if (close == NOWHERE) close = end = r->n;
    }
    if (kind == TAG_IGNORED_ELEMENT) {
        ignore_to(r, end);
        return;
    }
    wt_node *node = new_node(r, WT_EXT, name);
    wt_tag *ext = arena_new(r->a, wt_tag);
    size_t attrs = r->i + 1 + name.len, attrs_end = gt - is_short;
    if (attrs_end > attrs) ext->attrs = span(r, attrs, attrs_end);
    ext->has_inner = !is_short;
    if (!is_short) ext->inner = span(r, inner, close), ext->close = span(r, close, end);
    node->tag = ext;
    append(&r->top->out, node);
    r->i = end;
}

static void read_angle(reader *r) {
    if (r->has_onlyinclude && is_at(r, r->i, STR("</onlyinclude>"))) {
        r->is_skipping = true;
        return;
    }
    if (is_at(r, r->i, STR("<!--"))) {
        read_comment(r);
        return;
    }
    str name = tag_name(r, r->i + 1);
    tag_kind kind = name.len ? kind_of_tag(r, name) : TAG_NONE;
    size_t gt = NOWHERE;
    if (kind != TAG_NONE && !r->is_without_gt) gt = find(r, r->i + 1 + name.len, STR(">"));
    if (gt == NOWHERE) {
        r->is_without_gt |= kind != TAG_NONE;
        literal_to(r, r->i + 1);
    } else if (kind == TAG_IGNORED) {
        ignore_to(r, gt + 1);
    } else {
        read_element(r, name, kind, gt);
    }
}

// --- The loop ------------------------------------------------------------------------------------

static unsigned wanted(const piece *top) {
    unsigned want = C_ALWAYS;
    if (top->kind == '{') {
        want |= C_BRACE_END | C_PIPE;
        if (top->has_pipe && !top->has_equals) want |= C_EQUALS;
    } else if (top->kind == '[') {
        want |= C_SQUARE_END;
    } else if (top->kind == '-') {
        want |= C_BRACE_END;
    }
    return want;
}

// Whether the byte at i, of a wanted class, does mean something here.
static bool is_meant(const reader *r, size_t i) {
    char next = i + 1 < r->n ? r->p[i + 1] : 0;
    switch (r->p[i]) {
    case '\n':
        return next == '=' || r->top->kind == '\n';
    case '<':
        return next == '!' || next == '/' || (next & 0x40) != 0;
    case '[':
        return next == '[';
    case ']':
        return next == ']';
    case '{':
        return next == '{' || (i > r->i && r->p[i - 1] == '-');
    case '}':
        return next == (r->top->kind == '-' ? '-' : '}');
    default:
        return true;
    }
}

static void act(reader *r, bool has_dash) {
    char c = r->p[r->i];
    switch (c) {
    case '|':
        add_separator(r, SEP_PIPE);
        break;
    case '=':
        add_separator(r, SEP_EQUALS);
        break;
    case '<':
        read_angle(r);
        break;
    case '[':
    case '{':
        open_brackets(r, c, has_dash);
        break;
    case ']':
    case '}':
        close_brackets(r, c);
        break;
    default:
        if (r->top->kind == '\n') {
            end_heading(r);
        } else {
            literal_to(r, r->i + 1);
            start_line(r);
        }
    }
}

// Text up to the next thing, and that; false at the end.
static bool step(reader *r) {
    if (r->is_line_start) {
        r->is_line_start = false;
        start_line(r);
    }
    unsigned want = wanted(r->top);
    size_t at = scan(r->p, r->i, r->n, want);
    while (at < r->n && !is_meant(r, at))
        at = scan(r->p, at + 1, r->n, want);
    bool has_dash = at < r->n && r->p[at] == '{' && at > r->i && r->p[at - 1] == '-';
    add_text(r, r->i, at - has_dash);
    r->i = at;
    if (at < r->n)
        act(r, has_dash);
    else if (r->top->kind == '\n')
        end_heading(r);
    else
        return false;
    return true;
}

// Outside <onlyinclude> nothing counts: to where the next one begins; false at the end.
static bool skip_ahead(reader *r) {
    size_t at = find(r, r->i, STR("<onlyinclude>"));
    ignore_to(r, at == NOWHERE ? r->n : at + 13);
    r->is_skipping = false;
    return at != NOWHERE;
}

// I4
static bool has_room(reader *r) {
    size_t need = ROUND_ROOM + (size_t)r->n_open * sizeof(wt_node);
    r->room = max_size(r->room, r->a->used - r->used + need);
    return arena_room(r->a) >= need && r->n_nodes + r->n_open < WT_TREE_NODES;
}

// What is still open is text; what is at the top level is what it looks like.
static void finish(reader *r) {
    piece *below = NULL;
    for (piece *p = r->top, *next; p != &r->bottom; p = next) {
        next = p->below;
        p->below = below, below = p;
    }
    r->top = &r->bottom;
    for (; below; below = below->below) {
        if (below->has_prefix) add_text(r, below->at - 1, below->at);
        give_up(r, below, below->count);
    }
    for (wt_node *node = r->bottom.out.head; node; node = (wt_node *)node->next) {
        if ((int)node->kind == SEP_PIPE || (int)node->kind == SEP_EQUALS)
            node->kind = WT_TEXT, node->child = NULL;
        else if ((int)node->kind == MAYBE_HEADING)
            node->kind = WT_HEADING, node->text = (str){0};
    }
}

void wt_preprocess(wt_tree *out, str text, bool is_included, arena *a) {
    static const wt_node nothing = {.kind = WT_ROOT};
    *out = (wt_tree){.text = text, .root = &nothing, .is_cut = true, .bytes = text.len};
    if (arena_room(a) < ROUND_ROOM) return;
    reader r = {.p = text.ptr ? text.ptr : "",
                .n = text.len,
                .a = a,
                .used = a->used,
                .is_included = is_included,
                .is_line_start = true,
                .bottom = {.visual_end = NOWHERE, .comment_end = NOWHERE}};
    r.top = &r.bottom;
    r.has_onlyinclude = is_included && find(&r, 0, STR("<onlyinclude>")) != NOWHERE &&
                        find(&r, 0, STR("</onlyinclude>")) != NOWHERE;
    r.is_skipping = r.has_onlyinclude;
    wt_node *root = new_node(&r, WT_ROOT, (str){0});
    bool goes_on = true, has = true;
    while (goes_on && (has = has_room(&r)))
        goes_on = r.is_skipping ? skip_ahead(&r) : step(&r);
    if (!has) add_text(&r, r.i, r.n);
    finish(&r);
    root->child = r.bottom.out.head;
    *out = (wt_tree){.text = text,
                     .root = root,
                     .n_nodes = r.n_nodes,
                     .n_headings = r.n_headings,
                     .bytes = text.len + (a->used - r.used),
                     .room = r.room,
                     .is_cut = !has};
}
