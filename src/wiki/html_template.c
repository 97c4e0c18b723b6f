// Templates, without expanding them: what can be read from the call alone.
//
// A later issue expands templates from the dump. Until then a few dozen common ones have a pattern
// that puts their arguments into words, citations have a renderer of their own, and a template over
// many lines with named arguments (an infobox) is a folded table of them. The rest leaves an empty
// <span> with its name, so that a page's style or a test can find what was not shown.
//
//   I1  arguments are rendered at most once per call: the work stays linear

#include "wiki/html.h"

typedef struct arg {
    str key;     // "" for a positional one
    size_t pos;  // its number, from 1
    range value;
} arg;

typedef struct call {
    range whole, head;
    str name;  // the head's text, cut
    arg *args;
    size_t n, n_named;
} call;

static arg parse_arg(size_t *pos, const html *h, range part) {
    for (size_t i = part.a; i < part.b;) {
        size_t span = html__span(h, i, part.b);
        if (!span && h->src.ptr[i] == '=') {
            str key = str_trim(html__str(h, (range){part.a, i}));
            return (arg){.key = key, .value = html__trim(h, (range){i + 1, part.b})};
        }
        i = span ? span : i + 1;
    }
    return (arg){.pos = ++*pos, .value = html__trim(h, part)};
}

// Arguments live in h->mem.
static bool parse_call(call *c, html *h, range r) {
    range *parts = arena_try_array(&h->mem, HTML__ARGS_MAX, sizeof *parts);
    c->args = arena_try_array(&h->mem, HTML__ARGS_MAX, sizeof *c->args);
    if (!parts || !c->args) return false;
    size_t n = html__split(parts, h, (range){r.a + 2, r.b - 2}), pos = 0;
    c->whole = r;
    c->head = html__trim(h, parts[0]);
    c->name = str_first(html__str(h, c->head), 128);
    c->name.len = utf8_complete(c->name);
    for (size_t i = 1; i < n; i++) {
        c->args[c->n] = parse_arg(&pos, h, parts[i]);
        c->n_named += c->args[c->n++].key.len > 0;
    }
    return true;
}

// The argument by name or, for "1" to "9", by place. False when it is absent or empty.
static bool get(range *out, const call *c, str key) {
    bool is_digit = key.len == 1 && key.ptr[0] >= '1' && key.ptr[0] <= '9';
    size_t pos = is_digit ? (size_t)(key.ptr[0] - '0') : 0;
    for (size_t i = c->n; i-- > 0;) {
        const arg *a = &c->args[i];
        bool is_it = a->key.len ? str_eq(a->key, key) : pos && a->pos == pos;
        if (!is_it) continue;
        *out = a->value;
        return a->value.b > a->value.a;
    }
    return false;
}

// --- Patterns --------------------------------------------------------------------------------
// $N: argument N; @N: a link to it; {...}: only when the argument in it is there; a leading '>'
// makes it a note above the text.

static const struct {
    str name;
    const char *pattern;
} patterns[] = {
    {STR_INIT("!"), "|"},
    {STR_INIT("="), "="},
    {STR_INIT("'"), "'"},
    {STR_INIT("*"), " \xc2\xb7 "},
    {STR_INIT("\xc2\xb7"), " \xc2\xb7 "},
    {STR_INIT("\xe2\x80\xa2"), " \xe2\x80\xa2 "},
    {STR_INIT("abbr"), "$1"},
    {STR_INIT("about"), ">This page is about $1.{ For $2, see @3.}"},
    {STR_INIT("angbr"), "\xe2\x9f\xa8$1\xe2\x9f\xa9"},
    {STR_INIT("as of"), "As of $1{-$2}{-$3}"},
    {STR_INIT("birth date and age"), "$1{-$2}{-$3}"},
    {STR_INIT("birth date"), "$1{-$2}{-$3}"},
    {STR_INIT("birth-date"), "$1"},
    {STR_INIT("birth year"), "$1"},
    {STR_INIT("blockquote"), "\xe2\x80\x9c$1\xe2\x80\x9d"},
    {STR_INIT("c."), "c. $1"},
    {STR_INIT("center"), "$1"},
    {STR_INIT("circa"), "c. $1{ \xe2\x80\x93 c. $2}"},
    {STR_INIT("color"), "$2"},
    {STR_INIT("convert"), "$1 $2"},
    {STR_INIT("cquote"), "\xe2\x80\x9c$1\xe2\x80\x9d"},
    {STR_INIT("cvt"), "$1 $2"},
    {STR_INIT("death date and age"), "$1{-$2}{-$3}"},
    {STR_INIT("death date"), "$1{-$2}{-$3}"},
    {STR_INIT("details"), ">Further information: @1"},
    {STR_INIT("doi"), "doi:$1"},
    {STR_INIT("em"), "$1"},
    {STR_INIT("emdash"), "\xe2\x80\x94"},
    {STR_INIT("end date"), "$1{-$2}{-$3}"},
    {STR_INIT("flag"), "@1"},
    {STR_INIT("flagcountry"), "@1"},
    {STR_INIT("flagu"), "$1"},
    {STR_INIT("font color"), "$2"},
    {STR_INIT("for"), ">For $1, see @2{, @3}."},
    {STR_INIT("frac"), "$1{/$2}"},
    {STR_INIT("further information"), ">Further information: @1{, @2}{, @3}"},
    {STR_INIT("further"), ">Further information: @1{, @2}{, @3}{, @4}"},
    {STR_INIT("harv"), "($1{ $2}{ $3})"},
    {STR_INIT("harvnb"), "$1{ $2}{ $3}{ $4}"},
    {STR_INIT("harvtxt"), "$1{ ($2)}"},
    {STR_INIT("hatnote"), ">$1"},
    {STR_INIT("height"), "$1"},
    {STR_INIT("ill"), "@1"},
    {STR_INIT("interlanguage link"), "@1"},
    {STR_INIT("ipa"), "$1"},
    {STR_INIT("isbn"), "ISBN $1"},
    {STR_INIT("issn"), "ISSN $1"},
    {STR_INIT("key press"), "$1"},
    {STR_INIT("lang"), "$2"},
    {STR_INIT("lc"), "$1"},
    {STR_INIT("main article"), ">Main article: @1{, @2}{, @3}{, @4}"},
    {STR_INIT("main"), ">Main article: @1{, @2}{, @3}{, @4}"},
    {STR_INIT("math"), "$1"},
    {STR_INIT("mdash"), "\xe2\x80\x94"},
    {STR_INIT("midsize"), "$1"},
    {STR_INIT("mvar"), "$1"},
    {STR_INIT("nbsp"), "\xc2\xa0"},
    {STR_INIT("ndash"), "\xe2\x80\x93"},
    {STR_INIT("nihongo"), "$1{ ($2)}"},
    {STR_INIT("nobold"), "$1"},
    {STR_INIT("nobr"), "$1"},
    {STR_INIT("nowrap"), "$1"},
    {STR_INIT("oclc"), "OCLC $1"},
    {STR_INIT("other uses"), ">For other uses, see @1."},
    {STR_INIT("pi"), "\xcf\x80"},
    {STR_INIT("pp."), "pp. $1"},
    {STR_INIT("quote"), "\xe2\x80\x9c$1\xe2\x80\x9d{ \xe2\x80\x94 $2}"},
    {STR_INIT("rp"), ":$1"},
    {STR_INIT("script"), "$2"},
    {STR_INIT("see also"), ">See also: @1{, @2}{, @3}{, @4}{, @5}"},
    {STR_INIT("see"), ">See: @1{, @2}{, @3}"},
    {STR_INIT("seealso"), ">See also: @1{, @2}{, @3}{, @4}{, @5}"},
    {STR_INIT("sfn"), " [$1{ $2}{ $3}{ $4}]"},
    {STR_INIT("sfrac"), "$1{/$2}"},
    {STR_INIT("small"), "$1"},
    {STR_INIT("smaller"), "$1"},
    {STR_INIT("snd"), " \xe2\x80\x93 "},
    {STR_INIT("spaced ndash"), " \xe2\x80\x93 "},
    {STR_INIT("spaces"), "\xc2\xa0"},
    {STR_INIT("start date and age"), "$1{-$2}{-$3}"},
    {STR_INIT("start date"), "$1{-$2}{-$3}"},
    {STR_INIT("strong"), "$1"},
    {STR_INIT("sub"), "$1"},
    {STR_INIT("sup"), "$1"},
    {STR_INIT("tooltip"), "$1"},
    {STR_INIT("transl"), "$2"},
    {STR_INIT("transliteration"), "$2"},
    {STR_INIT("url"), "$1"},
    {STR_INIT("val"), "$1"},
    {STR_INIT("visible anchor"), "$1"},
    {STR_INIT("webarchive"), "archived copy"},
    {STR_INIT("wikt-lang"), "$2"},
};

// Families by prefix.
static const struct {
    str prefix;
    const char *pattern;
} families[] = {
    {STR_INIT("lang-"), "$1"},
    {STR_INIT("ipa-"), "$1"},
    {STR_INIT("ipac-"), "$1$2$3$4$5$6$7$8$9"},
};

static const char *pattern_of(str name) {
    for (size_t i = 0; i < countof(patterns); i++)
        if (str_eq_nocase(name, patterns[i].name)) return patterns[i].pattern;
    for (size_t i = 0; i < countof(families); i++)
        if (str_starts_nocase(name, families[i].prefix)) return families[i].pattern;
    return NULL;
}

static bool group_is_empty(const call *c, const char *p) {
    range r;
    for (; *p && *p != '}'; p++)
        if (*p == '$' || *p == '@') return !get(&r, c, (str){p + 1, 1});
    return false;
}

static void fill(html *h, const call *c, const char *p) {
    range r;
    for (; *p; p++) {
        bool is_arg = *p == '$' || *p == '@';
        if (*p == '{') {
            if (group_is_empty(c, p)) p = strchr(p, '}');
        } else if (is_arg) {
            bool is_link = *p == '@';
            if (!get(&r, c, (str){++p, 1})) continue;
            if (is_link)
                html__link_to(h, html__str(h, r), (range){0}, html__str(h, r));
            else
                html__inline(h, r);
        } else if (*p != '}') {
            size_t n = strcspn(p, "${@}");
            html__text(h, (str){p, n});
            p += n - 1;
        }
    }
}

static void note(html *h, const call *c, const char *pattern) {
    range r;
    if (!get(&r, c, STR("1"))) return;
    int base = h->n_stack;
    if (html__block(h)) {
        base = h->n_stack;
        html__push(h, TAG_DIV, BY_LINE, STR(" class=\"hatnote\""));
    }
    h->inline_only++;
    fill(h, c, pattern);
    h->inline_only--;
    html__pop_to(h, base);
}

// --- Citations -------------------------------------------------------------------------------

// Writes `before`, the argument and `after` when there is such an argument. `keys` are tried in
// order, separated by spaces.
static bool part(html *h, const call *c, const char *before, const char *keys, const char *after) {
    str rest = str_of(keys);
    while (rest.len) {
        range r;
        if (!get(&r, c, str_cut(&rest, ' '))) continue;
        html__text(h, str_of(before));
        html__inline(h, r);
        html__text(h, str_of(after));
        return true;
    }
    return false;
}

static void cited_title(html *h, const call *c) {
    range title, url;
    if (!get(&title, c, STR("title"))) return;
    html__text(h, STR("\xe2\x80\x9c"));
    int place = get(&url, c, STR("url")) ? html__open_url(h, html__str(h, url)) : -1;
    h->in_link += place >= 0;
    html__inline(h, title);
    h->in_link -= place >= 0;
    if (place >= 0) html__pop_to(h, place);
    html__text(h, STR("\xe2\x80\x9d. "));
}

static void citation(html *h, const call *c) {
    bool has_last = part(h, c, "", "last last1", "");
    bool has_author = part(h, c, has_last ? ", " : "", "first first1", "") || has_last ||
                      part(h, c, "", "author author1 authors vauthors", "");
    part(h, c, "; ", "last2 author2", "");
    bool has_date = part(h, c, has_author ? " (" : "(", "date year", ")");
    if (has_author || has_date) html__text(h, STR(". "));
    cited_title(h, c);
    part(h, c, "", "journal work newspaper magazine website encyclopedia series", ". ");
    part(h, c, "", "volume", " ");
    part(h, c, "(", "issue number", ") ");
    part(h, c, "", "publisher", ". ");
    part(h, c, "p. ", "pages page at", ". ");
    part(h, c, "ISBN ", "isbn", ". ");
    part(h, c, "doi:", "doi", ". ");
}

// --- Folded tables ---------------------------------------------------------------------------

static void unseen(html *h, const call *c) {
    html__lit(h, "<span class=\"template\" data-name=\"");
    buf_html(h->out, c->name);
    html__lit(h, "\"></span>");
}

static void row(html *h, const arg *a) {
    int base = h->n_stack;
    if (base + 2 > HTML__STACK_MAX || a->value.a == a->value.b) return;
    html__push(h, TAG_TR, BY_LINE, (str){0});
    html__push(h, TAG_TH, BY_LINE, (str){0});
    if (a->key.len)
        buf_html(h->out, a->key);
    else
        buf_fmt(h->out, "%zu", a->pos);
    html__pop_to(h, base + 1);
    html__push(h, TAG_TD, BY_LINE, (str){0});
    html__blocks(h, a->value);
    html__pop_to(h, base);
}

static void folded(html *h, const call *c) {
    int base = h->n_stack;
    if (base + 4 > HTML__STACK_MAX) return unseen(h, c);
    html__push(h, TAG_DETAILS, BY_LINE, STR(" class=\"template\""));
    html__push(h, TAG_SUMMARY, BY_LINE, (str){0});
    buf_html(h->out, c->name);
    html__pop_to(h, base + 1);
    html__push(h, TAG_TABLE, BY_LINE, (str){0});
    for (size_t i = 0; i < c->n; i++)
        row(h, &c->args[i]);
    html__pop_to(h, base);
}

// --- All of them -----------------------------------------------------------------------------

// Over many lines, at the start of one, with named arguments.
static bool is_box(const html *h, const call *c) {
    str s = html__str(h, c->whole);
    bool is_first = c->whole.a == 0 || h->src.ptr[c->whole.a - 1] == '\n';
    return is_first && c->n_named >= 2 && str_find_byte(s, '\n') < s.len;
}

static bool is_citation(str name) {
    return str_starts_nocase(name, STR("cite ")) || str_eq_nocase(name, STR("citation")) ||
           str_eq_nocase(name, STR("cite"));
}

static bool is_reference_list(str name) {
    return str_eq_nocase(name, STR("reflist")) || str_eq_nocase(name, STR("references")) ||
           str_eq_nocase(name, STR("ref list"));
}

// "{{formatnum: text}}": functions that change how their argument looks, but not what it says.
static bool is_shown_function(range *text, const html *h, const call *c) {
    static const str names[] = {STR_INIT("formatnum:"), STR_INIT("lc:"), STR_INIT("uc:"),
                                STR_INIT("lcfirst:"), STR_INIT("ucfirst:")};
    for (size_t i = 0; i < countof(names); i++)
        if (str_starts_nocase(c->name, names[i])) {
            *text = html__trim(h, (range){c->head.a + names[i].len, c->head.b});
            return true;
        }
    return false;
}

static void show(html *h, const call *c) {
    range text;
    if (is_shown_function(&text, h, c)) return html__inline(h, text);
    const char *pattern = pattern_of(c->name);
    if (pattern && *pattern == '>') return note(h, c, pattern + 1);
    if (pattern) return fill(h, c, pattern);
    if (is_citation(c->name)) return citation(h, c);
    if (is_reference_list(c->name)) return html__references(h);
    if (is_box(h, c) && html__block(h)) return folded(h, c);
    unseen(h, c);
}

void html__template(html *h, range r) {
    arena saved = h->mem;
    call c = {0};
    if (h->calls < HTML__CALLS_MAX && parse_call(&c, h, r))
        show(h, &c);
    else
        html__text(h, html__str(h, r));
    h->mem = saved;
}
