// html/tags.c -- the table of elements, and finding one by its name.
//
// I1  Rows after TAG_WRAP are in order of their names, and first_row says where each letter starts.
// I2  A name is at most 15 bytes: rows are of one size, with NULs behind the name.

#include "html/tags.h"

const tag_row tag_rows[TAG_COUNT] = {
    [TAG_TEXT] = {""},
    [TAG_ROOT] = {"", 0, START_OTHER, END_NONE, IS_SPECIAL | IS_SCOPE, 0},
    [TAG_WRAP] = {"p", 1, START_OTHER, END_NONE, 0, 0},
#define TAG(id, name, start, end, flags, attrs) {name, sizeof(name) - 1, start, end, flags, attrs},
#include "html/tags.inc"
};

// Where the names with a letter start.
static const uint8_t first_row[26] = {
    ['a' - 'a'] = TAG_A,     ['b' - 'a'] = TAG_B,       ['c' - 'a'] = TAG_CAPTION,
    ['d' - 'a'] = TAG_DATA,  ['e' - 'a'] = TAG_EM,      ['f' - 'a'] = TAG_FIELDSET,
    ['h' - 'a'] = TAG_H1,    ['i' - 'a'] = TAG_I,       ['k' - 'a'] = TAG_KBD,
    ['l' - 'a'] = TAG_LABEL, ['m' - 'a'] = TAG_MACTION, ['n' - 'a'] = TAG_NAV,
    ['o' - 'a'] = TAG_OL,    ['p' - 'a'] = TAG_P,       ['q' - 'a'] = TAG_Q,
    ['r' - 'a'] = TAG_RB,    ['s' - 'a'] = TAG_S,       ['t' - 'a'] = TAG_TABLE,
    ['u' - 'a'] = TAG_U,     ['v' - 'a'] = TAG_VAR,     ['w' - 'a'] = TAG_WBR,
};

static bool is_name(const tag_row *row, str name) {
    if (row->len != name.len) return false;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];
        if (c != row->name[i] && !(c >= 'A' && c <= 'Z' && (c | 32) == row->name[i])) return false;
    }
    return true;
}

tag_id tag_find(str name) {
    char letter = name.len ? (char)(name.ptr[0] | 32) : 0;
    if (letter < 'a' || letter > 'z' || !(name.ptr[0] & 64)) return TAG_UNKNOWN;
    int id = first_row[letter - 'a'];
    if (id == 0) return TAG_UNKNOWN;
    for (; id < TAG_COUNT && tag_rows[id].name[0] == letter; id++)
        if (is_name(&tag_rows[id], name)) return (tag_id)id;
    return TAG_UNKNOWN;
}
