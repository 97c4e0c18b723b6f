// wikitext/func.h -- parser functions and variables as tables: {{#if:...}}, {{uc:x}}, {{PAGENAME}}.
//
// A row names a function; its arguments are expanded when it asks for them, so that the branch of
// an #if that is not taken costs nothing.
//
//   Owner     arguments and results are in the page's memory (p->mem)
//   Threads   tables are immutable; a call runs on its page's thread
//   Limits    arguments: as many as the call has; results are counted by expand.c
//   Source    https://www.mediawiki.org/wiki/Help:Magic_words, Help:Extension:ParserFunctions,
//             Extension:StringFunctions, Help:Labeled_section_transclusion
#ifndef WIKITEXT_FUNC_H
#define WIKITEXT_FUNC_H

#include "wikitext/inside.h"

typedef enum wt_result {
    WT_DONE,      // `out` has wikitext that is not to be expanded again
    WT_AGAIN,     // `out` has wikitext with {{...}} in it: is preprocessed in the frame
    WT_HTML,      // `out` has HTML: becomes a marker
    WT_NOT_MINE,  // is no such call after all: tried as a template
} wt_result;

typedef struct wt_call {
    wt_parser *p;
    const wt_frame *frame;
    str name;                     // as written, without '#'
    str first;                    // what follows the colon, expanded and trimmed
    const wt_node *part;          // first WT_PART behind it; NULL: none
    const wt_node *const *parts;  // all of them when they are many, else NULL: for wt_call_part
    uint32_t n;                   // arguments in all, `first` being number 0
    bool has_colon;
} wt_call;

// Argument i from 1 on (0 is `first`), "a=b" as written, expanded and trimmed; "" when absent.
str wt_call_arg(const wt_call *c, uint32_t i);
bool wt_call_has(const wt_call *c, uint32_t i);
// Its two halves at "=": false when it has none (*value is all of it).
bool wt_call_pair(str *key, str *value, const wt_call *c, uint32_t i);
const wt_node *wt_call_part(const wt_call *c, uint32_t i);

typedef struct wt_func {
    const char *name;  // without '#'; lower case, or as it must be written (is_case_sensitive)
    bool has_hash;     // written {{#name:}}
    bool no_args;      // {{name}} is enough: a variable
    bool is_case_sensitive;
    wt_result (*run)(buf *out, const wt_call *c);
} wt_func;

// The function that `name` ("#if", "uc", "PAGENAME") calls; NULL: none. With has_colon false only
// variables are found.
const wt_func *wt_func_find(str name, bool has_colon);

// --- What the functions share ------------------------------------------------------------------

// Counts an expensive call; false when the page has had all that it may.
bool wt_expensive(wt_parser *p);
str wt_unmarked(const wt_call *c, str s);   // without markers; in p->mem, or `s` itself
void wt_put_error(buf *out, str sentence);  // <strong class="error">
bool wt_has_error(str html);                // what #iferror looks for
// Whether `option` is among the arguments from number 1 on, in any case ("R" of {{formatnum:1|R}}).
bool wt_call_option(const wt_call *c, str option);
// The name that a special page goes by ("UserLogin" for "userlogin/x"), "" for an unknown one.
str wt_special_page(str name);
// "%41+b" to "A b".
void wt_url_decode(buf *out, str s);
// A {{VARIABLE}} and nothing else, or a function with its colon.
static inline bool wt_is_variable(const wt_call *c) {
    return !c->has_colon && !c->part;
}
// The language of the call's page.
const struct lang_row *wt_page_lang(const wt_parser *p);
// PHP's urlencode ("query": space to "+"), rawurlencode ("path"), or as titles ("wiki").
typedef enum wt_url_style { WT_URL_QUERY, WT_URL_PATH, WT_URL_WIKI } wt_url_style;
void wt_url_encode(buf *out, str s, wt_url_style style);
// The software's own text of a message page, English; with false there is none.
bool wt_message_own(str *out, str key);
// Calls `change` for what stands between markers, which are copied.
void wt_between_marks(buf *out, str s, void (*change)(buf *out, str part, const void *arg),
                      const void *arg);

// The tables, each in its file; ended by a row without name.
extern const wt_func wt_funcs_core[];     // func_core.c: uc urlencode plural formatnum #tag ...
extern const wt_func wt_funcs_logic[];    // func_logic.c: #if #ifeq #switch #expr #iferror ...
extern const wt_func wt_funcs_title[];    // func_title.c: PAGENAME ns localurl #special ...
extern const wt_func wt_funcs_string[];   // func_string.c: #len #sub #pos #titleparts ...
extern const wt_func wt_funcs_time[];     // func_time.c: #time #timel, CURRENT*
extern const wt_func wt_funcs_vars[];     // func_vars.c: SITENAME, NUMBEROF, REVISION...
extern const wt_func wt_funcs_section[];  // func_section.c: #lst #lsth #lstx, DEFAULTSORT ...

#endif
