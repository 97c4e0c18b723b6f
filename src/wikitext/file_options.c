// wikitext/file_options.c -- what stands behind the pipes of [[File:x.jpg|thumb|left|A caption]].
//
// A part is an option when a table knows it, else it is the caption; of captions the last counts.
// Parts are read in wikitext that other passes have been over: captions have markers and tags.
//
//   Source    https://www.mediawiki.org/wiki/Help:Images

#include "wikitext/file.h"

// --- Words -----------------------------------------------------------------------------------

typedef struct word {
    const char *text;
    wt_picture_option option;
    const char *canonical;
} word;

static const word words[] = {
    {"thumb", OPTION_FORMAT, "thumb"},
    {"thumbnail", OPTION_FORMAT, "thumb"},
    {"frame", OPTION_FORMAT, "frame"},
    {"framed", OPTION_FORMAT, "frame"},
    {"enframed", OPTION_FORMAT, "frame"},
    {"frameless", OPTION_FORMAT, "frameless"},
    {"right", OPTION_HALIGN, "right"},
    {"left", OPTION_HALIGN, "left"},
    {"none", OPTION_HALIGN, "none"},
    {"center", OPTION_HALIGN, "center"},
    {"centre", OPTION_HALIGN, "center"},
    {"border", OPTION_BORDER, ""},
    {"upright", OPTION_UPRIGHT, ""},
    {"baseline", OPTION_VALIGN, "baseline"},
    {"sub", OPTION_VALIGN, "sub"},
    {"super", OPTION_VALIGN, "super"},
    {"sup", OPTION_VALIGN, "super"},
    {"top", OPTION_VALIGN, "top"},
    {"text-top", OPTION_VALIGN, "text-top"},
    {"middle", OPTION_VALIGN, "middle"},
    {"bottom", OPTION_VALIGN, "bottom"},
    {"text-bottom", OPTION_VALIGN, "text-bottom"},
    {"muted", OPTION_MUTED, ""},
    {"loop", OPTION_LOOP, ""},
};

// With a value behind them.
static const word prefixes[] = {
    {"alt=", OPTION_ALT, ""},
    {"link=", OPTION_LINK, ""},
    {"class=", OPTION_CLASS, ""},
    {"upright=", OPTION_UPRIGHT, ""},
    {"upright ", OPTION_UPRIGHT, ""},
    {"thumb=", OPTION_MANUAL, ""},
    {"thumbnail=", OPTION_MANUAL, ""},
    {"page=", OPTION_PAGE, ""},
    {"page ", OPTION_PAGE, ""},
    {"lang=", OPTION_LANG, ""},
    {"start=", OPTION_START, ""},
    {"end=", OPTION_END, ""},
    {"thumbtime=", OPTION_THUMBTIME, ""},
    {"disablecontrols=", OPTION_UNUSED, ""},
};

// Words of other languages, each with what it says in English.
static const struct {
    const char *lang, *text, *english;
} local_words[] = {
    {"de", "mini", "thumb"},
    {"de", "miniatur", "thumb"},
    {"de", "rechts", "right"},
    {"de", "links", "left"},
    {"de", "zentriert", "center"},
    {"de", "ohne", "none"},
    {"de", "gerahmt", "frame"},
    {"de", "rahmenlos", "frameless"},
    {"de", "rand", "border"},
    {"de", "hochkant", "upright"},
    {"de", "hochkant=", "upright="},
    {"de", "alternativtext=", "alt="},
    {"de", "verweis=", "link="},
    {"de", "klasse=", "class="},
    {"de", "mini=", "thumb="},
    {"de", "Seite=", "page="},
    {"fr", "vignette", "thumb"},
    {"fr", "droite", "right"},
    {"fr", "gauche", "left"},
    {"fr", "centré", "center"},
    {"fr", "néant", "none"},
    {"fr", "cadre", "frame"},
    {"fr", "encadré", "frame"},
    {"fr", "sans_cadre", "frameless"},
    {"fr", "non_encadré", "frameless"},
    {"fr", "bordure", "border"},
    {"fr", "redresse", "upright"},
    {"fr", "redresse=", "upright="},
    {"fr", "lien=", "link="},
    {"fr", "vignette=", "thumb="},
    {"es", "miniatura", "thumb"},
    {"es", "miniaturadeimagen", "thumb"},
    {"es", "mini", "thumb"},
    {"es", "derecha", "right"},
    {"es", "izquierda", "left"},
    {"es", "centro", "center"},
    {"es", "centrado", "center"},
    {"es", "ninguna", "none"},
    {"es", "nada", "none"},
    {"es", "marco", "frame"},
    {"es", "sinmarco", "frameless"},
    {"es", "borde", "border"},
    {"es", "enlace=", "link="},
    {"es", "vínculo=", "link="},
    {"it", "miniatura", "thumb"},
    {"it", "min", "thumb"},
    {"it", "destra", "right"},
    {"it", "sinistra", "left"},
    {"it", "centro", "center"},
    {"it", "nessuno", "none"},
    {"it", "riquadrato", "frame"},
    {"it", "incorniciato", "frame"},
    {"it", "senza_cornice", "frameless"},
    {"it", "bordo", "border"},
    {"it", "verticale", "upright"},
    {"it", "verticale=", "upright="},
    {"pt", "miniatura", "thumb"},
    {"pt", "miniaturadaimagem", "thumb"},
    {"pt", "direita", "right"},
    {"pt", "esquerda", "left"},
    {"pt", "centro", "center"},
    {"pt", "nenhum", "none"},
    {"pt", "commoldura", "frame"},
    {"pt", "semmoldura", "frameless"},
    {"pt", "borda", "border"},
    {"pt", "ligação=", "link="},
    {"nl", "miniatuur", "thumb"},
    {"nl", "mini", "thumb"},
    {"nl", "rechts", "right"},
    {"nl", "links", "left"},
    {"nl", "gecentreerd", "center"},
    {"nl", "geen", "none"},
    {"nl", "omkaderd", "frame"},
    {"nl", "kaderloos", "frameless"},
    {"nl", "rand", "border"},
    {"nl", "rechtop", "upright"},
    {"nl", "rechtop=", "upright="},
    {"nl", "koppeling=", "link="},
    {"pl", "mały", "thumb"},
    {"pl", "prawo", "right"},
    {"pl", "lewo", "left"},
    {"pl", "centruj", "center"},
    {"pl", "bez", "none"},
    {"pl", "brak", "none"},
    {"pl", "ramka", "frame"},
    {"pl", "bezramki", "frameless"},
    {"pl", "bez_ramki", "frameless"},
    {"pl", "tło", "border"},
    {"sv", "miniatyr", "thumb"},
    {"sv", "mini", "thumb"},
    {"sv", "höger", "right"},
    {"sv", "vänster", "left"},
    {"sv", "centrerad", "center"},
    {"sv", "ingen", "none"},
    {"sv", "ram", "frame"},
    {"sv", "inramad", "frame"},
    {"sv", "ramlös", "frameless"},
    {"sv", "kant", "border"},
    {"sv", "stående", "upright"},
    {"sv", "stående=", "upright="},
    {"ru", "мини", "thumb"},
    {"ru", "миниатюра", "thumb"},
    {"ru", "справа", "right"},
    {"ru", "слева", "left"},
    {"ru", "центр", "center"},
    {"ru", "без", "none"},
    {"ru", "обрамить", "frame"},
    {"ru", "безрамки", "frameless"},
    {"ru", "граница", "border"},
    {"ru", "сверхусправа", "upright"},
    {"ru", "ссылка=", "link="},
    {"ru", "альт=", "alt="},
    {"uk", "міні", "thumb"},
    {"uk", "мініатюра", "thumb"},
    {"uk", "праворуч", "right"},
    {"uk", "ліворуч", "left"},
    {"uk", "центр", "center"},
    {"uk", "безрамки", "frameless"},
    {"uk", "рамка", "frame"},
    {"uk", "обрамити", "frame"},
    {"cs", "náhled", "thumb"},
    {"cs", "vpravo", "right"},
    {"cs", "vlevo", "left"},
    {"cs", "střed", "center"},
    {"cs", "žádné", "none"},
    {"cs", "rám", "frame"},
    {"ar", "تصغير", "thumb"},
    {"ar", "مصغر", "thumb"},
    {"ar", "يمين", "right"},
    {"ar", "يسار", "left"},
    {"ar", "وسط", "center"},
    {"ar", "بلا", "none"},
    {"ar", "إطار", "frame"},
    {"ar", "بإطار", "frame"},
    {"ar", "لاإطار", "frameless"},
    {"ar", "حدود", "border"},
    {"ar", "وصلة=", "link="},
    {"ar", "بديل=", "alt="},
    {"fa", "بندانگشتی", "thumb"},
    {"fa", "راست", "right"},
    {"fa", "چپ", "left"},
    {"fa", "وسط", "center"},
    {"fa", "هیچ", "none"},
    {"fa", "قاب", "frame"},
    {"fa", "بی‌قاب", "frameless"},
    {"fa", "حاشیه", "border"},
    {"he", "ממוזער", "thumb"},
    {"he", "ימין", "right"},
    {"he", "שמאל", "left"},
    {"he", "מרכז", "center"},
    {"he", "ללא", "none"},
    {"he", "ממוסגר", "frame"},
    {"he", "לא ממוסגר", "frameless"},
    {"he", "קישור=", "link="},
    {"zh", "缩略图", "thumb"},
    {"zh", "縮圖", "thumb"},
    {"zh", "右", "right"},
    {"zh", "左", "left"},
    {"zh", "居中", "center"},
    {"zh", "置中", "center"},
    {"zh", "无", "none"},
    {"zh", "無", "none"},
    {"zh", "有框", "frame"},
    {"zh", "无框", "frameless"},
    {"zh", "边框", "border"},
    {"zh", "链接=", "link="},
    {"ja", "サムネイル", "thumb"},
    {"ja", "右", "right"},
    {"ja", "左", "left"},
    {"ja", "中央", "center"},
    {"ja", "なし", "none"},
    {"ja", "フレーム", "frame"},
    {"ja", "フレームなし", "frameless"},
    {"ja", "代替文=", "alt="},
};

static const struct {
    const char *lang, *unit;
} local_units[] = {
    {"ru", "пкс"},      {"uk", "пкс"},  {"be", "пкс"},     {"bg", "пкс"},
    {"ar", "بك"},       {"ar", "بكسل"}, {"fa", "پیکسل"},   {"zh", "像素"},
    {"ja", "ピクセル"}, {"eo", "ra"},   {"he", "פיקסלים"},
};

static const word *find(const word *table, size_t n, str part, bool is_prefix) {
    for (size_t i = 0; i < n; i++) {
        str text = str_of(table[i].text);
        if (is_prefix ? str_starts(part, text) : str_eq(part, text)) return &table[i];
    }
    return NULL;
}

static const word *find_any(str *value, str part) {
    *value = (str){0};
    const word *found = find(words, countof(words), part, false);
    if (found) return found;
    found = find(prefixes, countof(prefixes), part, true);
    if (found) *value = str_skip(part, strlen(found->text));
    return found;
}

static const word *find_local(str *value, str lang, str part) {
    *value = (str){0};
    for (size_t i = 0; i < countof(local_words) && lang.len; i++) {
        if (local_words[i].lang[0] != lang.ptr[0]) continue;
        str text = str_of(local_words[i].text), english = str_of(local_words[i].english), unused;
        bool is_here = str_eq(lang, str_of(local_words[i].lang));
        if (!is_here || !str_starts(part, text)) continue;
        bool has_value = str_ends(english, STR("="));
        if (!has_value && part.len > text.len) continue;
        if (has_value) *value = str_skip(part, text.len);
        return find_any(&unused, english);
    }
    return NULL;
}

static size_t unit(str lang, str part) {
    if (str_ends(part, STR("px"))) return 2;
    for (size_t i = 0; i < countof(local_units); i++)
        if (str_eq(lang, str_of(local_units[i].lang)) &&
            str_ends(part, str_of(local_units[i].unit)))
            return strlen(local_units[i].unit);
    return 0;
}

wt_picture_option wt_picture_option_of(str *value, const char **canonical, str lang, str part) {
    const word *found = find_any(value, part);
    if (!found) found = find_local(value, lang, part);
    *canonical = found ? found->canonical : "";
    if (found) return found->option;
    size_t n = unit(lang, part);
    *value = str_first(part, part.len - n);
    return n && value->len ? OPTION_SIZE : OPTION_NONE;
}

// --- Values ----------------------------------------------------------------------------------

static size_t number(int32_t *out, str s) {
    enum { PIXELS_MAX = 1 << 20 };
    size_t n = 0;
    *out = 0;
    for (; n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9'; n++)
        if (*out < PIXELS_MAX) *out = *out * 10 + (s.ptr[n] - '0');
    return n;
}

bool wt_picture_size(int32_t *width, int32_t *height, str text) {
    str rest = str_skip(text, number(width, text));
    *height = 0;
    if (rest.len && rest.ptr[0] == 'x') {
        rest = str_skip(rest, 1);
        rest = str_skip(rest, number(height, rest));
    }
    rest = str_trim(rest);
    if (str_starts(rest, STR("px"))) rest = str_trim(str_skip(rest, 2));
    return rest.len == 0 && (*width > 0 || *height > 0);
}

bool wt_picture_link(wt_picture *out, wt_parser *p, str value) {
    size_t scheme = wt_scheme_or_none(value);
    wt_title title;
    if (!value.len) {
        out->has_no_link = true, out->has_link = false;
        return true;
    }
    if (scheme) {
        if (wt_url_span(value, scheme) != value.len) return false;
        out->has_link = true, out->link_url = wt_clean_url(p, value);
        return true;
    }
    if (!wt_title_parse(&title, p, wt_percent_decoded(p, value), 0)) return false;
    out->has_link = true, out->link_url = (str){0}, out->link_title = title;
    return true;
}

static bool is_kind(const wt_picture *pic, const char *start) {
    return pic->is_there && str_starts(pic->file.mime, str_of(start));
}

bool wt_picture_detail(wt_picture *out, wt_picture_option option, str value) {
    bool has_pages = is_kind(out, "image/vnd.djvu") || is_kind(out, "application/pdf") ||
                     is_kind(out, "image/tiff");
    bool is_av =
        is_kind(out, "audio/") || is_kind(out, "video/") || is_kind(out, "application/ogg");
    int32_t page;
    if (option == OPTION_PAGE && has_pages && number(&page, value) == value.len && page > 0)
        out->page = value;
    else if (option == OPTION_LANG && is_kind(out, "image/svg") && value.len &&
             str_find_byte(value, ':') == value.len)
        out->lang = value;
    else if (option == OPTION_START && is_av)
        out->start = value;
    else if (option == OPTION_END && is_av)
        out->end = value;
    else
        return is_av &&
               (option == OPTION_UNUSED || option == OPTION_MUTED || option == OPTION_LOOP);
    return true;
}

static bool is_number(double *out, str s) {
    return str_parse_f64(out, str_trim(s));
}

// --- Plain words -----------------------------------------------------------------------------

// Tags that stand for a gap between words.
static bool is_gap(str tag) {
    static const char *const names[] = {
        "br",    "p",  "div", "li", "ul", "ol", "dl", "dt", "dd",  "td",     "th",        "tr",
        "table", "h1", "h2",  "h3", "h4", "h5", "h6", "hr", "pre", "center", "blockquote"};
    str name = str_skip(tag, tag.len > 1 && tag.ptr[1] == '/' ? 2 : 1);
    size_t n = 0;
    while (n < name.len && name.ptr[n] != ' ' && name.ptr[n] != '>' && name.ptr[n] != '/')
        n++;
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_nocase(str_first(name, n), str_of(names[i]))) return true;
    return false;
}

static bool opens_tag(str s) {
    char c = s.len > 1 ? s.ptr[1] : ' ';
    return c == '/' || c == '!' || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static str without_tags(wt_parser *p, str html) {
    buf b;
    if (str_find_byte(html, '<') == html.len) return html;
    buf_init(&b, p->mem, html.len);
    while (html.len) {
        size_t at = str_find_byte(html, '<');
        buf_add(&b, str_first(html, at));
        html = str_skip(html, at);
        size_t end = opens_tag(html) ? str_find_byte(html, '>') : 0;
        if (end == html.len) break;
        if (end == 0)
            buf_byte(&b, '<');
        else if (is_gap(str_first(html, end)))
            buf_byte(&b, ' ');
        html = str_skip(html, end + 1);
    }
    buf_add(&b, html);
    return buf_str(&b);
}

static str collapsed(wt_parser *p, str text) {
    buf b;
    text = str_trim(text);
    buf_init(&b, p->mem, text.len);
    for (size_t i = 0; i < text.len; i++) {
        bool is_space = text.ptr[i] == ' ' || (text.ptr[i] >= '\t' && text.ptr[i] <= '\r');
        if (!is_space) buf_byte(&b, text.ptr[i]);
        if (is_space && b.len && b.ptr[b.len - 1] != ' ') buf_byte(&b, ' ');
    }
    return buf_str(&b);
}

str wt_plain(wt_parser *p, str html) {
    buf b;
    if (str_find_byte(html, WT_MARK) < html.len) {
        buf_init(&b, p->mem, html.len + 64);
        wt_link_texts(&b, p, html);
        html = wt_unstrip_str(p, buf_str(&b), "gxn");
        buf_init(&b, p->mem, html.len);
        wt_strip_kill(&b, html);
        html = buf_str(&b);
    }
    return collapsed(p, html_decode(without_tags(p, html), p->mem));
}

// --- All of them -----------------------------------------------------------------------------

static bool take_format(wt_picture *out, wt_picture_option option, const char *kind, str value) {
    if (out->format != WT_PLAIN) return false;
    if (option == OPTION_MANUAL) out->manual = value;
    out->format = option == OPTION_MANUAL      ? WT_MANUAL
                  : strcmp(kind, "thumb") == 0 ? WT_THUMB
                  : strcmp(kind, "frame") == 0 ? WT_FRAMED
                                               : WT_FRAMELESS;
    return true;
}

static bool take_size(wt_picture *out, str value) {
    int32_t width, height;
    if (!wt_picture_size(&width, &height, value)) return false;
    if (width) out->width = width;
    if (height) out->height = height;
    return true;
}

static bool take_upright(wt_picture *out, str value) {
    double factor = 0;
    if (value.ptr && !is_number(&factor, value)) return false;  // "upright=" is none
    out->has_upright = true, out->upright = factor;
    return true;
}

// Whether the part is an option and its value is one.
static bool take(wt_picture *out, wt_parser *p, str part) {
    str value;
    const char *kind;
    if (!part.len) return false;
    wt_picture_option option = wt_picture_option_of(&value, &kind, p->world->site->lang, part);
    switch (option) {
    case OPTION_NONE:
        return false;
    case OPTION_SIZE:
        return take_size(out, value);
    case OPTION_FORMAT:
    case OPTION_MANUAL:
        return take_format(out, option, kind, wt_plain(p, value));
    case OPTION_HALIGN:
        if (!out->halign) out->halign = kind;
        return true;
    case OPTION_VALIGN:
        if (!out->valign) out->valign = kind;
        return true;
    case OPTION_BORDER:
        out->has_border = true;
        return true;
    case OPTION_UPRIGHT:
        return take_upright(out, value);
    case OPTION_ALT:
        out->alt = wt_plain(p, value), out->has_alt = true;
        return true;
    case OPTION_CLASS:
        out->class = wt_plain(p, value);
        return true;
    case OPTION_LINK:
        return wt_picture_link(out, p, wt_plain(p, value));
    default:
        out->is_muted |= option == OPTION_MUTED;
        out->is_loop |= option == OPTION_LOOP;
        return wt_picture_detail(out, option, value);
    }
}

void wt_picture_options(wt_picture *out, wt_parser *p, str options) {
    bool has_more = options.len > 0;
    while (has_more && !wt_spend(p, 4)) {
        size_t at = str_find_byte(options, '|');
        str part = str_first(options, at);
        has_more = at < options.len;
        options = str_skip(options, at + 1);
        if (!take(out, p, str_trim(part))) out->caption = part;
    }
    bool is_boxed = out->format != WT_PLAIN && out->format != WT_FRAMELESS;
    if (is_boxed) return;
    out->tooltip = wt_plain(p, out->caption);
    if (!out->has_alt && out->tooltip.len) out->alt = out->tooltip, out->has_alt = true;
}
