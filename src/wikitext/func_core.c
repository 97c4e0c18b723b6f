// wikitext/func_core.c -- functions that change a text: case, numbers, plurals, URLs, tags.
//
// I1  Markers pass through unchanged where the text around them is changed, and are dropped where
//     the text becomes part of a URL.

#include "base/utf8.h"
#include "lang/lang.h"
#include "lang/number.h"
#include "wikitext/func.h"
#include "wikitext/link.h"

#include <utf8proc.h>

// --- What the functions share ------------------------------------------------------------------

bool wt_expensive(wt_parser *p) {
    if (++p->page->expensive <= p->limits.expensive) return true;
    p->over |= WT_OVER_EXPENSIVE;
    return false;
}

str wt_unmarked(const wt_call *c, str s) {
    if (str_find_byte(s, WT_MARK) == s.len) return s;
    buf b;
    buf_init(&b, c->p->mem, s.len);
    wt_strip_kill(&b, s);
    return buf_str(&b);
}

void wt_put_error(buf *out, str sentence) {
    buf_add(out, STR("<strong class=\"error\">"));
    html_escape(out, sentence);
    buf_add(out, STR("</strong>"));
}

bool wt_call_option(const wt_call *c, str option) {
    for (uint32_t i = 1; i < c->n; i++)
        if (str_eq_nocase(wt_call_arg(c, i), option)) return true;
    return false;
}

const lang_row *wt_page_lang(const wt_parser *p) {
    return lang_find(p->world->site->lang);
}

void wt_between_marks(buf *out, str s, void (*change)(buf *out, str part, const void *arg),
                      const void *arg) {
    while (s.len) {
        wt_strip kind;
        uint32_t index;
        size_t at = str_find_byte(s, WT_MARK);
        if (at) change(out, str_first(s, at), arg);
        s = str_skip(s, at);
        size_t n = s.len && wt_mark_at(&kind, &index, s) ? WT_MARK_LEN : min_size(s.len, 1);
        buf_add(out, str_first(s, n));
        s = str_skip(s, n);
    }
}

// --- Case ------------------------------------------------------------------------------------

static void upper(buf *out, str part, const void *arg) {
    (void)arg;
    lang_upper(out, part);
}

static void lower(buf *out, str part, const void *arg) {
    (void)arg;
    lang_lower(out, part);
}

static wt_result run_uc(buf *out, const wt_call *c) {
    wt_between_marks(out, c->first, upper, NULL);
    return WT_DONE;
}

static wt_result run_lc(buf *out, const wt_call *c) {
    wt_between_marks(out, c->first, lower, NULL);
    return WT_DONE;
}

static wt_result run_ucfirst(buf *out, const wt_call *c) {
    lang_upper_first(out, c->first);
    return WT_DONE;
}

static wt_result run_lcfirst(buf *out, const wt_call *c) {
    lang_lower_first(out, c->first);
    return WT_DONE;
}

// --- Numbers ---------------------------------------------------------------------------------

typedef struct number_style {
    const lang_row *lang;
    bool is_plain, has_separators;
} number_style;

static void number(buf *out, str part, const void *arg) {
    const number_style *style = arg;
    if (style->is_plain)
        lang_parse_number(out, part, style->lang);
    else
        lang_format_number(out, part, style->lang, style->has_separators);
}

// More digits on end than a double is sure of.
static bool is_over_precise(str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len && n <= 15; i++)
        n = s.ptr[i] >= '0' && s.ptr[i] <= '9' ? n + 1 : s.ptr[i] == '.' ? n : 0;
    return n > 15;
}

static wt_result run_formatnum(buf *out, const wt_call *c) {
    number_style style = {.lang = wt_page_lang(c->p)};
    str how = wt_call_arg(c, 1);
    style.is_plain = str_eq(how, STR("R"));
    style.has_separators = !str_eq_nocase(how, STR("NOSEP"));
    if (wt_call_option(c, STR("LOSSLESS")) && is_over_precise(c->first)) {
        buf_add(out, c->first);
        return WT_DONE;
    }
    wt_between_marks(out, c->first, number, &style);
    return WT_DONE;
}

// "12=a dozen" names its number; the others are forms in the order of the language's rule.
static wt_result run_plural(buf *out, const wt_call *c) {
    const lang_row *lang = wt_page_lang(c->p);
    num n, named;
    buf plain;
    buf_init(&plain, c->p->mem, c->first.len);
    lang_parse_number(&plain, c->first, lang);
    num_prefix(&n, buf_str(&plain));
    uint32_t n_forms = 0;
    int wanted = lang_plural_form(lang->plural, n.d);
    str chosen = {0};
    for (uint32_t i = 1; i < c->n; i++) {
        str form = wt_call_arg(c, i);
        size_t at = str_find_byte(form, '=');
        bool is_named = at < form.len && num_read(&named, str_first(form, at)) && named.is_int &&
                        str_trim(str_first(form, at)).len == at;
        if (is_named && named.d == n.d) {
            buf_add(out, str_trim(str_skip(form, at + 1)));
            return WT_DONE;
        }
        if (!is_named && (int)n_forms++ <= wanted) chosen = form;
    }
    buf_add(out, chosen);
    return WT_DONE;
}

// --- Words -----------------------------------------------------------------------------------

static wt_result run_grammar(buf *out, const wt_call *c) {
    buf_add(out, wt_call_arg(c, 1));
    return WT_DONE;
}

// Nobody here said what to be called: the neutral form, else the first.
static wt_result run_gender(buf *out, const wt_call *c) {
    buf_add(out, wt_call_arg(c, c->n > 3 ? 3 : 1));
    return WT_DONE;
}

// The direction of the first letter that has one: -1 right to left, 1 left to right, 0 none.
static int direction_of(str s) {
    while (s.len) {
        int32_t cp;
        s = str_skip(s, utf8_decode(&cp, s));
        if (cp < 0) continue;
        int class = utf8proc_get_property(cp)->bidi_class;
        if (class == UTF8PROC_BIDI_CLASS_L) return 1;
        if (class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL) return -1;
    }
    return 0;
}

static wt_result run_bidi(buf *out, const wt_call *c) {
    int direction = direction_of(c->first);
    if (direction) buf_add(out, direction < 0 ? STR("\xE2\x80\xAB") : STR("\xE2\x80\xAA"));
    buf_add(out, c->first);
    if (direction) buf_add(out, STR("\xE2\x80\xAC"));
    return WT_DONE;
}

static wt_result run_language(buf *out, const wt_call *c) {
    buf code;
    buf_init(&code, c->p->mem, c->first.len);
    lang_lower(&code, c->first);
    str name = lang_name(buf_str(&code), str_starts_nocase(wt_call_arg(c, 1), STR("en")));
    buf_add(out, name.len ? name : c->first);
    return WT_DONE;
}

static wt_result run_dir(buf *out, const wt_call *c) {
    str code = c->first.len ? c->first : c->p->world->site->lang;
    buf_add(out, lang_is_rtl(code) ? STR("rtl") : STR("ltr"));
    return WT_DONE;
}

// What the software calls a language, as BCP 47 does: mostly a question of case.
static wt_result run_bcp47(buf *out, const wt_call *c) {
    static const struct {
        str ours, theirs;
    } others[] = {
        {STR_INIT("als"), STR_INIT("gsw")},
        {STR_INIT("bat-smg"), STR_INIT("sgs")},
        {STR_INIT("be-x-old"), STR_INIT("be-tarask")},
        {STR_INIT("cbk-zam"), STR_INIT("cbk")},
        {STR_INIT("de-formal"), STR_INIT("de-x-formal")},
        {STR_INIT("eml"), STR_INIT("egl")},
        {STR_INIT("fiu-vro"), STR_INIT("vro")},
        {STR_INIT("map-bms"), STR_INIT("jv-x-bms")},
        {STR_INIT("nrm"), STR_INIT("nrf")},
        {STR_INIT("roa-rup"), STR_INIT("rup")},
        {STR_INIT("roa-tara"), STR_INIT("nap-x-tara")},
        {STR_INIT("simple"), STR_INIT("en-simple")},
        {STR_INIT("sr-ec"), STR_INIT("sr-Cyrl")},
        {STR_INIT("sr-el"), STR_INIT("sr-Latn")},
        {STR_INIT("zh-classical"), STR_INIT("lzh")},
        {STR_INIT("zh-min-nan"), STR_INIT("nan")},
        {STR_INIT("zh-yue"), STR_INIT("yue")},
    };
    str rest = c->first.len ? c->first : c->p->world->site->lang;
    for (size_t i = 0; i < countof(others); i++)
        if (str_eq_nocase(rest, others[i].ours)) rest = others[i].theirs;
    for (bool is_first = true; rest.len; is_first = false) {
        str part = str_cut(&rest, '-');
        if (!is_first) buf_byte(out, '-');
        for (size_t i = 0; i < part.len; i++) {
            bool is_letter = (part.ptr[i] | 0x20) >= 'a' && (part.ptr[i] | 0x20) <= 'z';
            bool is_high = !is_first && (part.len == 2 || (part.len == 4 && i == 0));
            buf_byte(out, !is_letter ? part.ptr[i]
                          : is_high  ? (char)(part.ptr[i] & ~0x20)
                                     : (char)(part.ptr[i] | 0x20));
        }
    }
    return WT_DONE;
}

// --- URLs ------------------------------------------------------------------------------------

void wt_url_encode(buf *out, str s, wt_url_style style) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' ||
                       c == '_' || c == '.';
        bool is_kept = is_word || (style != WT_URL_QUERY && c == '~') ||
                       (style == WT_URL_WIKI && c && strchr(";@$!*(),/:", c));
        if (c == ' ' && style != WT_URL_PATH)
            buf_byte(out, style == WT_URL_QUERY ? '+' : '_');
        else if (is_kept)
            buf_byte(out, c);
        else
            buf_add(out, (str){(char[]){'%', hex[(unsigned char)c >> 4], hex[c & 15]}, 3});
    }
}

static wt_result run_urlencode(buf *out, const wt_call *c) {
    str how = wt_call_arg(c, 1);
    wt_url_style style = str_eq_nocase(how, STR("PATH"))   ? WT_URL_PATH
                         : str_eq_nocase(how, STR("WIKI")) ? WT_URL_WIKI
                                                           : WT_URL_QUERY;
    wt_url_encode(out, wt_unmarked(c, c->first), style);
    return WT_DONE;
}

// --- Anchors ---------------------------------------------------------------------------------

// "[[a|b]]" and "[http://a b]" as they are read.
static str without_links(wt_parser *p, str s) {
    buf b;
    bool has_close[2] = {true, true};  // of "]", "]]": looked for in vain but once
    buf_init(&b, p->mem, s.len);
    while (s.len) {
        size_t at = str_find_byte(s, '['), end, bar;
        buf_add(&b, str_first(s, at));
        s = str_skip(s, at);
        end = s.len;
        bool is_inner = str_starts(s, STR("[["));
        if (has_close[is_inner]) end = is_inner ? str_find(s, STR("]]")) : str_find_byte(s, ']');
        has_close[is_inner] = end < s.len;
        str inside = str_skip(str_first(s, end), is_inner ? 2 : 1);
        bar = str_find_byte(inside, is_inner ? '|' : ' ');
        if (end < s.len && is_inner) {
            if (bar == inside.len && str_starts(inside, STR(":"))) inside = str_skip(inside, 1);
            buf_add(&b, bar < inside.len ? str_skip(inside, bar + 1) : inside);
            s = str_skip(s, end + 2);
        } else if (end < s.len && bar < inside.len && wt_scheme(inside)) {
            buf_add(&b, str_trim(str_skip(inside, bar + 1)));
            s = str_skip(s, end + 1);
        } else {
            buf_add(&b, str_first(s, 1));
            s = str_skip(s, 1);
        }
    }
    return buf_str(&b);
}

static str without_tags(wt_parser *p, str s) {
    buf b;
    buf_init(&b, p->mem, s.len);
    while (s.len) {
        size_t at = str_find_byte(s, '<'), end = at + str_find_byte(str_skip(s, at), '>');
        buf_add(&b, str_first(s, end < s.len ? at : s.len));
        s = str_skip(s, end + 1);
    }
    return buf_str(&b);
}

static str collapsed(wt_parser *p, str s) {
    buf b;
    buf_init(&b, p->mem, s.len);
    s = str_trim(s);
    for (size_t i = 0; i < s.len; i++) {
        bool is_blank = s.ptr[i] == ' ' || s.ptr[i] == '_';
        if (!is_blank || !i || (s.ptr[i - 1] != ' ' && s.ptr[i - 1] != '_'))
            buf_byte(&b, is_blank ? ' ' : s.ptr[i]);
    }
    return buf_str(&b);
}

// Escaped so that no later pass finds wikitext in it.
static void put_attribute(buf *out, str s, arena *a) {
    static const struct {
        str from, to;
    } pairs[] = {
        {STR_INIT("["), STR_INIT("&#91;")},         {STR_INIT("]"), STR_INIT("&#93;")},
        {STR_INIT("{"), STR_INIT("&#123;")},        {STR_INIT("}"), STR_INIT("&#125;")},
        {STR_INIT("|"), STR_INIT("&#124;")},        {STR_INIT("''"), STR_INIT("&#39;&#39;")},
        {STR_INIT("__"), STR_INIT("&#95;_")},       {STR_INIT("RFC "), STR_INIT("&#82;FC ")},
        {STR_INIT("ISBN "), STR_INIT("&#73;SBN ")}, {STR_INIT("PMID "), STR_INIT("&#80;MID ")},
    };
    buf b;
    buf_init(&b, a, s.len + s.len / 4);
    for (size_t i = 0; i < s.len;) {
        size_t used = 0;
        for (size_t j = 0; j < countof(pairs) && !used; j++)
            if (str_starts(str_skip(s, i), pairs[j].from)) {
                buf_add(out, pairs[j].to);
                used = pairs[j].from.len;
            }
        if (!used) html_escape(out, (str){s.ptr + i, used = 1});
        i += used;
    }
}

// Runs of apostrophes are markup: two, three or five of them.
static str without_quotes(wt_parser *p, str s) {
    buf b;
    buf_init(&b, p->mem, s.len);
    for (size_t i = 0; i < s.len;) {
        size_t n = 0;
        while (i + n < s.len && s.ptr[i + n] == '\'')
            n++;
        size_t kept = n == 1 || n == 4 ? 1 : n > 5 ? n - 5 : 0;
        buf_add(&b, (str){s.ptr + i, n ? kept : 1});
        i += n ? n : 1;
    }
    return buf_str(&b);
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static wt_result run_anchorencode(buf *out, const wt_call *c) {
    wt_parser *p = c->p;
    str s = without_quotes(p, without_links(p, wt_unmarked(c, c->first)));
    s = html_id(collapsed(p, html_decode(without_tags(p, s), p->mem)), p->mem);
    buf b;
    buf_init(&b, p->mem, s.len);
    for (size_t i = 0; i < s.len; i++) {
        bool is_code =
            s.ptr[i] == '%' && i + 2 < s.len && is_hex(s.ptr[i + 1]) && is_hex(s.ptr[i + 2]);
        buf_add(&b, is_code ? STR("%25") : (str){s.ptr + i, 1});
    }
    put_attribute(out, buf_str(&b), p->mem);
    return WT_DONE;
}

// --- #tag ------------------------------------------------------------------------------------

// An argument with the spaces around it.
static str untrimmed(const wt_call *c, const wt_node *part) {
    buf b;
    buf_init(&b, c->p->mem, 0);
    const wt_node *key = part->child, *value = key && key->kind == WT_KEY ? key->next : key;
    if (key != value) {
        buf_add(&b, wt_expand_str(c->p, c->frame, key));
        buf_byte(&b, '=');
    }
    if (value) buf_add(&b, wt_expand_str(c->p, c->frame, value));
    return buf_str(&b);
}

// Without the quotes around it.
static str unquoted(str s) {
    bool is_quoted = s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') &&
                     (s.ptr[s.len - 1] == '"' || s.ptr[s.len - 1] == '\'');
    return is_quoted ? str_first(str_skip(s, 1), s.len - 2) : s;
}

static str tag_attributes(const wt_call *c) {
    buf b;
    buf_init(&b, c->p->mem, 0);
    for (uint32_t i = 2; i < c->n; i++) {
        str key, value;
        if (!wt_call_pair(&key, &value, c, i)) continue;
        buf_byte(&b, ' ');
        html_escape(&b, key);
        buf_add(&b, STR("=\""));
        html_escape(&b, unquoted(value));
        buf_byte(&b, '"');
    }
    return buf_str(&b);
}

static wt_result run_tag(buf *out, const wt_call *c) {
    buf name;
    buf_init(&name, c->p->mem, c->first.len);
    lang_lower(&name, c->first);
    const wt_node *part = wt_call_part(c, 1);
    str inner = part ? untrimmed(c, part) : (str){0}, attrs = tag_attributes(c);
    if (wt_ext_known(buf_str(&name))) {
        wt_ext_call(out, c->p, c->frame, buf_str(&name), attrs, inner, part != NULL);
        return WT_DONE;
    }
    buf_byte(out, '<');
    buf_add(out, buf_str(&name));
    buf_add(out, attrs);
    buf_add(out, part ? STR(">") : STR("/>"));
    if (!part) return WT_DONE;
    buf_add(out, inner);
    buf_add(out, STR("</"));
    buf_add(out, buf_str(&name));
    buf_byte(out, '>');
    return WT_DONE;
}

// --- int -------------------------------------------------------------------------------------

// "$1" by the arguments.
static void put_filled(buf *out, const wt_call *c, str text) {
    while (text.len) {
        size_t at = str_find_byte(text, '$');
        buf_add(out, str_first(text, at));
        text = str_skip(text, at);
        uint32_t i = text.len > 1 && text.ptr[1] > '0' && text.ptr[1] <= '9'
                         ? (uint32_t)(text.ptr[1] - '0')
                         : 0;
        if (i && wt_call_has(c, i))
            buf_add(out, wt_call_arg(c, i));
        else
            buf_add(out, str_first(text, i ? 2 : 1));
        text = str_skip(text, i ? 2 : 1);
    }
}

// What the wiki itself says in place of the software: a page of its own namespace.
static bool message_page(str *text, wt_parser *p, str key) {
    enum { NS_MESSAGES = 8 };
    wt_title t;
    wt_source source;
    if (!wt_title_parse(&t, p, key, NS_MESSAGES) || t.ns != NS_MESSAGES) return false;
    if (!p->world->source || !p->world->source(p->world->arg, &source, t.full, p->mem))
        return false;
    wt_note_used(p, source.title, source.hash);
    *text = source.text;
    return true;
}

static wt_result run_int(buf *out, const wt_call *c) {
    const wt_world *w = c->p->world;
    str text;
    buf b;
    if (!c->first.len) return WT_NOT_MINE;
    buf_init(&b, c->p->mem, c->first.len);
    lang_lower_first(&b, c->first);
    for (size_t i = 0; i < b.len; i++)
        if (b.ptr[i] == ' ') b.ptr[i] = '_';
    if ((w->message && w->message(w->arg, &text, buf_str(&b), c->p->mem)) ||
        message_page(&text, c->p, buf_str(&b)) || wt_message_own(&text, buf_str(&b))) {
        put_filled(out, c, wt_scrub(text, c->p->mem));
        return WT_AGAIN;
    }
    buf_add(out, STR("\xE2\xA7\xBC"));
    html_escape(out, buf_str(&b));
    buf_add(out, STR("\xE2\xA7\xBD"));
    return WT_DONE;
}

// --- What has no data here -----------------------------------------------------------------------

// Wikidata, coordinates, protection: nothing of them is in a dump of pages.
static wt_result run_nothing(buf *out, const wt_call *c) {
    (void)out, (void)c;
    return WT_DONE;
}

static wt_result run_protectionexpiry(buf *out, const wt_call *c) {
    if (c->first.len) buf_add(out, STR("infinity"));
    return WT_DONE;
}

static wt_result run_isbn(buf *out, const wt_call *c) {
    wt_put_isbn(out, c->p, c->first);
    return WT_HTML;
}

const wt_func wt_funcs_core[] = {
    {"isbn", .has_hash = true, .run = run_isbn},
    {"uc", .run = run_uc},
    {"lc", .run = run_lc},
    {"ucfirst", .run = run_ucfirst},
    {"lcfirst", .run = run_lcfirst},
    {"formatnum", .run = run_formatnum},
    {"plural", .run = run_plural},
    {"grammar", .run = run_grammar},
    {"gender", .run = run_gender},
    {"bidi", .run = run_bidi},
    {"language", .has_hash = true, .run = run_language},
    {"dir", .has_hash = true, .run = run_dir},
    {"bcp47", .has_hash = true, .run = run_bcp47},
    {"urlencode", .run = run_urlencode},
    {"anchorencode", .run = run_anchorencode},
    {"tag", .has_hash = true, .run = run_tag},
    {"int", .run = run_int},
    {"property", .has_hash = true, .run = run_nothing},
    {"statements", .has_hash = true, .run = run_nothing},
    {"coordinates", .has_hash = true, .run = run_nothing},
    {"related", .has_hash = true, .run = run_nothing},
    {"assessment", .has_hash = true, .run = run_nothing},
    {"noexternallanglinks", .no_args = true, .run = run_nothing},
    {"PROTECTIONLEVEL", .is_case_sensitive = true, .run = run_nothing},
    {"PROTECTIONEXPIRY", .is_case_sensitive = true, .run = run_protectionexpiry},
    {"CASCADINGSOURCES", .no_args = true, .is_case_sensitive = true, .run = run_nothing},
    {0},
};
