// wikitext/func_message.c -- messages of the software that pages ask for by {{int:}}, in English.

#include "wikitext/func.h"

static const struct {
    const char *key, *text;
} messages[] = {
    {"and", "&#32;and"},
    {"april", "April"},
    {"august", "August"},
    {"cancel", "Cancel"},
    {"categories", "Categories"},
    {"colon-separator", ":&#32;"},
    {"comma-separator", ",&#32;"},
    {"contents", "Contents"},
    {"contributions", "User contributions"},
    {"dash", "&#32;–&#32;"},
    {"december", "December"},
    {"delete", "Delete"},
    {"discussion", "Discussion"},
    {"edit", "Edit"},
    {"ellipsis", "..."},
    {"february", "February"},
    {"filedesc", "Summary"},
    {"friday", "Friday"},
    {"from", "From"},
    {"go", "Go"},
    {"help", "Help"},
    {"helppage", "https://www.mediawiki.org/wiki/Special:MyLanguage/Help:Contents"},
    {"hide", "hide"},
    {"history", "Page history"},
    {"history_short", "History"},
    {"january", "January"},
    {"july", "July"},
    {"june", "June"},
    {"license-header", "Licensing"},
    {"mainpage", "Main Page"},
    {"mainpage-description", "Main page"},
    {"march", "March"},
    {"may", "May"},
    {"may_long", "May"},
    {"monday", "Monday"},
    {"move", "Move"},
    {"namespaces", "Namespaces"},
    {"newpages", "New pages"},
    {"november", "November"},
    {"october", "October"},
    {"parentheses", "($1)"},
    {"pipe-separator", "&#32;|&#32;"},
    {"preview", "Preview"},
    {"protect", "Protect"},
    {"randompage", "Random page"},
    {"recentchanges", "Recent changes"},
    {"redirectto", "Redirect to:"},
    {"saturday", "Saturday"},
    {"search", "Search"},
    {"searchbutton", "Search"},
    {"semicolon-separator", ";&#32;"},
    {"september", "September"},
    {"show", "show"},
    {"size-bytes", "$1 {{PLURAL:$1|byte|bytes}}"},
    {"size-gigabytes", "$1 GB"},
    {"size-kilobytes", "$1 KB"},
    {"size-megabytes", "$1 MB"},
    {"specialpages", "Special pages"},
    {"sunday", "Sunday"},
    {"talk", "Discussion"},
    {"talkpagelinktext", "talk"},
    {"thursday", "Thursday"},
    {"toc", "Contents"},
    {"tuesday", "Tuesday"},
    {"undo", "undo"},
    {"view", "View"},
    {"viewsource", "View source"},
    {"watch", "Watch"},
    {"wednesday", "Wednesday"},
    {"whatlinkshere", "What links here"},
    {"word-separator", "&#32;"},
};

bool wt_message_own(str *out, str key) {
    for (size_t i = 0; i < countof(messages); i++)
        if (str_eq(key, str_of(messages[i].key))) {
            *out = str_of(messages[i].text);
            return true;
        }
    return false;
}
