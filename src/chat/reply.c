// An answer, piece by piece, to content, thoughts and calls.
//
// `held` is what has come and is not decided: each state takes from its front what is certain and
// else waits for more. Because it decides by the text alone and never by how it was cut, any
// cutting gives the same.
//
//   I1  what is held back is the beginning of a marker, white space that a marker would swallow, or
//       a call that has not ended; at most CHAT_CALL_MAX bytes
//   I2  all text comes out but markers, white space beside them, and headers of harmony

#include "chat/inside.h"

typedef enum reply_state {
    AT_START,  // of the answer or behind a thought
    IN_THOUGHT,
    IN_CONTENT,
    BEHIND_CALL,
    IN_CALL,    // <tool_call> ... </tool_call>
    IN_JSON,    // a call of Llama 3
    IN_LIST,    // Mistral's calls
    IN_HEADER,  // harmony: <|channel|>NAME ... <|message|>
    IN_MESSAGE,
} reply_state;

struct chat_reply {
    const chat *c;
    buf held;
    reply_state state;
    bool has_tools, may_think, skips_space;
    str news;        // what came last: where a call may end
    chat_kind kind;  // of a message of harmony
    size_t n_calls;
    chat_put *put;
    void *arg;
};

enum { HELD_FIRST = 1024, HEADER_MAX = 1024, FIRST_KEY_MAX = 64 };

static str rest(const chat_reply *r) {
    return buf_str(&r->held);
}

static void drop(chat_reply *r, size_t n) {
    if (!n) return;
    memmove(r->held.ptr, r->held.ptr + n, r->held.len - n);
    r->held.len -= n;
}

// Gives out the first n bytes.
static void give(chat_reply *r, chat_kind kind, size_t n) {
    if (n) r->put(r->arg, kind, str_first(rest(r), n));
    drop(r, n);
}

static size_t space_len(str s) {
    size_t n = 0;
    while (n < s.len &&
           (s.ptr[n] == ' ' || s.ptr[n] == '\n' || s.ptr[n] == '\t' || s.ptr[n] == '\r'))
        n++;
    return n;
}

static size_t without_space(str s, size_t n) {
    while (n && (s.ptr[n - 1] == ' ' || s.ptr[n - 1] == '\n' || s.ptr[n - 1] == '\t' ||
                 s.ptr[n - 1] == '\r'))
        n--;
    return n;
}

// How many bytes at the end of s may begin the marker.
static size_t begun(str s, str marker) {
    for (size_t n = min_size(s.len, marker.len - 1); n; n--)
        if (memcmp(s.ptr + s.len - n, marker.ptr, n) == 0) return n;
    return 0;
}

// s is a beginning of the marker, and not all of it.
static bool is_begun(str s, str marker) {
    return s.len < marker.len && str_starts(marker, s);
}

// Gives out text up to `marker`, without white space before it. True: the marker is at the front
// now. False: it has not come; all that cannot belong to it is out.
static bool give_to(chat_reply *r, chat_kind kind, str marker, bool is_end) {
    str s = rest(r);
    size_t at = str_find(s, marker);
    if (at + marker.len <= s.len) {
        size_t n = without_space(s, at);
        give(r, kind, n);
        drop(r, at - n);
        return true;
    }
    if (is_end)
        give(r, kind, s.len);
    else
        give(r, kind, without_space(s, s.len - begun(s, marker)));
    return false;
}

static const str THINK = STR_INIT("<think>"), END_THINK = STR_INIT("</think>");
static const str CALL = STR_INIT("<tool_call>"), END_CALL = STR_INIT("</tool_call>");
static const str PYTHON = STR_INIT("<|python_tag|>"), CALLS = STR_INIT("[TOOL_CALLS]");

// --- Thoughts and content ------------------------------------------------------------------------

// Each state returns whether it did something, and so whether to go on.
static bool at_start(chat_reply *r, bool is_end) {
    str s = rest(r);
    size_t space = space_len(s);
    str text = str_skip(s, space);
    bool is_llama = r->has_tools && r->c->form == CHAT_LLAMA3;
    if (r->skips_space) {
        drop(r, space);
        text = rest(r);
        space = 0;
    }
    if (!text.len && !is_end) return false;
    if (r->may_think && str_starts(text, THINK)) {
        drop(r, space + THINK.len);
        r->may_think = false;
        r->skips_space = true;
        r->state = IN_THOUGHT;
        return true;
    }
    if (r->may_think && !is_end && is_begun(text, THINK)) return false;
    if (is_llama && text.len && (text.ptr[0] == '{' || str_starts(text, PYTHON))) {
        drop(r, space);
        r->state = IN_JSON;
        return true;
    }
    if (is_llama && !is_end && is_begun(text, PYTHON)) return false;
    r->state = IN_CONTENT;
    return true;
}

static bool in_thought(chat_reply *r, bool is_end) {
    if (r->skips_space) {
        drop(r, space_len(rest(r)));
        if (!r->held.len) return false;
        r->skips_space = false;
    }
    if (!give_to(r, CHAT_REASONING, END_THINK, is_end)) return false;
    drop(r, END_THINK.len);
    r->skips_space = true;
    r->may_think = false;
    r->state = AT_START;
    return true;
}

static bool in_content(chat_reply *r, bool is_end) {
    chat_form form = r->has_tools ? r->c->form : CHAT_PLAIN;
    r->skips_space = false;
    const struct {
        str marker;
        bool is_dropped;
        reply_state next;
    } calls[] = {[CHAT_HERMES] = {CALL, true, IN_CALL},
                 [CHAT_LLAMA3] = {PYTHON, false, IN_JSON},
                 [CHAT_MISTRAL] = {CALLS, true, IN_LIST},
                 [CHAT_HARMONY] = {{0}}};
    if (!calls[form].marker.len) {
        give(r, CHAT_CONTENT, r->held.len);
        return false;
    }
    if (!give_to(r, CHAT_CONTENT, calls[form].marker, is_end)) return false;
    if (calls[form].is_dropped) drop(r, calls[form].marker.len);
    r->state = calls[form].next;
    return true;
}

// --- Calls ---------------------------------------------------------------------------------------

static bool give_call(chat_reply *r, str text, bool may_lack_arguments) {
    arena scratch = {0};
    str name, arguments;
    size_t room = json_read_arena(text.len) + 4096;
    if (arena_open(&scratch, room, NULL)) return false;
    bool is_call =
        chat__call(&name, &arguments, text, &scratch) && (arguments.len || may_lack_arguments);
    if (is_call) {
        r->n_calls++;
        r->put(r->arg, CHAT_CALL, name);
        r->put(r->arg, CHAT_ARGS, arguments.len ? arguments : STR("{}"));
    }
    arena_close(&scratch);
    return is_call;
}

// A call that has not ended needs no look at all of it again unless its last byte has come.
static bool waits(const chat_reply *r, size_t len, char last, bool is_end) {
    return !is_end && len <= CHAT_CALL_MAX && str_find_byte(r->news, last) == r->news.len;
}

static bool in_call(chat_reply *r, bool is_end) {
    str s = rest(r);
    if (waits(r, s.len, '>', is_end)) return false;
    size_t end = str_find(s, END_CALL), next = str_find(s, CALL);
    bool has_end = end + END_CALL.len <= s.len, has_next = next + CALL.len <= s.len;
    if (!has_end && !has_next && !is_end && s.len <= CHAT_CALL_MAX) return false;
    bool is_next = has_next && (!has_end || next < end);  // one that was not closed
    size_t n = is_next ? next : has_end ? end : s.len;
    if (n <= CHAT_CALL_MAX && give_call(r, str_first(s, n), true)) {
        drop(r, n + (is_next ? CALL.len : has_end ? END_CALL.len : 0));
        r->state = is_next ? IN_CALL : BEHIND_CALL;
        return true;
    }
    r->put(r->arg, CHAT_CONTENT, CALL);
    r->state = IN_CONTENT;
    return true;
}

// White space and what separates calls; then another call, text, or the end.
static bool behind_call(chat_reply *r, bool is_end) {
    bool is_llama = r->c->form == CHAT_LLAMA3;
    str s = rest(r);
    size_t n = space_len(s);
    while (is_llama && n < s.len && (s.ptr[n] == ';' || s.ptr[n] == ','))
        n += 1 + space_len(str_skip(s, n + 1));
    if (n == s.len) {
        if (is_end) drop(r, n);
        return false;
    }
    str text = str_skip(s, n);
    if (is_llama && !is_end && is_begun(text, PYTHON)) return false;
    bool is_call = is_llama && (text.ptr[0] == '{' || str_starts(text, PYTHON));
    drop(r, is_call ? n : space_len(s));
    r->state = is_call ? IN_JSON : IN_CONTENT;
    return true;
}

// Whether an object may still turn out to be a call: its first member says what it is.
static bool may_be_call(str s, bool is_end) {
    static const char *const keys[] = {"\"name\"", "\"type\"", "\"function\""};
    str text = str_skip(s, 1);
    text = str_skip(text, space_len(text));
    for (size_t i = 0; i < countof(keys); i++)
        if (str_starts(text, str_of(keys[i])) || (!is_end && is_begun(text, str_of(keys[i]))))
            return true;
    return false;
}

static bool in_json(chat_reply *r, bool is_end) {
    str s = rest(r);
    size_t tag = str_starts(s, PYTHON) ? PYTHON.len : 0;
    tag += tag ? space_len(str_skip(s, tag)) : 0;
    str text = str_skip(s, tag);
    if (!text.len && !is_end) return false;
    bool is_object = text.len && text.ptr[0] == '{' && may_be_call(text, is_end);
    if (is_object && text.len > FIRST_KEY_MAX && waits(r, text.len, '}', is_end)) return false;
    size_t end = is_object ? chat__object_end(text) : 0;
    if (is_object && !end && !is_end && text.len <= CHAT_CALL_MAX) return false;
    if (end && end <= CHAT_CALL_MAX && give_call(r, str_first(text, end), tag)) {
        drop(r, tag + end);
        r->state = BEHIND_CALL;
        return true;
    }
    drop(r, tag);
    r->state = IN_CONTENT;
    return true;
}

// The next object of a list, behind its white space; *list goes on behind the comma. "": no more,
// or no list of objects.
static str next_object(str *list) {
    str s = str_skip(*list, 1);
    s = str_skip(s, space_len(s));
    str one = str_first(s, s.len && s.ptr[0] == '{' ? chat__object_end(s) : 0);
    s = str_skip(s, one.len);
    *list = str_skip(s, space_len(s));
    return one;
}

// All of a list's calls, or none.
static bool give_list(chat_reply *r, str list) {
    arena scratch = {0};
    str name, arguments;
    const json_value *v;
    uint32_t n = 0;
    if (arena_open(&scratch, 2 * json_read_arena(list.len) + 4096, NULL)) return false;
    bool is_list = !json_read(&v, list, &scratch, NULL) && v->kind == JSON_ARRAY;
    for (str s = list, one; is_list && (one = next_object(&s)).len; n++) {
        arena mem = scratch;
        is_list = chat__call(&name, &arguments, one, &mem);
    }
    is_list = is_list && n && n == v->n;
    arena_close(&scratch);
    for (str s = list, one; is_list && (one = next_object(&s)).len;)
        (void)give_call(r, one, true);
    return is_list;
}

static bool in_list(chat_reply *r, bool is_end) {
    str s = rest(r);
    if (waits(r, s.len, ']', is_end)) return false;
    size_t space = space_len(s);
    str text = str_skip(s, space);
    if (!text.len && !is_end) return false;
    bool is_list = text.len && text.ptr[0] == '[';
    size_t end = is_list ? chat__object_end(text) : 0;
    if (is_list && !end && !is_end && text.len <= CHAT_CALL_MAX) return false;
    if (end && end <= CHAT_CALL_MAX && give_list(r, str_first(text, end))) {
        drop(r, space + end);
        r->state = BEHIND_CALL;
        return true;
    }
    r->put(r->arg, CHAT_CONTENT, CALLS);
    r->state = IN_CONTENT;
    return true;
}

// --- Harmony -------------------------------------------------------------------------------------

static const str MESSAGE = STR_INIT("<|message|>");
static const struct {
    str marker;
    bool is_dropped;
} ENDS[] = {{STR_INIT("<|end|>"), true},
            {STR_INIT("<|return|>"), true},
            {STR_INIT("<|call|>"), true},
            {STR_INIT("<|start|>"), false},
            {STR_INIT("<|channel|>"), false}};

static bool header_has(str header, const char *what) {
    str needle = str_of(what);
    return str_find(header, needle) + needle.len <= header.len;
}

// What stands behind "to=": the function; "" for none.
static str recipient_of(str header) {
    size_t at = str_find(header, STR("to="));
    if (at + 3 > header.len) return STR("");
    str name = str_skip(header, at + 3);
    size_t n = 0;
    while (n < name.len && name.ptr[n] != ' ' && name.ptr[n] != '<' && name.ptr[n] != '\n')
        n++;
    name = str_first(name, n);
    return str_starts(name, STR("functions.")) ? str_skip(name, 10) : name;
}

static void begin_message(chat_reply *r, str header) {
    str name = recipient_of(header);
    bool is_call = r->has_tools && name.len && !str_eq(name, STR("assistant")) &&
                   !str_eq(name, STR("user")) && !str_eq(name, STR("all"));
    r->kind = header_has(header, "analysis") ? CHAT_REASONING : CHAT_CONTENT;
    if (is_call) {
        r->kind = CHAT_ARGS;
        r->n_calls++;
        r->put(r->arg, CHAT_CALL, name);
    }
}

// Whether text begins as a header does, or may.
static bool is_header(str s, bool is_end) {
    static const char *const firsts[] = {"<|channel|>", "<|start|>", "<|constrain|>", "<|message|>",
                                         "to="};
    str text = str_skip(s, space_len(s));
    for (size_t i = 0; i < countof(firsts); i++)
        if (str_starts(text, str_of(firsts[i])) || (!is_end && is_begun(text, str_of(firsts[i]))))
            return true;
    return false;
}

static bool in_header(chat_reply *r, bool is_end) {
    str s = rest(r);
    if (is_end && space_len(s) == s.len) drop(r, s.len);
    if (!r->held.len) return false;
    size_t at = str_find(s, MESSAGE);
    bool is_whole = at + MESSAGE.len <= s.len && at <= HEADER_MAX;
    bool is_head = is_header(s, is_end);
    if (!is_head || (!is_whole && s.len > HEADER_MAX + MESSAGE.len)) {
        r->kind = CHAT_CONTENT;  // a model that does not keep to its form
        r->state = IN_MESSAGE;
        if (is_head) give(r, CHAT_CONTENT, space_len(s) + 1);  // else its marker leads back here
        return true;
    }
    if (!is_whole) {
        if (is_end) drop(r, s.len);
        return false;
    }
    begin_message(r, str_first(s, at));
    drop(r, at + MESSAGE.len);
    r->state = IN_MESSAGE;
    return true;
}

static bool in_message(chat_reply *r, bool is_end) {
    str s = rest(r);
    size_t first = s.len, held = 0, which = countof(ENDS);
    for (size_t i = 0; i < countof(ENDS); i++) {
        size_t at = str_find(s, ENDS[i].marker);
        if (at + ENDS[i].marker.len <= s.len && at < first) {
            first = at;
            which = i;
        }
        held = max_size(held, begun(s, ENDS[i].marker));
    }
    if (which == countof(ENDS)) {
        give(r, r->kind, s.len - (is_end ? 0 : held));
        return false;
    }
    give(r, r->kind, first);
    if (ENDS[which].is_dropped) drop(r, ENDS[which].marker.len);
    r->state = IN_HEADER;
    return true;
}

// --- All -----------------------------------------------------------------------------------------

static bool step(chat_reply *r, bool is_end) {
    static bool (*const states[])(chat_reply *, bool) = {
        [AT_START] = at_start,       [IN_THOUGHT] = in_thought, [IN_CONTENT] = in_content,
        [BEHIND_CALL] = behind_call, [IN_CALL] = in_call,       [IN_JSON] = in_json,
        [IN_LIST] = in_list,         [IN_HEADER] = in_header,   [IN_MESSAGE] = in_message,
    };
    return states[r->state](r, is_end);
}

chat_reply *chat_reply_new(arena *a, const chat *c, str prompt, bool has_tools) {
    chat_reply *r = arena_new(a, chat_reply);
    *r = (chat_reply){.c = c, .has_tools = has_tools, .may_think = c->knows_thoughts};
    str end = str_first(prompt, without_space(prompt, prompt.len));
    if (c->form == CHAT_HARMONY)
        r->state = IN_HEADER;
    else if (c->knows_thoughts && str_ends(end, THINK))
        r->state = IN_THOUGHT;
    if (r->state == IN_THOUGHT) r->skips_space = true;
    buf_init(&r->held, a, HELD_FIRST);
    return r;
}

// No room to hold a call: it is content then.
static void give_up(chat_reply *r, str part) {
    r->held.failed = false;
    give(r, CHAT_CONTENT, r->held.len);
    r->put(r->arg, CHAT_CONTENT, part);
    r->state = r->c->form == CHAT_HARMONY ? IN_MESSAGE : IN_CONTENT;
}

void chat_reply_add(chat_reply *r, str text, chat_put *put, void *arg) {
    r->put = put;
    r->arg = arg;
    while (text.len) {
        // In parts, so that what is held stays small whatever comes at once.
        str part = str_first(text, HELD_FIRST);
        text = str_skip(text, part.len);
        buf_add(&r->held, part);
        r->news = part;
        if (r->held.failed) give_up(r, part);
        while (step(r, false))
            continue;
    }
}

void chat_reply_end(chat_reply *r, chat_put *put, void *arg) {
    r->put = put;
    r->arg = arg;
    while (step(r, true))
        continue;
}

size_t chat_reply_calls(const chat_reply *r) {
    return r->n_calls;
}
