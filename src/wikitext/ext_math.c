// wikitext/ext_math.c -- <math>, <chem> and <ce>: MathML with the TeX kept inside.
//
// What the formula's reader does not know is shown as TeX: nothing is guessed.
// Source: mediawiki.org/wiki/Extension:Math

#include "math/math.h"
#include "wikitext/ext.h"

// In one line: a blank one would end the paragraph around it.
static void put_tex(buf *out, str tex) {
    size_t from = out->len;
    html_escape(out, tex);
    for (size_t i = from; i < out->len; i++)
        if (out->ptr[i] == '\n') out->ptr[i] = ' ';
}

static void put_code(buf *out, str tex) {
    buf_add(out, STR("<code class=\"tex\">"));
    put_tex(out, tex);
    buf_add(out, STR("</code>"));
}

static void put_formula(buf *out, str tex, bool is_block, bool is_chem) {
    size_t at = out->len;
    buf_add(out, is_block ? STR("<span class=\"mwe-math-element mwe-math-element-block\"><math "
                                "display=\"block\" alttext=\"")
                          : STR("<span class=\"mwe-math-element mwe-math-element-inline\"><math "
                                "alttext=\""));
    put_tex(out, tex);
    buf_add(out, STR("\"><semantics>"));
    bool is_read = is_chem ? math_chem(out, tex) : math_put(out, tex);
    if (!is_read) {
        out->len = at;
        return put_code(out, tex);
    }
    buf_add(out, STR("<annotation encoding=\"application/x-tex\">"));
    put_tex(out, tex);
    buf_add(out, STR("</annotation></semantics></math></span>"));
}

static void formula(buf *out, const wt_ext *e, bool is_chem) {
    str display = {0}, tex = str_trim(html_decode(wt_unstrip_str(e->p, e->inner, "n"), e->p->mem));
    wt_ext_attr(&display, e, STR("display"));
    buf b = wt_ext_html(e);
    if (tex.len) put_formula(&b, tex, str_eq(display, STR("block")), is_chem);
    wt_ext_put(out, e, &b);
}

void wt_ext_math(buf *out, const wt_ext *e) {
    formula(out, e, false);
}

void wt_ext_chem(buf *out, const wt_ext *e) {
    formula(out, e, true);
}
