// Formulas: TeX to MathML, what is not known, chemistry, that hostile text ends and stays balanced.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/math.h"
#include "tests/wikitext/world.h"

static const char *math(const char *tex) {
    buf b;
    buf_init(&b, &world_mem, 0);
    bool is_read = math_put(&b, str_of(tex));
    if (!is_read) assert_int_equal(b.len, 0);
    return is_read ? arena_cstr(&world_mem, buf_str(&b)) : NULL;
}

static const struct {
    const char *tex, *html;
} cases[] = {
    {"x", "<mi>x</mi>"},
    {"", "<mrow></mrow>"},
    {"12.5", "<mn>12.5</mn>"},
    {"a+b", "<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>"},
    {"a<b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"},
    {"-1", "<mrow><mo>\xe2\x88\x92</mo><mn>1</mn></mrow>"},
    // scripts
    {"x^2", "<msup><mi>x</mi><mn>2</mn></msup>"},
    {"x^23", "<mrow><msup><mi>x</mi><mn>2</mn></msup><mn>3</mn></mrow>"},
    {"x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"},
    {"x^2_i", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"},
    {"x_{ij}", "<msub><mi>x</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub>"},
    {"f''", "<msup><mi>f</mi><mo>\xe2\x80\xb3</mo></msup>"},
    {"f'^2", "<msup><mi>f</mi><mrow><mo>\xe2\x80\xb2</mo><mn>2</mn></mrow></msup>"},
    {"{}^{14}C", "<mrow><msup><mrow></mrow><mn>14</mn></msup><mi>C</mi></mrow>"},
    {"_a", "<msub><mi></mi><mi>a</mi></msub>"},
    // commands
    {"\\alpha\\Gamma", "<mrow><mi>\xce\xb1</mi><mi mathvariant=\"normal\">\xce\x93</mi></mrow>"},
    {"\\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"},
    {"\\frac{a}{b+c}", "<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mi>c</mi></mrow></mfrac>"},
    {"\\sqrt x", "<msqrt><mi>x</mi></msqrt>"},
    {"\\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"},
    {"\\binom nk", "<mrow><mo>(</mo><mfrac linethickness=\"0\"><mi>n</mi><mi>k</mi></mfrac>"
                   "<mo>)</mo></mrow>"},
    {"{n \\choose k}", "<mrow><mo>(</mo><mfrac linethickness=\"0\"><mi>n</mi><mi>k</mi></mfrac>"
                       "<mo>)</mo></mrow>"},
    {"{a+b \\over c}", "<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>"},
    {"\\sum_{i}^n", "<munderover><mo movablelimits=\"true\">\xe2\x88\x91</mo><mi>i</mi><mi>n</mi>"
                    "</munderover>"},
    {"\\int_0^1", "<msubsup><mo>\xe2\x88\xab</mo><mn>0</mn><mn>1</mn></msubsup>"},
    {"\\int\\limits_0", "<munder><mo>\xe2\x88\xab</mo><mn>0</mn></munder>"},
    {"\\sin x", "<mrow><mi>sin</mi><mspace width=\"0.1667em\"></mspace><mi>x</mi></mrow>"},
    {"\\sin(x)", "<mrow><mi>sin</mi><mo stretchy=\"false\">(</mo><mi>x</mi>"
                 "<mo stretchy=\"false\">)</mo></mrow>"},
    {"\\hat x", "<mover accent=\"true\"><mi>x</mi><mo stretchy=\"false\">^</mo></mover>"},
    {"\\mathbb{R}", "<mi>\xe2\x84\x9d</mi>"},
    {"\\mathbf{a1}", "<mrow><mi>\xf0\x9d\x90\x9a</mi><mn>\xf0\x9d\x9f\x8f</mn></mrow>"},
    {"\\mathcal L", "<mi>\xe2\x84\x92</mi>"},
    {"\\mathrm{kg}", "<mi>kg</mi>"},
    {"{\\rm d}x", "<mrow><mi mathvariant=\"normal\">d</mi><mi>x</mi></mrow>"},
    {"\\text{if } x", "<mrow><mtext>if&#160;</mtext><mi>x</mi></mrow>"},
    {"\\left( x \\right.", "<mrow><mo fence=\"true\" stretchy=\"true\">(</mo><mi>x</mi>"
                           "<mo fence=\"true\" stretchy=\"true\"></mo></mrow>"},
    {"\\begin{matrix}a&b\\\\c&d\\end{matrix}",
     "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr>"
     "<mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable>"},
    {"\\begin{array}{cc}a\\end{array}", "<mtable><mtr><mtd><mi>a</mi></mtd></mtr></mtable>"},
    {"a\\\\b", "<mtable columnalign=\"left\" class=\"wt-cases\"><mtr><mtd><mi>a</mi></mtd></mtr>"
               "<mtr><mtd><mi>b</mi></mtd></mtr></mtable>"},
    {"\\overset{a}{b}", "<mover><mi>b</mi><mi>a</mi></mover>"},
    {"\\not=", "<mo>=&#824;</mo>"},
    {"\\displaystyle x", "<mstyle displaystyle=\"true\" scriptlevel=\"0\"><mi>x</mi></mstyle>"},
    {"\\color{red}x", "<mstyle mathcolor=\"red\"><mi>x</mi></mstyle>"},
    {"\\operatorname{Tr}", "<mi>Tr</mi>"},
    {"50\\% \\{", "<mrow><mn>50</mn><mi mathvariant=\"normal\">%</mi><mo>{</mo></mrow>"},
};

static void tex_becomes_mathml(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        const char *html = math(cases[i].tex);
        if (!html) fail_msg("not read: %s", cases[i].tex);
        if (strcmp(html, cases[i].html) != 0)
            fail_msg("%s\nis   %s\nnot  %s", cases[i].tex, html, cases[i].html);
    }
}

static void what_is_not_known_is_not_guessed(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\\unheardof",
        "{",
        "}",
        "x}",
        "\\frac{a}",
        "\\left( x",
        "\\begin{matrix}a",
        "\\begin{nothing}a\\end{nothing}",
        "\\begin{matrix}a\\end{array}",
        "x^1^2",
        "\\sqrt",
        "\\color{url(x)}y",
        "\\not{ab}",
        "\\text{\\foo}",
        "\\",
        "x^",
        "\\right)",
        "#",
    };
    for (size_t i = 0; i < countof(bad); i++)
        if (math(bad[i])) fail_msg("%s became %s", bad[i], math(bad[i]));
}

// Every command of a page about the syntax is found: its table is sorted.
static void commands_are_found(void **state) {
    (void)state;
    static const char *const some[] = {"!",           " ",
                                       "\\",          "{",
                                       "|",           "}",
                                       "Alpha",       "zeta",
                                       "xrightarrow", "leftrightarrow",
                                       "left",        "leq",
                                       "N",           "mathbb",
                                       "varinjlim",   "&",
                                       "_",           "%",
                                       "#",           "$",
                                       ",",           ":",
                                       ";",           ">"};
    for (size_t i = 0; i < countof(some); i++)
        if (!tex_command(str_of(some[i]))) fail_msg("no %s", some[i]);
    assert_null(tex_command(STR("")));
    assert_null(tex_command(STR("alphabet")));
    assert_int_equal(tex_letter(WT_FONT_DOUBLE, 'C'), 0x2102);
    assert_int_equal(tex_letter(WT_FONT_FRAKTUR, 'a'), 0x1D51E);
    assert_int_equal(tex_letter(WT_FONT_SCRIPT, '1'), '1');
    assert_int_equal(tex_letter(WT_FONT_PLAIN, 'x'), 'x');
}

static void nesting_is_bounded(void **state) {
    (void)state;
    enum { N = 20000 };
    char *text = arena_alloc(&world_mem, 3 * N + 8);
    memset(text, '{', N);
    assert_null(math(text));
    memset(text, 0, 3 * N);
    for (size_t i = 0; i < N; i++)
        memcpy(text + 2 * i, "x^", 2);
    assert_null(math(text));
    memset(text, 0, 3 * N);
    memset(text, 'x', N);
    assert_non_null(math(text));
}

static void tags_show_formulas(void **state) {
    (void)state;
    assert_non_null(strstr(world_render("<math>x</math>"),
                           "<math alttext=\"x\"><semantics><mi>x</mi><annotation "
                           "encoding=\"application/x-tex\">x</annotation></semantics></math>"));
    assert_non_null(strstr(world_render("<math display=\"block\">x</math>"), "display=\"block\""));
    assert_non_null(
        strstr(world_render("<math>\\foo<b></math>"), "<code class=\"tex\">\\foo&lt;b&gt;</code>"));
    assert_non_null(strstr(world_render("<math>a\n\nb</math>"), "alttext=\"a  b\""));
    assert_null(strstr(world_render("<math></math>"), "math"));
}

static const char *chem(const char *text) {
    buf b;
    buf_init(&b, &world_mem, 0);
    return math_chem(&b, str_of(text)) ? arena_cstr(&world_mem, buf_str(&b)) : NULL;
}

static void formulas_of_chemistry(void **state) {
    (void)state;
    assert_string_equal(chem("H2O"),
                        "<mrow><msub><mi mathvariant=\"normal\">H</mi><mtext>2</mtext></msub>"
                        "<mi mathvariant=\"normal\">O</mi></mrow>");
    assert_string_equal(chem("SO4^2-"),
                        "<mrow><mi mathvariant=\"normal\">S</mi><msubsup><mi "
                        "mathvariant=\"normal\">O</mi><mtext>4</mtext><mtext>2\xe2\x88\x92</mtext>"
                        "</msubsup></mrow>");
    assert_non_null(strstr(chem("Na+"), "<msup><mi>Na</mi><mtext>+</mtext></msup>"));
    assert_non_null(strstr(chem("A <=> B"), "\xe2\x87\x8c"));
    assert_non_null(strstr(chem("A ->[x] B"), "<mover><mo stretchy=\"true\">"));
    assert_non_null(strstr(chem("2 H2"), "<mn>2</mn><mspace"));
    assert_null(chem("\\foo"));
    assert_non_null(strstr(math("\\ce{H2}"), "<msub>"));
    assert_non_null(strstr(world_render("<chem>H2</chem>"), "<msub>"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tex_becomes_mathml), cmocka_unit_test(what_is_not_known_is_not_guessed),
        cmocka_unit_test(commands_are_found), cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(tags_show_formulas), cmocka_unit_test(formulas_of_chemistry),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
