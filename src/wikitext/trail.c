// wikitext/trail.c -- letters that belong to a link though they stand outside its brackets:
// "[[link]]s", and in some languages those in front.
//
//   Source    linktrail of each language, as its wikis tell it (api.php, siprop=general)

#include "base/utf8.h"
#include "wikitext/link.h"

#define CYRILLIC "а-яё"
#define FRENCH   "àâçéèêîôûäëïöüùÇÉÂÊÎÔÛÄËÏÖÜÀÈÙ"
#define NORDIC   "æøå"

static const wt_trail_rule rules[] = {
    {"", "", NULL, false},
    {"ar", "ء-ي", NULL, false},
    {"az", "çəğıöşü", NULL, false},
    {"be", CYRILLIC "ґіўćčłńśšŭźž", NULL, false},
    {"bg", CYRILLIC, NULL, false},
    {"bs", "čćđžš", NULL, false},
    {"ca", "àèéíòóúç·ïü'", NULL, false},
    {"cs", "áčďéěíňóřšťúůýž", NULL, false},
    {"cy", "àáâèéêìíîïòóôûŵŷ", NULL, false},
    {"da", NORDIC, NULL, false},
    {"de", "äöüß", NULL, false},
    {"el", "α-ωΑ-Ωάέήίόύώϊϋΐΰ", NULL, false},
    {"eo", "ĉĝĥĵŝŭ", NULL, false},
    {"es", "áéíóúñ", NULL, false},
    {"et", "äöõšüž", NULL, false},
    {"fa", "ا-یآپچژکگ\xE2\x80\x8C", NULL, false},
    {"fi", "äö", NULL, false},
    {"fo", "áðíóúýæø", NULL, false},
    {"fr", FRENCH, NULL, false},
    {"gl", "áâãàéêẽçíòóôõúüũ", NULL, false},
    {"he", "א-ת", NULL, false},
    {"hi", "ऀ-ॣ०-ॿ", NULL, false},
    {"hr", "čšžćđß", NULL, false},
    {"hu", "áéíóúöüőűÁÉÍÓÚÖÜŐŰ", NULL, false},
    {"hy", "ա-և«»", NULL, false},
    {"is", "áðéíóúýþæö–-", "áÁðÐéÉíÍóÓúÚýÝþÞæÆöÖA-Za-z–-", false},
    {"it", "àéèíîìóòúù", NULL, false},
    {"ka", "ა-ჰ“»", NULL, false},
    {"lt", "ąčęėįšųūž", NULL, false},
    {"ltg", "āčēģīķļņōŗšūž", NULL, false},
    {"lv", "āčēģīķļņōŗšūž", NULL, false},
    {"mk", CYRILLIC "ѓѕјљњќџ", NULL, false},
    {"nb", NORDIC, NULL, false},
    {"nl", "äöüïëéèà", NULL, false},
    {"nn", NORDIC, NULL, false},
    {"no", NORDIC, NULL, false},
    {"pl", "ęóąśłżźćńĘÓĄŚŁŻŹĆŃ", NULL, false},
    {"pt", "áâãàéêẽçíòóôõúüũ", NULL, false},
    {"ro", "ăâîşţșțĂÂÎŞŢȘȚ", NULL, false},
    {"ru", CYRILLIC, NULL, false},
    {"sk", "áäčďéíľĺňóôŕšťúýž", NULL, false},
    {"sl", "čćđžš", NULL, false},
    {"sr", CYRILLIC "ђјљњћџđčćžš", NULL, false},
    {"sv", "åäöéÅÄÖÉ", NULL, false},
    {"tr", "ÇĞçğıİöşüÖŞÜâÂîÎûÛ", NULL, false},
    {"uk", CYRILLIC "ґєії“»", "„«", false},
    {"vi", FRENCH, NULL, false},
    {"zh", "", NULL, true},
    {"zh-classical", "", NULL, true},
    {"zh-yue", "", NULL, true},
    {"yue", "", NULL, true},
    {"wuu", "", NULL, true},
    {"gan", "", NULL, true},
};

const wt_trail_rule *wt_trail_rule_of(str lang) {
    for (size_t i = 1; i < countof(rules); i++)
        if (str_eq(lang, str_of(rules[i].lang))) return &rules[i];
    return &rules[0];
}

// Whether `set` ("а-яё") has the letter.
static bool has(str set, int32_t cp) {
    while (set.len) {
        int32_t from, to;
        set = str_skip(set, utf8_decode(&from, set));
        to = from;
        if (set.len > 1 && set.ptr[0] == '-') {
            set = str_skip(set, 1);
            set = str_skip(set, utf8_decode(&to, set));
        }
        if (cp >= from && cp <= to) return true;
    }
    return false;
}

size_t wt_trail(const wt_trail_rule *rule, str text) {
    size_t n = 0;
    if (rule->is_bare) return 0;
    while (n < text.len) {
        char c = text.ptr[n];
        int32_t cp = c;
        size_t used = 1;
        if (c & 0x80) used = utf8_decode(&cp, str_skip(text, n));
        bool is_quoted = c == '\'' && n + 1 < text.len && text.ptr[n + 1] == '\'';
        if (!(c >= 'a' && c <= 'z') && (is_quoted || !has(str_of(rule->letters), cp))) break;
        n += used;
    }
    return n;
}

size_t wt_trail_prefix(const wt_trail_rule *rule, str text) {
    size_t at = text.len;
    while (rule->prefix && at > 0) {
        size_t from = at - 1;
        while (from > 0 && ((unsigned char)text.ptr[from] & 0xC0) == 0x80)
            from--;
        int32_t cp;
        if (from + utf8_decode(&cp, str_skip(text, from)) != at) break;
        if (!has(str_of(rule->prefix), cp)) break;
        at = from;
    }
    return at;
}
