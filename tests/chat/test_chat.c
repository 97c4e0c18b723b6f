// Templates found in a model's files, requests checked and rendered, what a wanted call looks like.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chat/chat.h"

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, (size_t)1 << 28, NULL) ? 1 : 0;
}
static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static const json_value *json(const char *text) {
    const json_value *v;
    err e = {0};
    if (json_read(&v, str_of(text), &mem, &e)) fail_msg("%s: %s", text, e.msg);
    return v;
}

static chat *open_files(const char *config, const char *template) {
    chat *c;
    err e = {0};
    chat_files f = {.config = str_of(config),
                    .chat_template = str_of(template),
                    .bos = STR("<file-bos>"),
                    .eos = STR("<file-eos>")};
    if (chat_open(&c, &f, &e)) fail_msg("%s %s: %s", config, template, e.msg);
    return c;
}

static status render(str *prompt, const chat *c, const char *body, err *e) {
    const json_value *v = json(body);
    chat_request r = {.messages = json_get(v, "messages"),
                      .tools = json_get(v, "tools"),
                      .extra = json_get(v, "extra"),
                      .add_generation_prompt = true,
                      .now = 1722000000};
    return chat_render(prompt, c, &r, &mem, e);
}

static void gives(const chat *c, const char *body, const char *want) {
    str prompt;
    err e = {0};
    if (render(&prompt, c, body, &e)) fail_msg("%s: %s", body, e.msg);
    if (!str_eq(prompt, str_of(want)))
        fail_msg("%s\n  got  %.*s\n  want %s", body, STR_ARG(prompt), want);
}

static const char HI[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}";

// --- Files ----------------------------------------------------------------------------------------

static void template_of_files(void **state) {
    (void)state;
    static const struct {
        const char *config, *template, *want;
    } cases[] = {
        {"", "A{{ bos_token }}", "A<file-bos>"},
        {"{\"chat_template\": \"B{{ eos_token }}\", \"eos_token\": \"</s>\"}", "", "B</s>"},
        {"{\"chat_template\": \"B\"}", "C", "C"},
        {"{\"chat_template\": [{\"name\": \"rag\", \"template\": \"R\"}, {\"name\": \"default\", "
         "\"template\": \"D\"}]}",
         "", "D"},
        {"{\"bos_token\": {\"content\": \"<b>\", \"lstrip\": false}, \"unk_token\": null}",
         "{{ bos_token }}{{ unk_token is defined }}{{ pad_token is defined }}", "<b>FalseFalse"},
        {"{\"pad_token\": \"<pad>\", \"model_max_length\": 1e30}",
         "{{ pad_token }}{{ documents is none }}{{ tools is none }}{{ add_generation_prompt }}",
         "<pad>TrueTrueTrue"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        chat *c = open_files(cases[i].config, cases[i].template);
        gives(c, HI, cases[i].want);
        chat_close(c);
    }
    chat_close(NULL);
}

static void template_for_tools(void **state) {
    (void)state;
    chat *c = open_files("{\"chat_template\": [{\"name\": \"tool_use\", \"template\": "
                         "\"T<tool_call>\"}, {\"name\": \"default\", \"template\": \"D\"}]}",
                         "");
    assert_int_equal(chat_form_of(c), CHAT_HERMES);
    gives(c, HI, "D");
    gives(c,
          "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": [{\"type\": "
          "\"function\", \"function\": {\"name\": \"f\"}}]}",
          "T<tool_call>");
    gives(c, "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": []}", "D");
    chat_close(c);
}

static void refused_files(void **state) {
    (void)state;
    static const struct {
        const char *config, *template;
        status code;
        const char *says;
    } cases[] = {
        {"", "", E_NOT_FOUND, "no chat template"},
        {"{}", "", E_NOT_FOUND, "no chat template"},
        {"{\"chat_template\": []}", "", E_NOT_FOUND, "default"},
        {"{\"chat_template\": 5}", "", E_NOT_FOUND, "default"},
        {"{", "x", E_FORMAT, "tokenizer_config.json"},
        {"", "{% if %}", E_FORMAT, "chat template: line 1"},
        {"", "{% block x %}", E_UNSUPPORTED, "block"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        chat *c;
        err e = {0};
        chat_files f = {.config = str_of(cases[i].config),
                        .chat_template = str_of(cases[i].template)};
        status code = chat_open(&c, &f, &e);
        if (code != cases[i].code || !strstr(e.msg, cases[i].says))
            fail_msg("%s %s: %d %s", cases[i].config, cases[i].template, code, e.msg);
    }
}

// --- Requests -------------------------------------------------------------------------------------

static void messages_as_templates_want(void **state) {
    (void)state;
    static const struct {
        const char *messages, *want;
    } cases[] = {
        {"[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}, {\"type\": "
         "\"text\", \"text\": \"b\"}]}]",
         "[{\"role\": \"user\", \"content\": \"a\\nb\"}]"},
        {"[{\"role\": \"user\", \"content\": []}]", "[{\"role\": \"user\", \"content\": \"\"}]"},
        {"[{\"role\": \"assistant\", \"content\": null, \"refusal\": null, \"tool_calls\": "
         "null}]",
         "[{\"role\": \"assistant\", \"content\": \"\"}]"},
        {"[{\"role\": \"assistant\", \"content\": \"x\", \"tool_calls\": []}]",
         "[{\"role\": \"assistant\", \"content\": \"x\"}]"},
        {"[{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"c1\", \"type\": \"function\", "
         "\"function\": {\"name\": \"f\", \"arguments\": \"{\\\"a\\\": [1, 2.50]}\"}}]}]",
         "[{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"c1\", "
         "\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": {\"a\": [1, "
         "2.5]}}}]}]"},
        {"[{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"arguments\": \" \", "
         "\"name\": \"f\"}}, {\"function\": {\"name\": \"g\"}}, {\"function\": {\"name\": \"h\", "
         "\"arguments\": {\"x\": 1}}}]}]",
         "[{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"function\": "
         "{\"name\": \"f\", \"arguments\": {}}}, {\"function\": {\"name\": \"g\", "
         "\"arguments\": {}}}, {\"function\": {\"name\": \"h\", \"arguments\": {\"x\": 1}}}]}]"},
        {"[{\"role\": \"tool\", \"tool_call_id\": \"c1\", \"name\": \"f\", \"content\": \"3\"}]",
         "[{\"role\": \"tool\", \"content\": \"3\", \"tool_call_id\": \"c1\", \"name\": \"f\"}]"},
        {"[{\"role\": \"developer\", \"content\": \"d\", \"x\": {\"y\": [null]}}]",
         "[{\"role\": \"system\", \"content\": \"d\", \"x\": {\"y\": [null]}}]"},
    };
    chat *c = open_files("", "{{ messages | tojson }}");
    for (size_t i = 0; i < countof(cases); i++) {
        ARENA_ON_STACK(room, 4096);
        str body = arena_fmt(&room, "{\"messages\": %s}", cases[i].messages);
        gives(c, body.ptr, cases[i].want);
    }
    chat_close(c);
}

static void developers_and_thoughts(void **state) {
    (void)state;
    chat *c =
        open_files("", "developer <|channel|>{% for m in messages %}{{ m.role }} {{ m.thinking "
                       "}};{% endfor %}");
    assert_int_equal(chat_form_of(c), CHAT_HARMONY);
    gives(c,
          "{\"messages\": [{\"role\": \"developer\", \"content\": \"d\"}, {\"role\": "
          "\"assistant\", \"reasoning_content\": \"why\", \"tool_calls\": [{\"function\": "
          "{\"name\": \"f\"}}]}, {\"role\": \"assistant\", \"content\": \"x\", "
          "\"reasoning_content\": \"no\"}]}",
          "developer <|channel|>developer ;assistant why;assistant ;");
    chat_close(c);
}

static void extra_variables(void **state) {
    (void)state;
    chat *c = open_files("{\"bos_token\": \"<s>\"}", "{{ bos_token }}{{ enable_thinking }}"
                                                     "{{ strftime_now('%Y') }}");
    gives(c, "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"extra\": {}}", "<s>2024");
    gives(c,
          "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"extra\": "
          "{\"enable_thinking\": false, \"bos_token\": \"!\"}}",
          "!False2024");
    chat_close(c);
}

static void errors_name_the_field(void **state) {
    (void)state;
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"{}", "messages: must be an array"},
        {"{\"messages\": []}", "messages: must be an array of at least one"},
        {"{\"messages\": [5]}", "messages[0]: must be an object"},
        {"{\"messages\": [{}]}", "messages[0].role: must be a string"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"pope\"}]}",
         "messages[1].role: \"pope\" is not one of"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content: is missing"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": null}]}",
         "messages[0].content: is missing"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": 5}]}",
         "messages[0].content: must be a string or an array"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": "
         "\"\"}, {\"type\": \"image_url\"}]}]}",
         "messages[0].content[1].type: image_url is not supported"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]}",
         "messages[0].content[0].text: must be a string"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [\"x\"]}]}",
         "messages[0].content[0].type: must be a string"},
        {"{\"messages\": [{\"role\": \"assistant\"}]}", "messages[0].content: is missing"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\", \"tool_calls\": [1]}]}",
         "messages[0].tool_calls: only an assistant"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": 5}]}",
         "messages[0].tool_calls: must be an array"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"type\": \"x\"}]}]}",
         "messages[0].tool_calls[0].type: must be"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {}}]}]}",
         "messages[0].tool_calls[0].function.name: must be a string"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": "
         "\"f\", \"arguments\": \"{x\"}}]}]}",
         "messages[0].tool_calls[0].function.arguments: JSON line 1"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": "
         "\"f\", \"arguments\": \"[]\"}}]}]}",
         "messages[0].tool_calls[0].function.arguments: must be a JSON object"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\", \"name\": 5}]}",
         "messages[0].name: must be a string"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\", \"function_call\": {}}]}",
         "messages[0].function_call: is not supported"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": 5}",
         "tools: must be an array"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": [{}]}",
         "tools[0].type: must be"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": [{\"type\": "
         "\"function\"}]}",
         "tools[0].function.name: must be a string"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"tools\": [{\"type\": "
         "\"function\", \"function\": {\"name\": \"f\", \"parameters\": 5}}]}",
         "tools[0].function.parameters: must be an object"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"extra\": 5}",
         "chat_template_kwargs: must be an object"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}], \"extra\": {\"tools\": 5}}",
         "chat_template_kwargs.tools: the request itself sets it"},
        {"{\"messages\": [{\"role\": \"system\", \"content\": \"\"}]}", "no system role"},
    };
    chat *c = open_files("", "{% if messages[0].role == 'system' %}{{ raise_exception('no system "
                             "role here') }}{% endif %}");
    for (size_t i = 0; i < countof(cases); i++) {
        str prompt;
        err e = {0};
        status code = render(&prompt, c, cases[i].body, &e);
        if (code != E_ARG || !strstr(e.msg, cases[i].says))
            fail_msg("%s: %d %s", cases[i].body, code, e.msg);
    }
    chat_close(c);
}

// --- Wanted calls ---------------------------------------------------------------------------------

static const char TOOLS[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"get\", \"parameters\": {\"type\": "
    "\"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, \"required\": [\"n\"], "
    "\"additionalProperties\": false}}}, {\"type\": \"function\", \"function\": {\"name\": "
    "\"now\"}}]";

static bool fits(const schema *s, const char *text) {
    arena scratch = mem;
    schema_state *st = arena_alloc(&scratch, schema_state_bytes(s));
    schema_start(st, s);
    for (const char *p = text; *p; p++)
        if (!schema_step(st, s, (uint8_t)*p)) return false;
    return schema_may_end(st, s);
}

static void wanted_calls(void **state) {
    (void)state;
    static const struct {
        const char *template, *get, *now, *bad;
    } forms[] = {
        {"<tool_call>", "<tool_call>\n{\"name\": \"get\", \"arguments\": {\"n\": 5}}\n</tool_call>",
         "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
         "<tool_call>\n{\"name\": \"get\", \"arguments\": {\"n\": \"5\"}}\n</tool_call>"},
        {"<|python_tag|>", "{\"name\": \"get\", \"parameters\": {\"n\": 5}}",
         "{\"name\": \"now\", \"parameters\": {}}", "{\"name\": \"git\", \"parameters\": {}}"},
        {"<|channel|>",
         "<|channel|>commentary to=functions.get <|constrain|>json<|message|>{\"n\": 5}",
         "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}",
         "<|channel|>final<|message|>no"},
    };
    for (size_t i = 0; i < countof(forms); i++) {
        chat *c = open_files("", forms[i].template);
        schema *any, *one;
        err e = {0};
        if (chat_calls_schema(&any, c, json(TOOLS), STR(""), mem, &e)) fail_msg("%s", e.msg);
        if (chat_calls_schema(&one, c, json(TOOLS), STR("now"), mem, &e)) fail_msg("%s", e.msg);
        assert_true(fits(any, forms[i].get) && fits(any, forms[i].now));
        assert_true(!fits(one, forms[i].get) && fits(one, forms[i].now));
        assert_true(!fits(any, forms[i].bad) && !fits(any, "Hello"));
        schema_close(any);
        schema_close(one);
        assert_int_equal(chat_calls_schema(&one, c, json(TOOLS), STR("nope"), mem, &e), E_ARG);
        assert_int_equal(chat_calls_schema(&one, c, NULL, STR(""), mem, &e), E_ARG);
        chat_close(c);
    }
    chat *plain = open_files("", "x");
    schema *s;
    assert_int_equal(chat_calls_schema(&s, plain, json(TOOLS), STR(""), mem, NULL), E_UNSUPPORTED);
    chat_close(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_of_files),       cmocka_unit_test(template_for_tools),
        cmocka_unit_test(refused_files),           cmocka_unit_test(messages_as_templates_want),
        cmocka_unit_test(developers_and_thoughts), cmocka_unit_test(extra_variables),
        cmocka_unit_test(errors_name_the_field),   cmocka_unit_test(wanted_calls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
