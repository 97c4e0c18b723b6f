// What an answer must be when a call is wanted: the automaton of each form.

#include "chat/inside.h"

static const struct {
    const char *before, *between, *behind;
} SHAPES[] = {
    [CHAT_HERMES] = {"<tool_call>\n{\"name\": ", ", \"arguments\": ", "}\n</tool_call>"},
    [CHAT_LLAMA3] = {"{\"name\": ", ", \"parameters\": ", "}"},
    [CHAT_MISTRAL] = {"[TOOL_CALLS] [{\"name\": ", ", \"arguments\": ", "}]"},
    [CHAT_HARMONY] = {"<|channel|>commentary to=functions.", " <|constrain|>json<|message|>", ""},
};

static void put_name(buf *to, chat_form form, str name) {
    if (form == CHAT_HARMONY) {
        buf_add(to, name);
        return;
    }
    buf_byte(to, '"');
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c == '"' || c == '\\')
            buf_fmt(to, "\\%c", c);
        else if (c < 32)
            buf_fmt(to, "\\u%04x", c);
        else
            buf_byte(to, name.ptr[i]);
    }
    buf_byte(to, '"');
}

static schema_choice choice_of(chat_form form, const json_value *tool, const json_value *any,
                               arena *a) {
    buf b;
    const json_value *given = json_get(json_get(tool, "function"), "parameters");
    buf_init(&b, a, 0);
    buf_add(&b, str_of(SHAPES[form].before));
    put_name(&b, form, chat__tool_name(tool));
    buf_add(&b, str_of(SHAPES[form].between));
    bool is_given = given && given->kind == JSON_OBJECT && given->n;
    return (schema_choice){.before = b.failed ? STR("") : buf_str(&b),
                           .value = is_given ? given : any,
                           .after = str_of(SHAPES[form].behind)};
}

status chat_calls_schema(schema **out, const chat *c, const json_value *tools, str name,
                         arena scratch, err *e) {
    json_value checked;
    const json_value *any;
    if (c->form == CHAT_PLAIN)
        return err_set(e, E_UNSUPPORTED, "tool_choice: the model's template has no form of calls");
    TRY(chat__tools(&checked, tools, e));
    TRY(json_read(&any, STR("{\"type\": \"object\"}"), &scratch, e));
    uint32_t n = checked.kind == JSON_ARRAY ? checked.n : 0, n_out = 0;
    schema_choice *choices = arena_try_array(&scratch, (size_t)n + 1, sizeof *choices);
    if (!choices) return err_set(e, E_LIMIT, "the tools do not fit");
    for (uint32_t i = 0; i < n; i++) {
        const json_value *tool = &checked.items[i];
        if (name.len && !str_eq(name, chat__tool_name(tool))) continue;
        choices[n_out] = choice_of(c->form, tool, any, &scratch);
        if (!choices[n_out++].before.len) return err_set(e, E_LIMIT, "the tools do not fit");
    }
    if (!n_out && name.len)
        return err_set(e, E_ARG, "tool_choice: no tool is named \"%.*s\"",
                       (int)min_size(name.len, 100), name.ptr);
    if (!n_out) return err_set(e, E_ARG, "tool_choice: there are no tools");
    return schema_open_choice(out, choices, n_out, e);
}
