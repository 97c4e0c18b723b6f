// lm/arch.h -- families of decoders: what their configs say, and where their tensors lie.
//
// One row of a table per family and kind of file. The loader asks by role ("the keys of layer 3")
// and gets rows; that they are a third of a fused matrix, every second row of another, or in an
// order of GGUF's own is known here only.
//
//   Owner     parts are views into the weights
//   Threads   pure; any
//   Errors    E_UNSUPPORTED names the family or the field of the config that is not computed here,
//             and its value; E_FORMAT names the tensor that is missing, or wrong in shape, or
//             unexpected; E_LIMIT the size
//   Source    Hugging Face transformers' modelling files; llama.cpp's GGUF names
#ifndef LM_ARCH_H
#define LM_ARCH_H

#include "lm/spec.h"
#include "tensor/row.h"
#include "tensor/weights.h"

typedef enum lm_role {
    // Of the model
    LM_EMBED,     // [vocab][embd]
    LM_WPE,       // [block][embd]
    LM_NORM_OUT,  // [embd]
    LM_HEAD,      // [vocab][embd]; the embedding's when tied
    // Of a layer
    LM_NORM_IN,        // before attention or convolution [embd]
    LM_NORM_POST_IN,   // after it
    LM_NORM_MLP,       // before the MLP; a parallel family's own
    LM_NORM_POST_MLP,  // after it
    LM_Q,              // [n_head * head_dim][embd]
    LM_K,              // [n_kv_head * head_dim][embd]
    LM_V,
    LM_O,       // [embd][n_head * head_dim]
    LM_NORM_Q,  // [head_dim], or all of q (LM_QK_ALL)
    LM_NORM_K,
    LM_SINKS,     // [n_head]
    LM_CONV_IN,   // [3 * embd][embd]: B, C, x
    LM_CONV,      // [embd][taps]
    LM_CONV_OUT,  // [embd][embd]
    LM_GATE,      // [ff][embd]; with experts, of one
    LM_UP,
    LM_DOWN,         // [embd][ff]
    LM_ROUTER,       // [experts][embd]
    LM_ROUTER_BIAS,  // [experts]: for the choice only
    LM_ROLES,
} lm_role;

// The sizes from a config, the figures "of a loaded model" left zero. Every field of the config
// that could change the result is known, or the model is refused.
NODISCARD status lm__arch_read(lm_spec *s, const weights *w, err *e);

// Another context window than the config's: up to spec.context_max. Models with longrope begin with
// that of their first training (spec.context_short), whose angles suit short texts; beyond it all
// positions turn by the long table.
NODISCARD status lm__arch_context(lm_spec *s, int context, err *e);

// Rows of a matrix, or the elements of a vector (k is 1 then), inside a tensor:
//   row r of the role is row  first + r / group * stride + in(r % group)  of the tensor,
// in(i) = i * step, or with `pairs` GGUF's order of llama's q and k: in(i) = i < group / 2 ? 2 i :
// 2 (i - group / 2) + 1.
typedef struct lm_rows {
    tensor t;       // as it is in the file; dims are checked
    bool by_input;  // [k][rows of the tensor] (Conv1D)
    size_t n, k;    // rows and columns of the role
    size_t first, group, stride, step;
    bool pairs;
    float add;  // to every element when loaded: 1 for gains that are stored as w of (1 + w)
    const uint8_t *scales;  // of TENSOR_U8 (gpt-oss' MXFP4)
} lm_rows;

// False, with OK: the family has no such part (a bias, a norm). `expert` is -1 but for experts'.
// A missing tensor that the family must have is E_FORMAT.
NODISCARD status lm__arch_weight(lm_rows *out, bool *has, const weights *w, const lm_spec *s,
                                 lm_role role, int layer, int expert, err *e);
NODISCARD status lm__arch_bias(lm_rows *out, bool *has, const weights *w, const lm_spec *s,
                               lm_role role, int layer, int expert, err *e);

// Row `r` for kern_pack.
tensor_row lm__rows_at(const lm_rows *m, size_t r);

// Tensors that no role asked for are an error, but for those that are known to mean nothing.
NODISCARD status lm__arch_check_all(const weights *w, const lm_spec *s, err *e);

#endif
