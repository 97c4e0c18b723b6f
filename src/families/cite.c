// families/cite.c -- citations: {{cite book|...}} in the words of Citation Style 1.
//
//     Last, First; Last2, First2 (Date). "Chapter". In Editor (ed.). Title. Series. Vol. 2 (3rd
//     ed.). Place: Publisher. pp. 1-9. identifiers. Archived from the original on D. Retrieved D.
//     "Quote".
//
// A citation is parts in a fixed order; a part that its arguments do not give is left out with its
// mark. What differs between kinds (a title in quotes or slanted, volume bold, marks of
// {{citation}}) is a row of a table.
//
// I1  every part begins with next(), which ends the part before with the style's mark, unless that
//     part ends with one of its own
// Source: en.wikipedia.org/wiki/Help:Citation_Style_1, Template:Citation_Style_documentation

#include "families/inside.h"

enum { PEOPLE_MAX = 30, EDITORS_SHORT = 1 };

typedef enum look {
    LOOK_WEB,      // "Title". Work. Publisher.
    LOOK_BOOK,     // "Chapter". Title (edition). Place: Publisher. pp. 1.
    LOOK_JOURNAL,  // "Title". Journal. 12 (3): 45-67.
    LOOK_MEDIA,    // Title (type). Publisher.
} look;

static const struct {
    const char *name;
    look look;
    const char *class;
    const char *type;  // in brackets behind the title, when the call gives none
} kinds[] = {
    {"cite web", LOOK_WEB, "web", NULL},
    {"cite news", LOOK_WEB, "news", NULL},
    {"cite press release", LOOK_WEB, "pressrelease", "Press release"},
    {"cite book", LOOK_BOOK, "book", NULL},
    {"cite encyclopedia", LOOK_BOOK, "encyclopaedia", NULL},
    {"cite encyclopaedia", LOOK_BOOK, "encyclopaedia", NULL},
    {"cite conference", LOOK_BOOK, "conference", NULL},
    {"cite journal", LOOK_JOURNAL, "journal", NULL},
    {"cite magazine", LOOK_JOURNAL, "magazine", NULL},
    {"cite arxiv", LOOK_WEB, "arxiv", NULL},
    {"cite thesis", LOOK_MEDIA, "thesis", "Thesis"},
    {"cite report", LOOK_MEDIA, "report", "Report"},
    {"cite techreport", LOOK_MEDIA, "techreport", "Technical report"},
    {"cite tech report", LOOK_MEDIA, "techreport", "Technical report"},
    {"cite av media", LOOK_MEDIA, "audio-visual", NULL},
    {"cite video", LOOK_MEDIA, "audio-visual", NULL},
    {"cite episode", LOOK_WEB, "episode", NULL},
    {"cite map", LOOK_MEDIA, "map", "Map"},
    {"cite sign", LOOK_MEDIA, "sign", NULL},
    {"cite speech", LOOK_MEDIA, "speech", "Speech"},
    {"cite podcast", LOOK_WEB, "podcast", "Podcast"},
    {"cite interview", LOOK_WEB, "interview", "Interview"},
    {"cite mailing list", LOOK_WEB, "mailinglist", "Mailing list"},
    {"cite newsgroup", LOOK_WEB, "newsgroup", "Newsgroup"},
    {"vcite book", LOOK_BOOK, "book", NULL},
    {"vcite journal", LOOK_JOURNAL, "journal", NULL},
    {"vcite web", LOOK_WEB, "web", NULL},
    {"vcite news", LOOK_WEB, "news", NULL},
};

typedef struct cite {
    wt_deg *d;
    look look;
    const char *class, *type;
    bool is_cs2;   // {{citation}}: commas
    size_t start;  // of the words in d->out
    str title, chapter, work, url, chapter_url, archive_url, date;
    bool is_dead;  // the archive's address stands in for the first
} cite;

#define GET(c, names) wt_deg_any((c)->d, names, 0)

// --- Parts and their marks ------------------------------------------------------------------

// The last byte that a reader sees: not ' of quotes, not " or ] or a tag.
static char last_seen(const cite *c) {
    const buf *out = c->d->out;
    size_t i = out->len;
    while (i > c->start) {
        char ch = out->ptr[i - 1];
        if (ch == '>') {
            while (i > c->start && out->ptr[i - 1] != '<')
                i--;
            i -= i > c->start;
        } else if (strchr("'\"] ", ch)) {
            i--;
        } else {
            return ch;
        }
    }
    return 0;
}

static void next(const cite *c) {
    char last = last_seen(c);
    if (!last) return;
    if (c->is_cs2) {
        if (last != ',') wt_deg_put(c->d, ",");
    } else if (last != '.') {
        wt_deg_put(c->d, ".");
    }
    wt_deg_put(c->d, " ");
}

static void part(const cite *c, const char *before, str text, const char *after) {
    if (!text.len) return;
    next(c);
    wt_deg_put(c->d, before);
    wt_deg_add(c->d, text);
    wt_deg_put(c->d, after);
}

// --- People ---------------------------------------------------------------------------------

typedef struct role {
    const char *last, *first, *link, *whole;  // names of arguments, "#" for the number
} role;

static const role authors = {
    "last#|surname#|author#-last|author-last#|author#|subject#|host#|people#|author#-surname|"
    "lastauthor#",
    "first#|given#|author#-first|author-first#|author#-given",
    "author-link#|authorlink#|author#-link|author#link|subject-link#",
    "vauthors|authors|people|credits|coauthor-only",
};
static const role editors = {
    "editor-last#|editor#-last|editor-surname#|editor#-surname|editor#",
    "editor-first#|editor#-first|editor-given#|editor#-given",
    "editor-link#|editorlink#|editor#-link",
    "veditors|editors",
};
static const role translators = {
    "translator-last#|translator#-last|translator#",
    "translator-first#|translator#-first",
    "translator-link#|translator#-link",
    "",
};

// Number i of a role, from 1; the first may stand without its number.
static str person(const cite *c, const char *names, unsigned i) {
    str name = wt_deg_any(c->d, names, i);
    return name.len || i > 1 ? name : wt_deg_any(c->d, names, 0);
}

static unsigned n_people(const cite *c, const role *r) {
    unsigned n = 0;
    while (n < PEOPLE_MAX && person(c, r->last, n + 1).len)
        n++;
    return n;
}

static void put_person(const cite *c, const role *r, unsigned i) {
    str last = person(c, r->last, i), first = person(c, r->first, i);
    str link = person(c, r->link, i);
    if (link.len) {
        wt_deg_put(c->d, "[[");
        wt_deg_add(c->d, link);
        wt_deg_put(c->d, "|");
    }
    wt_deg_add(c->d, last);
    if (first.len) {
        wt_deg_put(c->d, ", ");
        wt_deg_add(c->d, first);
    }
    if (link.len) wt_deg_put(c->d, "]]");
}

static bool put_people(const cite *c, const role *r, const char *most) {
    unsigned n = n_people(c, r);
    str display = GET(c, most), whole = GET(c, r->whole);
    int64_t shown = wt_deg_number(display, n);
    if (!n) wt_deg_add(c->d, whole);
    for (unsigned i = 1; i <= n && i <= shown; i++) {
        bool is_amp = i == n && i > 1 && GET(c, "last-author-amp|name-list-style").len;
        if (i > 1) wt_deg_put(c->d, is_amp ? " & " : "; ");
        put_person(c, r, i);
    }
    if (n && (shown < n || str_eq_nocase(display, STR("etal")))) wt_deg_put(c->d, "; et al.");
    return n || whole.len;
}

static bool put_authors(const cite *c) {
    bool any = put_people(c, &authors, "display-authors|displayauthors");
    str others = GET(c, "coauthors|coauthor");
    if (any && others.len) {
        wt_deg_put(c->d, "; ");
        wt_deg_add(c->d, others);
    }
    return any;
}

static void put_date(const cite *c) {
    str original = GET(c, "orig-year|orig-date|origyear");
    if (!c->date.len) return;
    wt_deg_put(c->d, " (");
    wt_deg_add(c->d, c->date);
    wt_deg_put(c->d, ")");
    if (!original.len) return;
    wt_deg_put(c->d, " &#91;");
    wt_deg_add(c->d, original);
    wt_deg_put(c->d, "&#93;");
}

static bool put_editors(const cite *c) {
    unsigned n = n_people(c, &editors);
    if (!put_people(c, &editors, "display-editors|displayeditors")) return false;
    wt_deg_put(c->d, n == EDITORS_SHORT ? " (ed.)" : " (eds.)");
    return true;
}

// --- Titles ---------------------------------------------------------------------------------

static void put_title(const cite *c, str title, str url, bool in_quotes) {
    str link = GET(c, "title-link|titlelink|episode-link|episodelink"), label = title;
    const char *mark = in_quotes ? "\"" : "''";
    buf b;
    if (!title.len) return;
    if (!in_quotes && title.ptr[title.len - 1] == '\'') {  // keeps the marks apart
        buf_init(&b, c->d->p->mem, title.len + 16);
        buf_add(&b, title);
        buf_add(&b, STR("<span></span>"));
        label = buf_str(&b);
    }
    buf whole;
    buf_init(&whole, c->d->p->mem, label.len + 4);
    buf_add(&whole, str_of(mark));
    buf_add(&whole, label);
    buf_add(&whole, str_of(mark));
    if (url.len) {
        wt_deg_url(c->d, url, buf_str(&whole));
    } else if (link.len && str_find(title, STR("[[")) == title.len) {
        wt_deg_put(c->d, mark);
        wt_deg_link(c->d, link, label);
        wt_deg_put(c->d, mark);
    } else {
        wt_deg_add(c->d, buf_str(&whole));
    }
}

static void put_extra(const cite *c) {
    str foreign = GET(c, "trans-title|trans_title|translated-title");
    str format = GET(c, "format"), type = GET(c, "type|medium|degree");
    if (foreign.len) {
        wt_deg_put(c->d, " &#91;");
        wt_deg_add(c->d, foreign);
        wt_deg_put(c->d, "&#93;");
    }
    if (format.len) {
        wt_deg_put(c->d, " (");
        wt_deg_add(c->d, format);
        wt_deg_put(c->d, ")");
    }
    if (!type.len && c->type) type = str_of(c->type);
    if (!type.len || str_eq(type, STR("none"))) return;
    wt_deg_put(c->d, " (");
    wt_deg_add(c->d, type);
    wt_deg_put(c->d, ")");
}

static void put_titles(const cite *c) {
    str url = c->is_dead ? c->archive_url : c->url;
    bool holds_chapter = c->chapter.len && c->look != LOOK_JOURNAL && c->look != LOOK_WEB;
    if (holds_chapter) {
        bool is_own = c->chapter_url.len > 0;
        next(c);
        put_title(c, c->chapter, is_own ? (c->is_dead ? c->archive_url : c->chapter_url) : url,
                  true);
        if (n_people(c, &editors) || GET(c, "veditors|editors").len) {
            next(c);
            wt_deg_put(c->d, c->is_cs2 ? "in " : "In ");
            put_editors(c);
        }
        if (!is_own) url = STR("");
    }
    if (c->title.len) {
        next(c);
        put_title(c, c->title, url,
                  c->look == LOOK_WEB || c->look == LOOK_JOURNAL ||
                      (c->work.len && !holds_chapter));
    } else if (url.len && !holds_chapter) {
        next(c);
        wt_deg_url(c->d, url, url);
    }
    put_extra(c);
}

// --- What a title stands in -----------------------------------------------------------------

static void put_language(const cite *c) {
    static const char *const names[][2] = {
        {"de", "German"},  {"fr", "French"},   {"es", "Spanish"}, {"it", "Italian"},
        {"ru", "Russian"}, {"ja", "Japanese"}, {"zh", "Chinese"}, {"pt", "Portuguese"},
        {"pl", "Polish"},  {"nl", "Dutch"},    {"ar", "Arabic"},  {"sv", "Swedish"},
        {"la", "Latin"},   {"el", "Greek"},    {"lv", "Latvian"}, {"tr", "Turkish"},
    };
    str language = GET(c, "language|lang|in");
    if (!language.len || str_eq_nocase(language, STR("en")) ||
        str_eq_nocase(language, STR("english")))
        return;
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_nocase(language, str_of(names[i][0]))) language = str_of(names[i][1]);
    wt_deg_put(c->d, " (in ");
    wt_deg_add(c->d, language);
    wt_deg_put(c->d, ")");
}

static bool is_short(str s) {
    return s.len <= 4;
}

static bool has_many(str pages) {
    return str_find_byte(pages, '-') < pages.len || str_find_byte(pages, ',') < pages.len ||
           str_find(pages, STR("\xe2\x80\x93")) < pages.len ||
           str_find(pages, STR("&ndash;")) < pages.len;
}

// "1-9" with a dash as printers have it.
static void put_range(const cite *c, str pages) {
    for (size_t i = 0; i < pages.len; i++) {
        bool is_dash = pages.ptr[i] == '-' && i && i + 1 < pages.len && pages.ptr[i - 1] >= '0' &&
                       pages.ptr[i - 1] <= '9' && pages.ptr[i + 1] >= '0' &&
                       pages.ptr[i + 1] <= '9';
        if (is_dash)
            wt_deg_put(c->d, "\xe2\x80\x93");
        else
            buf_byte(c->d->out, pages.ptr[i]);
    }
}

static void put_pages(const cite *c) {
    str page = GET(c, "page|p"), pages = GET(c, "pages|pp"), at = GET(c, "at");
    if (!page.len && !pages.len) return part(c, "", at, "");
    bool is_many = !page.len && has_many(pages);
    if (c->look == LOOK_JOURNAL && !str_eq_nocase(STR("magazine"), str_of(c->class))) {
        wt_deg_put(c->d, ": ");
    } else {
        next(c);
        wt_deg_put(c->d, is_many || (!page.len && !pages.len) ? "pp.&#160;" : "p.&#160;");
    }
    put_range(c, page.len ? page : pages);
}

// "12 (3)" of a journal; "Vol. 12, no. 3" of anything else.
static void put_volume(const cite *c) {
    str volume = GET(c, "volume"), issue = GET(c, "issue|number");
    bool is_journal = c->look == LOOK_JOURNAL && !str_eq(str_of(c->class), STR("magazine"));
    if (is_journal && (volume.len || issue.len)) {
        next(c);
        wt_deg_put(c->d, volume.len && is_short(volume) ? "'''" : "");
        wt_deg_add(c->d, volume);
        wt_deg_put(c->d, volume.len && is_short(volume) ? "'''" : "");
        if (issue.len) {
            wt_deg_put(c->d, volume.len ? " (" : "(");
            wt_deg_add(c->d, issue);
            wt_deg_put(c->d, ")");
        }
        return;
    }
    part(c, c->is_cs2 ? "vol.&#160;" : "Vol.&#160;", volume, "");
    if (volume.len && issue.len) {
        wt_deg_put(c->d, ", no.&#160;");
        wt_deg_add(c->d, issue);
    } else {
        part(c, c->is_cs2 ? "no.&#160;" : "No.&#160;", issue, "");
    }
}

static void put_edition(const cite *c) {
    str edition = GET(c, "edition");
    if (!edition.len) return;
    wt_deg_put(c->d, " (");
    wt_deg_add(c->d, edition);
    wt_deg_put(c->d, " ed.)");
}

static void put_publisher(const cite *c) {
    str place = GET(c, "location|place|publication-place"), name = GET(c, "publisher|institution");
    if (!place.len && !name.len) return;
    next(c);
    wt_deg_add(c->d, place);
    if (place.len && name.len) wt_deg_put(c->d, ": ");
    wt_deg_add(c->d, name);
}

static void put_container(const cite *c) {
    bool has_chapter = c->chapter.len && c->look != LOOK_JOURNAL && c->look != LOOK_WEB;
    str series = GET(c, "series");
    if (!has_chapter && (n_people(c, &editors) || GET(c, "veditors|editors").len) &&
        c->d->out->len > c->start && (n_people(c, &authors) || GET(c, authors.whole).len)) {
        next(c);
        if (c->work.len) wt_deg_put(c->d, c->is_cs2 ? "in " : "In ");
        put_editors(c);
    }
    if (n_people(c, &translators)) {
        next(c);
        wt_deg_put(c->d, c->is_cs2 ? "translated by " : "Translated by ");
        put_people(c, &translators, "display-translators");
    }
    part(c, "''", c->work, "''");
    put_language(c);
    part(c, "", GET(c, "department"), "");
    part(c, "", GET(c, "conference|event|booktitle"), "");
    part(c, "", series, "");
    if (c->look == LOOK_JOURNAL) {
        put_publisher(c);
        put_volume(c);
        put_pages(c);
        return;
    }
    put_volume(c);
    put_edition(c);
    put_publisher(c);
    part(c, "", GET(c, "agency|network|station"), "");
}

// --- Identifiers ----------------------------------------------------------------------------

static const struct {
    const char *names, *label, *url, *after;  // NULL: no link
} ids[] = {
    {"arxiv|eprint", "arXiv:", "https://arxiv.org/abs/", ""},
    {"asin", "ASIN&#160;", NULL, ""},
    {"bibcode", "Bibcode:", "https://ui.adsabs.harvard.edu/abs/", ""},
    {"biorxiv", "bioRxiv&#160;", "https://doi.org/", ""},
    {"citeseerx", "CiteSeerX&#160;", "https://citeseerx.ist.psu.edu/viewdoc/summary?doi=", ""},
    {"doi", "doi:", "https://doi.org/", ""},
    {"hdl", "hdl:", "https://hdl.handle.net/", ""},
    {"isbn|isbn13", "ISBN&#160;", NULL, ""},
    {"ismn", "ISMN&#160;", NULL, ""},
    {"issn", "ISSN&#160;", "https://www.worldcat.org/issn/", ""},
    {"eissn", "eISSN&#160;", "https://www.worldcat.org/issn/", ""},
    {"jstor", "JSTOR&#160;", "https://www.jstor.org/stable/", ""},
    {"lccn", "LCCN&#160;", "https://lccn.loc.gov/", ""},
    {"mr", "MR&#160;", "https://mathscinet.ams.org/mathscinet-getitem?mr=", ""},
    {"oclc", "OCLC&#160;", "https://www.worldcat.org/oclc/", ""},
    {"ol", "OL&#160;", "https://openlibrary.org/OL", ""},
    {"osti", "OSTI&#160;", "https://www.osti.gov/biblio/", ""},
    {"pmc", "PMC&#160;", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC", ""},
    {"pmid", "PMID&#160;", "https://pubmed.ncbi.nlm.nih.gov/", ""},
    {"rfc", "RFC&#160;", "https://tools.ietf.org/html/rfc", ""},
    {"s2cid", "S2CID&#160;", "https://api.semanticscholar.org/CorpusID:", ""},
    {"ssrn", "SSRN&#160;", "https://ssrn.com/abstract=", ""},
    {"zbl", "Zbl&#160;", "https://zbmath.org/?format=complete&q=an:", ""},
    {"id", "", NULL, ""},
};

static void put_ids(const cite *c) {
    for (size_t i = 0; i < countof(ids); i++) {
        str value = GET(c, ids[i].names);
        bool is_pmc = value.len && !strcmp(ids[i].names, "pmc");
        if (is_pmc && str_starts_nocase(value, STR("pmc"))) value = str_skip(value, 3);
        if (!value.len) continue;
        next(c);
        wt_deg_put(c->d, ids[i].label);
        if (!ids[i].url) {
            wt_deg_put(c->d, ids[i].label[0] ? "<bdi>" : "");
            wt_deg_add(c->d, value);
            wt_deg_put(c->d, ids[i].label[0] ? "</bdi>" : "");
            continue;
        }
        buf url;
        buf_init(&url, c->d->p->mem, strlen(ids[i].url) + value.len);
        buf_add(&url, str_of(ids[i].url));
        buf_add(&url, value);
        wt_deg_url(c->d, buf_str(&url), value);
    }
}

static void put_archive(const cite *c) {
    str date = GET(c, "archive-date|archivedate");
    if (!c->archive_url.len) return;
    next(c);
    if (c->is_dead) {
        wt_deg_put(c->d, c->is_cs2 ? "archived from " : "Archived from ");
        wt_deg_url(c->d, c->url, STR("the original"));
    } else {
        wt_deg_url(c->d, c->archive_url, c->is_cs2 ? STR("archived") : STR("Archived"));
        wt_deg_put(c->d, " from the original");
    }
    if (date.len) {
        wt_deg_put(c->d, " on ");
        wt_deg_add(c->d, date);
    }
}

// --- A citation -----------------------------------------------------------------------------

// "CITEREFSmithJones2001", which short footnotes link to.
static void put_anchor(const cite *c) {
    str ref = GET(c, "ref"), year = GET(c, "year|date");
    unsigned n = n_people(c, &authors);
    const role *who = n ? &authors : &editors;
    if (!n) n = n_people(c, &editors);
    if (str_eq(ref, STR("none")) || (!n && (!ref.len || str_eq(ref, STR("harv"))))) return;
    wt_deg_put(c->d, " id=\"");
    if (ref.len && !str_eq(ref, STR("harv"))) {
        html_escape(c->d->out, ref);
    } else {
        wt_deg_put(c->d, "CITEREF");
        for (unsigned i = 1; i <= n && i <= 4; i++)
            html_escape(c->d->out, person(c, who->last, i));
        for (size_t i = 0; i + 4 <= year.len; i++) {  // the year of "5 May 1999a"
            size_t k = 0;
            while (k < 4 && year.ptr[i + k] >= '0' && year.ptr[i + k] <= '9')
                k++;
            if (k < 4) continue;
            bool has_letter = i + 4 < year.len && year.ptr[i + 4] >= 'a' && year.ptr[i + 4] <= 'z';
            html_escape(c->d->out, str_first(str_skip(year, i), has_letter ? 5 : 4));
            break;
        }
    }
    wt_deg_put(c->d, "\"");
}

static void choose_kind(cite *c) {
    c->class = "", c->look = LOOK_WEB;
    str class = str_skip(c->d->name, strlen("cite "));  // of "cite audio-visual"
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_eq(c->d->name, str_of(kinds[i].name)) || str_eq(class, str_of(kinds[i].class))) {
            c->class = kinds[i].class, c->look = kinds[i].look, c->type = kinds[i].type;
            return;
        }
    if (c->work.len && GET(c, "journal|magazine").len) {
        c->look = LOOK_JOURNAL;
    } else if (!c->work.len || c->chapter.len) {
        bool is_web = !GET(c, "publisher|isbn|chapter|location").len && c->url.len && !c->is_cs2;
        c->look = is_web ? LOOK_WEB : LOOK_BOOK;
    }
}

static void read_cite(cite *c) {
    c->is_cs2 =
        ((str_eq(c->d->name, STR("citation")) || str_eq(c->d->name, STR("cite citation"))) &&
         !wt_deg_is(c->d, "mode", "cs1")) ||
        wt_deg_is(c->d, "mode", "cs2");
    c->title = GET(c, "title");
    c->chapter = GET(c, "chapter|contribution|entry|article|section");
    c->work = GET(c, "journal|work|newspaper|magazine|website|periodical|encyclopedia|encyclopaedia"
                     "|dictionary|mailinglist|newsgroup");
    c->url = GET(c, "url");
    c->chapter_url = GET(c, "chapter-url|chapterurl|contribution-url|article-url|section-url");
    c->archive_url = GET(c, "archive-url|archiveurl");
    c->date = GET(c, "date|year|publication-date|publicationdate|airdate|air-date");
    str state = GET(c, "url-status|deadurl|dead-url");
    c->is_dead = c->archive_url.len && !str_eq(state, STR("live")) && !str_eq(state, STR("no"));
    choose_kind(c);
    bool is_entry = c->look == LOOK_BOOK && c->work.len;
    if (is_entry && !c->chapter.len && c->title.len) {  // cite encyclopedia: an article in a work
        c->chapter = c->title;
        c->title = c->work;
        c->work.len = 0;
    } else if (is_entry) {
        if (!c->title.len) c->title = c->work;
        c->work.len = 0;
    }
}

static void put_head(const cite *c) {
    bool has_authors = put_authors(c);
    if (has_authors) {
        put_date(c);
        return;
    }
    bool holds_chapter = c->chapter.len && c->look != LOOK_JOURNAL && c->look != LOOK_WEB;
    if (!holds_chapter && put_editors(c)) put_date(c);
}

static bool date_is_placed(const cite *c) {
    bool has_authors = n_people(c, &authors) || GET(c, authors.whole).len;
    bool has_editors = n_people(c, &editors) || GET(c, editors.whole).len;
    bool holds_chapter = c->chapter.len && c->look != LOOK_JOURNAL && c->look != LOOK_WEB;
    return has_authors || (has_editors && !holds_chapter);
}

static void put_tail(const cite *c) {
    str quote = GET(c, "quote|quotation");
    if (!date_is_placed(c)) part(c, "", c->date, "");
    if (c->look != LOOK_JOURNAL) put_pages(c);
    part(c, "", GET(c, "minutes|time"), "");
    put_ids(c);
    put_archive(c);
    part(c, c->is_cs2 ? "retrieved " : "Retrieved ", GET(c, "access-date|accessdate"), "");
    part(c, c->is_cs2 ? "via " : "via ", GET(c, "via"), "");
    part(c, "\"", quote, "\"");
    part(c, "", GET(c, "lay-url|layurl|others"), "");
}

void wt_deg_cite(wt_deg *d) {
    cite c = {.d = d};
    read_cite(&c);
    wt_deg_put(d, "<cite");
    put_anchor(&c);
    wt_deg_fmt(d, " class=\"citation %s %s\">", c.class, c.is_cs2 ? "cs2" : "cs1");
    c.start = d->out->len;
    put_head(&c);
    put_titles(&c);
    put_container(&c);
    put_tail(&c);
    char last = last_seen(&c);
    if (!last) {  // nothing that we know
        wt_deg_unknown(d);
    } else if (wt_deg_get(d, STR("postscript")).len) {
        if (!wt_deg_is(d, "postscript", "none")) wt_deg_fill(d, "$(postscript)");
    } else if (!c.is_cs2 && last != '.') {
        wt_deg_put(d, ".");
    }
    wt_deg_put(d, "</cite>");
}
