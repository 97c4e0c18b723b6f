// A chat request's body, through a template with tools: a prompt, or an error that names a field.

#include "chat/chat.h"
#include "fuzz/fuzz.h"

static const char TEMPLATE[] =
    "{% for m in messages %}{{ m.role }}:{{ m.content }}{% for c in m.tool_calls or [] %}"
    "<tool_call>{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}{{ bos_token }}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    static chat *c;
    chat_files f = {.chat_template = str_of(TEMPLATE), .bos = STR("<s>")};
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 28, NULL) && !chat_open(&c, &f, NULL));
    arena scratch = mem;
    const json_value *body;
    if (json_read(&body, (str){(const char *)data, len}, &scratch, NULL)) return 0;
    chat_request r = {.messages = json_get(body, "messages"),
                      .tools = json_get(body, "tools"),
                      .extra = json_get(body, "chat_template_kwargs"),
                      .add_generation_prompt = true};
    str prompt = {0};
    err e = {0};
    status code = chat_render(&prompt, c, &r, &scratch, &e);
    CHECK(code ? e.msg[0] != 0 : prompt.ptr != NULL);
    return 0;
}
