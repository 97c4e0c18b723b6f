// families/infobox.c -- infoboxes from their arguments.
//
// What an argument is for is read from how its name ends: "area_km2" has a unit, "HDI_rank" goes
// with "HDI", "leader_title1" is the label of "leader_name1". An argument that no rule knows is a
// row of its own: nothing is dropped but how the box looks.
//
// I1  what a box holds is wikitext of the article: a value that may start a list stands on a line
//     of its own
// I2  an argument that a rule leaves out of its place is shown by what it belongs to
// I3  a note's name is longer than that of what it notes: put_noted() ends within LABEL_MAX bytes

#include "families/inside.h"

#include <stdlib.h>

// NAME_MOST: longer names are under no rule, so that every name a rule makes of one has room.
enum { LABEL_MAX = 64, NAME_MOST = 48 };

// A value in an element: on its own lines when it has lines.
void wt_deg_value(wt_deg *d, str value) {
    bool has_lines =
        str_find_byte(value, '\n') < value.len || (value.len && strchr("*#:;{|", value.ptr[0]));
    if (has_lines) wt_deg_put(d, "\n");
    wt_deg_add(d, value);
    if (has_lines) wt_deg_put(d, "\n");
}

typedef struct box {
    wt_deg *d;
    const wt_named **by_name;  // d->args that have a value, sorted
    size_t n;
    const wt_named **caption;  // of argument i, a picture
    bool *is_done;             // argument i is shown elsewhere
    str above;
} box;

static int by_name(const void *a, const void *b) {
    return str_cmp((*(const wt_named *const *)a)->name, (*(const wt_named *const *)b)->name);
}

static const wt_named *find(const box *b, str name) {
    const wt_named key = {.name = name}, *at = &key;
    if (!name.len || !b->n) return NULL;
    const wt_named **hit =
        bsearch((const void *)&at, (void *)b->by_name, b->n, sizeof(const wt_named *), by_name);
    return hit ? *hit : NULL;
}

static const wt_named *find_like(const box *b, str stem, str end, str digits) {
    char room[LABEL_MAX];
    buf name = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    buf_add(&name, stem);
    buf_add(&name, end);
    buf_add(&name, digits);
    return name.failed ? NULL : find(b, buf_str(&name));
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "leader_name12" is "leader_name" and "12".
static str stem_of(str name, str *digits) {
    size_t end = name.len;
    while (end && is_digit(name.ptr[end - 1]))
        end--;
    if (end && end < name.len && name.ptr[end - 1] == ' ') end--;
    *digits = str_skip(name, end);
    return str_first(name, end);
}

static bool is_one_of(str name, const char *names) {
    str rest = str_of(names);
    while (rest.len)
        if (str_eq_nocase(str_cut(&rest, '|'), name)) return true;
    return false;
}

// How a box looks, not what it says.
bool wt_deg_is_layout(str name) {
    static const str ends[] = {
        STR_INIT("style"),    STR_INIT("width"),      STR_INIT("size"),      STR_INIT("_alt"),
        STR_INIT("class"),    STR_INIT("color"),      STR_INIT("colour"),    STR_INIT("upright"),
        STR_INIT("_px"),      STR_INIT("zoom"),       STR_INIT("float"),     STR_INIT("scale"),
        STR_INIT("_article"), STR_INIT("_magnitude"), STR_INIT("name_lang"), STR_INIT("position"),
    };
    static const char whole[] = "embed|child|autoheaders|italic title|df|pushpin_map|alt|pixels|"
                                "date_format|unit_pref|familycolor|alt_flag|malt|name_data";
    for (size_t i = 0; i < countof(ends); i++)
        if (str_ends(name, ends[i])) return !is_one_of(name, "width|size|position");
    return is_one_of(name, whole);
}

static bool is_picture(str name, str value) {
    static const char names[] = "image|image1|image_name|photo|logo|picture|image_skyline|"
                                "image_flag|image_coat|image_map|cover|map|image_seal|"
                                "image_shield|signature|image2|image_logo|img|flag_image|"
                                "seal_image|map_image|image_file|image_map2";
    static const str kinds[] = {STR_INIT(".jpg"), STR_INIT(".png"),  STR_INIT(".svg"),
                                STR_INIT(".gif"), STR_INIT(".jpeg"), STR_INIT(".JPG"),
                                STR_INIT(".tif"), STR_INIT(".PNG")};
    if (str_find(value, STR("[[")) < value.len) return is_one_of(name, names);
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_ends(value, kinds[i])) return str_find_byte(value, '\n') == value.len;
    return false;
}

static void put_picture(wt_deg *d, str value) {
    if (str_find(value, STR("[[")) < value.len || str_find_byte(value, WT_MARK) < value.len)
        return wt_deg_value(d, value);
    size_t colon = str_find_byte(value, ':');
    if (colon < value.len) value = str_trim(str_skip(value, colon + 1));
    wt_deg_put(d, "[[File:");
    wt_deg_add(d, value);
    wt_deg_put(d, "|frameless]]");
}

// The words below a picture: "image_map" has "image_map_caption" or "map_caption".
static const wt_named *caption_of(const box *b, str name) {
    static const str ends[] = {STR_INIT("_caption"), STR_INIT("caption"), STR_INIT("link"),
                               STR_INIT("_type")};
    static const char firsts[] = "image|image_skyline|photo|image_name|image_file|img|picture|"
                                 "logo|cover";
    static const str own[] = {STR_INIT("caption"), STR_INIT("Caption"), STR_INIT("image_caption"),
                              STR_INIT("imagecaption"), STR_INIT("caption1")};
    const wt_named *c = NULL;
    str digits, stem = stem_of(name, &digits);
    str part = str_starts(name, STR("image_")) ? str_skip(name, 6) : name;
    for (size_t i = 0; !c && i < countof(ends); i++) {
        c = find_like(b, name, ends[i], STR(""));
        if (!c) c = find_like(b, part, ends[i], STR(""));
        if (!c) c = find_like(b, stem, ends[i], digits);
    }
    if (!c && str_eq(name, STR("image_coat"))) c = find(b, STR("symbol_type"));
    for (size_t i = 0; !c && is_one_of(name, firsts) && i < countof(own); i++)
        c = find(b, own[i]);
    return c && !b->is_done[c - b->d->args] ? c : NULL;
}

static void picture_row(const box *b, const wt_named *a) {
    const wt_named *caption = b->caption[a - b->d->args];
    wt_deg_put(b->d, "<tr><td colspan=\"2\" class=\"infobox-image\">");
    put_picture(b->d, a->value);
    if (caption) {
        wt_deg_put(b->d, "<div class=\"infobox-caption\">");
        wt_deg_value(b->d, caption->value);
        wt_deg_put(b->d, "</div>");
    }
    wt_deg_put(b->d, "</td></tr>\n");
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// True when a word begins at byte i: "Largest|City", "ISO|Code", "2010|Pop".
static bool is_word_start(str name, size_t i) {
    if (i < 2 || !is_upper(name.ptr[i])) return false;
    char before = name.ptr[i - 1];
    bool has_lower = i + 1 < name.len && is_lower(name.ptr[i + 1]);
    if (is_lower(before)) return true;
    return has_lower && (is_digit(before) || is_upper(before));
}

// A name's own words: "birth_date" as "Birth date", "LargestCity" as "Largest city".
static void put_words(wt_deg *d, str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = is_word_start(name, i);
        if (is_word) buf_byte(d->out, ' ');
        if (i == 0 && is_lower(c)) c = (char)(c - 32);
        if (is_word && i + 1 < name.len && is_lower(name.ptr[i + 1])) c = (char)(c + 32);
        buf_byte(d->out, c == '_' ? ' ' : c);
    }
}

static void put_label(wt_deg *d, str name) {
    static const struct {
        str name;
        const char *words;
    } known[] = {
        {STR_INIT("GDP_PPP"), "GDP (PPP)"},
        {STR_INIT("GDP_PPP_per_capita"), "GDP (PPP) per capita"},
        {STR_INIT("GDP_nominal"), "GDP (nominal)"},
        {STR_INIT("GDP_nominal_per_capita"), "GDP (nominal) per capita"},
        {STR_INIT("birth_date"), "Born"},
        {STR_INIT("birth_place"), "Born"},
        {STR_INIT("cctld"), "Internet TLD"},
        {STR_INIT("country_code"), "ISO 3166 code"},
        {STR_INIT("death_date"), "Died"},
        {STR_INIT("death_place"), "Died"},
        {STR_INIT("glotto"), "Glottolog"},
        {STR_INIT("isbn"), "ISBN"},
        {STR_INIT("iso1"), "ISO 639-1"},
        {STR_INIT("iso2"), "ISO 639-2"},
        {STR_INIT("iso3"), "ISO 639-3"},
        {STR_INIT("iso5"), "ISO 639-5"},
        {STR_INIT("issn"), "ISSN"},
        {STR_INIT("oclc"), "OCLC"},
        {STR_INIT("percent_water"), "Water (%)"},
        {STR_INIT("predecessor"), "Preceded by"},
        {STR_INIT("restingplace"), "Resting place"},
        {STR_INIT("serviceyears"), "Years of service"},
        {STR_INIT("successor"), "Succeeded by"},
        {STR_INIT("term"), "In office"},
        {STR_INIT("time_zone_DST"), "Summer (DST)"},
        {STR_INIT("utc_offset"), "UTC offset"},
        {STR_INIT("utc_offset_DST"), "UTC offset (DST)"},
        {STR_INIT("vicepresident"), "Vice President"},
    };
    str whole = name, digits, stem = stem_of(name, &digits);
    if (stem.len && (is_lower(stem.ptr[stem.len - 1]) || (digits.len && digits.ptr[0] == ' ')))
        name = stem;
    for (size_t i = 0; i < countof(known); i++)
        if (str_eq(name, known[i].name) || str_eq(whole, known[i].name))
            return wt_deg_put(d, known[i].words);
    put_words(d, name);
}

static void open_row(wt_deg *d) {
    wt_deg_put(d, "<tr><th scope=\"row\" class=\"infobox-label\">");
}

static void open_value(wt_deg *d) {
    wt_deg_put(d, "</th><td class=\"infobox-data\">");
}

static void close_row(wt_deg *d) {
    wt_deg_put(d, "</td></tr>\n");
}

static void wide_row(wt_deg *d, const char *class, str value) {
    bool is_head = strcmp(class, "infobox-header") == 0 || strcmp(class, "infobox-above") == 0 ||
                   strcmp(class, "infobox-subheader") == 0;
    wt_deg_fmt(d, "<tr><%s colspan=\"2\" class=\"%s\">", is_head ? "th" : "td", class);
    wt_deg_value(d, value);
    wt_deg_put(d, is_head ? "</th></tr>\n" : "</td></tr>\n");
}

// "label12" is number 12 of "label"; 0 when it is not of that kind.
static unsigned number_of(str name, str kind) {
    uint64_t n;
    return str_starts(name, kind) && str_parse_u64(&n, str_skip(name, kind.len)) && n < 1000
               ? (unsigned)n
               : 0;
}

// Box of {{infobox}} itself: labelN, dataN, headerN. True when `a` was of it.
static bool numbered_row(const box *b, const wt_named *a) {
    unsigned header = number_of(a->name, STR("header")), data = number_of(a->name, STR("data"));
    if (number_of(a->name, STR("label")) || number_of(a->name, STR("rowclass"))) return true;
    if (header) wide_row(b->d, "infobox-header", a->value);
    if (!data) return header > 0;
    str label = wt_deg_any(b->d, "label#", data);
    if (!label.len) {
        wide_row(b->d, "infobox-full-data", a->value);
        return true;
    }
    open_row(b->d);
    wt_deg_add(b->d, label);
    open_value(b->d);
    wt_deg_value(b->d, a->value);
    close_row(b->d);
    return true;
}

// "latd=41|latm=20|latNS=N|longd=..." is one place.
enum { PLACE_PARTS = 8 };

static const char *const place_parts[PLACE_PARTS] = {
    "latd|lat_d|lat_deg|lat_degrees",
    "latm|lat_m|lat_min",
    "lats|lat_s|lat_sec",
    "latNS|lat_NS|lat_direction",
    "longd|long_d|lon_deg|long_degrees",
    "longm|long_m|lon_min",
    "longs|long_s|lon_sec",
    "longEW|long_EW|lon_direction",
};

// Which part of the place an argument is: PLACE_PARTS when none.
static size_t place_part(const box *b, const wt_named *a) {
    size_t i = 0;
    while (i < PLACE_PARTS && !is_one_of(a->name, place_parts[i]))
        i++;
    if (i < PLACE_PARTS && wt_deg_any(b->d, place_parts[i], 0).ptr != a->value.ptr) i = PLACE_PARTS;
    return i;
}

static bool place_row(const box *b, const wt_named *a) {
    static const char *const marks[] = {"\xc2\xb0", "\xe2\x80\xb2", "\xe2\x80\xb3", " "};
    wt_deg *d = b->d;
    if (place_part(b, a) == PLACE_PARTS) return false;
    for (const wt_named *before = d->args; before < a; before++)
        if (before->value.len && place_part(b, before) < PLACE_PARTS) return true;
    open_row(d);
    wt_deg_put(d, "Coordinates");
    open_value(d);
    for (size_t i = 0; i < PLACE_PARTS; i++) {
        str part = wt_deg_any(d, place_parts[i], 0);
        wt_deg_add(d, part);
        if (part.len && i + 1 < PLACE_PARTS) wt_deg_put(d, marks[i % 4]);
    }
    close_row(d);
    return true;
}

// --- notes and units

// Arguments of one row; without a label they are a heading, which needs the last of them.
static const struct {
    const char *label, *parts, *open, *close;
} joins[] = {
    {"", "order|office", " ", ""},
    {"", "sovereignty_type", "", ""},
    {"", "settlement_type", "", ""},
    {"Born", "birth_name|birth_date|birth_place", "<br/>", ""},
    {"Died", "death_date|death_place", "<br/>", ""},
    {"Thesis", "thesis_title|thesis_year", " (", ")"},
    {"Currency", "currency|currency_code", " (", ")"},
    {"Time zone", "time_zone|timezone|utc_offset", " (UTC", ")"},
    {"Summer (DST)", "time_zone_DST|timezone_DST|utc_offset_DST", " (UTC", ")"},
    {"Glottolog", "glotto|glottorefname", " (", ")"},
    {"Coordinates", "latitude|longitude", " ", ""},
};

// The join that an argument is of: countof(joins) when none.
static size_t join_of(str name) {
    str digits, stem = stem_of(name, &digits);
    size_t k = 0;
    while (k < countof(joins) && !is_one_of(stem, joins[k].parts))
        k++;
    return k;
}

static bool is_joined(str name) {
    return join_of(name) < countof(joins);
}

// Arguments that say more of another, behind its value: "Gini_year" of "Gini".
static const struct {
    str end;
    const char *open, *close;
} notes[] = {
    {STR_INIT("_change"), " (", ")"}, {STR_INIT("_year"), " (", ")"},
    {STR_INIT("Year"), " (", ")"},    {STR_INIT("_as_of"), " (", ")"},
    {STR_INIT("_date"), " (", ")"},   {STR_INIT(" date"), " (", ")"},
    {STR_INIT("_rank"), " (", ")"},   {STR_INIT("Rank"), " (", ")"},
    {STR_INIT("_note"), " ", ""},     {STR_INIT("_notes"), " ", ""},
    {STR_INIT("_ref"), "", ""},       {STR_INIT("_refs"), "", ""},
    {STR_INIT("Ref"), "", ""},        {STR_INIT("_footnote"), "", ""},
    {STR_INIT("_footnotes"), "", ""}, {STR_INIT("_citation"), "", ""},
};

#define KM2 "km\xc2\xb2"

static const struct {
    str end;
    const char *unit;  // NULL: by `measures`
} units[] = {
    {STR_INIT("_km2"), KM2},     {STR_INIT("_sq_mi"), "sq mi"}, {STR_INIT("_sqmi"), "sq mi"},
    {STR_INIT("_mi2"), "sq mi"}, {STR_INIT("_ha"), "ha"},       {STR_INIT("_acre"), "acres"},
    {STR_INIT("_km"), "km"},     {STR_INIT("_mi"), "mi"},       {STR_INIT("_m"), "m"},
    {STR_INIT("_ft"), "ft"},     {STR_INIT("_kg"), "kg"},       {STR_INIT("_lb"), "lb"},
    {STR_INIT("US"), NULL},      {STR_INIT(""), NULL},
};

// "Width" has "WidthUS" beside it.
static const struct {
    str end;
    const char *metric, *us;
} measures[] = {
    {STR_INIT("Area"), KM2, "sq mi"}, {STR_INIT("Density"), KM2, "sq mi"},
    {STR_INIT("Width"), "km", "mi"},  {STR_INIT("Length"), "km", "mi"},
    {STR_INIT("Elev"), "m", "ft"},
};

// The unit of an argument's number and the name without it; NULL when it has none.
static const char *unit_of(const box *b, const wt_named *a, str *stem) {
    if (!a || !a->value.len || !is_digit(a->value.ptr[0]) || a->name.len > NAME_MOST) return NULL;
    size_t k = 0;
    while (!str_ends(a->name, units[k].end))
        k++;
    *stem = str_first(a->name, a->name.len - units[k].end.len);
    if (units[k].unit || !find_like(b, *stem, STR("US"), STR(""))) return units[k].unit;
    for (size_t i = 0; i < countof(measures); i++)
        if (str_ends(*stem, measures[i].end))
            return units[k].end.len ? measures[i].us : measures[i].metric;
    return NULL;
}

// Rows of one cell, by name: NULL for others.
static const char *wide_class(str name) {
    if (str_ends(name, STR("caption"))) return "infobox-caption";
    if (str_starts(name, STR("footnote"))) return "infobox-full-data";
    return str_eq(name, STR("native_name")) ? "infobox-subheader" : NULL;
}

// Is it shown as a value?
static bool is_fact(const box *b, const wt_named *a) {
    bool is_numbered = number_of(a->name, STR("data")) || number_of(a->name, STR("label")) ||
                       number_of(a->name, STR("header"));
    return !b->is_done[a - b->d->args] && !wt_deg_is_layout(a->name) && !is_numbered &&
           !is_picture(a->name, a->value) && !wide_class(a->name);
}

// The argument of the same measure in unit k.
static const wt_named *in_unit(const box *b, str stem, size_t k) {
    str own;
    const wt_named *a = find_like(b, stem, units[k].end, STR(""));
    return unit_of(b, a, &own) && own.len == stem.len && is_fact(b, a) ? a : NULL;
}

static void put_noted(const box *b, const wt_named *a);

static void put_notes(const box *b, str name) {
    str digits, stem = stem_of(name, &digits);
    for (size_t i = 0; i < countof(notes); i++) {
        const wt_named *both[] = {find_like(b, stem, notes[i].end, digits),
                                  digits.len ? find_like(b, name, notes[i].end, STR("")) : NULL};
        for (size_t k = 0; k < countof(both); k++) {
            if (!both[k] || is_joined(both[k]->name)) continue;
            wt_deg_put(b->d, notes[i].open);
            put_noted(b, both[k]);
            wt_deg_put(b->d, notes[i].close);
        }
    }
}

// "28748 more" as "28,748 km2 more": the unit stands behind the number, unless one does already.
static void put_amount(wt_deg *d, str value, const char *unit, bool is_density) {
    size_t n = 0;
    int64_t whole;
    while (n < value.len && (is_digit(value.ptr[n]) || strchr(".,", value.ptr[n])))
        n++;
    str number = str_first(value, n), rest = str_skip(value, n), more = str_trim(rest);
    bool is_whole = number.len > 3 && number.len < 16 && str_parse_i64(&whole, number);
    if (is_whole)
        wt_deg_amount(d, (double)whole, 0);
    else
        wt_deg_add(d, number);
    bool is_bare = !more.len || strchr("(<\x7f", more.ptr[0]);
    if (is_bare) wt_deg_fmt(d, "%s%s", is_density ? "/" : "&nbsp;", unit);
    wt_deg_add(d, rest);
}

// A value and what belongs behind it. Each note's name is longer than that of what it notes.
static void put_noted(const box *b, const wt_named *a) {
    str stem;
    const char *unit = unit_of(b, a, &stem);
    bool is_density = unit && (str_ends(stem, STR("density")) || str_ends(stem, STR("Density")));
    if (unit)
        put_amount(b->d, a->value, unit, is_density);
    else
        wt_deg_value(b->d, a->value);
    put_notes(b, a->name);
}

// True when `a` has a unit: shown where the first of its measure stands.
static bool unit_row(const box *b, const wt_named *a) {
    str stem;
    if (!unit_of(b, a, &stem)) return false;
    for (size_t k = 0; k < countof(units); k++) {
        const wt_named *other = in_unit(b, stem, k);
        if (other && other < a) return true;
    }
    open_row(b->d);
    put_label(b->d, stem);
    open_value(b->d);
    put_noted(b, a);
    for (size_t k = 0; k < countof(units); k++) {
        const wt_named *other = in_unit(b, stem, k);
        if (!other || other == a) continue;
        wt_deg_put(b->d, " (");
        put_noted(b, other);
        wt_deg_put(b->d, ")");
    }
    if (!find(b, stem)) put_notes(b, stem);
    close_row(b->d);
    return true;
}

// True when `a` is a note of what has a row.
static bool is_note(const box *b, const wt_named *a) {
    str digits, stem = stem_of(a->name, &digits);
    if (a->name.len > NAME_MOST || is_joined(a->name)) return false;
    for (size_t i = 0; i < countof(notes); i++) {
        if (!str_ends(stem, notes[i].end)) continue;
        str base = str_first(stem, stem.len - notes[i].end.len);
        char last = base.len ? base.ptr[base.len - 1] : ' ';
        if (last == ' ' || (digits.len && is_digit(last))) continue;
        const wt_named *of = find_like(b, base, digits, STR(""));
        if (of) return is_fact(b, of) && place_part(b, of) == PLACE_PARTS;
        for (size_t k = 0; k < countof(units) && !digits.len; k++)
            if (in_unit(b, base, k)) return true;
    }
    return false;
}

// --- what is joined

// One argument names what another holds: "leader_title1" is the label of "leader_name1".
static const struct {
    str label, value;
} pairs[] = {
    {STR_INIT("_title"), STR_INIT("_name")}, {STR_INIT("_title"), STR_INIT("_date")},
    {STR_INIT("_event"), STR_INIT("_date")}, {STR_INIT("_type"), STR_INIT("_name")},
    {STR_INIT("_name"), STR_INIT("_info")},  {STR_INIT("_name_sec"), STR_INIT("_info_sec")},
    {STR_INIT("_start"), STR_INIT("_end")},  {STR_INIT("_title"), STR_INIT("")},
    {STR_INIT("_type"), STR_INIT("")},       {STR_INIT("Type"), STR_INIT("")},
};

// The argument that is called as `name` is, with `from` as `to`: NULL when there is none.
static const wt_named *partner(const box *b, str name, str from, str to) {
    str digits, stem = stem_of(name, &digits);
    if (!str_ends(stem, from) || stem.len == from.len) return NULL;
    const wt_named *a = find_like(b, str_first(stem, stem.len - from.len), to, digits);
    str own;
    bool is_free = a && is_fact(b, a) && !unit_of(b, a, &own) && !is_joined(name);
    return is_free && !is_joined(a->name) ? a : NULL;
}

// What `a` is the label of, and by which pair.
static const wt_named *value_of(const box *b, const wt_named *a, size_t *pair) {
    const wt_named *value = NULL;
    for (*pair = 0; *pair < countof(pairs); ++*pair) {
        value = partner(b, a->name, pairs[*pair].label, pairs[*pair].value);
        if (value) break;
    }
    return value;
}

// Names get longer or nearer to "_title" from value to label, so this ends.
static bool is_paired_value(const box *b, const wt_named *a) {
    for (size_t i = 0; i < countof(pairs); i++) {
        size_t pair;
        const wt_named *label = partner(b, a->name, pairs[i].value, pairs[i].label);
        if (label && value_of(b, label, &pair) == a && !is_paired_value(b, label)) return true;
    }
    return false;
}

// True when `a` is one of a pair, which is shown where its label stands.
static bool pair_row(const box *b, const wt_named *a) {
    size_t pair;
    if (is_paired_value(b, a)) return true;
    const wt_named *value = value_of(b, a, &pair);
    if (!value) return false;
    bool is_span = str_eq(pairs[pair].label, STR("_start"));
    open_row(b->d);
    if (is_span)
        put_label(b->d, str_first(a->name, str_find(a->name, STR("_start"))));
    else
        put_noted(b, a);
    open_value(b->d);
    if (is_span) {
        put_noted(b, a);
        wt_deg_put(b->d, " \xe2\x80\x93 ");
    }
    put_noted(b, value);
    close_row(b->d);
    return true;
}

// The parts of join k that are there: their number.
static size_t parts_of(const box *b, size_t k, str digits, const wt_named *out[4]) {
    size_t n = 0;
    bool has_last = false;
    for (str rest = str_of(joins[k].parts); rest.len && n < 4;) {
        const wt_named *a = find_like(b, str_cut(&rest, '|'), digits, STR(""));
        has_last = a && is_fact(b, a);
        if (has_last) out[n++] = a;
    }
    bool is_row = joins[k].label[0] ? n > 1 : has_last;
    return is_row ? n : 0;
}

static bool join_row(const box *b, const wt_named *a) {
    const wt_named *parts[4];
    str digits;
    stem_of(a->name, &digits);
    size_t k = join_of(a->name), n = 0;
    if (k < countof(joins)) n = parts_of(b, k, digits, parts);
    bool is_head = n && !joins[k].label[0], is_part = false, is_first = true;
    for (size_t i = 0; i < n; i++) {
        if (parts[i] < a) is_first = false;
        if (parts[i] == a) is_part = true;
    }
    if (!is_part || !is_first) return is_part;
    if (is_head) {
        wt_deg_put(b->d, "<tr><th colspan=\"2\" class=\"infobox-header\">");
    } else {
        open_row(b->d);
        wt_deg_put(b->d, joins[k].label);
        open_value(b->d);
    }
    for (size_t i = 0; i < n; i++) {
        if (i) wt_deg_put(b->d, joins[k].open);
        put_noted(b, parts[i]);
        if (i) wt_deg_put(b->d, joins[k].close);
    }
    wt_deg_put(b->d, is_head ? "</th></tr>\n" : "</td></tr>\n");
    return true;
}

// --- the whole

static const char box_names[] = "name|title|above|conventional_long_name|official_name|"
                                "common_name|native_name|fullname|box_name";

// "250px" is no fact.
static bool is_pixels(str value) {
    uint64_t n;
    return str_ends(value, STR("px")) && str_parse_u64(&n, str_first(value, value.len - 2));
}

// What the head and the foot of the box say, and what stands below pictures.
static void mark_told(box *b) {
    wt_deg *d = b->d;
    for (size_t i = 0; i < d->n; i++) {
        str value = d->args[i].value;
        bool is_same = str_eq_nocase(value, b->above) || str_eq_nocase(value, d->p->title.text);
        b->is_done[i] = !value.len || is_pixels(value) ||
                        is_one_of(d->args[i].name, "above|below|subheader") ||
                        (is_same && is_one_of(d->args[i].name, box_names));
    }
    for (size_t i = 0; i < d->n; i++) {
        if (b->is_done[i] || !is_picture(d->args[i].name, d->args[i].value)) continue;
        const wt_named *c = b->caption[i] = caption_of(b, d->args[i].name);
        if (c) b->is_done[c - d->args] = true;
    }
}

static void box_row(const box *b, const wt_named *a) {
    if (is_picture(a->name, a->value)) return picture_row(b, a);
    if (numbered_row(b, a) || wt_deg_is_layout(a->name)) return;
    const char *wide = wide_class(a->name);
    if (wide) return wide_row(b->d, wide, a->value);
    if (place_row(b, a) || is_note(b, a) || join_row(b, a) || pair_row(b, a) || unit_row(b, a))
        return;
    open_row(b->d);
    put_label(b->d, a->name);
    open_value(b->d);
    put_noted(b, a);
    close_row(b->d);
}

void wt_deg_infobox(wt_deg *d) {
    box b = {.d = d};
    b.above = wt_deg_any(d,
                         "above|conventional_long_name|name|Name|title|official_name|Fullname|"
                         "common_name",
                         0);
    if (!b.above.len) b.above = d->p->title.text;
    b.by_name = arena_try_array(d->p->mem, d->n + 1, sizeof *b.by_name);
    b.caption = arena_try_array(d->p->mem, d->n + 1, sizeof *b.caption);
    b.is_done = arena_try_array(d->p->mem, d->n + 1, sizeof *b.is_done);
    if (!b.by_name || !b.caption || !b.is_done) return wt_deg_unknown(d);
    for (size_t i = 0; i < d->n; i++) {
        b.caption[i] = NULL;
        b.is_done[i] = false;
        if (d->args[i].value.len) b.by_name[b.n++] = &d->args[i];
    }
    qsort((void *)b.by_name, b.n, sizeof *b.by_name, by_name);
    mark_told(&b);
    str below = wt_deg_get(d, STR("below")), sub = wt_deg_get(d, STR("subheader"));
    wt_deg_put(d, "<table class=\"infobox\">\n");
    wide_row(d, "infobox-above", b.above);
    if (sub.len) wide_row(d, "infobox-subheader", sub);
    for (size_t i = 0; i < d->n && !wt_spend(d->p, 1); i++)
        if (!b.is_done[i]) box_row(&b, &d->args[i]);
    if (below.len) wide_row(d, "infobox-below", below);
    wt_deg_put(d, "</table>");
}
