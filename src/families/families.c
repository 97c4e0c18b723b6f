// families/families.c -- templates and modules that cannot run, shown from their arguments.
//
// A table of names says which family a template is of; a family writes wikitext. A template of no
// family shows its name and arguments: in the line when they are few, folded when they are many.
//
// Patterns are wikitext with holes:
//     $1 $2 ...     an argument by number        $(a|b)   the first of these names that is there
//     $?1 $?(a|b)   the same, but writes nothing: for {...}
//     {...}         left out when the first hole in it is empty
//     {...~...}     the second part in place of the first then
//
// I1  a call's arguments are expanded once, by wt_frame_args; families only read them
// I2  a name is found by binary search: each file's table is sorted by name
//
// Rejected: an empty box for the unknown. A reader loses what the writer said; a page of wikitext
// with every argument visible is ugly and true.

#include "families/families.h"
#include "families/inside.h"

#include <stdarg.h>
#include <stdio.h>

enum { ARGS_MAX = 2000, NAME_MAX_BYTES = 255, INLINE_ARGS = 4, INLINE_BYTES = 300 };

// --- Reading arguments ----------------------------------------------------------------------

str wt_deg_get(const wt_deg *d, str name) {
    if (!name.len) return STR("");
    for (size_t i = 0; i < d->n; i++) {
        str own = d->args[i].name;
        bool may_be = own.len == name.len && own.ptr[0] == name.ptr[0];
        if (may_be && str_eq(own, name)) return d->args[i].value;
    }
    return STR("");
}

str wt_deg_at(const wt_deg *d, unsigned i) {
    char digits[12];
    int n = snprintf(digits, sizeof digits, "%u", i);
    return wt_deg_get(d, (str){digits, (size_t)n});
}

// "last#" with its number in place of "#".
static str numbered(char room[64], str name, unsigned i) {
    size_t n = 0;
    for (size_t k = 0; k < name.len && n + 12 < 64; k++) {
        if (name.ptr[k] != '#')
            room[n++] = name.ptr[k];
        else if (i)
            n += (size_t)snprintf(room + n, 12, "%u", i);
    }
    return (str){room, n};
}

str wt_deg_any(const wt_deg *d, const char *names, unsigned i) {
    str rest = str_of(names);
    while (rest.len && d->n) {
        char room[64];
        str name = str_cut(&rest, '|');
        if (str_find_byte(name, '#') < name.len) name = numbered(room, name, i);
        str value = wt_deg_get(d, name);
        if (value.len) return value;
    }
    return STR("");
}

bool wt_deg_is(const wt_deg *d, const char *name, const char *value) {
    return str_eq_nocase(wt_deg_get(d, str_of(name)), str_of(value));
}

bool wt_deg_yes(const wt_deg *d, const char *name) {
    return wt_deg_is(d, name, "yes") || wt_deg_is(d, name, "y") || wt_deg_is(d, name, "on") ||
           wt_deg_is(d, name, "true") || wt_deg_is(d, name, "1");
}

int64_t wt_deg_number(str s, int64_t otherwise) {
    int64_t n;
    while (s.len > 1 && s.ptr[0] == '0')
        s = str_skip(s, 1);
    return str_parse_i64(&n, s) && n > -1000000000000 && n < 1000000000000 ? n : otherwise;
}

// --- Writing --------------------------------------------------------------------------------

void wt_deg_fmt(wt_deg *d, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_add(d->out, (str){text, min_size((size_t)(n < 0 ? 0 : n), sizeof text - 1)});
}

void wt_deg_put(wt_deg *d, const char *text) {
    buf_add(d->out, str_of(text));
}

void wt_deg_add(wt_deg *d, str text) {
    buf_add(d->out, text);
}

void wt_deg_tag(wt_deg *d, str name, str attrs, str inner, bool has_inner) {
    wt_ext_call(d->out, d->p, d->frame, name, attrs, inner, has_inner);
}

void wt_deg_link(wt_deg *d, str target, str label) {
    bool is_link = target.len && str_find(target, STR("[[")) == target.len &&
                   str_find_byte(target, WT_MARK) == target.len;
    if (!is_link) return buf_add(d->out, label.len ? label : target);
    wt_deg_put(d, "[[:");
    buf_add(d->out, target.ptr[0] == ':' ? str_skip(target, 1) : target);
    wt_deg_put(d, "|");
    buf_add(d->out, label.len ? label : target);
    wt_deg_put(d, "]]");
}

// What would end a link is written as its code.
static void put_url(buf *out, str url) {
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= ' ' || strchr("[]<>\"'{|}", (char)c))
            buf_fmt(out, "%%%02X", c);
        else
            buf_byte(out, (char)c);
    }
}

void wt_deg_url(wt_deg *d, str url, str label) {
    buf b;
    buf_init(&b, d->p->mem, url.len + 16);
    put_url(&b, url);
    bool is_url = b.len && wt_url_allowed(buf_str(&b)) && str_find_byte(url, WT_MARK) == url.len;
    if (!is_url) return buf_add(d->out, label.len ? label : url);
    wt_deg_put(d, "[");
    buf_add(d->out, buf_str(&b));
    wt_deg_put(d, " ");
    bool has_links = str_find(label, STR("[[")) < label.len;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i] == '\n' ? ' ' : label.ptr[i];
        if (c == '[' || c == ']')
            wt_deg_put(d, has_links ? "" : c == '[' ? "&#91;" : "&#93;");
        else
            buf_byte(d->out, c);
    }
    wt_deg_put(d, "]");
}

// The value of the hole at *at ('$'), which moves behind it.
static str hole(const wt_deg *d, const char **at) {
    const char *p = *at + 1 + ((*at)[1] == '?');
    char names[96];
    size_t n = 0;
    if (*p == '(') {
        for (p++; *p && *p != ')'; p++)
            if (n + 1 < sizeof names) names[n++] = *p;
        p += *p == ')';
    } else if (*p) {
        names[n++] = *p++;
    }
    names[n] = '\0';
    *at = p;
    return wt_deg_any(d, names, 0);
}

static str first_hole(const wt_deg *d, const char *p, const char *end) {
    for (; p < end; p++)
        if (*p == '$') return hole(d, &p);
    return STR("");
}

static void fill(wt_deg *d, const char *p, const char *end) {
    while (p < end) {
        if (*p == '$') {
            bool is_silent = p[1] == '?';
            str value = hole(d, &p);
            if (!is_silent) buf_add(d->out, value);
        } else if (*p == '{') {
            const char *close = memchr(p, '}', (size_t)(end - p));
            if (!close) return;
            const char *other = memchr(p, '~', (size_t)(close - p));
            if (first_hole(d, p, other ? other : close).len)
                fill(d, p + 1, other ? other : close);
            else if (other)
                fill(d, other + 1, close);
            p = close + 1;
        } else {
            buf_byte(d->out, *p++);
        }
    }
}

void wt_deg_fill(wt_deg *d, const char *pattern) {
    fill(d, pattern, pattern + strlen(pattern));
}

void wt_deg_pattern(wt_deg *d) {
    wt_deg_fill(d, d->with);
}

void wt_deg_nothing(wt_deg *d) {
    (void)d;
}

// --- Names ----------------------------------------------------------------------------------

// "Template:Cite_web" as "cite web"; in `room`.
static str plain_name(char room[NAME_MAX_BYTES], str name) {
    size_t colon = str_find_byte(name, ':');
    name = str_trim(name);
    if (str_starts_nocase(name, STR("template:")) || str_starts_nocase(name, STR("module:")))
        name = str_trim(str_skip(name, colon + 1));
    name = str_first(name, NAME_MAX_BYTES);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        room[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '_' ? ' ' : c;
    }
    return (str){room, name.len};
}

static const wt_family_row *find_in(const wt_family_row *rows, size_t n, str name) {
    size_t a = 0, b = n;
    while (a < b) {
        size_t mid = a + (b - a) / 2;
        int order = str_cmp(str_of(rows[mid].name), name);
        if (!order) return &rows[mid];
        if (order < 0)
            a = mid + 1;
        else
            b = mid;
    }
    return NULL;
}

static const wt_family_row *family_of(str name) {
    static const wt_family_row icon = {" icon", wt_deg_icon, NULL};
    const wt_families *const tables[] = {&wt_families_words, &wt_families_notes, &wt_families_boxes,
                                         &wt_families_facts};
    for (size_t i = 0; i < countof(tables); i++) {
        const wt_family_row *row = find_in(tables[i]->rows, tables[i]->n, name);
        if (row) return row;
    }
    for (const wt_family_row *row = wt_families_prefix; row->name; row++)
        if (str_starts(name, str_of(row->name))) return row;
    return str_ends(name, str_of(icon.name)) ? &icon : NULL;
}

bool wt_families_know(str name) {
    char room[NAME_MAX_BYTES];
    return family_of(plain_name(room, name)) != NULL;
}

// {{FRA}}
static bool is_country_code(str name) {
    const char *country;
    char code[3];
    return name.len == 3 && wt_country(&country, code, name);
}

// --- The unknown ----------------------------------------------------------------------------

static void template_link(wt_deg *d) {
    str ns = wt_ns_name(d->p, d->ns);
    wt_deg_put(d, "[[:");
    buf_add(d->out, ns.len ? ns : d->ns == 10 ? STR("Template") : STR("Module"));
    wt_deg_put(d, ":");
    buf_add(d->out, d->shown);
    wt_deg_put(d, "|");
    buf_add(d->out, d->shown);
    wt_deg_put(d, "]]");
}

// "Name: a, b, c=d"
static void in_line(wt_deg *d) {
    wt_deg_put(d, "<span class=\"wt-template\">");
    template_link(d);
    for (size_t i = 0, n = 0; i < d->n; i++) {
        if (!d->args[i].value.len) continue;
        wt_deg_put(d, n++ ? ", " : ": ");
        if (!str_parse_u64(&(uint64_t){0}, d->args[i].name)) {
            buf_add(d->out, d->args[i].name);
            wt_deg_put(d, "=");
        }
        buf_add(d->out, d->args[i].value);
    }
    wt_deg_put(d, "</span>");
}

static void raw(wt_deg *d, const char *html) {
    wt_strip_add(d->out, d->p, WT_STRIP_EXT, str_of(html));
}

static void in_box(wt_deg *d) {
    buf head;
    buf_init(&head, d->p->mem, 96 + 2 * d->shown.len);
    buf_add(&head, STR("<details class=\"wt-template\"><summary>"));
    html_escape(&head, d->shown);
    buf_add(&head, STR("</summary>"));
    wt_deg_put(d, "<div>");
    wt_strip_add(d->out, d->p, WT_STRIP_EXT, buf_str(&head));
    wt_deg_put(d, "<table>\n");
    for (size_t i = 0; i < d->n; i++) {
        if (!d->args[i].value.len) continue;
        wt_deg_put(d, "<tr><th scope=\"row\">");
        buf_add(d->out, d->args[i].name);
        wt_deg_put(d, "</th><td>\n");
        buf_add(d->out, d->args[i].value);
        wt_deg_put(d, "\n</td></tr>\n");
    }
    wt_deg_put(d, "</table>\n");
    raw(d, "</details>");
    wt_deg_put(d, "</div>");
}

void wt_deg_unknown(wt_deg *d) {
    size_t bytes = 0, n = 0;
    bool has_lines = false;
    for (size_t i = 0; i < d->n; i++) {
        str value = d->args[i].value;
        bytes += value.len;
        n += value.len > 0;
        has_lines |= str_find_byte(value, '\n') < value.len;
    }
    if (n <= INLINE_ARGS && bytes <= INLINE_BYTES && !has_lines) return in_line(d);
    in_box(d);
}

// --- All of them ----------------------------------------------------------------------------

static bool read_args(wt_deg *d) {
    size_t room = 0;
    for (const wt_node *part = d->frame->part; part && room < ARGS_MAX; part = part->next)
        room++;
    if (!room) return true;
    d->args = arena_try_array(d->p->mem, room, sizeof *d->args);
    if (!d->args) return false;
    d->n = wt_frame_args(d->args, room, d->p, d->frame);
    for (size_t i = 0; i < d->n; i++) {
        d->args[i].value = str_trim(d->args[i].value);
        d->n_named += !str_parse_u64(&(uint64_t){0}, d->args[i].name);
    }
    return true;
}

// Whether the frame is of {{#invoke:}}.
static bool is_module(const wt_deg *d) {
    str ns = wt_ns_name(d->p, 828), title = d->frame->title;
    bool has_ns = ns.len && str_starts_nocase(title, ns) && title.len > ns.len;
    return d->frame->parent &&
           (str_starts_nocase(title, STR("module:")) || (has_ns && title.ptr[ns.len] == ':'));
}

// A module's work is what the template that calls it is for, on that template's arguments; a
// module of a family's name works on its own, when it has any.
static const wt_family_row *module_row(wt_deg *d, char room[NAME_MAX_BYTES]) {
    const wt_frame *caller = d->frame->parent;
    str title = plain_name(room, caller->title), name = d->name;
    const wt_family_row *row = family_of(title);
    if (row && !str_starts(name, STR("citation/cs1"))) {
        d->name = title;
    } else if (str_starts(name, STR("citation/cs1"))) {
        str class = STR("web");
        wt_frame_arg(&class, d->p, d->frame, STR("CitationClass"));
        d->name = arena_fmt(d->p->mem, "cite %.*s", STR_ARG(class));
        row = family_of(d->name);
    } else {
        row = family_of(name);
    }
    bool has_own = d->frame->part && !str_starts(name, STR("citation/cs1"));
    if (caller->part && (d->name.ptr != name.ptr || !has_own)) d->frame = caller;
    return row;
}

static bool show(void *arg, buf *out, wt_parser *p, str name, str function, const wt_frame *args) {
    (void)arg, (void)function;
    static const wt_family_row code = {"code", wt_deg_flag, "code"};
    char room[NAME_MAX_BYTES], room_of_caller[NAME_MAX_BYTES];
    wt_deg d = {.p = p, .out = out, .frame = args, .shown = str_trim(name), .ns = 10};
    if (str_starts_nocase(d.shown, STR("template:"))) d.shown = str_trim(str_skip(d.shown, 9));
    d.name = plain_name(room, name);
    if (is_module(&d)) d.ns = 828;
    const wt_family_row *row = d.ns == 828 ? module_row(&d, room_of_caller) : family_of(d.name);
    if (!row && is_country_code(d.shown)) row = &code;
    if (!read_args(&d)) return true;
    if (wt_spend(p, 1 + (uint32_t)d.n)) {
        buf_add(out, d.shown);
        return true;
    }
    d.with = row ? row->with : NULL;
    if (row)
        row->run(&d);
    else
        wt_deg_unknown(&d);
    return true;
}

const wt_module families = {.invoke = show};
