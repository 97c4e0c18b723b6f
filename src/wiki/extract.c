// Wikitext for the index: the targets of [[...]], categories, and whether a page disambiguates.
//
// Rendering knows wikitext exactly; this does not need to. memchr finds '[' and '<', and one pass
// over a target's bytes says whether it is plain: ASCII, no entity, underscore, fragment or
// doubled space. A plain target is its own normal form but for its first letter, so it is handed
// out as it stands in the text; the few others go through wiki_title_normalise. Rejected: the
// renderer's own scanner (it builds what is thrown away here), a regular expression (several
// passes).
//
//   I1  linear: each byte is looked at a bounded number of times; what was not found once is not
//       looked for again
//   I2  a plain target is handed out exactly as wiki_title_normalise would write it

#include "wiki/extract.h"

#include "wiki/inside.h"

enum {
    NS_FILE = 6,
    NS_CATEGORY = 14,
    SCRATCH_LEAST = 256 << 10,  // what wiki_title_normalise may take
    LOOK_START = 4 << 10,       // where disambiguation templates stand
    LOOK_END = 8 << 10,
};

// --- Spans that hold no links ------------------------------------------------------------------

typedef struct scan {
    str text;
    const wiki_site *site;
    void (*found)(void *arg, const wiki_extracted *x);
    void *arg;
    arena scratch;
    bool keeps_first;  // the main namespace is case-sensitive
    size_t looked;     // spans before this byte are known
    bool no_nowiki;    // no more "</nowiki" to come
    size_t close;      // the "]]" found last
} scan;

static size_t find_from(str text, size_t at, str what) {
    return at + str_find(str_skip(text, at), what);
}

static size_t nowiki_end(scan *s, size_t at) {
    size_t gt = find_from(s->text, at, STR(">"));
    if (s->no_nowiki || gt == s->text.len) return at + 1;
    if (s->text.ptr[gt - 1] == '/') return gt + 1;
    for (size_t i = gt; i < s->text.len; i++) {
        i = find_from(s->text, i, STR("<"));
        if (str_starts_nocase(str_skip(s->text, i), STR("</nowiki"))) return i;
    }
    s->no_nowiki = true;  // I1
    return at + 1;
}

// Where the span that starts at the '<' ends; behind the '<' when none does.
static size_t span_at(scan *s, size_t at) {
    str rest = str_skip(s->text, at);
    if (rest.len > 3 && rest.ptr[1] == '!' && str_starts(rest, STR("<!--")))
        return find_from(s->text, at + 4, STR("-->"));
    if (rest.len > 7 && (rest.ptr[1] | 32) == 'n' && str_starts_nocase(rest, STR("<nowiki")))
        return nowiki_end(s, at);
    return at + 1;
}

// Whether the byte lies in a comment or nowiki; then *end is where it ends. Called with growing
// `at`.
static bool is_hidden(size_t *end, scan *s, size_t at) {
    while (s->looked < at) {
        const char *p = memchr(s->text.ptr + s->looked, '<', at - s->looked);
        if (!p) {
            s->looked = at;
            break;
        }
        s->looked = span_at(s, (size_t)(p - s->text.ptr));
    }
    *end = s->looked;
    return s->looked > at;
}

// --- Targets -----------------------------------------------------------------------------------

enum target_class { PLAIN, SPACE, COLON, SLOW, STOP, BAD };

static const uint8_t class_of[256] = {
    ['|'] = STOP, [']'] = STOP,  ['['] = BAD,   ['{'] = BAD,          ['}'] = BAD,  ['<'] = BAD,
    ['>'] = BAD,  ['\n'] = BAD,  [' '] = SPACE, [':'] = COLON,        ['&'] = SLOW, ['_'] = SLOW,
    ['#'] = SLOW, ['\t'] = SLOW, ['\r'] = SLOW, [128 ... 255] = SLOW,
};

typedef struct target {
    str raw;
    size_t colon;  // the first one, or raw.len
    bool is_plain;
} target;

// False when it is no target of a link.
static bool read_target(target *t, str s) {
    bool is_slow = false, was_space = true;  // a space at the start is one too many
    size_t i = 0, colon = SIZE_MAX;
    for (; i < s.len && i <= WIKI__LINK_MAX; i++) {
        uint8_t c = class_of[(unsigned char)s.ptr[i]];
        if (c == PLAIN) {
            was_space = false;
            continue;
        }
        if (c == BAD) return false;
        if (c == STOP) break;
        if (c == COLON && colon == SIZE_MAX) colon = i;
        is_slow |= c == SLOW || (c == SPACE && was_space);
        was_space = c == SPACE;
    }
    if (i == s.len || i > WIKI__LINK_MAX || i == 0) return false;
    *t = (target){.raw = str_first(s, i), .colon = min_size(colon, i)};
    t->is_plain = !is_slow && !was_space;
    return true;
}

static bool is_ascii_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// The namespace that is written before the colon exactly as the site has it, or NULL.
static const wiki_ns *ns_as_written(const wiki_site *site, str name) {
    for (size_t i = 0; site && i < site->n_ns; i++)
        if (site->ns[i].key && str_eq(site->ns[i].name, name)) return &site->ns[i];
    return NULL;
}

// I2. `copy` has room for a title.
static bool plain_title(wiki_extracted *x, const scan *s, const target *t, char *copy) {
    if (!t->is_plain || t->raw.len > WIKI_TITLE_MAX) return false;
    x->title = t->raw;
    if (t->colon < t->raw.len) {
        const wiki_ns *ns = ns_as_written(s->site, str_first(t->raw, t->colon));
        str name = str_skip(t->raw, t->colon + 1);
        if (!ns || !name.len || name.ptr[0] == ' ') return false;
        x->ns = ns->key;
        return ns->case_sensitive || !is_ascii_lower(name.ptr[0]);
    }
    x->ns = 0;
    if (s->keeps_first || !is_ascii_lower(t->raw.ptr[0])) return true;
    memcpy(copy, t->raw.ptr, t->raw.len);
    copy[0] = (char)(copy[0] - 32);
    x->title.ptr = copy;
    return true;
}

static void emit(scan *s, const target *t, bool has_label, size_t at, size_t close) {
    char copy[WIKI_TITLE_MAX];
    str fragment;
    wiki_extracted x = {.kind = WIKI_LINK};
    arena a = s->scratch;
    if (!plain_title(&x, s, t, copy))
        x.title = wiki_title_normalise(&x.ns, &fragment, s->site, t->raw, &a);
    if (!x.title.len || x.title.len > WIKI_TITLE_MAX) return;
    bool is_shown = t->colon < t->raw.len && str_starts(str_trim(t->raw), STR(":"));
    if (!is_shown && x.ns == NS_FILE) return;
    if (!is_shown && x.ns == NS_CATEGORY) {
        x.kind = WIKI_CATEGORY;
        size_t key = at + t->raw.len + 1;
        if (has_label && key < close) x.sort_key = (str){s->text.ptr + key, close - key};
    }
    s->found(s->arg, &x);
}

// The "[[" ends at `at`. Returns where to go on.
static size_t on_link(scan *s, size_t at) {
    target t;
    str rest = str_skip(s->text, at);
    if (!read_target(&t, rest)) return at;
    size_t stop = at + t.raw.len;
    bool has_label = s->text.ptr[stop] == '|';
    if (!has_label && (stop + 1 == s->text.len || s->text.ptr[stop + 1] != ']')) return stop;
    if (s->close < stop) s->close = find_from(s->text, stop, STR("]]"));  // I1
    if (s->close < s->text.len) emit(s, &t, has_label, at, s->close);
    return stop;
}

void wiki_extract(str text, const wiki_site *site, arena scratch,
                  void (*found)(void *arg, const wiki_extracted *x), void *arg) {
    if (arena_room(&scratch) < SCRATCH_LEAST) return;
    const wiki_ns *main_ns = wiki_ns_of(site, 0);
    scan s = {.text = text, .site = site, .found = found, .arg = arg, .scratch = scratch};
    s.keeps_first = main_ns && main_ns->case_sensitive;
    for (size_t at = 0; at + 4 < text.len;) {
        const char *p = memchr(text.ptr + at, '[', text.len - at - 1);
        if (!p) return;
        at = (size_t)(p - text.ptr);
        size_t end;
        if (p[1] != '[')
            at += 2;
        else if (is_hidden(&end, &s, at))
            at = end;
        else
            at = on_link(&s, at + 2);
    }
}

// --- Disambiguation --------------------------------------------------------------------------

// clang-format off
static const str title_endings[] = {
    STR_INIT("(disambiguation)"), STR_INIT("(Begriffsklärung)"), STR_INIT("(homonymie)"),
    STR_INIT("(desambiguación)"), STR_INIT("(desambiguação)"),   STR_INIT("(disambigua)"),
    STR_INIT("(doorverwijspagina)"), STR_INIT("(значения)"),     STR_INIT("(ujednoznacznienie)"),
    STR_INIT("(曖昧さ回避)"),     STR_INIT("(消歧义)"),          STR_INIT("(消歧義)"),
    STR_INIT("(توضيح)"),          STR_INIT("(olika betydelser)"), STR_INIT("(ابهام‌زدایی)"),
    STR_INIT("(anlam ayrımı)"),   STR_INIT("(багатозначність)"), STR_INIT("(dezambiguizare)"),
};

// First letters in lower case where they are ASCII; compared case-blind there.
static const str templates[] = {
    STR_INIT("disambig"), STR_INIT("disambiguation"), STR_INIT("dab"), STR_INIT("hndis"),
    STR_INIT("geodis"), STR_INIT("disamb"), STR_INIT("disambiguation page"),
    STR_INIT("human name disambiguation"), STR_INIT("place name disambiguation"),
    STR_INIT("disambiguation cleanup"), STR_INIT("disambig-cleanup"), STR_INIT("numberdis"),
    STR_INIT("letter-number combination disambiguation"), STR_INIT("airport disambiguation"),
    STR_INIT("school disambiguation"), STR_INIT("schooldis"), STR_INIT("hospital disambiguation"),
    STR_INIT("mathematical disambiguation"), STR_INIT("mathdab"), STR_INIT("roaddis"),
    STR_INIT("road disambiguation"), STR_INIT("callsigndis"), STR_INIT("letterdis"),
    STR_INIT("begriffsklärung"), STR_INIT("homonymie"), STR_INIT("paronymie"),
    STR_INIT("toponymie"), STR_INIT("patronymie"), STR_INIT("desambiguación"),
    STR_INIT("desambiguacion"), STR_INIT("desambiguação"), STR_INIT("desambig"),
    STR_INIT("disambigua"), STR_INIT("dp"), STR_INIT("doorverwijspagina"),
    STR_INIT("ujednoznacznienie"), STR_INIT("неоднозначность"), STR_INIT("Неоднозначность"),
    STR_INIT("багатозначність"), STR_INIT("Багатозначність"), STR_INIT("曖昧さ回避"),
    STR_INIT("aimai"), STR_INIT("消歧义"), STR_INIT("消歧義"), STR_INIT("توضيح"),
    STR_INIT("förgrening"), STR_INIT("ابهام‌زدایی"), STR_INIT("anlam ayrımı"),
    STR_INIT("dezambiguizare"), STR_INIT("동음이의"), STR_INIT("פירושונים"),
    STR_INIT("rozcestník"), STR_INIT("egyért"), STR_INIT("täsmennyssivu"),
};
// clang-format on

static bool same_template(str written, str name) {
    return written.len == name.len && (written.ptr[0] | 32) == (name.ptr[0] | 32) &&
           memcmp(written.ptr + 1, name.ptr + 1, name.len - 1) == 0;
}

// `s` starts behind "{{".
static bool is_disambiguation_template(str s) {
    s = str_trim(str_first(s, 64));
    size_t n = 0;
    while (n < s.len && s.ptr[n] != '|' && s.ptr[n] != '}' && s.ptr[n] != '\n')
        n++;
    str name = str_trim(str_first(s, n));
    if (!name.len || n == s.len) return false;
    for (size_t i = 0; i < countof(templates); i++)
        if (same_template(name, templates[i])) return true;
    return false;
}

static bool has_template(str s) {
    while (s.len > 4) {
        s = str_skip(s, str_find_byte(s, '{'));
        bool is_one = str_starts(s, STR("{{"));
        s = str_skip(s, is_one ? 2 : 1);
        if (is_one && is_disambiguation_template(s)) return true;
    }
    return false;
}

static bool says_so(str s) {
    return has_template(s) || str_find(s, STR("__DISAMBIG__")) < s.len;
}

bool wiki_is_disambiguation(str title, str text) {
    for (size_t i = 0; title.len && title.ptr[title.len - 1] == ')' && i < countof(title_endings);
         i++)
        if (str_ends(title, title_endings[i])) return true;
    if (text.len <= LOOK_START + LOOK_END) return says_so(text);
    return says_so(str_first(text, LOOK_START)) || says_so(str_skip(text, text.len - LOOK_END));
}
