// Sizes of pictures, from how their files begin.

#include "app/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(s) ((str){s, sizeof(s) - 1})

static void known(str head, const char *mime, int width, int height) {
    image_size size;
    assert_true(image_size_of(&size, head));
    assert_string_equal(size.mime, mime);
    assert_int_equal(size.width, width);
    assert_int_equal(size.height, height);
}

static void unknown(str head) {
    image_size size;
    assert_false(image_size_of(&size, head));
}

#define PNG(w, h) "\x89PNG\r\n\x1a\n\0\0\0\rIHDR" w h "\x08\x02\0\0\0"
#define JPEG_APP0                                                                                  \
    "\xFF\xE0\0\x06"                                                                               \
    "JFIF"
#define JPEG_SOF2  "\xFF\xC2\0\x0B\x08\x01\x2C\x01\x90\x01\x01\x11\0"
#define RIFF(kind) "RIFF\0\0\0\0WEBP" kind "\0\0\0\0"

static void pixels(void **state) {
    (void)state;
    known(BYTES(PNG("\0\0\2\x80", "\0\0\1\xE0")), "image/png", 640, 480);
    known(BYTES("GIF89a\3\0\x46\0\0\0\0"), "image/gif", 3, 70);
    known(BYTES("\xFF\xD8" JPEG_APP0 JPEG_SOF2), "image/jpeg", 400, 300);
    known(BYTES("\xFF\xD8\xFF\xFF\xC4\0\4ab\xFF\xD0" JPEG_SOF2), "image/jpeg", 400, 300);
    known(BYTES(RIFF("VP8X") "\0\0\0\0\x1F\3\0\x57\2\0"), "image/webp", 800, 600);
    known(BYTES(RIFF("VP8 ") "\0\0\0\x9D\1\x2A\x7B\0\x2D\0"), "image/webp", 123, 45);
    known(BYTES(RIFF("VP8L") "\x2F\x63\x40\x0C\0\0\0\0\0\0"), "image/webp", 100, 50);
}

static void drawings(void **state) {
    (void)state;
    static const char svg[] = "image/svg+xml";
    known(STR("<svg width='30' height=\"20px\">"), svg, 30, 20);
    known(STR("\xEF\xBB\xBF<?xml version='1.0'?><!-- a > b --><!DOCTYPE svg [<!ENTITY x 'y>'>]>\n"
              "<svg\nviewBox='0 0 200 100' width='10cm'>"),
          svg, 377, 188);
    known(STR("<svg viewBox='0,0,30 40.5'/>"), svg, 30, 40);
    known(STR("<!DOCTYPE svg><svg height='1in' viewBox='0 0 1 2'>"), svg, 48, 96);
    known(STR("<svg width='100%' height='50%' viewBox='0 0 7 9'>"), svg, 7, 9);
}

static void what_is_no_picture(void **state) {
    (void)state;
    unknown(STR(""));
    unknown(STR("<html>"));
    unknown(STR("<svgx width='3' height='3'>"));
    unknown(STR("<svg>"));
    unknown(STR("<svg width='3'>"));
    unknown(STR("<svg width='3' height='3'"));
    unknown(STR("<svg width=3 height=3>"));
    unknown(BYTES(PNG("\0\0\0\0", "\0\0\1\xE0")));
    unknown(BYTES(PNG("\x7F\0\0\0", "\0\0\1\xE0")));
    unknown(BYTES("\xFF\xD8\xFF\xE0\0\0" JPEG_SOF2));
    unknown(BYTES("\xFF\xD8\xFF\xDA\0\2" JPEG_SOF2));
}

// Every beginning of a picture is read without a step behind its end.
static void cut(void **state) {
    (void)state;
    static const str whole[] = {
        {PNG("\0\0\2\x80", "\0\0\1\xE0"), 29},
        {"\xFF\xD8" JPEG_APP0 JPEG_SOF2, 23},
        {RIFF("VP8X") "\0\0\0\0\x1F\3\0\x57\2\0", 30},
        {"<svg viewBox='0 0 2 3' width='3cm'>", 35},
    };
    for (size_t i = 0; i < countof(whole); i++)
        for (size_t n = 0; n < whole[i].len; n++) {
            image_size size;
            char *copy = malloc(n + 1);  // of exact length, for the sanitizer
            assert_non_null(copy);
            memcpy(copy + 1, whole[i].ptr, n);
            bool is_known = image_size_of(&size, (str){copy + 1, n});
            assert_true(!is_known || n >= 18);
            free(copy);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels),
        cmocka_unit_test(drawings),
        cmocka_unit_test(what_is_no_picture),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
