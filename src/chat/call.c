// One call as JSON: its name, and its arguments as the bytes that the model wrote.

#include "chat/inside.h"

#include <stdio.h>

// The closing quote of the string that opens at `at`; the text's length when there is none.
static size_t string_end(str s, size_t at) {
    for (at++; at < s.len && s.ptr[at] != '"'; at++)
        if (s.ptr[at] == '\\') at++;
    return min_size(at, s.len);
}

// Behind the JSON value at `at` of a text that is known to be JSON.
static size_t skip_value(str s, size_t at) {
    for (int depth = 0; at < s.len; at++) {
        char c = s.ptr[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) return at;
        if (c == '"')
            at = string_end(s, at);
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
    }
    return s.len;
}

str chat_call_id(char room[CHAT_ID_MAX], const chat *c, uint64_t random) {
    bool is_short = c->form == CHAT_MISTRAL;
    int n = is_short ? snprintf(room, CHAT_ID_MAX, "%09llx", (unsigned long long)random >> 28)
                     : snprintf(room, CHAT_ID_MAX, "call_%016llx", (unsigned long long)random);
    return (str){room, (size_t)n};
}

size_t chat__object_end(str s) {
    int depth = 0;
    for (size_t at = 0; at < s.len; at++) {
        char c = s.ptr[at];
        if (c == '"')
            at = string_end(s, at);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at + 1;
    }
    return 0;
}

// The bytes of the value of the i-th member of an object that is known to be one.
static str member_text(str s, uint32_t i) {
    size_t at = str_find_byte(s, '{') + 1;
    for (;; i--) {
        at += str_find_byte(str_skip(s, at), '"');
        size_t key_end = at + 1;
        while (key_end < s.len && s.ptr[key_end] != '"')
            key_end += s.ptr[key_end] == '\\' ? 2 : 1;
        size_t from = key_end + 1 + str_find_byte(str_skip(s, key_end + 1), ':') + 1;
        size_t to = skip_value(s, from);
        if (!i) return str_trim(str_first(str_skip(s, from), to - from));
        at = to + 1;
    }
}

bool chat__call(str *name, str *arguments, str text, arena *a) {
    const json_value *v;
    arena before = *a;
    if (json_read(&v, text, a, NULL) || v->kind != JSON_OBJECT ||
        !json_is_str(name, json_get(v, "name")) || !name->len) {
        *a = before;
        return false;
    }
    const json_value *given = json_get(v, "arguments");
    if (!given) given = json_get(v, "parameters");
    *arguments = STR("");
    if (!given || json_is_str(arguments, given)) return true;
    if (given->kind == JSON_OBJECT) *arguments = member_text(text, (uint32_t)(given - v->items));
    return given->kind == JSON_OBJECT;
}
