// parallelopedia tokenize: text to token ids and back, from the command line or stdin.
//
// stdin may be of any size: it is encoded in parts that end where no text behind them changes the
// ids, so memory is bounded by the longest word, and that by TOKENIZER_TEXT_MAX.

#include "main/cli.h"

#include "base/json.h"
#include "base/utf8.h"
#include "os/file.h"
#include "text/tokenizer.h"

#include <errno.h>
#include <stdio.h>

enum {
    READ_LEAST = 256 << 10,
    OUT_ROOM = 64 << 10,
    TOKEN_ROOM = 4 * TOKENIZER_TOKEN_MAX + 64,  // of one id and its bytes, escaped
    SCRATCH_PER_BYTE = 128,                     // room for tokenizer_encode, of address space
};

typedef struct tokenize_options {
    cli_common common;
    const char *model;
    bool json, count, pieces, decode, special;
} tokenize_options;

static const opt options[] = {
    {"model", OPT_STR, offsetof(tokenize_options, model), .arg = "FILE-OR-FOLDER",
     .about = "Whose tokenizer: a checkpoint (FILE.pt, GPT-2's), a Hugging Face folder "
              "(tokenizer.json, or vocab.json and merges.txt), a tokenizer.json or a FILE.gguf. "
              "Default: GPT-2's, which is built in"},
    {"json", OPT_FLAG, offsetof(tokenize_options, json), .about = "Print the ids as a JSON array"},
    {"count", OPT_FLAG, offsetof(tokenize_options, count),
     .about = "Print only how many ids there are"},
    {"pieces", OPT_FLAG, offsetof(tokenize_options, pieces),
     .about = "Print each id on a line of its own, with the bytes it stands for in quotes"},
    {"decode", OPT_FLAG, offsetof(tokenize_options, decode),
     .about = "The other way round: print the text of ids, which may be separated by white space, "
              "commas and brackets"},
    {"special", OPT_FLAG, offsetof(tokenize_options, special),
     .about =
         "What the tokenizer puts around a text is added (its beginning, say), special tokens in "
         "the text are those tokens, and decoding shows them"},
    CLI_COMMON,
};

// One run. `in` and `out` are bufs of their own arenas: `in` grows, `out` is written when full.
typedef struct work {
    const tokenize_options *o;
    const tokenizer *b;
    arena in_room, out_room, scratch;
    buf in, out;
    json j;
    uint64_t n;  // ids so far
    // of --decode
    tokenizer_stream stream;
    uint64_t id, at;  // the number being read, the bytes before `in`
    bool in_number;
} work;

static status flush(work *w, size_t room, err *e) {
    if (w->out.cap - w->out.len >= room) return OK;
    errno = 0;
    if (fwrite(w->out.ptr, 1, w->out.len, stdout) != w->out.len || fflush(stdout))
        return err_sys(e, "writing the output");
    buf_reset(&w->out);
    return OK;
}

// --- Encoding -----------------------------------------------------------------------------------

// Bytes in quotes: valid UTF-8 as it is, all that would be unclear escaped.
static void add_quoted(buf *to, str s) {
    buf_byte(to, '"');
    while (s.len) {
        int32_t cp;
        size_t n = utf8_decode(&cp, s);
        unsigned char c = (unsigned char)s.ptr[0];
        if (c == '"' || c == '\\')
            buf_fmt(to, "\\%c", c);
        else if (c == '\n')
            buf_add(to, STR("\\n"));
        else if (cp >= ' ' && (cp < 0x7F || cp > 0x9F))
            buf_add(to, str_first(s, n));
        else
            for (size_t i = 0; i < n; i++)
                buf_fmt(to, "\\x%02x", (unsigned char)s.ptr[i]);
        s = str_skip(s, n);
    }
    buf_byte(to, '"');
}

static void add_id(work *w, int32_t id) {
    if (w->o->json) {
        json_i64(&w->j, id);
    } else if (w->o->pieces) {
        buf_u64(&w->out, (uint64_t)id);
        buf_byte(&w->out, '\t');
        add_quoted(&w->out, tokenizer_bytes(w->b, id));
        buf_byte(&w->out, '\n');
    } else {
        if (w->n) buf_byte(&w->out, ' ');
        buf_u64(&w->out, (uint64_t)id);
    }
}

// Encodes what is settled of `in`, at the end of the text all of it.
static status encode(work *w, bool is_end, err *e) {
    int32_t *ids;
    size_t n, used;
    arena scratch = w->scratch;
    str text = buf_str(&w->in);
    unsigned flags = w->o->special ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN;
    if (is_end)
        TRY(tokenizer_encode(&ids, &n, w->b, text, flags, &scratch, e));
    else
        TRY(tokenizer_encode_part(&ids, &n, &used, w->b, text, flags, &scratch, e));
    if (is_end) used = text.len;
    for (size_t i = 0; i < n && !w->o->count; i++, w->n++) {
        add_id(w, ids[i]);
        TRY(flush(w, TOKEN_ROOM, e));
    }
    if (w->o->count) w->n += n;
    w->in.len -= used;
    if (w->in.len) memmove(w->in.ptr, w->in.ptr + used, w->in.len);
    return OK;
}

static void encode_begin(work *w) {
    json_init(&w->j, &w->out);
    if (w->o->json) json_open(&w->j, '[');
}

static void encode_end(work *w) {
    if (w->o->json) json_close(&w->j, ']');
    if (w->o->count) buf_u64(&w->out, w->n);
    if (!w->o->pieces) buf_byte(&w->out, '\n');
}

// --- Decoding -----------------------------------------------------------------------------------

static status decode_id(work *w, err *e) {
    w->in_number = false;
    if (w->id >= tokenizer_vocab(w->b))
        return err_set(e, E_ARG, "there is no id %llu: the vocabulary has %zu",
                       (unsigned long long)w->id, tokenizer_vocab(w->b));
    tokenizer_stream_add(&w->stream, &w->out, (int32_t)w->id);
    return flush(w, TOKEN_ROOM, e);
}

static status decode(work *w, bool is_end, err *e) {
    for (size_t i = 0; i < w->in.len; i++) {
        char c = w->in.ptr[i];
        if (c >= '0' && c <= '9') {
            w->id = min_size((w->in_number ? w->id : 0) * 10 + (uint64_t)(c - '0'), UINT32_MAX);
            w->in_number = true;
            continue;
        }
        if (!c || !strchr(" \t\r\n,[]", c))
            return err_set(e, E_ARG, "byte %llu of the ids is no digit and separates none",
                           (unsigned long long)(w->at + i));
        if (w->in_number) TRY(decode_id(w, e));
    }
    if (is_end && w->in_number) TRY(decode_id(w, e));
    if (is_end) tokenizer_stream_end(&w->stream, &w->out);
    w->at += w->in.len;
    w->in.len = 0;
    return OK;
}

// --- Input --------------------------------------------------------------------------------------

static status take(work *w, bool is_end, err *e) {
    return w->o->decode ? decode(w, is_end, e) : encode(w, is_end, e);
}

static status take_stdin(work *w, err *e) {
    for (bool is_end = false; !is_end;) {
        // As much as is left over, so that a long word is looked at a few times only.
        size_t want = min_size(max_size(READ_LEAST, w->in.len), TOKENIZER_TEXT_MAX - w->in.len);
        char *p = want ? buf_room(&w->in, want) : NULL;
        if (!p)
            return err_set(e, E_LIMIT, "a word of %zu bytes and no end yet, limit %d", w->in.len,
                           TOKENIZER_TEXT_MAX - 1);
        errno = 0;
        size_t n = fread(p, 1, want, stdin);
        if (n < want && ferror(stdin)) return err_sys(e, "reading stdin");
        w->in.len += n;
        is_end = n < want;
        TRY(take(w, is_end, e));
    }
    return OK;
}

// The arguments with a space between, as `echo` has them.
static status take_args(work *w, const opt_list *args, err *e) {
    for (size_t i = 0; i < args->n; i++) {
        if (i) buf_byte(&w->in, ' ');
        buf_add(&w->in, str_of(args->items[i]));
    }
    if (w->in.failed) return err_set(e, E_LIMIT, "text of over %d bytes", TOKENIZER_TEXT_MAX);
    return take(w, true, e);
}

// The built-in one for checkpoints of GPT-2, which name none.
static status open_tokenizer(tokenizer **own, const tokenizer **use, const char *model, err *e) {
    os_file_stat st;
    bool is_gpt2 = !model || str_ends(str_of(model), STR(".pt"));
    *own = NULL;
    if (model && is_gpt2) TRY(os_stat(&st, model, e));
    if (!is_gpt2) TRY(tokenizer_open_path(own, model, e));
    *use = is_gpt2 ? tokenizer_gpt2() : *own;
    return OK;
}

static status tokenize(work *w, const opt_list *args, err *e) {
    TRY(arena_open(&w->in_room, TOKENIZER_TEXT_MAX + (1 << 20), e));
    TRY(arena_open(&w->out_room, OUT_ROOM + (1 << 20), e));
    TRY(arena_open(&w->scratch, (size_t)TOKENIZER_TEXT_MAX * SCRATCH_PER_BYTE, e));
    buf_init(&w->in, &w->in_room, 0);
    buf_init(&w->out, &w->out_room, OUT_ROOM);
    tokenizer_stream_init(&w->stream, w->b, w->o->special);
    if (!w->o->decode) encode_begin(w);
    TRY(args->n ? take_args(w, args, e) : take_stdin(w, e));
    if (!w->o->decode) encode_end(w);
    return flush(w, SIZE_MAX, e);
}

static int run(void *opts, const opt_list *args) {
    const tokenize_options *o = opts;
    if (o->json + o->count + o->pieces + o->decode > 1)
        return cli_fail(CLI_USAGE, "tokenize: only one of --json, --count, --pieces, --decode");
    err e = {0};
    tokenizer *own;
    work w = {.o = o};
    status s = open_tokenizer(&own, &w.b, o->model, &e);
    if (!s) s = tokenize(&w, args, &e);
    arena_close(&w.in_room);
    arena_close(&w.out_room);
    arena_close(&w.scratch);
    tokenizer_close(own);
    return s ? cli_fail(CLI_FAILED, "tokenize: %s", e.msg) : CLI_OK;
}

const cli_command cli_tokenize = {
    .table =
        {
            .command = "tokenize",
            .about = "Print the token ids of TEXT, or of stdin, on one line; or decode ids.",
            .row = options,
            .n = countof(options),
            .rest = "[TEXT]",
            .rest_max = OPT_LIST_MAX,
        },
    .options_len = sizeof(tokenize_options),
    .run = run,
};
