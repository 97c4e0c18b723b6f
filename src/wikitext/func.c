// wikitext/func.c -- finding functions by name, and the arguments of a call.
//
// I1  The tables are put into one hash table by the first call of any thread; it never changes.

#include "wikitext/func.h"

#include <ctype.h>
#include <pthread.h>

enum { SLOTS = 1024, NAME_MAX = 64 };

static const wt_func *const tables[] = {wt_funcs_core,   wt_funcs_logic, wt_funcs_string,
                                        wt_funcs_title,  wt_funcs_time,  wt_funcs_vars,
                                        wt_funcs_section};

static const wt_func *slots[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t slot_of(str name) {
    char low[NAME_MAX];
    for (size_t i = 0; i < name.len; i++)
        low[i] = (char)tolower((unsigned char)name.ptr[i]);
    return str_hash((str){low, name.len}, 1) % SLOTS;
}

static void fill(void) {
    size_t n = 0;
    for (size_t t = 0; t < countof(tables); t++)
        for (const wt_func *f = tables[t]; f->name; f++) {
            size_t at = slot_of(str_of(f->name));
            while (slots[at])
                at = (at + 1) % SLOTS;
            slots[at] = f;
            CHECK(++n < SLOTS / 2 && strlen(f->name) < NAME_MAX);
        }
}

const wt_func *wt_func_find(str name, bool has_colon) {
    pthread_once(&once, fill);
    bool has_hash = name.len > 0 && name.ptr[0] == '#';
    name = str_skip(name, has_hash);
    if (!name.len || name.len >= NAME_MAX) return NULL;
    for (size_t at = slot_of(name); slots[at]; at = (at + 1) % SLOTS) {
        const wt_func *f = slots[at];
        str own = str_of(f->name);
        bool is_same = f->is_case_sensitive ? str_eq(name, own) : str_eq_nocase(name, own);
        if (is_same && f->has_hash == has_hash && (has_colon || f->no_args)) return f;
    }
    return NULL;
}

// --- Arguments -----------------------------------------------------------------------------------

const wt_node *wt_call_part(const wt_call *c, uint32_t i) {
    if (i == 0 || i >= c->n) return NULL;
    if (c->parts) return c->parts[i - 1];
    const wt_node *part = c->part;
    while (--i)
        part = part->next;
    return part;
}

bool wt_call_has(const wt_call *c, uint32_t i) {
    return i < c->n;
}

static str expanded(const wt_call *c, const wt_node *node) {
    return wt_expand_trimmed(c->p, c->frame, node);
}

str wt_call_arg(const wt_call *c, uint32_t i) {
    if (i == 0) return c->first;
    const wt_node *part = wt_call_part(c, i);
    return part ? expanded(c, part) : STR("");
}

bool wt_call_pair(str *key, str *value, const wt_call *c, uint32_t i) {
    const wt_node *part = wt_call_part(c, i);
    bool has_key = part && part->child->kind == WT_KEY;
    *key = has_key ? expanded(c, part->child) : STR("");
    *value = !part     ? wt_call_arg(c, i)
             : has_key ? expanded(c, part->child->next)
                       : expanded(c, part->child);
    return has_key;
}
