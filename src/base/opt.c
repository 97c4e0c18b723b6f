// Options: one setter per kind of value, used by every source.
//
// A source only finds (row, text) pairs and says where it found them; set_text() does the rest, so
// that a value means the same wherever it stands. Rejected: getopt_long, which knows nothing of
// lists, ranges, the environment or suggestions.
//
//   I1  a later source replaces a list, the same source adds to it: `seen` belongs to one source
//   I2  a failed source leaves the struct usable: every member still holds a value of its kind

#include "base/opt.h"

typedef struct stage {
    void *out;
    const opt_table *t;
    arena *a;
    err *e;
    bool seen[OPT_ROWS_MAX];  // this source has set the row (I1)
} stage;

static void *member(const stage *s, const opt *o) {
    return (char *)s->out + o->at;
}

static bool only_from_args(const opt *o) {
    return !strcmp(o->name, "help") || !strcmp(o->name, "version");
}

static const opt *find(const opt_table *t, str name) {
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(name, str_of(t->row[i].name))) return &t->row[i];
    return NULL;
}

// --- Values ----------------------------------------------------------------------------------

static status set_flag(stage *s, const opt *o, str text, str where) {
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq_nocase(text, str_of(words[i]))) {
            *(bool *)member(s, o) = i % 2;
            return OK;
        }
    return err_set(s->e, E_ARG, "%.*s: '%.*s' is neither yes nor no", STR_ARG(where),
                   STR_ARG(text));
}

static status set_int(stage *s, const opt *o, str text, str where) {
    int64_t v;
    if (!str_parse_i64(&v, text))
        return err_set(s->e, E_ARG, "%.*s: '%.*s' is no whole number", STR_ARG(where),
                       STR_ARG(text));
    if (v < o->min || v > o->max)
        return err_set(s->e, E_ARG, "%.*s: %lld is not between %lld and %lld", STR_ARG(where),
                       (long long)v, (long long)o->min, (long long)o->max);
    *(int64_t *)member(s, o) = v;
    return OK;
}

static status add_item(opt_list *list, const char *item, str where, arena *a, err *e) {
    if (list->n == OPT_LIST_MAX)
        return err_set(e, E_ARG, "%.*s: more than %d values", STR_ARG(where), OPT_LIST_MAX);
    if (!list->items) list->items = arena_array(a, const char *, OPT_LIST_MAX);
    list->items[list->n++] = item;
    return OK;
}

static opt_list *open_list(stage *s, const opt *o) {
    opt_list *list = member(s, o);
    bool *seen = &s->seen[o - s->t->row];
    if (!*seen) *list = (opt_list){0};  // I1
    *seen = true;
    return list;
}

static bool separates(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

static status set_list(stage *s, const opt *o, str text, str where) {
    opt_list *list = open_list(s, o);
    while (text.len) {
        size_t n = 0;
        while (n < text.len && !separates(text.ptr[n]))
            n++;
        if (n) TRY(add_item(list, arena_cstr(s->a, str_first(text, n)), where, s->a, s->e));
        text = str_skip(text, n + 1);
    }
    return OK;
}

static status set_text(stage *s, const opt *o, str text, str where) {
    switch (o->kind) {
    case OPT_FLAG:
        return set_flag(s, o, text, where);
    case OPT_INT:
        return set_int(s, o, text, where);
    case OPT_LIST:
        return set_list(s, o, text, where);
    case OPT_STR:
        *(const char **)member(s, o) = arena_cstr(s->a, text);
        return OK;
    }
    return OK;
}

static stage stage_of(void *out, const opt_table *t, arena *a, err *e) {
    CHECK(t->n <= OPT_ROWS_MAX);
    return (stage){.out = out, .t = t, .a = a, .e = e};
}

// --- Suggestions -----------------------------------------------------------------------------

// Levenshtein's distance of two names, which are cut at 63 bytes.
static size_t distance(str a, str b) {
    size_t row[64];
    a = str_first(a, 63), b = str_first(b, 63);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            best = min_size(best, min_size(row[j], row[j - 1]) + 1);
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
}

static const opt *nearest(const opt_table *t, str name) {
    const opt *best = NULL;
    size_t least = name.len < 3 ? 0 : max_size(2, name.len / 3) + 1;  // any two letters are near
    for (size_t i = 0; i < t->n; i++) {
        size_t d = distance(name, str_of(t->row[i].name));
        if (d < least) least = d, best = &t->row[i];
    }
    return best;
}

static status unknown(stage *s, str where, const char *what, const char *dashes, str name) {
    const opt *o = nearest(s->t, name);
    return err_set(s->e, E_ARG, "%.*sunknown %s '%s%.*s'%s%s%s%s", STR_ARG(where), what, dashes,
                   STR_ARG(name), o ? ", did you mean '" : "", o ? dashes : "", o ? o->name : "",
                   o ? "'?" : "");
}

// --- Defaults, config file, environment ------------------------------------------------------

void opt_set_defaults(void *out, const opt_table *t, arena *a) {
    static const size_t size[] = {[OPT_FLAG] = sizeof(bool),
                                  [OPT_STR] = sizeof(char *),
                                  [OPT_INT] = sizeof(int64_t),
                                  [OPT_LIST] = sizeof(opt_list)};
    stage s = stage_of(out, t, a, NULL);
    for (size_t i = 0; i < t->n; i++) {
        const opt *o = &t->row[i];
        memset(member(&s, o), 0, size[o->kind]);
        CHECK(!o->dflt || set_text(&s, o, str_of(o->dflt), STR("default")) == OK);
    }
}

// Without what follows a # at the start or behind a space.
static str without_comment(str line) {
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            return str_first(line, i);
    return line;
}

static status config_line(stage *s, str line, str where) {
    if (str_find_byte(line, '=') == line.len)
        return err_set(s->e, E_ARG, "%.*s: expected 'name = value'", STR_ARG(where));
    str name = str_trim(str_cut(&line, '='));
    const opt *o = find(s->t, name);
    if (!o || only_from_args(o) || !strcmp(o->name, "config"))
        return unknown(s, arena_fmt(s->a, "%.*s: ", STR_ARG(where)), "option", "", name);
    return set_text(s, o, str_trim(line), arena_fmt(s->a, "%.*s: %s", STR_ARG(where), o->name));
}

status opt_from_config(void *out, const opt_table *t, str text, const char *path, arena *a,
                       err *e) {
    stage s = stage_of(out, t, a, e);
    bool ours = true;
    for (int n = 1; text.len; n++) {
        str line = str_trim(without_comment(str_cut(&text, '\n')));
        if (line.len == 0) continue;
        if (line.ptr[0] == '[' && str_ends(line, STR("]")))
            ours = str_eq(str_trim((str){line.ptr + 1, line.len - 2}), str_of(t->command));
        else if (ours)
            TRY(config_line(&s, line, arena_fmt(a, "%s:%d", path, n)));
    }
    return OK;
}

str opt_env_name(arena *a, const char *name) {
    str full = arena_fmt(a, "PARALLELOPEDIA_%s", name);
    for (char *p = (char *)full.ptr; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    return full;
}

status opt_from_env(void *out, const opt_table *t, char *(*env)(const char *name), arena *a,
                    err *e) {
    stage s = stage_of(out, t, a, e);
    for (size_t i = 0; i < t->n; i++) {
        str name = opt_env_name(a, t->row[i].name);
        const char *value = only_from_args(&t->row[i]) ? NULL : env(name.ptr);
        if (value && *value) TRY(set_text(&s, &t->row[i], str_of(value), name));
    }
    return OK;
}

// --- Command line ----------------------------------------------------------------------------

typedef struct words {
    int n;  // how many are left
    char **next;
} words;

// "-5" and "-" are values; "--x" and "-x" are options.
static bool is_option(const char *word) {
    return word[0] == '-' && word[1] != 0 && !(word[1] >= '0' && word[1] <= '9');
}

static status take_list(stage *s, const opt *o, words *w, str where) {
    opt_list *list = open_list(s, o);
    size_t before = list->n;
    for (; w->n && !is_option(*w->next); w->n--)
        TRY(add_item(list, *w->next++, where, s->a, s->e));
    if (list->n == before)
        return err_set(s->e, E_ARG, "%.*s wants at least one %s", STR_ARG(where), o->arg);
    return OK;
}

// `value` has a NULL pointer when there was no "=".
static status take_option(stage *s, const opt *o, str value, words *w, str where) {
    if (o->kind == OPT_LIST && !value.ptr) return take_list(s, o, w, where);
    if (o->kind == OPT_LIST) {
        return add_item(open_list(s, o), arena_cstr(s->a, value), where, s->a, s->e);
    }
    if (o->kind == OPT_FLAG && !value.ptr) value = STR("1");
    if (!value.ptr) {
        if (w->n == 0 || is_option(*w->next))
            return err_set(s->e, E_ARG, "%.*s wants a value: %.*s=%s", STR_ARG(where),
                           STR_ARG(where), o->arg);
        value = str_of(*w->next++);
        w->n--;
    }
    return set_text(s, o, value, where);
}

// `word` is "--name", "--name=value", "--no-name" or "-h".
static status option(stage *s, const char *word, words *w) {
    str name = str_of(word), value = {0};
    if (str_eq(name, STR("-h"))) name = STR("--help");
    if (!str_starts(name, STR("--"))) return unknown(s, (str){0}, "option", "", name);
    size_t eq = str_find_byte(name, '=');
    if (eq < name.len) value = (str){name.ptr + eq + 1, name.len - eq - 1};
    str where = str_first(name, eq);
    name = str_skip(where, 2);
    const opt *o = find(s->t, name);
    if (!o && !value.ptr && str_starts(name, STR("no-"))) {
        o = find(s->t, str_skip(name, 3));
        if (o && o->kind == OPT_FLAG) return set_text(s, o, STR("0"), where);
        o = NULL;
    }
    if (!o) return unknown(s, (str){0}, "option", "--", name);
    return take_option(s, o, value, w, where);
}

status opt_from_args(void *out, opt_list *rest, const opt_table *t, int argc, char **argv, arena *a,
                     err *e) {
    stage s = stage_of(out, t, a, e);
    words w = {argc, argv};
    *rest = (opt_list){0};
    for (bool options = true; w.n;) {
        const char *word = *w.next++;
        w.n--;
        if (options && !strcmp(word, "--"))
            options = false;
        else if (options && is_option(word))
            TRY(option(&s, word, &w));
        else
            TRY(add_item(rest, word, STR("arguments"), a, e));
    }
    return OK;
}

// --- All of them -----------------------------------------------------------------------------

static status check_rest(const opt_table *t, const opt_list *rest, err *e) {
    if (rest->n < t->rest_min) return err_set(e, E_ARG, "%s wants %s", t->command, t->rest);
    if (rest->n > t->rest_max)
        return err_set(e, E_ARG, "%s: unexpected argument '%s'", t->command,
                       rest->items[t->rest_max]);
    return OK;
}

// Environment and command line; the config file's name is known only after them.
static status outer(void *out, opt_list *rest, const opt_table *t, const opt_source *from, arena *a,
                    err *e) {
    if (from->env) TRY(opt_from_env(out, t, from->env, a, e));
    return opt_from_args(out, rest, t, from->argc, from->argv, a, e);
}

status opt_parse(void *out, opt_list *rest, const opt_table *t, const opt_source *from, arena *a,
                 err *e) {
    opt_set_defaults(out, t, a);
    TRY(outer(out, rest, t, from, a, e));
    const opt *help = find(t, STR("help")), *config = find(t, STR("config"));
    if (help && *(bool *)((char *)out + help->at)) return OK;
    const char *path = config ? *(const char **)((char *)out + config->at) : NULL;
    if (path && from->read) {
        str text = {0};
        TRY(from->read(&text, path, a, e));
        opt_set_defaults(out, t, a);
        TRY(opt_from_config(out, t, text, path, a, e));
        TRY(outer(out, rest, t, from, a, e));
    }
    return check_rest(t, rest, e);
}

// --- Help ------------------------------------------------------------------------------------

static str left_side(const opt *o, arena *a) {
    const char *dots = o->kind == OPT_LIST ? "..." : "";
    if (o->arg) return arena_fmt(a, "  --%s %s%s", o->name, o->arg, dots);
    return arena_fmt(a, "  --%s", o->name);
}

static str right_side(const opt *o, arena *a) {
    str dflt = o->dflt ? arena_fmt(a, " (default: %s)", o->dflt) : (str){0};
    str env = opt_env_name(a, o->name);
    if (only_from_args(o)) return arena_fmt(a, "%s", o->about);
    return arena_fmt(a, "%s%.*s [%s]", o->about, STR_ARG(dflt), env.ptr);
}

// Writes words from column `at` on; lines after the first start at column `indent`.
static void wrap(buf *to, str text, size_t at, size_t indent) {
    for (bool first = true; text.len; first = false) {
        str word = str_cut(&text, ' ');
        if (!first && at + 1 + word.len > OPT_HELP_COLUMNS) {
            buf_fmt(to, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            buf_byte(to, ' ');
            at++;
        }
        buf_add(to, word);
        at += word.len;
    }
    buf_byte(to, '\n');
}

void opt_help(buf *to, const opt_table *t, const char *program, arena scratch) {
    enum { LEFT_MAX = 26 };
    size_t width = 0;
    for (size_t i = 0; i < t->n; i++) {
        arena a = scratch;
        size_t n = left_side(&t->row[i], &a).len;
        if (n <= LEFT_MAX) width = max_size(width, n);
    }
    width += 2;
    buf_fmt(to, "usage: %s %s [options]%s%s\n\n", program, t->command, t->rest ? " " : "",
            t->rest ? t->rest : "");
    wrap(to, str_of(t->about), 0, 0);
    buf_byte(to, '\n');
    for (size_t i = 0; i < t->n; i++) {
        arena a = scratch;
        str left = left_side(&t->row[i], &a);
        buf_add(to, left);
        if (left.len + 2 > width) buf_byte(to, '\n');
        buf_fmt(to, "%*s", (int)(left.len + 2 > width ? width : width - left.len), "");
        wrap(to, right_side(&t->row[i], &a), width, width);
    }
}
