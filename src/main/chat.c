// parallelopedia chat: a conversation on the terminal. Without one on standard input each line is a
// message, and each answer is written to standard output: for scripts.
//
//   I1  the terminal's own line editing is all there is; what it is told for pastes is taken back
//       whenever the program ends by itself

#include "main/cli.h"

#include "main/chat_session.h"
#include "main/sampling.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20, PARAMS_ARENA = 1 << 20, SAVE_ARENA = 256 << 20 };

typedef struct chat_options {
    cli_common common;
    const char *model, *panels, *quantize, *system, *effort;
    cli_sampling sampling;
    int64_t max_tokens, threads, context;
    bool think, json;
} chat_options;

#define AT(field) offsetof(chat_options, field)

static const opt options[] = {
    {"model", OPT_STR, AT(model), .arg = "[NAME=]PATH[,TYPE]",
     .about = "A Hugging Face folder or a GGUF file whose model has a chat template; TYPE is f32, "
              "bf16, f16, int8 or int4"},
    {"quantize", OPT_STR, AT(quantize), .arg = "TYPE",
     .about = "int8 or int4: how to hold a model that is not quantised and names no type"},
    {"context", OPT_INT, AT(context), 0, LM_BLOCK_MAX, .arg = "TOKENS",
     .about = "Context window, or as many as the model can have; 0 is its own", .dflt = "0"},
    {"panels", OPT_STR, AT(panels), .arg = "DIR",
     .about = "Folder that keeps repacked weights for the next start"},
    {"system", OPT_STR, AT(system), .arg = "TEXT", .about = "What the model is to be"},
    {"think", OPT_FLAG, AT(think), .dflt = "yes",
     .about = "Let a model that can think first do so; --no-think asks it not to"},
    {"reasoning-effort", OPT_STR, AT(effort), .arg = "HOW",
     .about = "How much, where the template knows it: low, medium or high"},
    {"max-tokens", OPT_INT, AT(max_tokens), 0, INT32_MAX, .arg = "N",
     .about = "Of an answer; 0 is up to the model's context", .dflt = "0"},
    CLI_SAMPLING(AT(sampling), true,
                 "Of the first answer; each one after it has the next. Default: random"),
    {"threads", OPT_INT, AT(threads), 0, 1024, .arg = "N",
     .about = "Compute threads; 0 is one per core", .dflt = "0"},
    {"json", OPT_FLAG, AT(json), .about = "Each answer as a JSON object on a line of its own"},
    CLI_COMMON,
};

typedef struct talk {
    const chat_options *o;
    session *s;
    session_how how;
    bool asks;    // standard input is a terminal: prompts, figures, colours
    bool paints;  // standard output is one
    bool is_dim, has_begun;
    char last;               // byte that was written
    buf content, reasoning;  // with --json
    int code;
} talk;

// --- Ctrl-C ------------------------------------------------------------------------------------

static session *_Atomic answering;    // NULL at the prompt
static int interrupts[2] = {-1, -1};  // a pipe: a signal between prompt and read is not lost

static void on_interrupt(int sig) {
    int was = errno;
    session *s = answering;
    if (s) session_cancel(s);
    ssize_t n = s ? 0 : write(interrupts[1], &sig, 1);
    (void)n;  // where it is full there is one to be read
    errno = was;
}

static status catch_interrupts(err *e) {
    struct sigaction act = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    if (pipe2(interrupts, O_CLOEXEC | O_NONBLOCK)) return err_sys(e, "cannot open a pipe");
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    return OK;
}

// Whether one comes before the next bytes of standard input.
static bool is_interrupted(void) {
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {interrupts[0], POLLIN, 0}};
    char drained[64];
    while (poll(fds, countof(fds), -1) < 0 && errno == EINTR) {
    }
    return interrupts[0] >= 0 && read(interrupts[0], drained, sizeof drained) > 0;
}

// --- Reading -------------------------------------------------------------------------------------

static struct termios plain;
static bool is_changed;

static void terminal_back(void) {
    if (!is_changed) return;
    is_changed = false;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &plain);
    fputs("\033[?2004l", stdout);
    fflush(stdout);
}

// Pastes come between marks, which are not to be shown as ^[.
static void terminal_pastes(void) {
    if (tcgetattr(STDIN_FILENO, &plain)) return;
    struct termios t = plain;
    t.c_lflag &= ~(tcflag_t)ECHOCTL;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t)) return;
    is_changed = true;
    fputs("\033[?2004h", stdout);
}

typedef enum got { GOT_LINE, GOT_END, GOT_INTERRUPT, GOT_TOO_MUCH } got;

static struct {
    char at[4096];
    size_t n, used;
} in;

static got read_byte(char *c) {
    if (in.used == in.n) {
        if (is_interrupted()) return GOT_INTERRUPT;
        ssize_t n = read(STDIN_FILENO, in.at, sizeof in.at);
        if (n <= 0) return GOT_END;
        in.n = (size_t)n;
        in.used = 0;
    }
    *c = in.at[in.used++];
    return GOT_LINE;
}

static bool ends_with(const buf *b, const char *mark) {
    return str_ends(buf_str(b), str_of(mark));
}

// A message: a line, more of them when they end with a backslash, or all of a paste.
static got read_message(buf *line, bool asks) {
    bool in_paste = false;
    char c;
    buf_reset(line);
    for (got g; (g = read_byte(&c)) != GOT_END || line->len;) {
        if (g == GOT_INTERRUPT) return g;
        if (g == GOT_END) return line->failed ? GOT_TOO_MUCH : GOT_LINE;
        if (c == '\r') continue;
        if (c != '\n' || in_paste) {
            buf_byte(line, c);
            if (ends_with(line, "\033[200~")) in_paste = true, line->len -= 6;
            if (ends_with(line, "\033[201~")) in_paste = false, line->len -= 6;
            continue;
        }
        if (!ends_with(line, "\\")) return line->failed ? GOT_TOO_MUCH : GOT_LINE;
        line->ptr[line->len - 1] = '\n';
        if (asks) fputs("... ", stderr);
    }
    return GOT_END;
}

// --- Writing -------------------------------------------------------------------------------------

static void paint(talk *t, bool dim) {
    if (t->is_dim == dim) return;
    t->is_dim = dim;
    if (t->paints) fputs(dim ? "\033[2m" : "\033[0m", stdout);
}

// A model must not be able to tell a terminal anything but text.
static bool is_control(char c) {
    return ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == 0x7f;
}

static void write_text(talk *t, str text) {
    if (text.len == 0) return;
    for (size_t i = 0; i < text.len; i++)
        putchar(t->paints && is_control(text.ptr[i]) ? '?' : text.ptr[i]);
    t->last = text.ptr[text.len - 1];
    fflush(stdout);
}

// A thought is for people; what a script reads is the answer. Neither begins with empty lines.
static void put(void *arg, chat_kind kind, str text) {
    talk *t = arg;
    bool is_thought = kind == CHAT_REASONING;
    if (t->o->json) {
        buf_add(is_thought ? &t->reasoning : &t->content, text);
        return;
    }
    if (is_thought && !t->paints) return;
    if (is_thought != t->is_dim) t->has_begun = false;
    while (!t->has_begun && text.len && (text.ptr[0] == '\n' || text.ptr[0] == ' '))
        text = str_skip(text, 1);
    if (text.len == 0) return;
    if (t->is_dim && !is_thought) write_text(t, STR("\n\n"));
    paint(t, is_thought);
    t->has_begun = true;
    write_text(t, text);
}

static const char *reason_of(const session_turn *turn) {
    if (turn->is_cancelled) return "cancelled";
    return turn->state == LM_STOPPED ? "stop" : "length";
}

static double rate_of(const session_turn *turn) {
    return turn->n_tokens > 1 && turn->seconds > 0 ? (double)(turn->n_tokens - 1) / turn->seconds
                                                   : 0;
}

static void put_figures(json *j, const session_turn *turn) {
    json_key(j, "finish_reason"), json_str(j, str_of(reason_of(turn)));
    json_key(j, "prompt_tokens"), json_u64(j, turn->n_prompt);
    json_key(j, "cached_tokens"), json_u64(j, turn->n_cached);
    json_key(j, "tokens"), json_u64(j, turn->n_tokens);
    json_key(j, "first_token_ms"), json_f64(j, turn->first_s * 1e3, 2);
    json_key(j, "tok_s"), json_f64(j, rate_of(turn), 1);
}

static status print_json(talk *t, const session_turn *turn, err *e) {
    arena a;
    buf out;
    json j;
    TRY(arena_open(&a, SAVE_ARENA, e));
    buf_init(&out, &a, 1 << 12);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "content"), json_str(&j, buf_str(&t->content));
    if (t->reasoning.len) json_key(&j, "reasoning"), json_str(&j, buf_str(&t->reasoning));
    put_figures(&j, turn);
    json_close(&j, '}');
    buf_byte(&out, '\n');
    bool is_whole = !out.failed && !t->content.failed && !t->reasoning.failed;
    if (is_whole) fwrite(out.ptr, 1, out.len, stdout), fflush(stdout);
    arena_close(&a);
    return is_whole ? OK : err_set(e, E_LIMIT, "the answer is too long for JSON");
}

static void print_figures(const talk *t, const session_turn *turn) {
    if (!t->asks) return;
    const char *on = isatty(STDERR_FILENO) ? "\033[2m" : "", *off = on[0] ? "\033[0m" : "";
    fprintf(stderr,
            "%s%zu tokens, %.1f tok/s, first after %.2f s, %zu of %zu prompt tokens known%s%s\n",
            on, turn->n_tokens, rate_of(turn), turn->first_s, turn->n_cached, turn->n_prompt,
            turn->is_cancelled         ? ", cancelled"
            : turn->state == LM_LENGTH ? ", at the limit of length"
                                       : "",
            off);
}

// --- Turns -------------------------------------------------------------------------------------

static status finish(talk *t, const session_turn *turn, err *e) {
    paint(t, false);
    if (t->o->json) return print_json(t, turn, e);
    if (t->last != '\n') putchar('\n');
    fflush(stdout);
    print_figures(t, turn);
    return OK;
}

// Says `text`, or with none answers the last message anew.
static void take_turn(talk *t, const str *text) {
    session_turn turn;
    err e = {0};
    t->last = '\n';
    t->has_begun = false;
    buf_reset(&t->content);
    buf_reset(&t->reasoning);
    answering = t->s;
    status st = text ? session_say(&turn, t->s, *text, &t->how, &e)
                     : session_again(&turn, t->s, &t->how, &e);
    answering = NULL;
    t->how.sampling.seed++;
    if (!st) st = finish(t, &turn, &e);
    if (!st) return;
    paint(t, false);
    cli_fail(CLI_FAILED, "chat: %s", e.msg);
    if (!t->asks) t->code = CLI_FAILED;
}

// --- Commands ------------------------------------------------------------------------------------

static bool tell(const talk *t, const char *text) {
    if (t->asks) fprintf(stderr, "%s\n", text);
    return true;
}

static bool system_command(talk *t, str rest) {
    err e = {0};
    if (session_system(t->s, rest, &e)) return tell(t, e.msg);
    return tell(t, rest.len ? "Told, from the next answer on." : "The system prompt is gone.");
}

static bool clear_command(talk *t, str rest) {
    (void)rest;
    session_clear(t->s);
    return tell(t, "A new conversation.");
}

static bool again_command(talk *t, str rest) {
    (void)rest;
    take_turn(t, NULL);
    return true;
}

static status save(const talk *t, const char *path, err *e) {
    arena a;
    buf out;
    json j;
    os_new_file f;
    TRY(arena_open(&a, SAVE_ARENA, e));
    buf_init(&out, &a, 1 << 12);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "model"), json_str(&j, session_model(t->s)->name);
    json_key(&j, "messages"), session_put(&j, t->s);
    json_close(&j, '}');
    buf_byte(&out, '\n');
    status st = out.failed ? err_set(e, E_LIMIT, "the conversation is too long") : OK;
    if (!st) st = os_new_open(&f, path, e);
    if (!st) st = os_new_write(&f, out.ptr, out.len, e);
    if (!st) st = os_new_commit(&f, e);
    arena_close(&a);
    return st;
}

static bool save_command(talk *t, str rest) {
    char path[OS_PATH_MAX];
    err e = {0};
    if (rest.len == 0 || rest.len >= sizeof path) {
        cli_fail(CLI_FAILED, "chat: /save wants a file's name");
    } else {
        snprintf(path, sizeof path, "%.*s", STR_ARG(rest));
        if (save(t, path, &e) == OK) return tell(t, "Saved.");
        cli_fail(CLI_FAILED, "chat: %s", e.msg);
    }
    if (!t->asks) t->code = CLI_FAILED;
    return true;
}

static bool quit_command(talk *t, str rest) {
    (void)t, (void)rest;
    return false;
}

static bool help_command(talk *t, str rest);

static const struct command {
    const char *name, *arg, *about;
    bool (*run)(talk *t, str rest);  // false: the end
} commands[] = {
    {"/help", "", "These lines", help_command},
    {"/system", "[TEXT]", "What the model is to be; nothing takes it away", system_command},
    {"/clear", "", "Forget the conversation, but not the system prompt", clear_command},
    {"/regenerate", "", "Another answer to the last message", again_command},
    {"/save", "FILE", "The conversation as JSON, in the form of OpenAI's messages", save_command},
    {"/quit", "", "So does Ctrl-D", quit_command},
};

static bool help_command(talk *t, str rest) {
    (void)t, (void)rest;
    for (size_t i = 0; i < countof(commands); i++)
        fprintf(stderr, "  %-11s %-7s %s\n", commands[i].name, commands[i].arg, commands[i].about);
    fputs(
        "A line that ends with \\ goes on in the next. //text says /text. Ctrl-C ends an answer.\n",
        stderr);
    return true;
}

static bool run_command(talk *t, str line) {
    str rest = line, name = str_cut(&rest, ' ');
    for (size_t i = 0; i < countof(commands); i++)
        if (str_eq(name, str_of(commands[i].name))) return commands[i].run(t, str_trim(rest));
    cli_fail(CLI_FAILED, "chat: there is no %.*s; /help lists what there is",
             STR_ARG(str_first(name, 40)));
    if (!t->asks) t->code = CLI_FAILED;
    return true;
}

// False: the end.
static bool take_line(talk *t, str line) {
    if (str_trim(line).len == 0) return true;
    if (str_starts(line, STR("//"))) {
        line = str_skip(line, 1);
    } else if (line.ptr[0] == '/') {
        return run_command(t, str_trim(line));
    }
    take_turn(t, &line);
    return true;
}

// --- The conversation ------------------------------------------------------------------------

static void converse(talk *t, buf *line) {
    bool was_interrupted = false;
    for (;;) {
        if (t->asks) fputs("> ", stderr);
        got g = read_message(line, t->asks);
        if (g == GOT_END) break;
        if (g == GOT_INTERRUPT) {
            if (was_interrupted && line->len == 0) break;
            was_interrupted = true;
            fputs("\n(Ctrl-C again ends it; so do /quit and Ctrl-D)\n", stderr);
            continue;
        }
        was_interrupted = false;
        if (g == GOT_TOO_MUCH) {
            cli_fail(CLI_FAILED, "chat: a message of over %d bytes", LINE_MAX_BYTES);
            if (!t->asks) t->code = CLI_FAILED;
        } else if (!take_line(t, buf_str(line))) {
            return;
        }
    }
    if (t->asks) fputc('\n', stderr);
}

static void show_progress(str name, double loaded) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rloading %.*s: %.0f %% ", STR_ARG(name), loaded * 100);
}

static void greet(const talk *t) {
    if (!t->asks) return;
    const llm_model *m = session_model(t->s);
    const lm_spec *s = lm_model_spec(m->model);
    fprintf(stderr, "\r%.*s: %.1f M parameters, %s, context %d. /help lists commands.\n",
            STR_ARG(m->name), (double)s->n_params / 1e6, kern_type_name(s->type), s->block_size);
}

// --- The command line ------------------------------------------------------------------------

// On top of `how->sampling`.
static status parse_params(session_how *how, const chat_options *o, arena *a, err *e) {
    gen_params p;
    gen_params_default(&p);
    p.sampling = how->sampling;
    TRY(cli_sampling_read(&p, &o->sampling, a, e));
    how->sampling = p.sampling;
    return OK;
}

static status parse_all(session_config *c, session_how *how, const chat_options *o, arena *a,
                        err *e) {
    *c = (session_config){o->model, o->panels, .n_threads = (int)o->threads,
                          .progress = show_progress};
    *how = (session_how){.sampling = lm_sampling_default(), .max_tokens = (int)o->max_tokens};
    how->has_thinking = !o->think;
    if (o->effort) how->effort = str_of(o->effort);
    if (!o->model) return err_set(e, E_ARG, "say which model: --model FOLDER or FILE.gguf");
    c->context = (int)o->context;
    c->quantises = o->quantize != NULL;
    if (c->quantises &&
        !(kern_type_named(&c->quantise, str_of(o->quantize)) && kern_type_is_int(c->quantise)))
        return err_set(e, E_ARG, "--quantize \"%s\" is neither int8 nor int4", o->quantize);
    return parse_params(how, o, a, e);
}

static status talk_open(talk *t, const session_config *c, arena *a, err *e) {
    TRY(session_open(&t->s, c, e));
    if (t->o->system) TRY(session_system(t->s, str_of(t->o->system), e));
    t->how.sampling = session_model(t->s)->sampling;
    t->how.put = put;
    t->how.arg = t;
    return parse_params(&t->how, t->o, a, e);
}

static status chat_on(talk *t, err *e) {
    arena room[3] = {0};
    buf *of[3] = {&t->content, &t->reasoning, NULL}, line;
    of[2] = &line;
    status st = OK;
    for (size_t i = 0; !st && i < countof(room); i++) {
        st = arena_open(&room[i], 64 << 20, e);
        if (!st) buf_init(of[i], &room[i], 1 << 12);
    }
    line.limit = LINE_MAX_BYTES;
    if (!st && t->asks) st = catch_interrupts(e);
    if (!st) {
        if (t->asks && t->paints) terminal_pastes();
        greet(t);
        converse(t, &line);
        terminal_back();
    }
    for (size_t i = 0; i < countof(room); i++)
        arena_close(&room[i]);
    return st;
}

static int run(void *opts, const opt_list *rest) {
    (void)rest;
    talk t = {.o = opts, .asks = isatty(STDIN_FILENO), .paints = isatty(STDOUT_FILENO)};
    session_config c;
    arena a;
    err e = {0};
    os_log_set_level(LOG_ERROR);  // what goes wrong is said once, below
    if (arena_open(&a, PARAMS_ARENA, &e)) return cli_fail(CLI_FAILED, "chat: %s", e.msg);
    int code = parse_all(&c, &t.how, t.o, &a, &e) ? CLI_USAGE : CLI_OK;
    if (!code && talk_open(&t, &c, &a, &e)) code = e.code == E_ARG ? CLI_USAGE : CLI_FAILED;
    if (!code && chat_on(&t, &e)) code = CLI_FAILED;
    session_close(t.s);
    arena_close(&a);
    return code ? cli_fail(code, "chat: %s", e.msg) : t.code;
}

const cli_command cli_chat = {
    .table =
        {
            .command = "chat",
            .about = "Talk with a model from the hub on the terminal.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(chat_options),
    .run = run,
};
