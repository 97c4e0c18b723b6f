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
    "and value. An empty one in a query and null in JSON are the default.\n\n"
    "| parameter | where | value | default | |\n|---|---|---|---|---|\n";

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

static void print_params(void) {
    static const char *const where[] = {
        [GEN_QUERY] = "query", [GEN_BODY] = "JSON", [GEN_QUERY | GEN_BODY] = "both"};
    for (size_t i = 0; i < gen_n_param_rows; i++) {
        const gen_param *row = &gen_param_rows[i];
        ARENA_ON_STACK(scratch, 256);
        buf range;
        buf_init(&range, &scratch, 0);
        gen_param_range(&range, row);
        printf("| `%s` | %s | %.*s | %s | %s |\n", row->name,
               where[row->forms & (GEN_QUERY | GEN_BODY)], STR_ARG(buf_str(&range)), row->dflt,
               row->about);
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
    fputs(streams, stdout);
    print_params();
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
