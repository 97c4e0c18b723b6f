// families/box.c -- navigation boxes, lists and columns from their arguments.
//
// I1  what a box holds is wikitext of the article: a value that may start a list stands on a line
//     of its own
// I2  rows are sorted by name, byte by byte

#include "families/inside.h"

enum { ITEMS_MAX = 500 };

// --- Navigation -----------------------------------------------------------------------------

static void navbox_row(wt_deg *d, unsigned i) {
    str list = wt_deg_any(d, "list#|content#", i), group = wt_deg_any(d, "group#|heading#", i);
    if (!list.len && !group.len) return;
    wt_deg_put(d, "<tr>");
    if (group.len) {
        wt_deg_put(d, "<th scope=\"row\" class=\"navbox-group\">");
        wt_deg_value(d, group);
        wt_deg_put(d, "</th>");
    }
    wt_deg_fmt(d, "<td class=\"navbox-list\"%s>", group.len ? "" : " colspan=\"2\"");
    wt_deg_value(d, list);
    wt_deg_put(d, "</td></tr>\n");
}

// `with`: the class of the box.
static void navbox(wt_deg *d) {
    static const char wide[] = "<tr><%s colspan=\"2\" class=\"navbox-%s\">";
    str title = wt_deg_any(d, "title|name", 0), above = wt_deg_any(d, "above|pretitle", 0);
    str below = wt_deg_get(d, STR("below")), list = wt_deg_get(d, STR("list"));
    wt_deg_fmt(d, "<div role=\"navigation\" class=\"%s\"><table class=\"navbox-inner\">\n",
               d->with);
    wt_deg_fmt(d, wide, "th", "title");
    wt_deg_value(d, title);
    wt_deg_put(d, "</th></tr>\n");
    if (above.len) {
        wt_deg_fmt(d, wide, "td", "abovebelow");
        wt_deg_value(d, above);
        wt_deg_put(d, "</td></tr>\n");
    }
    for (unsigned i = 1; i <= 40; i++)
        navbox_row(d, i);
    if (list.len) {
        wt_deg_fmt(d, wide, "td", "list");
        wt_deg_value(d, list);
        wt_deg_put(d, "</td></tr>\n");
    }
    if (below.len) {
        wt_deg_fmt(d, wide, "td", "abovebelow");
        wt_deg_value(d, below);
        wt_deg_put(d, "</td></tr>\n");
    }
    wt_deg_put(d, "</table></div>");
}

// {{navboxes|list= {{a}} {{b}} }}
static void navboxes(wt_deg *d) {
    str title = wt_deg_get(d, STR("title"));
    wt_deg_put(d, "<div class=\"navboxes\">\n");
    if (title.len) wt_deg_fill(d, "<div class=\"navbox-title\">$(title)</div>");
    wt_deg_fill(d, "$(list|1|list1)\n{$(list2)\n}");
    wt_deg_put(d, "</div>");
}

// --- Lists ----------------------------------------------------------------------------------

// Arguments by number as items; `with`: "element class".
static void items(wt_deg *d) {
    str class = str_of(d->with), element = str_cut(&class, ' ');
    wt_deg_fmt(d, "<div class=\"%.*s\"><%.*s>", STR_ARG(class), STR_ARG(element));
    for (unsigned i = 1; i <= ITEMS_MAX; i++) {
        str value = wt_deg_at(d, i);
        if (!value.len && !wt_deg_at(d, i + 1).len) break;
        if (!value.len) continue;
        wt_deg_put(d, "<li>");
        wt_deg_value(d, value);
        wt_deg_put(d, "</li>");
    }
    wt_deg_fmt(d, "</%.*s></div>", STR_ARG(element));
}

// {{plainlist|* a * b}}, or its first half with {{endplainlist}} to come; `with`: class.
static void list_in(wt_deg *d) {
    str text = wt_deg_any(d, "1|content", 0);
    wt_deg_fmt(d, "<div class=\"%s\">\n", d->with);
    wt_deg_add(d, text);
    if (text.len) wt_deg_put(d, "\n</div>");
}

static void folded(wt_deg *d) {
    str title = wt_deg_any(d, "title|header|heading", 0);
    wt_deg_put(d, "<div class=\"wt-folded\">");
    if (title.len) wt_deg_fill(d, "<b>$(title|header|heading)</b>");
    d->with = "ul plainlist";
    items(d);
    wt_deg_put(d, "</div>");
}

static void pictures(wt_deg *d) {
    str header = wt_deg_get(d, STR("header")), footer = wt_deg_get(d, STR("footer"));
    wt_deg_put(d, "<div class=\"thumb tmulti\">\n");
    if (header.len) wt_deg_fill(d, "<div class=\"theader\">$(header)</div>");
    for (unsigned i = 1; i <= 20; i++) {
        str image = wt_deg_any(d, "image#", i), caption = wt_deg_any(d, "caption#", i);
        if (!image.len) continue;
        wt_deg_put(d, "[[File:");
        wt_deg_add(d, image);
        wt_deg_put(d, "|thumb|");
        wt_deg_add(d, caption);
        wt_deg_put(d, "]]\n");
    }
    if (footer.len) wt_deg_fill(d, "<div class=\"thumbcaption\">$(footer)</div>");
    wt_deg_put(d, "</div>");
}

// {{clade|label1=x|1=y|2=z}}: a tree as lists in lists.
static void clade(wt_deg *d) {
    wt_deg_put(d, "<ul class=\"clade\">");
    for (unsigned i = 1; i <= 60; i++) {
        str label = wt_deg_any(d, "label#", i), value = wt_deg_at(d, i);
        if (!label.len && !value.len) continue;
        wt_deg_put(d, "<li>");
        wt_deg_add(d, label);
        if (label.len && value.len) wt_deg_put(d, ": ");
        wt_deg_value(d, value);
        wt_deg_put(d, "</li>");
    }
    wt_deg_put(d, "</ul>");
}

// A row of a family tree: the boxes that are named.
static void tree_row(wt_deg *d) {
    unsigned n = 0;
    wt_deg_put(d, "<div class=\"wt-tree-row\">");
    for (size_t i = 0; i < d->n; i++) {
        bool is_box = !str_parse_u64(&(uint64_t){0}, d->args[i].name) &&
                      !str_starts(d->args[i].name, STR("box")) &&
                      !wt_deg_is_layout(d->args[i].name);
        if (!is_box || !d->args[i].value.len) continue;
        if (n++) wt_deg_put(d, " \xc2\xb7 ");
        wt_deg_add(d, d->args[i].value);
    }
    wt_deg_put(d, "</div>");
}

// {{historical populations|1900|5000|1910|6000}}
static void populations(wt_deg *d) {
    wt_deg_put(d, "<table class=\"wikitable\"><caption>");
    str title = wt_deg_get(d, STR("title"));
    wt_deg_add(d, title.len ? title : STR("Historical population"));
    wt_deg_put(d, "</caption>\n<tr><th>Year</th><th>Population</th></tr>\n");
    for (unsigned i = 1; i < ITEMS_MAX && wt_deg_at(d, i).len; i += 2) {
        wt_deg_put(d, "<tr><td>");
        wt_deg_add(d, wt_deg_at(d, i));
        wt_deg_put(d, "</td><td>");
        wt_deg_add(d, wt_deg_at(d, i + 1));
        wt_deg_put(d, "</td></tr>\n");
    }
    wt_deg_put(d, "</table>");
}

// --- Weather --------------------------------------------------------------------------------

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static const struct {
    const char *name, *label;
} weather[] = {
    {"record high C", "Record high \xc2\xb0"
                      "C"},
    {"record high F", "Record high \xc2\xb0"
                      "F"},
    {"high C", "Mean daily maximum \xc2\xb0"
               "C"},
    {"high F", "Mean daily maximum \xc2\xb0"
               "F"},
    {"mean C", "Daily mean \xc2\xb0"
               "C"},
    {"mean F", "Daily mean \xc2\xb0"
               "F"},
    {"low C", "Mean daily minimum \xc2\xb0"
              "C"},
    {"low F", "Mean daily minimum \xc2\xb0"
              "F"},
    {"record low C", "Record low \xc2\xb0"
                     "C"},
    {"record low F", "Record low \xc2\xb0"
                     "F"},
    {"precipitation mm", "Average precipitation mm"},
    {"precipitation inch", "Average precipitation inches"},
    {"rain mm", "Average rainfall mm"},
    {"snow cm", "Average snowfall cm"},
    {"humidity", "Average relative humidity %"},
    {"precipitation days", "Average precipitation days"},
    {"rain days", "Average rainy days"},
    {"snow days", "Average snowy days"},
    {"sun", "Mean monthly sunshine hours"},
};

static str month_value(const wt_deg *d, const char *month, const char *what) {
    char name[48];
    buf b = {.ptr = name, .cap = sizeof name, .limit = sizeof name};
    buf_add(&b, str_of(month));
    buf_byte(&b, ' ');
    buf_add(&b, str_of(what));
    return wt_deg_get(d, buf_str(&b));
}

static void weather_box(wt_deg *d) {
    wt_deg_fill(d,
                "<table class=\"wikitable\"><caption>Climate data{ for $(location)}</caption>\n");
    wt_deg_put(d, "<tr><th>Month</th>");
    for (size_t m = 0; m < countof(months); m++)
        wt_deg_fmt(d, "<th>%s</th>", months[m]);
    wt_deg_put(d, "<th>Year</th></tr>\n");
    for (size_t i = 0; i < countof(weather); i++) {
        if (!month_value(d, "Jan", weather[i].name).len) continue;
        wt_deg_fmt(d, "<tr><th scope=\"row\">%s</th>", weather[i].label);
        for (size_t m = 0; m <= countof(months); m++) {
            bool is_year = m == countof(months);
            wt_deg_put(d, "<td>");
            wt_deg_add(d, month_value(d, is_year ? "year" : months[m], weather[i].name));
            wt_deg_put(d, "</td>");
        }
        wt_deg_put(d, "</tr>\n");
    }
    wt_deg_fill(d, "{<tr><td colspan=\"14\">Source: $(source|source 1)</td></tr>\n}</table>");
}

// --- The table ------------------------------------------------------------------------------

// clang-format off
static const wt_family_row rows[] = {
    {"annotated image", wt_deg_pattern, "[[File:$(1|image|file)|thumb|$(caption|2)]]"},
    {"automatic taxobox", wt_deg_infobox, NULL},
    {"bar box", wt_deg_pattern, "<div class=\"bar-box\"><b>$(title)</b>\n$(bars)\n{<div class=\"thumbcaption\">$(caption)</div>\n}</div>"},
    {"bar percent", wt_deg_pattern, "<div class=\"bar-row\">$1: $3%{ ($4)}</div>"},
    {"bar percent2", wt_deg_pattern, "<div class=\"bar-row\">$1: $3%{ ($4)}</div>"},
    {"bar pixel", wt_deg_pattern, "<div class=\"bar-row\">$1: {$4~$3}</div>"},
    {"barbox", wt_deg_pattern, "<div class=\"bar-box\"><b>$(title)</b>\n$(bars)\n{<div class=\"thumbcaption\">$(caption)</div>\n}</div>"},
    {"bartable", wt_deg_pattern, "$1$2"},
    {"blist", items, "ul bulleted"},
    {"bulleted list", items, "ul bulleted"},
    {"cbegin", wt_deg_pattern, "<table class=\"multicol\" role=\"presentation\"><tr><td>\n"},
    {"chart", tree_row, NULL},
    {"chart bottom", wt_deg_nothing, NULL},
    {"chart top", wt_deg_nothing, NULL},
    {"chart/end", wt_deg_nothing, NULL},
    {"chart/start", wt_deg_nothing, NULL},
    {"chembox", wt_deg_infobox, NULL},
    {"clade", clade, NULL},
    {"cladex", clade, NULL},
    {"cladogram", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(title|caption)</b>\n$(clades|cladogram|1)\n</div>"},
    {"cob", wt_deg_pattern, "\n</div>"},
    {"col begin", wt_deg_pattern, "<table class=\"multicol\" role=\"presentation\"><tr><td>\n"},
    {"col break", wt_deg_pattern, "\n</td><td>\n"},
    {"col div end", wt_deg_pattern, "\n</div>"},
    {"col end", wt_deg_pattern, "\n</td></tr></table>\n"},
    {"col-2", wt_deg_pattern, "\n</td><td>\n"},
    {"col-3", wt_deg_pattern, "\n</td><td>\n"},
    {"col-4", wt_deg_pattern, "\n</td><td>\n"},
    {"col-5", wt_deg_pattern, "\n</td><td>\n"},
    {"col-begin", wt_deg_pattern, "<table class=\"multicol\" role=\"presentation\"><tr><td>\n"},
    {"col-break", wt_deg_pattern, "\n</td><td>\n"},
    {"col-end", wt_deg_pattern, "\n</td></tr></table>\n"},
    {"col-list", list_in, "div-col"},
    {"col-n", wt_deg_pattern, "\n</td><td>\n"},
    {"col-start", wt_deg_pattern, "<table class=\"multicol\" role=\"presentation\"><tr><td>\n"},
    {"colbegin", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"colend", wt_deg_pattern, "\n</div>"},
    {"collapse", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(title|header|2)</b>\n$(1|content)\n</div>"},
    {"collapse bottom", wt_deg_pattern, "\n</div>"},
    {"collapse top", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(1|title)</b>\n"},
    {"collapsetop", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(1|title)</b>\n"},
    {"collapsible list", folded, NULL},
    {"collapsible-list", folded, NULL},
    {"cols", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"colstart", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"columns", wt_deg_pattern, "<div class=\"div-col\">\n$(col1|1)\n$(col2|2)\n{$(col3|3)\n}{$(col4|4)\n}</div>"},
    {"columns list", list_in, "div-col"},
    {"columns-end", wt_deg_pattern, "\n</div>"},
    {"columns-list", list_in, "div-col"},
    {"columns-start", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"columnslist", list_in, "div-col"},
    {"comma separated entries", items, "ul cslist"},
    {"cot", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(1|title)</b>\n"},
    {"cslist", items, "ul cslist"},
    {"div 2col", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"div col", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"div col end", wt_deg_pattern, "\n</div>"},
    {"div col start", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"div end", wt_deg_pattern, "\n</div>"},
    {"divcol", wt_deg_pattern, "<div class=\"div-col\">\n$(content)"},
    {"divcolend", wt_deg_pattern, "\n</div>"},
    {"double image", wt_deg_pattern, "\n[[File:$2|thumb|$6]]\n[[File:$4|thumb|$7]]\n"},
    {"drugbox", wt_deg_infobox, NULL},
    {"elementbox", wt_deg_infobox, NULL},
    {"end box", wt_deg_pattern, "</table>"},
    {"endbox", wt_deg_pattern, "</table>"},
    {"endflatlist", wt_deg_pattern, "\n</div>"},
    {"endplainlist", wt_deg_pattern, "\n</div>"},
    {"enzyme", wt_deg_infobox, NULL},
    {"family tree", tree_row, NULL},
    {"familytree", tree_row, NULL},
    {"familytree/end", wt_deg_nothing, NULL},
    {"familytree/start", wt_deg_nothing, NULL},
    {"flat list", items, "ul hlist"},
    {"flatlist", list_in, "hlist"},
    {"geobox", wt_deg_infobox, NULL},
    {"hab", wt_deg_pattern, "\n</div>"},
    {"hat", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(1|title)</b>\n"},
    {"hidden", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(header|1)</b>\n$(content|2)\n</div>"},
    {"hidden begin", wt_deg_pattern, "<div class=\"wt-folded\"><b>$(1|title)</b>\n"},
    {"hidden end", wt_deg_pattern, "\n</div>"},
    {"historical population", populations, NULL},
    {"historical populations", populations, NULL},
    {"hlist", items, "ul hlist"},
    {"horizontal list", items, "ul hlist"},
    {"image", wt_deg_pattern, "[[File:$(1|image|file)|thumb|$(caption|2)]]"},
    {"mehrere bilder", pictures, NULL},
    {"mehrspaltige liste", list_in, "div-col"},
    {"multiple image", pictures, NULL},
    {"multiple images", pictures, NULL},
    {"mycomorphbox", wt_deg_infobox, NULL},
    {"navbox", navbox, "navbox"},
    {"navbox subgroup", navbox, "navbox"},
    {"navbox with collapsible groups", navbox, "navbox"},
    {"navbox with columns", navbox, "navbox"},
    {"navboxes", navboxes, NULL},
    {"navigation box", navbox, "navbox"},
    {"navigation boxes", navboxes, NULL},
    {"olist", items, "ol ordered"},
    {"ordered list", items, "ol ordered"},
    {"photo", wt_deg_pattern, "[[File:$(1|image|file)|thumb|$(caption|2)]]"},
    {"photomontage", pictures, NULL},
    {"plain list", list_in, "plainlist"},
    {"plainlist", list_in, "plainlist"},
    {"protein", wt_deg_infobox, NULL},
    {"s-aca", wt_deg_pattern, "<tr><th colspan=\"3\">Academic offices</th></tr>"},
    {"s-ach", wt_deg_pattern, "<tr><th colspan=\"3\">Awards and achievements</th></tr>"},
    {"s-aft", wt_deg_pattern, "<td>Succeeded by<br/>{$(after|1)~–}</td></tr>"},
    {"s-bef", wt_deg_pattern, "<tr><td>Preceded by<br/>{$(before|1)~–}</td>"},
    {"s-begin", wt_deg_pattern, "<table class=\"wikitable succession-box\">"},
    {"s-break", wt_deg_nothing, NULL},
    {"s-bus", wt_deg_pattern, "<tr><th colspan=\"3\">Business positions</th></tr>"},
    {"s-civ", wt_deg_pattern, "<tr><th colspan=\"3\">Civic offices</th></tr>"},
    {"s-court", wt_deg_pattern, "<tr><th colspan=\"3\">Court offices</th></tr>"},
    {"s-cul", wt_deg_pattern, "<tr><th colspan=\"3\">Cultural offices</th></tr>"},
    {"s-culture", wt_deg_pattern, "<tr><th colspan=\"3\">Cultural offices</th></tr>"},
    {"s-dip", wt_deg_pattern, "<tr><th colspan=\"3\">Diplomatic posts</th></tr>"},
    {"s-edu", wt_deg_pattern, "<tr><th colspan=\"3\">Educational offices</th></tr>"},
    {"s-end", wt_deg_pattern, "</table>"},
    {"s-end box", wt_deg_pattern, "</table>"},
    {"s-gov", wt_deg_pattern, "<tr><th colspan=\"3\">Government offices</th></tr>"},
    {"s-hon", wt_deg_pattern, "<tr><th colspan=\"3\">Honorary titles</th></tr>"},
    {"s-inc", wt_deg_pattern, "<td>Incumbent</td></tr>"},
    {"s-jud", wt_deg_pattern, "<tr><th colspan=\"3\">Legal offices</th></tr>"},
    {"s-legal", wt_deg_pattern, "<tr><th colspan=\"3\">Legal offices</th></tr>"},
    {"s-media", wt_deg_pattern, "<tr><th colspan=\"3\">Media offices</th></tr>"},
    {"s-mil", wt_deg_pattern, "<tr><th colspan=\"3\">Military offices</th></tr>"},
    {"s-new", wt_deg_pattern, "<tr><td>New{ $(office|reason|1)}</td>"},
    {"s-non", wt_deg_pattern, "<td>{$(reason)~None}</td></tr>"},
    {"s-npo", wt_deg_pattern, "<tr><th colspan=\"3\">Non-profit organization positions</th></tr>"},
    {"s-off", wt_deg_pattern, "<tr><th colspan=\"3\">Political offices</th></tr>"},
    {"s-other", wt_deg_pattern, "<tr><th colspan=\"3\">Other offices</th></tr>"},
    {"s-par", wt_deg_pattern, "<tr><th colspan=\"3\">Parliamentary offices</th></tr>"},
    {"s-ppo", wt_deg_pattern, "<tr><th colspan=\"3\">Party political offices</th></tr>"},
    {"s-pre", wt_deg_pattern, "<tr><th colspan=\"3\">Titles in pretence</th></tr>"},
    {"s-reg", wt_deg_pattern, "<tr><th colspan=\"3\">Regnal titles</th></tr>"},
    {"s-rel", wt_deg_pattern, "<tr><th colspan=\"3\">Religious titles</th></tr>"},
    {"s-roy", wt_deg_pattern, "<tr><th colspan=\"3\">Royal titles</th></tr>"},
    {"s-sports", wt_deg_pattern, "<tr><th colspan=\"3\">Sporting positions</th></tr>"},
    {"s-start", wt_deg_pattern, "<table class=\"wikitable succession-box\">"},
    {"s-ttl", wt_deg_pattern, "<td><b>$(title|1)</b>{<br/>$(years|2)}</td>"},
    {"s-vac", wt_deg_pattern, "<tr><td>Vacant{<br/>$(reason)}</td>"},
    {"sidebar", navbox, "sidebar"},
    {"sidebar with collapsible lists", navbox, "sidebar"},
    {"sidebar with heading backgrounds", navbox, "sidebar"},
    {"speciesbox", wt_deg_infobox, NULL},
    {"start box", wt_deg_pattern, "<table class=\"wikitable succession-box\">"},
    {"startbox", wt_deg_pattern, "<table class=\"wikitable succession-box\">"},
    {"startflatlist", list_in, "hlist"},
    {"startplainlist", list_in, "plainlist"},
    {"subspeciesbox", wt_deg_infobox, NULL},
    {"succession", wt_deg_pattern, "<table class=\"wikitable succession-box\"><tr><td>Preceded by<br/>{$(before|preceded)~–}</td><td><b>$(title|office)</b>{<br/>$(years)}</td><td>Succeeded by<br/>{$(after|succeeded)~–}</td></tr></table>"},
    {"succession before", wt_deg_pattern, "<tr><td>Preceded by<br/>{$(before|1)~–}</td>"},
    {"succession box", wt_deg_pattern, "<table class=\"wikitable succession-box\"><tr><td>Preceded by<br/>{$(before|preceded)~–}</td><td><b>$(title|office)</b>{<br/>$(years)}</td><td>Succeeded by<br/>{$(after|succeeded)~–}</td></tr></table>"},
    {"succession box start", wt_deg_pattern, "<table class=\"wikitable succession-box\">"},
    {"taxobox", wt_deg_infobox, NULL},
    {"tree chart", tree_row, NULL},
    {"tree chart/end", wt_deg_nothing, NULL},
    {"tree chart/start", wt_deg_nothing, NULL},
    {"tree list", folded, NULL},
    {"ubil", items, "ul plainlist"},
    {"ubl", items, "ul plainlist"},
    {"ublist", items, "ul plainlist"},
    {"ulist", items, "ul bulleted"},
    {"unbulleted list", items, "ul plainlist"},
    {"unordered list", items, "ul bulleted"},
    {"vunblist", items, "ul plainlist"},
    {"weather box", weather_box, NULL},
    {"weatherbox", weather_box, NULL},
};
// clang-format on

const wt_families wt_families_boxes = {rows, countof(rows)};
