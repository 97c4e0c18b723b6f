// jinja/jinja.h -- runs Jinja templates: the language that chat templates are written in.
//
// As Python's jinja2 with transformers' settings: ImmutableSandboxedEnvironment, trim_blocks,
// lstrip_blocks, loopcontrols; tojson with ensure_ascii off; raise_exception, strftime_now.
//
//   Owner     a template is immutable and owns its tree; a rendering lives in the caller's arena
//   Threads   any
//   Limits    JINJA_*_MAX: bytes, depth, steps, memory, output. A template cannot loop for ever,
//             recurse without end, or see anything but its variables. Integers have 64 bits
//   Errors    open: E_FORMAT with the line and what was expected; E_UNSUPPORTED names a tag, filter
//             or test that is not known (inside of an if: render does). render: E_ARG with the template's own message
//             (raise_exception), E_FORMAT (what Python would refuse: its line and why), E_LIMIT
//   Source    Jinja 3.1 documentation; transformers' chat_template_utils
#ifndef JINJA_JINJA_H
#define JINJA_JINJA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_read.h"

enum {
    JINJA_TEXT_MAX = 1 << 20,
    JINJA_DEPTH_MAX = 200,       // of expressions and blocks; of calls of macros
    JINJA_STEPS_MAX = 10 << 20,  // nodes evaluated
    JINJA_OUT_MAX = 64 << 20,
    JINJA_MEMORY_MAX = 256 << 20,  // of scratch, in one rendering
    JINJA_NESTED_MAX = 1000,       // levels of all kinds at once: what the stack must hold
};

typedef struct jinja jinja;

NODISCARD status jinja_open(jinja **out, str text, err *e);
void jinja_close(jinja *j);  // accepts NULL

// `vars` is an object: its members are the template's variables. `now` is for strftime_now, seconds
// since 1970 (local time). `scratch` is not the arena of `out`; on failure `out` is as it was.
NODISCARD status jinja_render(buf *out, const jinja *j, const json_value *vars, int64_t now,
                              arena scratch, err *e);

#endif
