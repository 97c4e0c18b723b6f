// wikitext/func_title.c -- functions over titles: PAGENAME and its family, ns, URLs, special pages.
//
// I1  {{PAGENAME}} is about the page, {{PAGENAME:x}} about x; what is no title gives nothing.
// I2  A title shown as wikitext has what later passes would read in it as references.

#include "lang/number.h"
#include "wikitext/func.h"

enum { NS_MEDIA = -2, NS_SPECIAL = -1, NS_MAIN = 0, NS_TALK = 1, NS_FILE = 6 };

// --- Titles as wikitext --------------------------------------------------------------------------

static const struct {
    str from, to;
} escapes[] = {
    {STR_INIT("\""), STR_INIT("&#34;")},        {STR_INIT("&"), STR_INIT("&#38;")},
    {STR_INIT("'"), STR_INIT("&#39;")},         {STR_INIT("<"), STR_INIT("&#60;")},
    {STR_INIT("="), STR_INIT("&#61;")},         {STR_INIT(">"), STR_INIT("&#62;")},
    {STR_INIT("["), STR_INIT("&#91;")},         {STR_INIT("]"), STR_INIT("&#93;")},
    {STR_INIT("{"), STR_INIT("&#123;")},        {STR_INIT("|"), STR_INIT("&#124;")},
    {STR_INIT("}"), STR_INIT("&#125;")},        {STR_INIT(";"), STR_INIT("&#59;")},
    {STR_INIT("://"), STR_INIT("&#58;//")},     {STR_INIT("__"), STR_INIT("_&#95;")},
    {STR_INIT("ISBN "), STR_INIT("ISBN&#32;")}, {STR_INIT("RFC "), STR_INIT("RFC&#32;")},
    {STR_INIT("PMID "), STR_INIT("PMID&#32;")},
};

// What starts a list, a rule or a preformatted line.
static size_t put_line_start(buf *out, str s) {
    char c = s.len ? s.ptr[0] : 'x';
    bool is_rule = str_starts(s, STR("----"));
    if (c != '*' && c != '#' && c != ':' && c != ' ' && !is_rule) return 0;
    buf_fmt(out, "&#%d;", c);
    return 1;
}

static void put_wikitext(buf *out, str s) {
    for (size_t i = put_line_start(out, s); i < s.len;) {
        size_t used = 0;
        for (size_t j = 0; j < countof(escapes) && !used; j++)
            if (s.ptr[i] == escapes[j].from.ptr[0] && str_starts(str_skip(s, i), escapes[j].from)) {
                buf_add(out, escapes[j].to);
                used = escapes[j].from.len;
            }
        if (!used) buf_byte(out, s.ptr[i]);
        i += used ? used : 1;
    }
}

static void put_text(buf *out, const wt_call *c, str s, bool is_encoded) {
    buf b;
    buf_init(&b, c->p->mem, s.len + 16);
    if (is_encoded) wt_put_url_title(&b, s);
    put_wikitext(out, is_encoded ? buf_str(&b) : s);
}

// --- PAGENAME and its family -----------------------------------------------------------------

static bool can_have_talk(int32_t ns) {
    return ns >= 0;
}

static str with_ns(const wt_call *c, int32_t ns, str text) {
    str name = wt_ns_name(c->p, ns);
    return name.len ? arena_fmt(c->p->mem, "%.*s:%.*s", STR_ARG(name), STR_ARG(text)) : text;
}

// Names of talk pages: the namespace beside, which a dump may not list.
static str beside(const wt_call *c, const wt_title *t, bool is_talk) {
    int32_t ns = t->ns < 0 ? t->ns : is_talk ? t->ns | 1 : t->ns & ~1;
    return with_ns(c, ns, t->text);
}

static bool has_subpages(const wt_call *c, const wt_title *t) {
    return wt_ns_has_subpages(c->p, t->ns);
}

static str full_name(const wt_call *c, const wt_title *t) {
    (void)c;
    return t->full;
}

static str page_name(const wt_call *c, const wt_title *t) {
    (void)c;
    return t->text;
}

static size_t last_slash(str s) {
    size_t n = s.len;
    while (n > 0 && s.ptr[n - 1] != '/')
        n--;
    return n;
}

static str base_name(const wt_call *c, const wt_title *t) {
    size_t slash = has_subpages(c, t) ? last_slash(t->text) : 0;
    return slash > 1 ? str_first(t->text, slash - 1) : t->text;
}

static str sub_name(const wt_call *c, const wt_title *t) {
    return has_subpages(c, t) ? str_skip(t->text, last_slash(t->text)) : t->text;
}

static str root_name(const wt_call *c, const wt_title *t) {
    size_t slash = has_subpages(c, t) ? str_find_byte(t->text, '/') : 0;
    return slash ? str_first(t->text, slash) : t->text;
}

static str talk_name(const wt_call *c, const wt_title *t) {
    return can_have_talk(t->ns) ? beside(c, t, true) : STR("");
}

static str subject_name(const wt_call *c, const wt_title *t) {
    return beside(c, t, false);
}

static str ns_name(const wt_call *c, const wt_title *t) {
    return wt_ns_name(c->p, t->ns);
}

static str talk_space(const wt_call *c, const wt_title *t) {
    return can_have_talk(t->ns) ? wt_ns_name(c->p, t->ns | 1) : STR("");
}

static str subject_space(const wt_call *c, const wt_title *t) {
    return wt_ns_name(c->p, t->ns < 0 ? t->ns : t->ns & ~1);
}

static str ns_number(const wt_call *c, const wt_title *t) {
    return arena_fmt(c->p->mem, "%d", (int)t->ns);
}

static const struct {
    const char *name;
    str (*of)(const wt_call *c, const wt_title *t);
} parts[] = {
    {"PAGENAME", page_name},
    {"FULLPAGENAME", full_name},
    {"BASEPAGENAME", base_name},
    {"SUBPAGENAME", sub_name},
    {"ROOTPAGENAME", root_name},
    {"TALKPAGENAME", talk_name},
    {"SUBJECTPAGENAME", subject_name},
    {"ARTICLEPAGENAME", subject_name},
    {"NAMESPACE", ns_name},
    {"TALKSPACE", talk_space},
    {"SUBJECTSPACE", subject_space},
    {"ARTICLESPACE", subject_space},
    {"NAMESPACENUMBER", ns_number},
};

// The name, and for URLs the name with "E" behind it.
static wt_result run_part(buf *out, const wt_call *c) {
    wt_title t = c->p->title;
    str name = c->name;
    if (c->has_colon && !wt_title_parse(&t, c->p, c->first, 0)) return WT_DONE;
    for (size_t i = 0; i < countof(parts); i++) {
        str own = str_of(parts[i].name);
        bool is_encoded = name.len == own.len + 1;
        if (str_starts(name, own) && name.len <= own.len + 1 &&
            (!is_encoded || name.ptr[own.len] == 'E'))
            put_text(out, c, parts[i].of(c, &t), is_encoded);
    }
    return WT_DONE;
}

// --- ns, nse -----------------------------------------------------------------------------------

static wt_result put_ns(buf *out, const wt_call *c, bool is_encoded) {
    num n;
    int32_t key = 0;
    bool is_number = num_prefix(&n, c->first) > 0;
    const wiki_ns *found =
        is_number || !c->first.len ? NULL : wiki_ns_named(c->p->world->site, c->first);
    if (!is_number && c->first.len && !found) return WT_NOT_MINE;
    if (is_number && !(n.d > -1000 && n.d < 100000)) return WT_DONE;
    if (is_number) key = (int32_t)n.d;
    str name = wt_ns_name(c->p, found ? found->key : key);
    if (is_encoded)
        wt_put_url_title(out, name);
    else
        buf_add(out, name);
    return WT_DONE;
}

static wt_result run_ns(buf *out, const wt_call *c) {
    return put_ns(out, c, false);
}

static wt_result run_nse(buf *out, const wt_call *c) {
    return put_ns(out, c, true);
}

// --- URLs of pages -------------------------------------------------------------------------------

// As it is, else with percent signs decoded, since arguments may come encoded.
static bool url_title(wt_title *t, const wt_call *c) {
    if (wt_title_parse(t, c->p, c->first, 0)) return true;
    buf b;
    buf_init(&b, c->p->mem, c->first.len);
    wt_url_decode(&b, c->first);
    return wt_title_parse(t, c->p, buf_str(&b), 0);
}

// Where the wiki of the dump is on the web, when the caller says nothing else:
// "{{fullurl:X|action=edit}}"
// leads to where X can be edited.
static void put_web_url(buf *out, const wt_call *c, const wt_title *t, str query) {
    str base = c->p->world->site->base;
    size_t path = base.len;
    while (path > 0 && base.ptr[path - 1] != '/')
        path--;
    if (query.len) {
        buf_add(out, wt_server(c->p));
        buf_add(out, STR("/w/index.php?title="));
        wt_put_url_title(out, t->full);
        buf_byte(out, '&');
        buf_add(out, query);
    } else {
        buf_add(out, str_first(base, path));
        wt_put_url_title(out, t->full);
    }
}

static wt_result put_url(buf *out, const wt_call *c, bool is_full, bool is_escaped) {
    wt_title t;
    buf url;
    if (!url_title(&t, c)) return WT_NOT_MINE;
    if (t.ns == NS_MEDIA) t.ns = NS_FILE, t.full = with_ns(c, NS_FILE, t.text);
    buf_init(&url, c->p->mem, t.full.len + 64);
    bool is_on_web = is_full && !t.interwiki.len && !c->p->o->server && wt_server(c->p).len;
    if (is_full && !t.interwiki.len && !is_on_web) buf_add(&url, wt_server(c->p));
    if (is_on_web)
        put_web_url(&url, c, &t, wt_call_arg(c, 1));
    else
        wt_title_url(&url, c->p, &t, wt_call_arg(c, 1));
    if (is_full && t.has_fragment) {
        buf_byte(&url, '#');
        html_fragment(&url, html_id(t.fragment, c->p->mem));
    }
    if (is_escaped)
        html_escape(out, buf_str(&url));
    else
        buf_add(out, buf_str(&url));
    return WT_DONE;
}

static wt_result run_localurl(buf *out, const wt_call *c) {
    return put_url(out, c, false, false);
}

static wt_result run_localurle(buf *out, const wt_call *c) {
    return put_url(out, c, false, true);
}

static wt_result run_fullurl(buf *out, const wt_call *c) {
    return put_url(out, c, true, false);
}

static wt_result run_fullurle(buf *out, const wt_call *c) {
    return put_url(out, c, true, true);
}

static wt_result run_filepath(buf *out, const wt_call *c) {
    const wt_world *w = c->p->world;
    wt_title t;
    wt_file file = {.width = 0};
    int64_t width = 0;
    for (uint32_t i = 1; i < c->n; i++) {
        str arg = wt_call_arg(c, i);
        if (!str_eq(arg, STR("nowiki")) && !width) width = num_int_prefix(arg);
    }
    if (width < 0 || width > INT32_MAX) width = 0;
    if (wt_title_parse(&t, c->p, c->first, NS_FILE) && t.ns == NS_FILE && w->file &&
        w->file(w->arg, &file, t.text, (int32_t)width, c->p->mem))
        buf_add(out, file.url);
    return WT_DONE;
}

// --- Special pages -------------------------------------------------------------------------------

static const char *const special_pages[] = {
    "ActiveUsers",
    "AllMessages",
    "AllPages",
    "AncientPages",
    "ApiSandbox",
    "BlankPage",
    "Block",
    "BlockList",
    "BookSources",
    "BotPasswords",
    "BrokenRedirects",
    "Categories",
    "ChangeContentModel",
    "ChangeEmail",
    "ChangePassword",
    "ComparePages",
    "ConfirmEmail",
    "Contributions",
    "CreateAccount",
    "DeadendPages",
    "DeletedContributions",
    "Diff",
    "DoubleRedirects",
    "EditTags",
    "EditWatchlist",
    "EmailUser",
    "ExpandTemplates",
    "Export",
    "FewestRevisions",
    "FileDuplicateSearch",
    "FilePath",
    "Import",
    "LinkSearch",
    "ListAdmins",
    "ListBots",
    "ListDuplicatedFiles",
    "ListFiles",
    "ListGrants",
    "ListGroupRights",
    "ListRedirects",
    "ListUsers",
    "Log",
    "LonelyPages",
    "LongPages",
    "MIMESearch",
    "MediaStatistics",
    "MergeHistory",
    "MostCategories",
    "MostInterwikis",
    "MostLinkedCategories",
    "MostLinkedFiles",
    "MostLinkedPages",
    "MostRevisions",
    "MostTranscludedPages",
    "MovePage",
    "MyContributions",
    "MyLanguage",
    "MyPage",
    "MyTalk",
    "MyUploads",
    "Mylog",
    "NewFiles",
    "NewPages",
    "NewSection",
    "PageData",
    "PageHistory",
    "PageInfo",
    "PageLanguage",
    "PagesWithProp",
    "PasswordPolicies",
    "PasswordReset",
    "PermanentLink",
    "Preferences",
    "PrefixIndex",
    "ProtectedPages",
    "ProtectedTitles",
    "Purge",
    "Random",
    "RandomInCategory",
    "RandomRedirect",
    "RandomRootpage",
    "RecentChanges",
    "RecentChangesLinked",
    "Redirect",
    "ResetTokens",
    "RevisionDelete",
    "Search",
    "ShortPages",
    "SpecialPages",
    "Statistics",
    "Tags",
    "TrackingCategories",
    "Unblock",
    "UncategorizedCategories",
    "UncategorizedFiles",
    "UncategorizedPages",
    "UncategorizedTemplates",
    "Undelete",
    "UnlockDB",
    "UnusedCategories",
    "UnusedFiles",
    "UnusedTemplates",
    "UnwatchedPages",
    "Upload",
    "UploadStash",
    "UserLogin",
    "UserLogout",
    "UserRights",
    "Version",
    "WantedCategories",
    "WantedFiles",
    "WantedPages",
    "WantedTemplates",
    "Watchlist",
    "WhatLinksHere",
    "WithoutInterwiki",
};

static const struct {
    const char *alias, *name;
} special_aliases[] = {
    {"contribs", "Contributions"},
    {"login", "UserLogin"},
    {"logout", "UserLogout"},
    {"mostimages", "MostLinkedFiles"},
    {"mostlinkedtemplates", "MostTranscludedPages"},
    {"newimages", "NewFiles"},
    {"orphanedpages", "LonelyPages"},
    {"permalink", "PermanentLink"},
    {"randompage", "Random"},
    {"relatedchanges", "RecentChangesLinked"},
    {"stats", "Statistics"},
    {"uncategorizedimages", "UncategorizedFiles"},
    {"unusedimages", "UnusedFiles"},
};

str wt_special_page(str name) {
    name = str_first(name, str_find_byte(name, '/'));
    for (size_t i = 0; i < countof(special_aliases); i++)
        if (str_eq_nocase(name, str_of(special_aliases[i].alias)))
            return str_of(special_aliases[i].name);
    for (size_t i = 0; i < countof(special_pages); i++)
        if (str_eq_nocase(name, str_of(special_pages[i]))) return str_of(special_pages[i]);
    return STR("");
}

static wt_result put_special(buf *out, const wt_call *c, bool is_encoded) {
    wt_title t;
    str name = wt_special_page(c->first), rest = str_skip(c->first, str_find_byte(c->first, '/'));
    if (name.len)
        name =
            with_ns(c, NS_SPECIAL, arena_fmt(c->p->mem, "%.*s%.*s", STR_ARG(name), STR_ARG(rest)));
    else if (wt_title_parse(&t, c->p, with_ns(c, NS_SPECIAL, c->first), 0) && t.text.len)
        name = t.full;
    else
        name = with_ns(c, NS_SPECIAL, STR("Badtitle"));
    if (is_encoded)
        wt_put_url_title(out, name);
    else
        buf_add(out, name);
    return WT_DONE;
}

static wt_result run_special(buf *out, const wt_call *c) {
    return put_special(out, c, false);
}

static wt_result run_speciale(buf *out, const wt_call *c) {
    return put_special(out, c, true);
}

#define PART(name)                                                                                 \
    {name, .no_args = true, .is_case_sensitive = true, .run = run_part}, {                         \
        name "E", .no_args = true, .is_case_sensitive = true, .run = run_part                      \
    }

const wt_func wt_funcs_title[] = {
    PART("PAGENAME"),
    PART("FULLPAGENAME"),
    PART("BASEPAGENAME"),
    PART("SUBPAGENAME"),
    PART("ROOTPAGENAME"),
    PART("TALKPAGENAME"),
    PART("SUBJECTPAGENAME"),
    PART("ARTICLEPAGENAME"),
    PART("NAMESPACE"),
    PART("TALKSPACE"),
    PART("SUBJECTSPACE"),
    PART("ARTICLESPACE"),
    {"NAMESPACENUMBER", .no_args = true, .is_case_sensitive = true, .run = run_part},
    {"ns", .run = run_ns},
    {"nse", .run = run_nse},
    {"localurl", .run = run_localurl},
    {"localurle", .run = run_localurle},
    {"fullurl", .run = run_fullurl},
    {"fullurle", .run = run_fullurle},
    {"canonicalurl", .run = run_fullurl},
    {"canonicalurle", .run = run_fullurle},
    {"filepath", .run = run_filepath},
    {"special", .has_hash = true, .run = run_special},
    {"speciale", .has_hash = true, .run = run_speciale},
    {0},
};
