// families/note.c -- notes about the text: hatnotes, marks for editors, short footnotes.
//
// I1  rows are sorted by name, byte by byte

#include "families/inside.h"

// --- Hatnotes -------------------------------------------------------------------------------

static void open_hatnote(wt_deg *d) {
    wt_deg_put(d, "<div role=\"note\" class=\"hatnote navigation-not-searchable\">");
}

static void close_hatnote(wt_deg *d) {
    wt_deg_put(d, "</div>");
}

// A page, or a section of one as "page § section".
static void page_link(wt_deg *d, str target, str label) {
    size_t hash = str_find_byte(target, '#');
    if (label.len || hash == target.len) return wt_deg_link(d, target, label);
    buf b;
    buf_init(&b, d->p->mem, target.len + 8);
    buf_add(&b, str_trim(str_first(target, hash)));
    buf_add(&b, b.len ? STR(" \xc2\xa7&#160;") : STR("\xc2\xa7&#160;"));
    buf_add(&b, str_skip(target, hash + 1));
    wt_deg_link(d, target, buf_str(&b));
}

// Arguments from number `from` on as "A, B and C"; returns how many.
static unsigned page_list(wt_deg *d, unsigned from, const char *last) {
    unsigned n = 0;
    for (unsigned i = from; wt_deg_at(d, i).len; i++, n++) {
        bool is_last = !wt_deg_at(d, i + 1).len;
        if (n) wt_deg_put(d, !is_last ? ", " : last);
        page_link(d, wt_deg_at(d, i), wt_deg_any(d, "l#|label#|label #", i));
    }
    return n;
}

// "Main article: A" or "Main articles: A and B": `with` has the words, "s" goes in at "%".
static void linking(wt_deg *d) {
    bool has_many = wt_deg_at(d, 2).len > 0;
    open_hatnote(d);
    for (const char *c = d->with; *c; c++)
        if (*c != '%')
            buf_byte(d->out, *c);
        else if (has_many)
            buf_byte(d->out, 's');
    wt_deg_put(d, " ");
    if (!page_list(d, 1, " and ")) page_link(d, d->p->title.full, STR(""));
    close_hatnote(d);
}

static void hatnote(wt_deg *d) {
    open_hatnote(d);
    wt_deg_fill(d, d->with);
    close_hatnote(d);
}

static void disambiguation(wt_deg *d, str page) {
    if (page.len) return page_link(d, page, STR(""));
    buf b;
    buf_init(&b, d->p->mem, 64);
    buf_add(&b, d->p->title.full);
    buf_add(&b, STR(" (disambiguation)"));
    wt_deg_link(d, buf_str(&b), STR(""));
}

// " For USE, see PAGE." for pairs of arguments from number i on.
static void uses(wt_deg *d, unsigned i) {
    do {
        str use = wt_deg_at(d, i);
        wt_deg_put(d, " For ");
        wt_deg_add(d, use.len ? use : STR("other uses"));
        wt_deg_put(d, ", see ");
        disambiguation(d, wt_deg_at(d, i + 1));
        for (i += 2; str_eq(wt_deg_at(d, i), STR("and")); i += 2) {
            wt_deg_put(d, " and ");
            page_link(d, wt_deg_at(d, i + 1), STR(""));
        }
        wt_deg_put(d, ".");
    } while (wt_deg_at(d, i).len && wt_deg_at(d, i + 1).len);
}

static void about(wt_deg *d) {
    open_hatnote(d);
    if (wt_deg_at(d, 1).len) wt_deg_fill(d, "This article is about $1.");
    uses(d, 2);
    close_hatnote(d);
}

static void for_use(wt_deg *d) {
    open_hatnote(d);
    uses(d, 1);
    close_hatnote(d);
}

static void redirects_here(wt_deg *d) {
    open_hatnote(d);
    wt_deg_fill(d, "\xe2\x80\x9c$1\xe2\x80\x9d redirects here.");
    uses(d, 2);
    close_hatnote(d);
}

// {{redirect2|A|B|use|page}}
static void redirect_here_both(wt_deg *d) {
    open_hatnote(d);
    wt_deg_fill(d, "\xe2\x80\x9c$1\xe2\x80\x9d{ and \xe2\x80\x9c$2\xe2\x80\x9d} redirect here.");
    uses(d, 3);
    close_hatnote(d);
}

static void other_uses(wt_deg *d) {
    open_hatnote(d);
    wt_deg_put(d, d->with);
    wt_deg_put(d, ", see ");
    disambiguation(d, wt_deg_at(d, 1));
    for (unsigned i = 2; wt_deg_at(d, i).len; i++) {
        wt_deg_put(d, " and ");
        page_link(d, wt_deg_at(d, i), STR(""));
    }
    wt_deg_put(d, ".");
    close_hatnote(d);
}

static void distinguish(wt_deg *d) {
    open_hatnote(d);
    wt_deg_put(d, "Not to be confused with ");
    if (wt_deg_get(d, STR("text")).len)
        wt_deg_fill(d, "$(text)");
    else
        page_list(d, 1, " or ");
    wt_deg_put(d, ".");
    close_hatnote(d);
}

static void disambiguation_page(wt_deg *d) {
    wt_deg_put(d, "<div class=\"dmbox\">This disambiguation page lists articles associated with "
                  "the title \xe2\x80\x9c");
    wt_deg_add(d, d->p->title.text);
    wt_deg_put(d, "\xe2\x80\x9d.</div>");
}

// --- Marks for editors ----------------------------------------------------------------------

static void mark(wt_deg *d) {
    if (str_ends(d->name, STR("span"))) wt_deg_fill(d, "$(1|text)");
    wt_deg_put(d, "<sup class=\"noprint Inline-Template\">&#91;<i>");
    wt_deg_put(d, d->with);
    wt_deg_put(d, "</i>&#93;</sup>");
}

// --- Other wikis ----------------------------------------------------------------------------

// `with`: "prefix|words".
void wt_deg_sister(wt_deg *d) {
    str words = str_of(d->with), prefix = str_cut(&words, '|');
    str page = wt_deg_at(d, 1), label = wt_deg_any(d, "2|1", 0);
    if (!page.len) page = d->p->title.text;
    wt_deg_put(d, str_ends(d->name, STR("inline")) ? "<span>" : "<div class=\"side-box\">");
    wt_deg_add(d, words);
    wt_deg_put(d, " <i>[[:");
    wt_deg_add(d, prefix);
    wt_deg_put(d, ":");
    wt_deg_add(d, page);
    wt_deg_put(d, "|");
    wt_deg_add(d, label.len ? label : page);
    wt_deg_put(d, str_ends(d->name, STR("inline")) ? "]]</i></span>" : "]]</i></div>");
}

static void sister_links(wt_deg *d) {
    static const char *const projects[] = {"wikt|Definitions", "c|Media", "n|News",
                                           "q|Quotations",     "s|Texts", "b|Textbooks",
                                           "v|Resources"};
    str page = wt_deg_at(d, 1).len ? wt_deg_at(d, 1) : d->p->title.text;
    wt_deg_put(d, "<div class=\"side-box\">Sister projects: ");
    for (size_t i = 0; i < countof(projects); i++) {
        str label = str_of(projects[i]), prefix = str_cut(&label, '|');
        if (i) wt_deg_put(d, " \xc2\xb7 ");
        wt_deg_put(d, "[[:");
        wt_deg_add(d, prefix);
        wt_deg_put(d, ":");
        wt_deg_add(d, page);
        wt_deg_put(d, "|");
        wt_deg_add(d, label);
        wt_deg_put(d, "]]");
    }
    wt_deg_put(d, "</div>");
}

static void portals(wt_deg *d) {
    wt_deg_put(d, "<div class=\"side-box\">");
    for (unsigned i = 1; wt_deg_at(d, i).len; i++) {
        if (i > 1) wt_deg_put(d, " \xc2\xb7 ");
        wt_deg_put(d, "[[:Portal:");
        wt_deg_add(d, wt_deg_at(d, i));
        wt_deg_put(d, "|");
        wt_deg_add(d, wt_deg_at(d, i));
        wt_deg_put(d, " portal]]");
    }
    wt_deg_put(d, "</div>");
}

// --- Short footnotes: "Smith & Jones 2001, p. 5" --------------------------------------------

// Up to four names and a year: all arguments by number, of which the last is the year.
static unsigned n_names(const wt_deg *d) {
    unsigned n = 0;
    while (n < 5 && wt_deg_at(d, n + 1).len)
        n++;
    return n;
}

static void harv_target(buf *out, const wt_deg *d) {
    str ref = wt_deg_get(d, STR("ref"));
    if (ref.len) return buf_add(out, ref);
    buf_add(out, STR("CITEREF"));
    for (unsigned i = 1; i <= n_names(d); i++)
        buf_add(out, wt_deg_at(d, i));
}

// `open` and `close` go around the year.
static void harv_words(wt_deg *d, const char *open, const char *close) {
    unsigned n = n_names(d), names = n > 1 ? n - 1 : n;
    if (names == 4) {
        wt_deg_fill(d, "$1 et al.");
    } else {
        for (unsigned i = 1; i <= names; i++) {
            if (i > 1) wt_deg_put(d, i == names ? " & " : ", ");
            wt_deg_add(d, wt_deg_at(d, i));
        }
    }
    if (n > 1) {
        wt_deg_put(d, " ");
        wt_deg_put(d, open);
        wt_deg_add(d, wt_deg_at(d, n));
        wt_deg_put(d, close);
    }
}

static void harv_place(wt_deg *d) {
    wt_deg_fill(d, "{, p.&#160;$(p|page)}{, pp.&#160;$(pp|pages)}{, $(loc|at)}");
}

static void harv_link(wt_deg *d, const char *open, const char *close) {
    wt_deg_put(d, "[[#");
    harv_target(d->out, d);
    wt_deg_put(d, "|");
    harv_words(d, open, close);
    wt_deg_put(d, "]]");
}

static void harv(wt_deg *d) {
    wt_deg_put(d, "(");
    harv_link(d, "", "");
    harv_place(d);
    wt_deg_put(d, ")");
}

static void harvnb(wt_deg *d) {
    harv_link(d, "", "");
    harv_place(d);
    wt_deg_fill(d, "$(ps|postscript)");
}

static void harvtxt(wt_deg *d) {
    harv_link(d, "(", ")");
    harv_place(d);
}

static void harvid(wt_deg *d) {
    harv_target(d->out, d);
}

// What writes into d->out, written elsewhere.
static str aside(wt_deg *d, void (*write)(wt_deg *d)) {
    buf b, *out = d->out;
    buf_init(&b, d->p->mem, 128);
    d->out = &b;
    write(d);
    d->out = out;
    return buf_str(&b);
}

static void sfn_name(wt_deg *d) {
    wt_deg_put(d, "FOOTNOTE");
    for (unsigned i = 1; i <= n_names(d); i++)
        wt_deg_add(d, wt_deg_at(d, i));
    wt_deg_fill(d, "$(p|page)$(pp|pages)$(loc|at)");
}

static void sfn_text(wt_deg *d) {
    bool in_brackets = str_eq(d->name, STR("sfnp"));
    harv_link(d, in_brackets ? "(" : "", in_brackets ? ")" : "");
    harv_place(d);
    wt_deg_fill(d, "{$(ps|postscript)~.}");
}

static str attr_text(wt_deg *d, const char *name, str value) {
    buf b;
    buf_init(&b, d->p->mem, value.len + 24);
    buf_fmt(&b, " %s=\"", name);
    html_escape(&b, value);
    buf_byte(&b, '"');
    return buf_str(&b);
}

static str joined(wt_deg *d, str a, str b) {
    buf all;
    buf_init(&all, d->p->mem, a.len + b.len);
    buf_add(&all, a);
    buf_add(&all, b);
    return buf_str(&all);
}

static void sfn(wt_deg *d) {
    str name = aside(d, sfn_name), text = aside(d, sfn_text);
    wt_deg_tag(d, STR("ref"), attr_text(d, "name", name), text, true);
}

// {{efn|text|name=x|group=g}}; `with` is the group when none is given.
static void note(wt_deg *d) {
    str name = wt_deg_get(d, STR("name")), group = wt_deg_get(d, STR("group"));
    str text = wt_deg_any(d, "1|text|reason", 0), attrs = STR("");
    if (!group.len) group = str_of(d->with);
    if (group.len) attrs = attr_text(d, "group", group);
    if (name.len) attrs = joined(d, attrs, attr_text(d, "name", name));
    wt_deg_tag(d, STR("ref"), attrs, text, text.len > 0);
}

// {{r|name|name|...}}
static void again(wt_deg *d) {
    str group = wt_deg_any(d, "group|g", 0);
    str attrs = group.len ? attr_text(d, "group", group) : STR("");
    for (unsigned i = 1; wt_deg_at(d, i).len; i++)
        wt_deg_tag(d, STR("ref"), joined(d, attrs, attr_text(d, "name", wt_deg_at(d, i))), STR(""),
                   false);
}

// {{reflist|30em|group=g|refs=...}}; `with` is the group when none is given.
static void ref_list(wt_deg *d) {
    str group = wt_deg_any(d, "group|g", 0), refs = wt_deg_any(d, "refs|notes", 0);
    if (!group.len) group = str_of(d->with);
    wt_deg_put(d, "<div class=\"reflist\">");
    wt_deg_tag(d, STR("references"), group.len ? attr_text(d, "group", group) : STR(""), refs,
               refs.len > 0);
    wt_deg_put(d, "</div>");
}

static void ref_begin(wt_deg *d) {
    wt_deg_put(d, "<div class=\"refbegin\">\n");
}

// --- The table ------------------------------------------------------------------------------

// clang-format off
static const wt_family_row rows[] = {
    {"#tag:ref", note, ""},
    {"about", about, NULL},
    {"about2", about, NULL},
    {"according to", mark, "according to whom?"},
    {"according to whom", mark, "according to whom?"},
    {"also", linking, "See also:"},
    {"ambiguous", mark, "vague"},
    {"attribute", mark, "attribution needed"},
    {"attribution needed", mark, "attribution needed"},
    {"author missing", mark, "author missing"},
    {"begriffsklärung", disambiguation_page, NULL},
    {"better source", mark, "better source needed"},
    {"better source needed", mark, "better source needed"},
    {"bettersource", mark, "better source needed"},
    {"broader", linking, "For broader coverage of this topic, see"},
    {"broader article", linking, "For broader coverage of this topic, see"},
    {"broader concept article", linking, "For broader coverage of this topic, see"},
    {"broken link", mark, "dead link"},
    {"by whom", mark, "by whom?"},
    {"by whom?", mark, "by whom?"},
    {"cat main", linking, "The main article for this category is"},
    {"category see also", linking, "See also categories:"},
    {"catmain", linking, "The main article for this category is"},
    {"catmore", linking, "For more details on this topic, see"},
    {"chronology citation needed", mark, "chronology citation needed"},
    {"citation needed", mark, "citation needed"},
    {"citation needed span", mark, "citation needed"},
    {"citationneeded", mark, "citation needed"},
    {"cite needed", mark, "citation needed"},
    {"clarification needed", mark, "clarification needed"},
    {"clarify", mark, "clarification needed"},
    {"clarifyme", mark, "clarification needed"},
    {"cn", mark, "citation needed"},
    {"cn-span", mark, "citation needed"},
    {"confused", distinguish, NULL},
    {"contradict-inline", mark, "contradictory"},
    {"contradiction-inline", mark, "contradictory"},
    {"cref2", note, "lower-alpha"},
    {"dab", disambiguation_page, NULL},
    {"dablink", hatnote, "$(1|text)"},
    {"date missing", mark, "year needed"},
    {"dead link", mark, "dead link"},
    {"deadlink", mark, "dead link"},
    {"detail", linking, "For more details on this topic, see"},
    {"details", linking, "For more details on this topic, see"},
    {"details2", linking, "For more details on this topic, see"},
    {"details3", linking, "For more details on this topic, see"},
    {"disamb", disambiguation_page, NULL},
    {"disambig", disambiguation_page, NULL},
    {"disambig-for", other_uses, "For other uses"},
    {"disambiguation", disambiguation_page, NULL},
    {"disambiguation cleanup", disambiguation_page, NULL},
    {"disambiguation needed", mark, "disambiguation needed"},
    {"discuss", mark, "disputed"},
    {"disputed inline", mark, "disputed"},
    {"disputed-inline", mark, "disputed"},
    {"distinguish", distinguish, NULL},
    {"distinguish2", distinguish, NULL},
    {"dl", mark, "dead link"},
    {"dn", mark, "disambiguation needed"},
    {"dubious", mark, "dubious"},
    {"dubious span", mark, "dubious"},
    {"efn", note, "lower-alpha"},
    {"efn-lr", note, "lower-roman"},
    {"efn-ua", note, "upper-alpha"},
    {"efn2", note, "lower-alpha"},
    {"efnlist", ref_list, "lower-alpha"},
    {"example needed", mark, "example needed"},
    {"examples", mark, "example needed"},
    {"explanatory footnote", note, "lower-alpha"},
    {"fact", mark, "citation needed"},
    {"failed verification", mark, "not in citation given"},
    {"fcn", mark, "full citation needed"},
    {"fn2", note, ""},
    {"footnote", note, ""},
    {"footnotes", ref_list, ""},
    {"for", for_use, NULL},
    {"for example", mark, "example needed"},
    {"for other uses", other_uses, "For other uses"},
    {"for2", for_use, NULL},
    {"full", mark, "full citation needed"},
    {"full citation needed", mark, "full citation needed"},
    {"further", linking, "Further information:"},
    {"further info", linking, "Further information:"},
    {"further information", linking, "Further information:"},
    {"furtherinfo", linking, "Further information:"},
    {"geodis", disambiguation_page, NULL},
    {"given name", disambiguation_page, NULL},
    {"harv", harv, NULL},
    {"harvard citation", harv, NULL},
    {"harvard citation no brackets", harvnb, NULL},
    {"harvard citation text", harvtxt, NULL},
    {"harvard citations", harvnb, NULL},
    {"harvcol", sfn, NULL},
    {"harvcolnb", harvnb, NULL},
    {"harvcoltxt", harvtxt, NULL},
    {"harvid", harvid, NULL},
    {"harvnb", harvnb, NULL},
    {"harvnb2", harvnb, NULL},
    {"harvp", harvnb, NULL},
    {"harvs", harv, NULL},
    {"harvtxt", harvtxt, NULL},
    {"hatnote", hatnote, "$(1|text)"},
    {"hatnote inline", hatnote, "$(1|text)"},
    {"hauptartikel", linking, "Main article%:"},
    {"hcite", harv, NULL},
    {"hndis", disambiguation_page, NULL},
    {"how", mark, "how?"},
    {"how many", mark, "quantify"},
    {"human name disambiguation", disambiguation_page, NULL},
    {"importance inline", mark, "relevant?"},
    {"isbn missing", mark, "ISBN missing"},
    {"isbn?", mark, "ISBN missing"},
    {"jargon inline", mark, "jargon"},
    {"lead extra info inline", mark, "not verified in body"},
    {"letter-number combination disambiguation", disambiguation_page, NULL},
    {"listaref", ref_list, ""},
    {"lopsided", mark, "undue weight?"},
    {"main", linking, "Main article%:"},
    {"main article", linking, "Main article%:"},
    {"main articles", linking, "Main article%:"},
    {"main category", linking, "The main article for this category is"},
    {"main list", linking, "For a more comprehensive list, see"},
    {"mainarticle", linking, "Main article%:"},
    {"mcn", mark, "medical citation needed"},
    {"medical citation needed", mark, "medical citation needed"},
    {"more", linking, "For more details on this topic, see"},
    {"more info", linking, "For more details on this topic, see"},
    {"needs citation", mark, "citation needed"},
    {"needs update", mark, "needs update"},
    {"neutrality disputed", mark, "neutrality is disputed"},
    {"nonprimary source needed", mark, "non-primary source needed"},
    {"not in citation given", mark, "not in citation given"},
    {"not in source", mark, "not in citation given"},
    {"not to be confused with", distinguish, NULL},
    {"note label", note, "lower-alpha"},
    {"notelist", ref_list, "lower-alpha"},
    {"notelist-lr", ref_list, "lower-roman"},
    {"notelist-talk", ref_list, "lower-alpha"},
    {"notelist-ua", ref_list, "upper-alpha"},
    {"notes", ref_list, "lower-alpha"},
    {"npov-inline", mark, "neutrality is disputed"},
    {"nūruodis", ref_list, ""},
    {"obsolete source", mark, "obsolete source"},
    {"or", mark, "original research?"},
    {"or inline", mark, "original research?"},
    {"or?", mark, "original research?"},
    {"original research inline", mark, "original research?"},
    {"other hurricanes", other_uses, "For others of the same name"},
    {"other people", other_uses, "For other people with the same name"},
    {"other persons", other_uses, "For other people with the same name"},
    {"other places", other_uses, "For other places with the same name"},
    {"other ships", other_uses, "For others of the same name"},
    {"other uses", other_uses, "For other uses"},
    {"other uses2", other_uses, "For other uses"},
    {"otherpeople", other_uses, "For other people with the same name"},
    {"otherplaces", other_uses, "For other places with the same name"},
    {"otheruses", other_uses, "For other uses"},
    {"otheruses2", other_uses, "For other uses"},
    {"page", mark, "page&#160;needed"},
    {"page needed", mark, "page&#160;needed"},
    {"page number", mark, "page&#160;needed"},
    {"page numbers needed", mark, "page&#160;needed"},
    {"pages needed", mark, "page&#160;needed"},
    {"paragraph break needed", mark, "paragraph break needed"},
    {"peacock inline", mark, "peacock term"},
    {"peacock term", mark, "peacock term"},
    {"peacock-inline", mark, "peacock term"},
    {"pn", mark, "page&#160;needed"},
    {"portal", portals, NULL},
    {"portal bar", portals, NULL},
    {"portal-inline", portals, NULL},
    {"portalbar", portals, NULL},
    {"portals", portals, NULL},
    {"pov inline", mark, "neutrality is disputed"},
    {"pov statement", mark, "neutrality is disputed"},
    {"pov-statement", mark, "neutrality is disputed"},
    {"primary source inline", mark, "non-primary source needed"},
    {"primary-source-inline", mark, "non-primary source needed"},
    {"pronunciation needed", mark, "pronunciation?"},
    {"pronunciation?", mark, "pronunciation?"},
    {"qualify evidence", mark, "qualify evidence"},
    {"quantify", mark, "quantify"},
    {"r", again, NULL},
    {"redir", redirects_here, NULL},
    {"redirect", redirects_here, NULL},
    {"redirect-distinguish", redirects_here, NULL},
    {"redirect2", redirect_here_both, NULL},
    {"ref begin", ref_begin, NULL},
    {"ref end", wt_deg_pattern, "</div>"},
    {"ref label 2", note, ""},
    {"ref list", ref_list, ""},
    {"ref name", again, NULL},
    {"ref supports", note, ""},
    {"ref-list", ref_list, ""},
    {"refbegin", ref_begin, NULL},
    {"refend", wt_deg_pattern, "</div>"},
    {"reference begin", ref_begin, NULL},
    {"reference end", wt_deg_pattern, "</div>"},
    {"references", ref_list, ""},
    {"reflist", ref_list, ""},
    {"reflist2", ref_list, ""},
    {"refn", note, ""},
    {"refr", again, NULL},
    {"refs", ref_list, ""},
    {"refstart", ref_begin, NULL},
    {"relevance", mark, "relevant?"},
    {"relevance inline", mark, "relevant?"},
    {"relevant?", mark, "relevant?"},
    {"rellink", hatnote, "$(1|text)"},
    {"rnote", again, NULL},
    {"rs?", mark, "unreliable source?"},
    {"schwesterprojekte", sister_links, NULL},
    {"see", linking, "See:"},
    {"see also", linking, "See also:"},
    {"see-also", linking, "See also:"},
    {"seealso", linking, "See also:"},
    {"self reference", hatnote, "$(1|text)"},
    {"self-published", mark, "self-published source?"},
    {"self-published inline", mark, "unreliable source?"},
    {"self-published source", mark, "unreliable source?"},
    {"selfref", hatnote, "$(1|text)"},
    {"sfn", sfn, NULL},
    {"sfnb", sfn, NULL},
    {"sfnm", sfn, NULL},
    {"sfnp", sfn, NULL},
    {"sfnref", harvid, NULL},
    {"shortened footnote", sfn, NULL},
    {"siehe auch", linking, "See also:"},
    {"sister links", sister_links, NULL},
    {"sister project", sister_links, NULL},
    {"sister project links", sister_links, NULL},
    {"sisterlinks", sister_links, NULL},
    {"sisterprojectlinks", sister_links, NULL},
    {"snf", sfn, NULL},
    {"sourceme", mark, "citation needed"},
    {"specify", mark, "specify"},
    {"specify?", mark, "specify"},
    {"speculation inline", mark, "speculation?"},
    {"speculation-inline", mark, "speculation?"},
    {"surname", disambiguation_page, NULL},
    {"synthesis-inline", mark, "original research?"},
    {"technical inline", mark, "jargon"},
    {"technical-inline", mark, "jargon"},
    {"third-party inline", mark, "non-primary source needed"},
    {"title missing", mark, "title missing"},
    {"tone inline", mark, "tone"},
    {"tone-inline", mark, "tone"},
    {"toter link", mark, "dead link"},
    {"undue inline", mark, "undue weight?"},
    {"undue weight inline", mark, "undue weight?"},
    {"undue-inline", mark, "undue weight?"},
    {"unreliable source", mark, "unreliable source?"},
    {"unreliable source?", mark, "unreliable source?"},
    {"update after", mark, "needs update"},
    {"update inline", mark, "needs update"},
    {"updateneeded", mark, "needs update"},
    {"vague", mark, "vague"},
    {"verify credibility", mark, "verification needed"},
    {"verify source", mark, "verification needed"},
    {"volume & issue needed", mark, "volume&#160;&amp; issue needed"},
    {"volume needed", mark, "volume&#160;&amp; issue needed"},
    {"vs", mark, "verification needed"},
    {"weasel inline", mark, "weasel words"},
    {"weasel word", mark, "weasel words"},
    {"weasel-inline", mark, "weasel words"},
    {"what", mark, "clarification needed"},
    {"when", mark, "when?"},
    {"where", mark, "where?"},
    {"which", mark, "which?"},
    {"which?", mark, "which?"},
    {"who", mark, "who?"},
    {"who?", mark, "who?"},
    {"whom", mark, "by whom?"},
    {"why", mark, "why?"},
    {"year missing", mark, "year needed"},
    {"year needed", mark, "year needed"},
    {"مراجع", ref_list, ""},
    {"リンク切れ", mark, "dead link"},
    {"脚注リスト", ref_list, ""},
    {"要出典", mark, "citation needed"},
};
// clang-format on

const wt_families wt_families_notes = {rows, countof(rows)};
