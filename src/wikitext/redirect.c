// wikitext/redirect.c -- "#REDIRECT [[Page]]": where a page leads instead of saying anything.
//
//   Source    https://www.mediawiki.org/wiki/Help:Redirects

#include "wikitext/link.h"

// The word of each language, for all wikis: none of them means anything else. Letters other than
// ASCII's as they are mostly written.
static const char *const words[] = {
    "#REDIRECT",
    "#WEITERLEITUNG",
    "#REDIRECTION",
    "#REDIRECCIÓN",
    "#redirección",
    "#REDIRECCION",
    "#REDIRECIONAMENTO",
    "#RINVIA",
    "#DOORVERWIJZING",
    "#PATRZ",
    "#PRZEKIERUJ",
    "#TAM",
    "#OMDIRIGERING",
    "#OMDIRIGER",
    "#VIDERESTILLING",
    "#OHJAUS",
    "#ПЕРЕНАПРАВЛЕНИЕ",
    "#перенаправление",
    "#ПЕРЕНАПР",
    "#перенапр",
    "#ПЕРЕНАПРАВЛЕННЯ",
    "#перенаправлення",
    "#تحويل",
    "#تغییر_مسیر",
    "#تغییرمسیر",
    "#הפניה",
    "#重定向",
    "#轉送",
    "#重新導向",
    "#넘겨주기",
    "#PŘESMĚRUJ",
    "#YÖNLENDİRME",
    "#yönlendirme",
    "#ΑΝΑΚΑΤΕΥΘΥΝΣΗ",
    "#ПРЕНАСОЧВАНЕ",
    "#пренасочване",
};

static str behind_word(str text) {
    size_t best = 0;
    for (size_t i = 0; i < countof(words); i++)
        if (str_starts_nocase(text, str_of(words[i]))) best = max_size(best, strlen(words[i]));
    return best ? str_skip(text, best) : (str){0};
}

str wt_redirect_of(wt_parser *p, str text) {
    str rest = str_trim(behind_word(str_trim(text)));
    if (rest.len && rest.ptr[0] == ':') rest = str_trim(str_skip(rest, 1));
    if (!wt_is_pair(rest, '[')) return (str){0};
    rest = str_skip(rest, 2);
    size_t end = wt_find_pair(rest, ']');
    str target = str_first(rest, end);
    target = str_first(target, str_find_byte(target, '|'));
    wt_title t;
    bool is_title = end < rest.len && wt_title_parse(&t, p, wt_percent_decoded(p, target), 0);
    return is_title && t.full.len ? wt_title_prefixed(p, &t) : (str){0};
}
