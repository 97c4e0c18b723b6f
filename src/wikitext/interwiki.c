// wikitext/interwiki.c -- Wikimedia's prefixes: "fr:", "wikt:", "commons:"...
//
// A dump does not say where its interwiki links lead; these are the ones that all of Wikimedia's
// wikis share. A language's code leads to the same project in that language, as on Wikipedia.
//
// Source: https://meta.wikimedia.org/wiki/Interwiki_map, List_of_Wikipedias

#include "wikitext/wikitext.h"

static const struct {
    const char *prefix, *url;  // %s: the language of the wiki
} projects[] = {
    {"b", "https://%s.wikibooks.org/wiki/$1"},
    {"c", "https://commons.wikimedia.org/wiki/$1"},
    {"commons", "https://commons.wikimedia.org/wiki/$1"},
    {"d", "https://www.wikidata.org/wiki/$1"},
    {"doi", "https://doi.org/$1"},
    {"foundation", "https://foundation.wikimedia.org/wiki/$1"},
    {"incubator", "https://incubator.wikimedia.org/wiki/$1"},
    {"m", "https://meta.wikimedia.org/wiki/$1"},
    {"mediawikiwiki", "https://www.mediawiki.org/wiki/$1"},
    {"meta", "https://meta.wikimedia.org/wiki/$1"},
    {"mw", "https://www.mediawiki.org/wiki/$1"},
    {"n", "https://%s.wikinews.org/wiki/$1"},
    {"oldwikisource", "https://wikisource.org/wiki/$1"},
    {"outreach", "https://outreach.wikimedia.org/wiki/$1"},
    {"phab", "https://phabricator.wikimedia.org/$1"},
    {"q", "https://%s.wikiquote.org/wiki/$1"},
    {"s", "https://%s.wikisource.org/wiki/$1"},
    {"species", "https://species.wikimedia.org/wiki/$1"},
    {"v", "https://%s.wikiversity.org/wiki/$1"},
    {"voy", "https://%s.wikivoyage.org/wiki/$1"},
    {"w", "https://%s.wikipedia.org/wiki/$1"},
    {"wikibooks", "https://%s.wikibooks.org/wiki/$1"},
    {"wikidata", "https://www.wikidata.org/wiki/$1"},
    {"wikimedia", "https://foundation.wikimedia.org/wiki/$1"},
    {"wikinews", "https://%s.wikinews.org/wiki/$1"},
    {"wikipedia", "https://%s.wikipedia.org/wiki/$1"},
    {"wikiquote", "https://%s.wikiquote.org/wiki/$1"},
    {"wikisource", "https://%s.wikisource.org/wiki/$1"},
    {"wikispecies", "https://species.wikimedia.org/wiki/$1"},
    {"wikiversity", "https://%s.wikiversity.org/wiki/$1"},
    {"wikivoyage", "https://%s.wikivoyage.org/wiki/$1"},
    {"wikt", "https://%s.wiktionary.org/wiki/$1"},
    {"wiktionary", "https://%s.wiktionary.org/wiki/$1"},
    {"wmf", "https://foundation.wikimedia.org/wiki/$1"},
};

// Codes of wikis, in order, each between spaces.
static const char languages[] =
    " aa ab ace ady af ak als alt am ami an ang anp ar arc ary arz as ast atj av avk awa ay az azb"
    " ba ban bar bat-smg bbc bcl bdr be be-tarask be-x-old bew bg bh bi bjn blk bm bn bo bpy br bs"
    " btm bug bxr ca cbk-zam cdo ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy da dag de dga"
    " din diq dsb dtp dty dv dz ee el eml en eo es et eu ext fa fat ff fi fiu-vro fj fo fon fr frp"
    " frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw gu guc gur guw gv ha hak haw he hi"
    " hif ho hr hsb ht hu hy hyw hz ia iba id ie ig igl ii ik ilo inh io is it iu ja jam jbo jv ka"
    " kaa kab kbd kbp kcg kg kge ki kj kk kl km kn knc ko koi kr krc ks ksh ku kus kv kw ky la lad"
    " lb lbe lez lfn lg li lij lld lmo ln lo lrc lt ltg lv lzh mad mai map-bms mdf mg mh mhr mi min"
    " mk ml mn mni mnw mo mos mr mrj ms mt mus mwl my myv mzn na nah nan nap nds nds-nl ne new ng "
    "nia"
    " nl nn no nov nqo nr nrm nso nup nv ny oc olo om or os pa pag pam pap pcd pcm pdc pdt pfl pi "
    "pih"
    " pl pms pnb pnt ps pt pwn qu rm rmy rn ro roa-rup roa-tara rsk rw ru rue sa sah sat sc scn sco"
    " sd se sg sgs sh shi shn shy si simple sk skr sl sm smn sn so sq sr srn ss st stq su sv sw syl"
    " szl szy ta tay tcy tdd te tet tg th ti tig tk tl tly tn to tok tpi tr trv ts tt tum tw ty tyv"
    " udm ug uk ur uz ve vec vep vi vls vo vro wa war wo wuu xal xh xmf yi yo yue za zea zgh zh"
    " zh-classical zh-min-nan zh-yue zu ";

static bool is_language(str prefix) {
    char word[20];
    if (prefix.len < 2 || prefix.len > sizeof word - 2) return false;
    word[0] = word[prefix.len + 1] = ' ';
    memcpy(word + 1, prefix.ptr, prefix.len);
    str all = {languages, sizeof languages - 1};
    return str_find_byte(prefix, ' ') == prefix.len &&
           str_find(all, (str){word, prefix.len + 2}) < all.len;
}

// "ltgwiki" is "wikipedia", "elwikivoyage" what stands behind its language.
static str family_of(str dbname) {
    static const char *const families[] = {"wikibooks",   "wikinews",   "wikiquote", "wikisource",
                                           "wikiversity", "wikivoyage", "wiktionary"};
    for (size_t i = 0; i < countof(families); i++)
        if (str_ends(dbname, str_of(families[i]))) return str_of(families[i]);
    return STR("wikipedia");
}

bool wt_wikimedia(wt_interwiki *out, const wiki_site *site, str prefix, arena *a) {
    *out = (wt_interwiki){0};
    str lang = site->lang.len ? site->lang : STR("en");
    for (size_t i = 0; i < countof(projects); i++) {
        if (!str_eq(prefix, str_of(projects[i].prefix))) continue;
        str url = str_of(projects[i].url);
        size_t at = str_find(url, STR("%s"));
        out->url = at == url.len
                       ? url
                       : arena_fmt(a, "%.*s%.*s%.*s", STR_ARG(str_first(url, at)),
                                   STR_ARG(str_first(lang, 20)), STR_ARG(str_skip(url, at + 2)));
        return true;
    }
    if (!is_language(prefix)) return false;
    out->is_language = true;
    out->url = arena_fmt(a, "https://%.*s.%.*s.org/wiki/$1", STR_ARG(prefix),
                         STR_ARG(family_of(site->dbname)));
    return true;
}
