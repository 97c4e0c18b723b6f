// Checkpoints: real ones, those of tests/golden/make_pt.py, and hostile ones made here.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tensor/pickle.h"
#include "tensor/pt.h"
#include "tensor/zip.h"

#include <math.h>
#include <stdlib.h>

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static int reset(void **state) {
    (void)state;
    arena_reset(&mem, 1 << 20);
    return 0;
}

// --- Writing ZIP files, right and wrong ------------------------------------------------------

typedef struct entry {
    str name, data;
    str local_name;          // when set, another name in the local header
    unsigned method, flags;  // in both headers
    uint32_t local_len;      // when set, another size in the local header
    uint32_t len;            // when set, another size in both headers
    uint32_t crc;            // in the directory; 0: not computed
    uint32_t off;            // when set, another offset in the central directory
    bool zip64;              // sizes and offset in the extra field of the directory
    bool no_local, unaligned;
} entry;

static void le(buf *b, uint64_t v, int n) {
    for (int i = 0; i < n; i++)  // n may be more than 8: zeros
        buf_byte(b, i < 8 ? (char)(v >> 8 * i) : 0);
}

static void put_local(buf *b, const entry *x) {
    uint32_t len = x->len ? x->len : (uint32_t)x->data.len;
    str name = x->local_name.ptr ? x->local_name : x->name;
    unsigned pad = (unsigned)(-(b->len + 30 + name.len + 4) % 64) + 4;
    if (x->unaligned) pad = 4 + (pad & 3) + 1;
    le(b, x->no_local ? 0 : 0x04034b50, 4);
    le(b, 0, 2), le(b, x->flags, 2), le(b, x->method, 2), le(b, 0, 8);
    le(b, x->local_len ? x->local_len : len, 4), le(b, x->local_len ? x->local_len : len, 4);
    le(b, name.len, 2), le(b, pad, 2);
    buf_add(b, name);
    le(b, 0x4246, 2), le(b, pad - 4, 2);
    for (unsigned i = 4; i < pad; i++)
        buf_byte(b, 'Z');
    buf_add(b, x->data);
}

static void put_central(buf *b, const entry *x, uint32_t off) {
    uint32_t len = x->len ? x->len : (uint32_t)x->data.len;
    le(b, 0x02014b50, 4), le(b, 0, 4), le(b, x->flags, 2), le(b, x->method, 2), le(b, 0, 4);
    le(b, x->crc, 4);
    le(b, x->zip64 ? UINT32_MAX : len, 4), le(b, x->zip64 ? UINT32_MAX : len, 4);
    le(b, x->name.len, 2), le(b, x->zip64 ? 34 : 0, 2), le(b, 0, 10);
    le(b, x->zip64 ? UINT32_MAX : off, 4);
    buf_add(b, x->name);
    if (!x->zip64) return;
    le(b, 0x9999, 2), le(b, 2, 2), le(b, 0, 2);  // a foreign field first
    le(b, 1, 2), le(b, 24, 2), le(b, len, 8), le(b, len, 8), le(b, off, 8);
}

typedef struct ends {
    bool zip64;
    str comment;
    uint32_t n, off, len;  // when set, instead of the right ones
    str behind;
} ends;

static str make_zip(const entry *x, size_t n, ends tail) {
    buf b;
    uint32_t at[16];
    buf_init(&b, &mem, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        at[i] = (uint32_t)b.len;
        put_local(&b, &x[i]);
    }
    uint32_t off = (uint32_t)b.len;
    for (size_t i = 0; i < n; i++)
        put_central(&b, &x[i], x[i].off ? x[i].off : at[i]);
    uint32_t len = tail.len ? tail.len : (uint32_t)b.len - off, end64 = (uint32_t)b.len;
    if (tail.n) n = tail.n;
    if (tail.off) off = tail.off;
    if (tail.zip64) {
        le(&b, 0x06064b50, 4), le(&b, 44, 8), le(&b, 0, 4), le(&b, 0, 8);
        le(&b, n, 8), le(&b, n, 8), le(&b, len, 8), le(&b, off, 8);
        le(&b, 0x07064b50, 4), le(&b, 0, 4), le(&b, end64, 8), le(&b, 1, 4);
        n = 0xFFFF, off = len = UINT32_MAX;
    }
    le(&b, 0x06054b50, 4), le(&b, 0, 4), le(&b, n, 2), le(&b, n, 2);
    le(&b, len, 4), le(&b, off, 4), le(&b, tail.comment.len, 2);
    buf_add(&b, tail.comment);
    buf_add(&b, tail.behind);
    assert_false(b.failed);
    return buf_str(&b);
}

static void check_zip(const entry *x, size_t n, ends tail, status want, const char *message) {
    zip z;
    err e = {0};
    status s = zip_read(&z, make_zip(x, n, tail), &mem, &e);
    assert_string_equal(e.msg, message);
    assert_int_equal(s, want);
}

#define A                                                                                          \
    { .name = STR("m/a"), .data = STR("alpha") }
#define B                                                                                          \
    { .name = STR("m/b"), .data = STR("beta") }

static void test_zip(void **state) {
    (void)state;
    const entry x[] = {B, A, {.name = STR("m/c"), .data = STR(""), .zip64 = true, .flags = 0x808}};
    const ends tails[] = {{0}, {.zip64 = true}, {.comment = STR("PK\5\6 a comment")}};
    for (size_t i = 0; i < countof(tails); i++) {
        zip z;
        str file = make_zip(x, 3, tails[i]);
        assert_int_equal(zip_read(&z, file, &mem, NULL), OK);
        assert_int_equal(z.n, 3);
        assert_true(str_eq(zip_find(&z, STR("m/a"))->data, STR("alpha")));
        assert_true(str_eq(zip_find(&z, STR("m/b"))->data, STR("beta")));
        assert_int_equal(zip_find(&z, STR("m/c"))->data.len, 0);
        assert_null(zip_find(&z, STR("m/")));
        for (size_t n = 0; n < file.len; n++)  // cut anywhere, it is refused
            if (!tails[i].comment.len || n < file.len - 20)
                assert_int_equal(zip_read(&z, str_first(file, n), &mem, NULL), E_FORMAT);
    }
    check_zip(NULL, 0, (ends){0}, OK, "");
}

// The value of 123456789 is the one that every description of CRC-32 gives.
static void test_zip_crc(void **state) {
    (void)state;
    entry x[] = {{.name = STR("m/a"), .data = STR("123456789"), .crc = 0xCBF43926},
                 B,
                 {.name = STR("m/c"), .data = STR("123456789"), .crc = 0xCBF43926}};
    zip z;
    err e = {0};
    assert_int_equal(zip_read(&z, make_zip(x, 3, (ends){0}), &mem, NULL), OK);
    assert_int_equal(zip_verify(&z, NULL, &e), OK);
    x[2].data = STR("123456798");
    assert_int_equal(zip_read(&z, make_zip(x, 3, (ends){0}), &mem, NULL), OK);
    assert_int_equal(zip_check(zip_find(&z, STR("m/a")), NULL), OK);
    assert_int_equal(zip_check(zip_find(&z, STR("m/b")), NULL), OK);
    assert_int_equal(zip_check(zip_find(&z, STR("m/c")), NULL), E_FORMAT);
    assert_int_equal(zip_verify(&z, NULL, &e), E_FORMAT);
    assert_string_equal(e.msg, "zip: m/c is damaged: its CRC differs");
}

static void test_zip_headers(void **state) {
    (void)state;
#define BAD(want, message, ...)                                                                    \
    check_zip((entry[]){B, {.name = STR("m/a"), .data = STR("alpha"), __VA_ARGS__}}, 2, (ends){0}, \
              want, message)
    BAD(OK, "", .flags = 0x808);
    BAD(E_UNSUPPORTED, "zip: m/a is compressed (method 8), must be stored", .method = 8);
    BAD(E_UNSUPPORTED, "zip: m/a is encrypted", .flags = 1);
    BAD(E_FORMAT, "zip: m/a has another name in its local header", .local_name = STR("m/x"));
    BAD(E_FORMAT, "zip: m/a has two different sizes", .local_len = 4);
    BAD(E_FORMAT, "zip: m/a of 4000000 bytes lies outside the file", .len = 4000000);
    BAD(E_FORMAT, "zip: m/a has a bad extra field", .len = UINT32_MAX);
    BAD(E_FORMAT, "zip: m/a lies outside the file", .off = 1 << 30);
    BAD(E_FORMAT, "zip: m/a has no local header", .no_local = true);
    BAD(E_FORMAT, "zip: m/a has no local header", .off = 1);
#undef BAD
    check_zip((entry[]){{.name = STR("m/\n")}}, 1, (ends){0}, E_FORMAT,
              "zip: a name that is empty or holds control characters");
    check_zip((entry[]){{.name = STR("")}}, 1, (ends){0}, E_FORMAT,
              "zip: a name that is empty or holds control characters");
    char *longest = arena_alloc(&mem, ZIP_NAME_MAX + 1);
    memset(longest, 'n', ZIP_NAME_MAX + 1);
    check_zip((entry[]){{.name = {longest, ZIP_NAME_MAX}}}, 1, (ends){0}, OK, "");
    check_zip((entry[]){{.name = {longest, ZIP_NAME_MAX + 1}}}, 1, (ends){0}, E_LIMIT,
              "zip: a name of 513 bytes, limit 512");
}

static void test_zip_overlap(void **state) {
    (void)state;
    // The first entry's data holds a whole second entry.
    str inner = make_zip((entry[]){A}, 1, (ends){0});
    entry x[] = {{.name = STR("m/o"), .data = inner}, {.name = STR("m/a"), .data = STR("alpha")}};
    x[1].off = 64;  // where put_local's padding ends
    check_zip(x, 2, (ends){0}, E_FORMAT, "zip: m/o and m/a overlap");
    check_zip((entry[]){A, A}, 2, (ends){0}, E_FORMAT, "zip: two entries are named m/a");
    entry same[] = {A, A};
    same[1].no_local = true;
    same[0].off = same[1].off = 0;
    check_zip(same, 2, (ends){0}, E_FORMAT, "zip: m/a has no local header");
}

static void test_zip_end(void **state) {
    (void)state;
    const entry x[] = {A, B};
    const char *none = "no ZIP end record: not a torch.save file, or cut short";
    check_zip(x, 2, (ends){.behind = STR("x")}, E_FORMAT, none);
    check_zip(x, 2, (ends){.off = 1u << 30}, E_FORMAT, "zip: the directory lies outside the file");
    check_zip(x, 2, (ends){.off = 1}, E_FORMAT, "zip: the directory is broken");
    check_zip(x, 2, (ends){.len = 60}, E_FORMAT, "zip: the directory is broken");
    check_zip(x, 2, (ends){.n = 3}, E_FORMAT, "zip: the directory is broken");
    check_zip(x, 2, (ends){.n = 1}, E_FORMAT, "zip: the directory is longer than its entries");
    check_zip(x, 2, (ends){.n = ZIP_ENTRIES_MAX + 1, .zip64 = true}, E_LIMIT,
              "zip: 131073 entries, limit 131072");
    zip z;
    err e = {0};
    assert_int_equal(zip_read(&z, (str){0}, &mem, &e), E_FORMAT);
    assert_string_equal(e.msg, none);
    char *file = (char *)make_zip(x, 2, (ends){.zip64 = true}).ptr;
    size_t len = make_zip(x, 2, (ends){.zip64 = true}).len;
    file[len - 22 - 20 + 8] ^= 1;  // the locator points one byte off
    assert_int_equal(zip_read(&z, (str){file, len}, &mem, &e), E_FORMAT);
    assert_string_equal(e.msg, "zip: the ZIP64 end record is not where its locator says");
}

// --- Pickles ---------------------------------------------------------------------------------

static pickle_value *unpickle(str s) {
    pickle_value *v;
    err e = {0};
    if (pickle_read(&v, s, &mem, &e)) fail_msg("%s", e.msg);
    return v;
}

static void check_refused(str s, status want, const char *message) {
    pickle_value *v;
    err e = {0};
    assert_int_equal(pickle_read(&v, s, &mem, &e), want);
    assert_string_equal(e.msg, message);
}

static void test_pickle_scalars(void **state) {
    (void)state;
    const struct {
        str bytes;
        pickle_kind kind;
        int64_t i;
    } cases[] = {
        {STR("K\xFF."), PICKLE_INT, 255},
        {STR("M\xFF\xFF."), PICKLE_INT, 65535},
        {STR("J\xFF\xFF\xFF\xFF."), PICKLE_INT, -1},
        {STR("\x8A\0."), PICKLE_INT, 0},
        {STR("\x8A\1\x80."), PICKLE_INT, -128},
        {STR("\x8A\2\xFF\0."), PICKLE_INT, 255},
        {STR("\x8A\x8\0\0\0\0\0\0\0\x80."), PICKLE_INT, INT64_MIN},
        {STR("\x8B\1\0\0\0\5."), PICKLE_INT, 5},
        {STR("\x88."), PICKLE_BOOL, 1},
        {STR("\x89."), PICKLE_BOOL, 0},
        {STR("N."), PICKLE_NONE, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        pickle_value *v = unpickle(cases[i].bytes);
        assert_int_equal(v->kind, cases[i].kind);
        assert_int_equal(v->i, cases[i].i);
    }
    assert_true(unpickle(STR("G\x40\x1E\0\0\0\0\0\0."))->f == 7.5);
    assert_int_equal(unpickle(STR("\x8A\x9\0\0\0\0\0\0\0\0\1."))->kind, PICKLE_BYTES);
    const str texts[] = {STR("\x8C\2ab."),
                         STR("X\2\0\0\0ab."),
                         STR("\x8D\2\0\0\0\0\0\0\0ab."),
                         STR("U\2ab."),
                         STR("T\2\0\0\0ab."),
                         STR("C\2ab."),
                         STR("B\2\0\0\0ab."),
                         STR("\x8E\2\0\0\0\0\0\0\0ab."),
                         STR("\x96\2\0\0\0\0\0\0\0ab.")};
    for (size_t i = 0; i < countof(texts); i++) {
        pickle_value *v = unpickle(texts[i]);
        assert_int_equal(v->kind, i < 3 ? PICKLE_STR : PICKLE_BYTES);
        assert_true(str_eq(v->s, STR("ab")));
    }
}

static void test_pickle_containers(void **state) {
    (void)state;
    assert_int_equal(unpickle(STR("(K\1K\2K\3t."))->n, 3);
    assert_int_equal(unpickle(STR(")."))->n, 0);
    assert_int_equal(unpickle(STR("K\1\x85."))->n, 1);
    assert_int_equal(unpickle(STR("K\1K\2\x86."))->items[1]->i, 2);
    assert_int_equal(unpickle(STR("K\1K\2K\3\x87."))->items[0]->i, 1);
    pickle_value *list = unpickle(STR("](K\1K\2eK\3a."));
    assert_int_equal(list->kind, PICKLE_LIST);
    assert_int_equal(list->n, 3);
    assert_int_equal(list->items[2]->i, 3);
    assert_int_equal(unpickle(STR("\x8F(K\1K\2\x90."))->n, 2);
    assert_int_equal(unpickle(STR("(K\1K\2\x91."))->n, 2);
    pickle_value *dict = unpickle(STR("}(X\1\0\0\0aK\1X\1\0\0\0bK\2uX\1\0\0\0aK\3s."));
    assert_int_equal(pickle_get(dict, STR("a"))->i, 3);
    assert_int_equal(pickle_get(dict, STR("b"))->i, 2);
    assert_null(pickle_get(dict, STR("c")));
    assert_int_equal(unpickle(STR("K\1q\5K\2q\6h\5j\6\0\0\0\x86"
                                  "000K\7."))
                         ->i,
                     7);
    assert_int_equal(unpickle(STR("K\7(NN1."))->i, 7);
}

static void test_pickle_objects(void **state) {
    (void)state;
    pickle_value *v = unpickle(STR("c__main__\nConfig\n)\x81}X\1\0\0\0nK\4sb."));
    assert_true(pickle_is_call(v, "__main__ Config"));
    assert_int_equal(pickle_get(v, STR("n"))->i, 4);
    v = unpickle(STR("\x8C\2os\x8C\6system\x93\x8C\2id\x85R."));  // named, never called
    assert_true(pickle_is_call(v, "os system"));
    assert_true(str_eq(v->args->items[0]->s, STR("id")));
    v = unpickle(STR("ca\nb\n)R(X\1\0\0\0kK\2u."));
    assert_int_equal(pickle_get(v, STR("k"))->i, 2);
    v = unpickle(STR("ca\nb\n)}\x92N}X\1\0\0\0sK\6s\x86"
                     "b."));  // (None, slots)
    assert_int_equal(pickle_get(v, STR("s"))->i, 6);
    assert_int_equal(unpickle(STR("ca\nb\n)RK\1a."))->n, 2);
    assert_int_equal(unpickle(STR("K\1Q."))->args->i, 1);
    v = unpickle(STR("]q\0h\0a."));  // a list that holds itself
    assert_ptr_equal(v->items[0], v);
}

static void test_pickle_refused(void **state) {
    (void)state;
    check_refused(STR(""), E_FORMAT, "pickle: cut short at byte 0");
    check_refused(STR("K"), E_FORMAT, "pickle: cut short at byte 1");
    check_refused(STR("X\xFF\xFF\xFF\xFF"
                      "a"),
                  E_FORMAT, "pickle: cut short at byte 5");
    check_refused(STR("\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                      "a"),
                  E_FORMAT, "pickle: cut short at byte 9");
    check_refused(STR("ca\nb"), E_FORMAT, "pickle: cut short at byte 3");
    check_refused(STR("\x80\6N."), E_UNSUPPORTED, "pickle: a protocol other than 2 to 5 at byte 2");
    check_refused(STR("\x95\x9\0\0\0\0\0\0\0N."), E_FORMAT,
                  "pickle: a frame longer than the pickle at byte 9");
    check_refused(STR("i"), E_UNSUPPORTED, "pickle: opcode 0x69 at byte 0");
    check_refused(STR("."), E_FORMAT, "pickle: ends with more or less than one value at byte 1");
    check_refused(STR("NN."), E_FORMAT, "pickle: ends with more or less than one value at byte 3");
    check_refused(STR("N(."), E_FORMAT, "pickle: ends with more or less than one value at byte 3");
    check_refused(STR("N(0N."), E_FORMAT,
                  "pickle: ends with more or less than one value at byte 5");
    check_refused(STR("0"), E_FORMAT, "pickle: nothing left to pop at byte 1");
    check_refused(STR("N(\x85"), E_FORMAT, "pickle: nothing left to pop at byte 3");
    check_refused(STR("N(R"), E_FORMAT, "pickle: nothing left to pop at byte 3");
    check_refused(STR("N)(R"), E_FORMAT, "pickle: nothing left to pop at byte 4");
    check_refused(STR("NNR"), E_FORMAT, "pickle: arguments that are no tuple at byte 3");
    check_refused(STR("t"), E_FORMAT, "pickle: no mark at byte 1");
    check_refused(STR("q\0"), E_FORMAT, "pickle: the stack is empty at byte 2");
    check_refused(STR("h\0"), E_FORMAT, "pickle: a memo entry that was never put at byte 2");
    check_refused(STR("Nq\2h\1"), E_FORMAT, "pickle: a memo entry that was never put at byte 5");
    check_refused(STR("NNa"), E_FORMAT, "pickle: append to what is no list at byte 3");
    check_refused(STR("NNNs"), E_FORMAT, "pickle: set an item of what is no dict at byte 4");
    check_refused(STR("}(Nu"), E_FORMAT, "pickle: a key without a value at byte 4");
    check_refused(STR("}Nb"), E_FORMAT, "pickle: state for what is no object at byte 3");
    check_refused(STR("NN\x93"), E_FORMAT, "pickle: a global whose name is no string at byte 3");
    check_refused(STR("X\1\0\0\0\xFF"), E_FORMAT, "pickle: a string that is not UTF-8 at byte 6");
}

static str filled(size_t n, char c) {
    char *p = arena_alloc(&mem, n);
    memset(p, c, n);
    return (str){p, n};
}

static void test_pickle_limits(void **state) {
    (void)state;
    err e = {0};
    pickle_value *v;
    assert_int_equal(pickle_read(&v, filled(PICKLE_STACK_MAX + 1, 'N'), &mem, &e), E_LIMIT);
    assert_string_equal(e.msg, "pickle: the stack is full at byte 65537");
    assert_int_equal(pickle_read(&v, filled(PICKLE_MARKS_MAX + 1, '('), &mem, &e), E_LIMIT);
    assert_string_equal(e.msg, "pickle: marks nested too deeply at byte 1025");
    check_refused(STR("Nr\0\0\x10\0"), E_LIMIT, "pickle: the memo is full at byte 6");
    assert_int_equal(unpickle(STR("Nr\xFF\xFF\x0F\0."))->kind, PICKLE_NONE);
    str nones = filled(2 * (PICKLE_VALUES_MAX + 1), 'N');
    for (size_t i = 1; i < nones.len; i += 2)
        ((char *)nones.ptr)[i] = '0';
    arena big;
    assert_int_equal(arena_open(&big, PICKLE_ARENA, &e), OK);
    assert_int_equal(pickle_read(&v, nones, &big, &e), E_LIMIT);
    assert_string_equal(e.msg, "pickle: too many values at byte 4194305");
    str huge = {nones.ptr, PICKLE_BYTES_MAX + 1};  // refused before it is looked at
    assert_int_equal(pickle_read(&v, huge, &big, &e), E_LIMIT);
    arena_close(&big);
    arena tiny;
    assert_int_equal(arena_open(&tiny, 4096, &e), OK);
    assert_int_equal(pickle_read(&v, STR("N."), &tiny, &e), E_LIMIT);
    arena_close(&tiny);
}

// --- Checkpoints -----------------------------------------------------------------------------

static void p_text(buf *b, const char *s) {
    buf_byte(b, 'X');
    le(b, strlen(s), 4);
    buf_add(b, str_of(s));
}

static void p_int(buf *b, int64_t v) {
    buf_add(b, STR("\x8A\x8"));
    le(b, (uint64_t)v, 8);
}

typedef struct fake {
    const char *name, *call, *type, *key;
    int64_t count, off;
    int n_dims;
    int64_t dim[6], stride[6];
} fake;

static void p_ints(buf *b, const int64_t *v, int n) {
    buf_byte(b, '(');
    for (int i = 0; i < n; i++)
        p_int(b, v[i]);
    buf_byte(b, 't');
}

static void p_tensor(buf *b, const fake *t) {
    p_text(b, t->name);
    buf_fmt(b, "ctorch._utils\n%s\n((", t->call ? t->call : "_rebuild_tensor_v2");
    p_text(b, "storage");
    buf_fmt(b, "ctorch\n%s\n", t->type ? t->type : "FloatStorage");
    p_text(b, t->key ? t->key : "0");
    p_text(b, "cpu");
    p_int(b, t->count);
    buf_add(b, STR("tQ"));
    p_int(b, t->off);
    p_ints(b, t->dim, t->n_dims);
    p_ints(b, t->stride, t->n_dims);
    buf_add(b, STR("\x89NtR"));
}

static str model_pickle(const fake *t, size_t n) {
    buf b;
    buf_init(&b, &mem, 1 << 12);
    buf_add(&b, STR("\x80\2}"));
    p_text(&b, "model");
    buf_add(&b, STR("}("));
    for (size_t i = 0; i < n; i++)
        p_tensor(&b, &t[i]);
    buf_add(&b, STR("us."));
    return buf_str(&b);
}

static float values[16];  // 64 bytes of storage "0"

static str checkpoint(str pickle, bool unaligned) {
    for (int i = 0; i < 16; i++)
        values[i] = (float)i;
    entry x[] = {{.name = STR("m/data.pkl"), .data = pickle},
                 {.name = STR("m/data/0"), .data = {(char *)values, 64}, .unaligned = unaligned}};
    return make_zip(x, 2, (ends){0});
}

static void check_tensor(fake t, status want, const char *message) {
    pt *p;
    err e = {0};
    if (!t.name) t.name = "w";
    status s = pt_open_bytes(&p, checkpoint(model_pickle(&t, 1), false), &e);
    assert_string_equal(e.msg, message);
    assert_int_equal(s, want);
    if (s) assert_null(p);
    pt_close(p);
}

static void test_bounds(void **state) {
    (void)state;
    const int64_t huge = (int64_t)1 << 62;
    const char *past = "w reaches past the end of its storage",
               *odd = "w is not contiguous: save its .contiguous()";
    check_tensor((fake){.count = 16, .n_dims = 1, .dim = {16}, .stride = {1}}, OK, "");
    check_tensor((fake){.count = 16, .off = 16, .n_dims = 1, .dim = {0}, .stride = {1}}, OK, "");
    check_tensor((fake){.count = 16, .n_dims = 2, .dim = {1, 16}, .stride = {99, 1}}, OK, "");
    check_tensor((fake){.count = 16, .n_dims = 1, .dim = {17}, .stride = {1}}, E_FORMAT, past);
    check_tensor((fake){.count = 16, .off = 1, .n_dims = 1, .dim = {16}, .stride = {1}}, E_FORMAT,
                 past);
    check_tensor((fake){.count = 16, .off = 17, .n_dims = 1, .dim = {0}, .stride = {1}}, E_FORMAT,
                 past);
    check_tensor((fake){.count = 16, .off = -1, .n_dims = 1, .dim = {1}, .stride = {1}}, E_FORMAT,
                 past);
    check_tensor((fake){.count = 16, .off = INT64_MAX, .n_dims = 1, .dim = {2}, .stride = {1}},
                 E_FORMAT, past);
    check_tensor((fake){.count = 4, .n_dims = 1, .dim = {5}, .stride = {1}}, E_FORMAT, past);
    check_tensor((fake){.count = 17}, E_FORMAT,
                 "w: 17 elements do not fit in the 64 bytes of m/data/0");
    check_tensor((fake){.count = INT64_MAX}, E_FORMAT,
                 "w: 9223372036854775807 elements do not fit in the 64 bytes of m/data/0");
    check_tensor((fake){.count = -1}, E_FORMAT, "w: its storage is malformed");
    check_tensor((fake){.count = 9, .type = "LongStorage"}, E_FORMAT,
                 "w: 9 elements do not fit in the 64 bytes of m/data/0");
    check_tensor((fake){.count = 16, .n_dims = 2, .dim = {4, 4}, .stride = {1, 4}}, E_UNSUPPORTED,
                 odd);
    check_tensor((fake){.count = 16, .n_dims = 1, .dim = {4}, .stride = {0}}, E_UNSUPPORTED, odd);
    check_tensor((fake){.count = 16, .n_dims = 1, .dim = {2}, .stride = {-1}}, E_FORMAT,
                 "w: a negative size or stride");
    check_tensor((fake){.count = 16, .n_dims = 1, .dim = {-2}, .stride = {1}}, E_FORMAT,
                 "w: a negative size or stride");
    check_tensor((fake){.count = 16, .n_dims = 3, .dim = {4, huge, 1}, .stride = {huge, 1, 1}},
                 E_FORMAT, "w: its shape overflows");
    check_tensor(
        (fake){.count = 16, .n_dims = 5, .dim = {1, 1, 1, 1, 1}, .stride = {1, 1, 1, 1, 1}},
        E_LIMIT, "w: 5 dimensions, limit 4");
    check_tensor((fake){.count = 1, .key = "7"}, E_FORMAT, "w: its data is not in the file");
    check_tensor((fake){.count = 1, .type = "QInt8Storage"}, E_UNSUPPORTED,
                 "w: its element type is not supported (quantised?)");
    check_tensor((fake){.count = 1, .call = "_rebuild_qtensor"}, E_UNSUPPORTED,
                 "w: _rebuild_qtensor is not supported");
    check_tensor((fake){.count = 1, .name = "a\nb"}, E_FORMAT,
                 "a tensor's name is no text of 1 to 256 bytes");
}

static void test_names(void **state) {
    (void)state;
    const fake ok[] = {{.name = "_orig_mod.b", .count = 1},
                       {.name = "module._orig_mod.a", .count = 2}};
    const fake twice[] = {{.name = "_orig_mod.a", .count = 1}, {.name = "a", .count = 1}};
    pt *p;
    err e = {0};
    tensor t;
    assert_int_equal(pt_open_bytes(&p, checkpoint(model_pickle(ok, 2), false), &e), OK);
    assert_int_equal(pt_tensors(p)->n, 2);
    assert_true(str_eq(pt_tensors(p)->in_order[0].name, STR("b")));
    assert_true(pt_tensor(&t, p, "a"));
    assert_false(pt_tensor(&t, p, "_orig_mod.b"));
    assert_false(pt_tensor(&t, p, ""));
    pt_close(p);
    assert_int_equal(pt_open_bytes(&p, checkpoint(model_pickle(twice, 2), false), &e), E_FORMAT);
    assert_string_equal(e.msg, "two tensors are named a");
    pt_close(NULL);
}

static void check_file(str file, status want, const char *message) {
    pt *p;
    err e = {0};
    assert_int_equal(pt_open_bytes(&p, file, &e), want);
    assert_string_equal(e.msg, message);
}

static void test_files(void **state) {
    (void)state;
    const fake one = {.name = "w", .count = 1};
    str good = model_pickle(&one, 1);
    check_file(checkpoint(good, true), E_UNSUPPORTED,
               "w is not aligned in the file: write it with torch.save");
    check_file(checkpoint(STR("\x80\2}."), false), E_FORMAT,
               "no tensors: expected a state dict under \"model\"");
    check_file(checkpoint(STR("\x80\2K\1."), false), E_FORMAT, "the checkpoint is no dict");
    check_file(STR("not a zip"), E_FORMAT,
               "no ZIP end record: not a torch.save file, or cut short");
    entry two[] = {{.name = STR("m/data.pkl"), .data = good},
                   {.name = STR("n/data.pkl"), .data = good}};
    check_file(make_zip(two, 2, (ends){0}), E_FORMAT, "two entries end in /data.pkl");
    check_file(make_zip(&(entry)A, 1, (ends){0}), E_FORMAT,
               "a ZIP without data.pkl: not a torch.save file");
    entry big[] = {{.name = STR("m/data.pkl"), .data = good},
                   {.name = STR("m/byteorder"), .data = STR("big")}};
    check_file(make_zip(big, 2, (ends){0}), E_UNSUPPORTED, "byteorder is not little");
    pt *p;
    err e = {0};
    assert_int_equal(pt_open(&p, "/no/such.pt", &e), E_NOT_FOUND);
    assert_string_equal(e.msg, "/no/such.pt: cannot open: No such file or directory");
    assert_int_equal(pt_open(&p, "Makefile", &e), E_FORMAT);
    assert_true(str_starts(str_of(e.msg), STR("Makefile: ")));
}

// Any cut and any flipped byte is refused or leads to views inside the file (sanitizers watch).
static void test_damage(void **state) {
    (void)state;
    const fake one = {.name = "w", .count = 16, .n_dims = 1, .dim = {16}, .stride = {1}};
    str file = checkpoint(model_pickle(&one, 1), false);
    size_t refused = 0;
    for (size_t n = 0; n < 2 * file.len; n++) {
        char *copy = malloc(file.len);
        memcpy(copy, file.ptr, file.len);
        if (n >= file.len) copy[n - file.len] ^= 0x41;
        pt *p;
        err e = {0};
        status s = pt_open_bytes(&p, (str){copy, n < file.len ? n : file.len}, &e);
        refused += s != OK;
        if (s) assert_true(strlen(e.msg) > 5);
        tensor t;
        float sum[16];
        if (!s && pt_tensor(&t, p, "w") && t.dtype == TENSOR_F32 && tensor_count(&t) <= 16)
            tensor_to_f32(sum, &t);
        pt_close(p);
        free(copy);
    }
    assert_true(refused >= file.len);
}

static double number(const pt *p, const char *section, const char *key) {
    double v = -999;
    assert_true(pt_number(&v, p, section, key));
    return v;
}

static void check_f32(const pt *p, const char *name, const float *want, size_t n) {
    tensor t;
    float got[16];
    assert_true(pt_tensor(&t, p, name));
    assert_int_equal(tensor_count(&t), n);
    tensor_to_f32(got, &t);
    assert_memory_equal(got, want, n * sizeof *got);
}

static void test_torch_style(void **state) {
    (void)state;
    static const char *const files[] = {"dataclass_p2", "dataclass_p3", "dataclass_p4",
                                        "dataclass_p5", "dict",         "bare"};
    for (size_t i = 0; i < countof(files); i++) {
        pt *p;
        err e = {0};
        tensor a, b;
        double v;
        str path = arena_fmt(&mem, "fuzz/corpus/pickle/%s.pt", files[i]);
        if (pt_open(&p, path.ptr, &e)) fail_msg("%s", e.msg);
        assert_int_equal(pt_tensors(p)->n, 6);
        check_f32(p, "half", (float[]){1, -0.5f, 0x1p-24f}, 3);
        check_f32(p, "bf16", (float[]){1, -2, 0, INFINITY}, 4);
        check_f32(p, "scalar", (float[]){5.5f}, 1);
        assert_true(pt_tensor(&a, p, "transformer.wte.weight"));
        assert_true(pt_tensor(&b, p, "lm_head.weight"));
        assert_ptr_equal(a.data, b.data);  // tied
        assert_int_equal(a.n_dims, 2);
        assert_int_equal(a.dim[0], 3);
        assert_int_equal(a.dim[1], 4);
        assert_true(pt_tensor(&a, p, "steps"));
        assert_int_equal(a.dtype, TENSOR_OTHER);
        assert_int_equal(pt_number(&v, p, "config", "n_layer"), i < 5);
        if (i < 5) {
            assert_true(number(p, "config", "block_size") == 8);
            assert_true(number(p, "config", "n_embd") == 4);
            assert_true(number(p, "", "step") == 1148);
            assert_true(number(p, "", "val_loss") == 7.5);
            assert_true(number(p, "", "neg") == -5);
            assert_false(pt_number(&v, p, "", "flag"));
            assert_false(pt_number(&v, p, "", "big"));
            assert_false(pt_number(&v, p, "config", "nothing"));
            assert_false(pt_number(&v, p, "nothing", "n_embd"));
            assert_false(pt_number(&v, p, "step", "n_embd"));
        }
        pt_close(p);
    }
}

static void test_real(void **state) {
    (void)state;
    pt *p;
    err e = {0};
    tensor t;
    if (pt_open(&p, "../shared/data/models/model_01148.pt", &e)) {
        print_message("skipped: %s\n", e.msg);
        skip();
    }
    assert_int_equal(pt_tensors(p)->n, 53);
    assert_true(pt_tensor(&t, p, "transformer.wte.weight"));
    assert_int_equal(t.dim[0], 50304);
    assert_int_equal(t.dim[1], 128);
    assert_true(number(p, "config", "n_layer") == 4);
    assert_true(number(p, "", "step") == 1148);
    assert_true(fabs(number(p, "", "val_loss") - 7.042843814079578) < 1e-12);
    assert_int_equal(pt_check(p, NULL), OK);
    assert_int_equal(pt_verify(p, NULL, NULL), OK);
    pt_close(p);
}

// --- Element types ---------------------------------------------------------------------------

static float widen(tensor_dtype type, uint16_t bits) {
    float f;
    tensor t = {.dtype = type, .n_dims = 1, .dim = {1}, .data = &bits};
    tensor_to_f32(&f, &t);
    return f;
}

// The value as the standard defines it, in double arithmetic.
static double half_value(uint16_t h) {
    int exp = h >> 10 & 31;
    double frac = h & 1023, v = exp ? ldexp(1024 + frac, exp - 25) : ldexp(frac, -24);
    return h & 0x8000 ? -v : v;
}

static void test_widening(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = widen(TENSOR_F16, (uint16_t)h), g = widen(TENSOR_BF16, (uint16_t)h);
        uint32_t bits;
        if ((h >> 10 & 31) != 31)
            assert_true((double)f == half_value((uint16_t)h));
        else
            assert_true(h & 1023 ? isnan(f) : f == (h & 0x8000 ? -INFINITY : INFINITY));
        assert_int_equal(!!signbit(f), h >> 15);
        memcpy(&bits, &g, 4);
        assert_int_equal(bits, h << 16);
    }
    tensor t = {.dtype = TENSOR_F32, .n_dims = 2, .dim = {2, 3}};
    assert_int_equal(tensor_count(&t), 6);
    t.n_dims = 0;
    assert_int_equal(tensor_count(&t), 1);
    assert_int_equal(tensor_elem_bytes(TENSOR_F32), 4);
    assert_int_equal(tensor_elem_bytes(TENSOR_BF16), 2);
    assert_int_equal(tensor_elem_bytes(TENSOR_OTHER), 0);
    assert_string_equal(tensor_dtype_name(TENSOR_F16), "f16");
}

int main(void) {
#define T(f) cmocka_unit_test_setup(f, reset)
    const struct CMUnitTest tests[] = {
        T(test_zip),
        T(test_zip_crc),
        T(test_zip_headers),
        T(test_zip_overlap),
        T(test_zip_end),
        T(test_pickle_scalars),
        T(test_pickle_containers),
        T(test_pickle_objects),
        T(test_pickle_refused),
        T(test_pickle_limits),
        T(test_bounds),
        T(test_names),
        T(test_files),
        T(test_damage),
        T(test_torch_style),
        T(test_real),
        T(test_widening),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
