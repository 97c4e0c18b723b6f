// Checkpoints, single files and folders as one table; folders whose JSON lies.

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tensor/weights.h"
#include "tests/tensor/folder.h"

#define GOLDEN "tests/golden/"
#define FILE1  "model-00001-of-00002.safetensors"
#define FILE2  "model-00002-of-00002.safetensors"

static weights *open_ok(const char *path) {
    weights *w;
    err e = {0};
    if (weights_open(&w, path, &e)) fail_msg("%s", e.msg);
    return w;
}

static void every_kind(void **state) {
    (void)state;
    static const struct {
        const char *path, *wte;
        weights_kind kind;
        size_t n;
        double n_layer;
    } cases[] = {
        {GOLDEN "gpt2_f32.pt", "transformer.wte.weight", WEIGHTS_PT, 29, 2},
        {GOLDEN "hf_single", "wte.weight", WEIGHTS_HF, 30, 2},
        {GOLDEN "hf_single//", "wte.weight", WEIGHTS_HF, 30, 2},
        {GOLDEN "hf_single/model.safetensors", "wte.weight", WEIGHTS_HF, 30, 2},
        {GOLDEN "hf_sharded", "transformer.wte.weight", WEIGHTS_HF, 28, 2},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        weights *w = open_ok(cases[i].path);
        tensor t;
        double v;
        assert_int_equal(weights_kind_of(w), cases[i].kind);
        assert_int_equal(weights_tensors(w)->n, cases[i].n);
        assert_true(weights_tensor(&t, w, cases[i].wte));
        assert_int_equal(t.dim[1], 32);
        assert_false(weights_tensor(&t, w, "nothing"));
        assert_true(weights_number(&v, w, "config", "n_layer"));
        assert_true(v == cases[i].n_layer);
        assert_false(weights_number(&v, w, "config", "nothing"));
        assert_int_equal(weights_number(&v, w, "", "step"), cases[i].kind == WEIGHTS_PT);
        assert_int_equal(weights_config(w) != NULL, cases[i].kind == WEIGHTS_HF);
        assert_int_equal(weights_verify(w, NULL, NULL), OK);
        weights_prefetch(w);
        weights_close(w);
    }
    weights_close(NULL);
}

static void refuse(const char *path, status want, const char *says) {
    weights *w;
    err e = {0};
    status s = weights_open(&w, path, &e);
    assert_non_null(strstr(e.msg, says));
    assert_int_equal(s, want);
    assert_null(w);
}

static void broken_folders(void **state) {
    (void)state;
    folder f;
    refuse("/no/such", E_NOT_FOUND, "/no/such");
    refuse("Makefile", E_FORMAT, "Makefile: ");
    assert_true(folder_open(&f));
    refuse(f.path, E_NOT_FOUND, "config.json");
    assert_true(folder_put(&f, "config.json", STR("{} x")));
    refuse(f.path, E_FORMAT, "config.json: JSON line 1, column 4");
    assert_true(folder_put(&f, "config.json", STR("[]")));
    refuse(f.path, E_FORMAT, "config.json: no JSON object");
    assert_true(folder_put(&f, "config.json", STR("{}")));
    refuse(f.path, E_NOT_FOUND, "neither model.safetensors nor model.safetensors.index.json");
    assert_true(folder_put(&f, "model.safetensors", STR("short")));
    refuse(f.path, E_FORMAT, "/model.safetensors: not a safetensors file");
    char *big = calloc(1, WEIGHTS_CONFIG_MAX + 1);
    assert_true(folder_put(&f, "config.json", (str){big, WEIGHTS_CONFIG_MAX + 1}));
    refuse(f.path, E_LIMIT, "config.json: 1048577 bytes of JSON, limit 1048576");
    free(big);
    folder_close(&f);
}

static void broken_indexes(void **state) {
    (void)state;
#define NORM "\"transformer.ln_f.bias\":"
    static const struct {
        const char *index, *says;
        status want;
    } cases[] = {
        {"{", "index.json: JSON line 1", E_FORMAT},
        {"{}", "index.json: no weight_map", E_FORMAT},
        {"{\"weight_map\":{}}", "index.json: no weight_map", E_FORMAT},
        {"{\"weight_map\":[]}", "index.json: no weight_map", E_FORMAT},
        {"{\"weight_map\":{\"a\":5}}", "a: its file is not named by a plain file name", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"\"}}", "a: its file is not named by", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"..\"}}", "a: its file is not named by", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"../x\"}}", "a: its file is not named by", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "a: its file is not named by", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"x\\u0000y\"}}", "a: its file is not named by", E_FORMAT},
        {"{\"weight_map\":{\"\\n\":\"x\"}}", "a tensor's name is no text", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"none\"}}", "/none: cannot open", E_NOT_FOUND},
        {"{\"weight_map\":{\"a\":\"config.json\"}}", "/config.json: not a safetensors", E_FORMAT},
        {"{\"weight_map\":{\"a\":\"" FILE1 "\"}}", "index.json: a is not in " FILE1, E_FORMAT},
        {"{\"weight_map\":{" NORM "\"" FILE1 "\"}}", "is not in " FILE1, E_FORMAT},
    };
    folder f;
    assert_true(folder_open(&f));
    assert_true(folder_put(&f, "config.json", STR("{}")));
    assert_true(folder_copy(&f, FILE1, GOLDEN "hf_sharded/" FILE1));
    assert_true(folder_copy(&f, FILE2, GOLDEN "hf_sharded/" FILE2));
    for (size_t i = 0; i < countof(cases); i++) {
        assert_true(folder_put(&f, "model.safetensors.index.json", str_of(cases[i].index)));
        refuse(f.path, cases[i].want, cases[i].says);
    }
    // What an index does not list is not there.
    assert_true(folder_put(&f, "model.safetensors.index.json",
                           STR("{\"weight_map\":{" NORM "\"" FILE2 "\"}}")));
    weights *w = open_ok(f.path);
    assert_int_equal(weights_tensors(w)->n, 1);
    weights_close(w);
    folder_close(&f);
}

// A copy elsewhere with the same time of change is the same; another time is not, nor other shapes.
static void identity(void **state) {
    (void)state;
    folder f;
    struct stat st;
    assert_true(folder_open(&f));
    assert_int_equal(stat(GOLDEN "gpt2_f32.pt", &st), 0);
    weights *w = open_ok(GOLDEN "gpt2_f32.pt");
    uint64_t first = weights_identity(w);
    assert_int_equal(weights_identity(w), first);
    weights_close(w);
    for (int later = 0; later < 2; later++) {
        assert_true(folder_copy(&f, "copy.pt", GOLDEN "gpt2_f32.pt"));
        st.st_mtim.tv_sec += later;
        assert_int_equal(utimensat(AT_FDCWD, folder_at(&f, "copy.pt"),
                                   (struct timespec[]){st.st_mtim, st.st_mtim}, 0),
                         0);
        w = open_ok(folder_at(&f, "copy.pt"));
        assert_int_equal(weights_identity(w) == first, !later);
        weights_close(w);
    }
    w = open_ok(GOLDEN "hf_sharded");
    assert_true(weights_identity(w) != first);
    weights_close(w);
    folder_close(&f);
}

// One bit of one tensor: opening does not read that far, verifying does. One bit of the pickle.
static void checksums(void **state) {
    (void)state;
    folder f;
    os_map map;
    assert_true(folder_open(&f));
    assert_int_equal(os_map_open(&map, GOLDEN "gpt2_f32.pt", OS_MAP_SEQUENTIAL, NULL), OK);
    char *copy = malloc(map.len);
    memcpy(copy, map.base, map.len);
    copy[map.len / 2] ^= 1;
    assert_true(folder_put(&f, "a.pt", (str){copy, map.len}));
    weights *w = open_ok(folder_at(&f, "a.pt"));
    err e = {0};
    assert_int_equal(weights_verify(w, NULL, &e), E_FORMAT);
    assert_non_null(strstr(e.msg, "is damaged: its CRC differs"));
    weights_close(w);
    memcpy(copy, map.base, map.len);
    str key = STR("val_loss");
    size_t at = str_find((str){copy, map.len}, key);
    assert_true(at < map.len);
    copy[at] = 'V';
    assert_true(folder_put(&f, "b.pt", (str){copy, map.len}));
    refuse(folder_at(&f, "b.pt"), E_FORMAT, "data.pkl is damaged: its CRC differs");
    free(copy);
    os_map_close(&map);
    folder_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),     cmocka_unit_test(broken_folders),
        cmocka_unit_test(broken_indexes), cmocka_unit_test(identity),
        cmocka_unit_test(checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
