// parallelopedia docs: docs/API.md from the route and option tables, so that it cannot go stale
// unseen (a test compares them).

#include "main/cli.h"

#include "app/app.h"
#include "app/gen_params.h"

#include <ctype.h>
#include <stdio.h>

static const char intro[] =
    "# Routes and options\n\n"
    "Written by `make docs` from the program's own tables; a test fails when it is stale.\n\n"
    "## Routes\n\n"
    "A name is the rest of the path (`/wiki/wiki/Ada`) or `?name=`; both percent-encoded UTF-8, "
    "`_` counts as\n"
    "space. `{db}` is a hosted wiki's name (`/api/wiki` lists them). `first` and `last` are "
    "inclusive byte offsets in the XML dump, ready for `Range: "
    "bytes=first-last`.\n"
    "GET also means HEAD; OPTIONS answers every route (CORS). Errors are the original's HTML page "
    "with the\n"
    "status code; 400 says what is wrong, 404 no such title or route, 405 lists `Allow`, 416 the "
    "size, 503 that\n"
    "an app is broken or busy (`Retry-After`). Offsets are of the unpacked XML, all dumps of a "
    "wiki laid "
    "end to\n"
    "end. While a wiki's first index is being built its replies are over the pages read so far and "
    "have\n"
    "`X-Index-Progress: 37.5%; pages=1234567`; before there are any, 503.\n\n"
    "| route | methods | answers |\n|---|---|---|\n";

static const char streams[] =
    "\n## Streams\n\n"
    "`/gpt2/generate/PROMPT` sends `X-Max-Length`, `X-Top-K`, `X-Seed` (the one really used), "
    "`X-Model-Name`,\n"
    "`X-Model-Device`, then the prompt as the first chunk and each token's text as one more. A "
    "character that is\n"
    "split over tokens comes whole, with its last token. The prompt is the rest of the path, the "
    "body of a POST,\n"
    "or a parameter.\n\n"
    "With `Accept: text/event-stream` the same stream is events, one JSON object each: "
    "`{\"prompt\": ...}`, then\n"
    "`{\"text\": ..., \"n\": tokens so far, \"tok_s\": rate}`, at last `{\"done\": true, "
    "\"reason\": \"stop\" or \"length\",\n"
    "\"n\": ..., \"tok_s\": ..., \"first_token_ms\": ..., \"seconds\": ...}`. With `logprobs` "
    "every token is an event, and has\n"
    "`\"logprobs\": {\"id\": ..., \"token\": ..., \"logprob\": ..., \"top\": [{\"id\": ..., "
    "\"token\": ..., \"logprob\": ...}, ...]}`:\n"
    "of the model's own distribution, before temperature and penalties.\n\n"
    "A client that leaves stops its generation within one token. While more generations run and "
    "wait than `--streams`\n"
    "and `--queue` allow, a new one is refused with 503; when one address has more than "
    "`--queue-client` of them, with\n"
    "429; both say when to try again (`Retry-After`).\n\n"
    "### Parameters\n\n"
    "In the query, or as the members of a JSON object that is POSTed with `Content-Type: "
    "application/json`: there a\n"
    "name that is no parameter is refused with 400, and so is a value out of range in either, "
    "naming parameter, range\n"
    "and value. An empty one in a query and null in JSON are the default.\n\n";

static const char openai[] =
    "\n## Models of the hub\n\n"
    "`--model` names them; `/llm/generate/PROMPT` is the original's route, `/v1` OpenAI's. With "
    "`--api-key` these routes,\n"
    "`/tokenize`, `/detokenize` and `/apply-template` want `Authorization: Bearer KEY` (or "
    "`x-api-key: KEY`); the page, the\n"
    "wiki, `/gpt2`, `/stats` and `/metrics` do not. A model is loaded when it is first asked for: "
    "the request waits for it.\n\n"
    "`/llm/generate` streams as `/gpt2/generate` does and sends `X-Max-Length`, `X-Top-K`, "
    "`X-Seed`, `X-Model-Alias`,\n"
    "`X-Model-ID`, `X-Model-Device`, `X-Context-Window`, `X-Prompt-Tokens` (the template's "
    "included), `X-Context-Clipped` and\n"
    "`X-Chat-Template`. As in the original a prompt of more than `max_length` or the context's "
    "tokens keeps its last ones\n"
    "(`X-Context-Clipped: true`), and then there is no room for new ones.\n\n"
    "`/v1` answers as OpenAI's reference says. Errors are `{\"error\": {\"message\", \"type\", "
    "\"param\", \"code\"}}`: 400 with\n"
    "the parameter's name, 401 `invalid_api_key`, 404 `model_not_found`, 429 and 503 with "
    "`Retry-After`; after a stream has\n"
    "begun, an event of that form ends it. A name that is no parameter is passed over, and told in "
    "`X-Ignored-Parameters`.\n"
    "The seed that was used is in `X-Seed`; the same request with it gives the same answer, which "
    "`system_fingerprint`\n"
    "vouches for: it changes with weights, types and kernels.\n\n"
    "A stream's first event of each answer has its role, the last of each its `finish_reason` "
    "(`stop`, `length`,\n"
    "`tool_calls`), then with `include_usage` one without choices has the counts, then comes "
    "`[DONE]`. Thoughts of models that\n"
    "think are `reasoning_content`, in a message as in a delta. A prompt longer than the context "
    "is refused\n"
    "(`context_length_exceeded`). A model's own defaults (generation_config.json) stand where the "
    "request says nothing.\n\n";

static const struct {
    const char *name;
    unsigned bit;
} methods[] = {{"GET", HTTP_GET}, {"POST", HTTP_POST}};

static void print_routes(void) {
    for (size_t i = 0; i < app_n_kinds; i++)
        for (size_t k = 0; k < app_kinds[i]->n_routes; k++) {
            const http_route *r = &app_kinds[i]->routes[k];
            printf("| `%s` |", r->pattern);
            for (size_t m = 0; m < countof(methods); m++)
                if (r->methods & methods[m].bit) printf(" %s", methods[m].name);
            printf(" | %s |\n", r->about);
        }
}

typedef struct param_table {
    const char *intro, *head;
    struct {
        unsigned form;
        const char *name;
    } forms[4];
} param_table;

static const param_table tables[] = {
    {streams,
     "where",
     {{GEN_QUERY, "query"},
      {GEN_BODY, "JSON"},
      {GEN_LLM_QUERY, "/llm query"},
      {GEN_LLM_BODY, "/llm JSON"}}},
    {openai,
     "of",
     {{GEN_CHAT, "chat"}, {GEN_COMPLETION, "completions"}, {GEN_EMBEDDING, "embeddings"}}},
};

// Where it may stand: "all", or a list. Of our own routes what holds for /gpt2 and /llm alike is
// said once.
static void print_forms(const param_table *t, unsigned forms) {
    unsigned shown = 0, all = 0;
    for (size_t i = 0; i < countof(t->forms); i++)
        all |= t->forms[i].form;
    if ((forms & all) == all) {
        printf("all");
        return;
    }
    for (size_t i = 0; i < countof(t->forms); i++) {
        if (!(forms & t->forms[i].form)) continue;
        printf("%s%s", shown ? ", " : "", t->forms[i].name);
        shown |= t->forms[i].form;
    }
}

static void print_params(const param_table *t) {
    unsigned all = 0;
    for (size_t i = 0; i < countof(t->forms); i++)
        all |= t->forms[i].form;
    fputs(t->intro, stdout);
    printf("| parameter | %s | value | default | |\n|---|---|---|---|---|\n", t->head);
    for (size_t i = 0; i < gen_n_param_rows; i++) {
        const gen_param *row = &gen_param_rows[i];
        if (!(row->forms & all)) continue;
        ARENA_ON_STACK(scratch, 256);
        buf range;
        buf_init(&range, &scratch, 0);
        gen_param_range(&range, row);
        printf("| `%s` | ", row->name);
        print_forms(t, row->forms);
        printf(" | %.*s | %s | %s |\n", STR_ARG(buf_str(&range)), row->dflt, row->about);
    }
}

static void print_options(const cli_command *c) {
    const opt_table *t = &c->table;
    printf("\n### `parallelopedia %s%s%s`\n\n%s\n", t->command, t->rest ? " [OPTIONS] " : "",
           t->rest ? t->rest : "", t->about);
    if (t->n) printf("\n| option | default | environment | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < t->n; i++) {
        const opt *o = &t->row[i];
        printf("| `--%s%s%s` | %s%s%s | `PARALLELOPEDIA_", o->name, o->arg ? " " : "",
               o->arg ? o->arg : "", o->dflt ? "`" : "", o->dflt ? o->dflt : "",
               o->dflt ? "`" : "");
        for (const char *p = o->name; *p; p++)
            putchar(*p == '-' ? '_' : toupper((unsigned char)*p));
        printf("` | %s |\n", o->about);
    }
}

static const opt options[] = {CLI_COMMON};

static int run(void *opts, const opt_list *rest) {
    (void)opts, (void)rest;
    fputs(intro, stdout);
    print_routes();
    for (size_t i = 0; i < countof(tables); i++)
        print_params(&tables[i]);
    printf("\n## Commands\n");
    for (size_t i = 0; i < cli_n_commands; i++)
        print_options(cli_commands[i]);
    return CLI_OK;
}

const cli_command cli_docs = {
    .table =
        {
            .command = "docs",
            .about = "Print the routes and options as Markdown (docs/API.md).",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(cli_common),
    .run = run,
};
