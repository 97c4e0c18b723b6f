// math/math.h -- formulas: TeX as people write it in <math>, to presentation MathML.
//
//   Owner     nobody: results are values, or appended to the buf that is given
//   Threads   pure functions; any
//   Limits    64 KB of TeX, groups 40 deep; work is linear in the text for each level of nesting
//   Errors    false when there is a command that is not known or a group that does not end: then
//             nothing was written, and the caller shows the TeX
//   Source    mediawiki.org/wiki/Extension:Math/Syntax; w3.org/TR/mathml-core; mhchem's manual
#ifndef MATH_MATH_H
#define MATH_MATH_H

#include "base/buf.h"

// The formula as one element, without <math>.
bool math_put(buf *out, str tex);
// \ce{...}: "2 H2 + O2 -> 2 H2O", the same way.
bool math_chem(buf *out, str formula);

// --- The commands (math_table.c) -----------------------------------------------------------

typedef enum tex_kind {
    WT_TEX_IDENTIFIER,  // greek and other letters: <mi>
    WT_TEX_UPRIGHT,     // the same, never slanted
    WT_TEX_OPERATOR,    // relations, arrows, signs: <mo>
    WT_TEX_BIG,         // sums: what is below and above stands there
    WT_TEX_INTEGRAL,    // big, with scripts at its side
    WT_TEX_FUNCTION,    // sin
    WT_TEX_LIMIT,       // lim: as a sum
    WT_TEX_ACCENT,      // \hat x
    WT_TEX_UNDER,       // \underline x
    WT_TEX_BRACE,       // \underbrace, \overbrace: takes scripts as a sum does
    WT_TEX_SPACE,       // text: its width
    WT_TEX_FONT,        // n: tex_font
    WT_TEX_OLD_FONT,    // {\bf x}
    WT_TEX_TEXT,        // \text{words}
    WT_TEX_FRAC,        // text: attributes; n: with brackets
    WT_TEX_INFIX,       // a \over b
    WT_TEX_ROOT,
    WT_TEX_STACK,  // \overset a b; n: 0 above, 1 below
    WT_TEX_LEFT,
    WT_TEX_BIGGER,  // \big(: text is the size
    WT_TEX_STYLE,   // \displaystyle: text is attributes
    WT_TEX_BEGIN,
    WT_TEX_NAME,  // \operatorname{x}
    WT_TEX_NOT,
    WT_TEX_WRAP,   // text: an element around the argument
    WT_TEX_ARROW,  // \xrightarrow[below]{above}
    WT_TEX_MOD,
    WT_TEX_COLOR,
    WT_TEX_SKIP,  // n: arguments that go with it
    WT_TEX_PASS,  // the argument as it is
    WT_TEX_TAG,
    WT_TEX_CHEM,
    WT_TEX_STOP,  // \right, \end, \middle: what ends a row
} tex_kind;

typedef enum tex_font {
    WT_FONT_PLAIN,
    WT_FONT_UPRIGHT,
    WT_FONT_BOLD,
    WT_FONT_ITALIC,
    WT_FONT_BOLD_ITALIC,
    WT_FONT_DOUBLE,
    WT_FONT_SCRIPT,
    WT_FONT_FRAKTUR,
    WT_FONT_SANS,
    WT_FONT_TYPE,
} tex_font;

typedef struct tex_row {
    const char *name;
    tex_kind kind;
    const char *text;
    uint8_t n;
} tex_row;

// NULL: not known. The name is without backslash.
const tex_row *tex_command(str name);
// A letter or digit in a font of Unicode's mathematical alphabets; `c` itself where there is none.
int32_t tex_letter(tex_font font, char c);

#endif
