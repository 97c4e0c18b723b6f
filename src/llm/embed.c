// POST /v1/embeddings: one vector of each input.
//
// Inputs go to the engine a few at a time, so that one request leaves room in the queue for others;
// the reply is made when the last has come. A generator, so that the client's going is seen.

#include "app/gen_stream.h"
#include "base/json.h"
#include "llm/llm.h"

enum {
    AT_ONCE = 8,
    DECIMALS = 9,
    NUMBER_MAX = DECIMALS + 5,  // bytes of a number in JSON
};

typedef struct slot {
    lm_stream *stream;  // NULL: free
    size_t input;
} slot;

typedef struct embedding {
    http_waker waker;
    llm *l;
    const llm_model *model;
    uint64_t client;
    const llm_prompt *inputs;
    size_t n, next, n_done, n_tokens;
    lm_pooling pooling;
    bool is_base64;
    size_t n_embd;
    float *vectors;  // of all inputs
    slot slots[AT_ONCE];
    buf out;
    size_t at;
} embedding;

static void wake(void *arg) {
    http_wake(((embedding *)arg)->waker);
}

static void cease(void *self) {
    embedding *g = self;
    for (size_t i = 0; i < AT_ONCE; i++) {
        lm_stream_close(g->slots[i].stream);
        g->slots[i].stream = NULL;
    }
}

// --- Writing -------------------------------------------------------------------------------------

static void put_base64(json *j, buf *scratch, str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_reset(scratch);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = min_size(3, bytes.len - i);
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (uint8_t)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_byte(scratch, k <= n ? digits[v >> (18 - 6 * k) & 63] : '=');
    }
    json_str(j, buf_str(scratch));
}

static void put_vector(json *j, const embedding *g, buf *scratch, const float *v) {
    if (g->is_base64) {
        put_base64(j, scratch, (str){(const char *)v, g->n_embd * sizeof *v});
        return;
    }
    json_open(j, '[');
    for (size_t i = 0; i < g->n_embd; i++)
        json_f64(j, (double)v[i], DECIMALS);
    json_close(j, ']');
}

static void tell(embedding *g, arena *a) {
    buf scratch;
    buf_init(&scratch, a, g->n_embd * 6);
    json j;
    json_init(&j, &g->out);
    json_open(&j, '{');
    json_key(&j, "object"), json_str(&j, STR("list"));
    json_key(&j, "data"), json_open(&j, '[');
    for (size_t i = 0; i < g->n; i++) {
        json_open(&j, '{');
        json_key(&j, "object"), json_str(&j, STR("embedding"));
        json_key(&j, "index"), json_u64(&j, i);
        json_key(&j, "embedding"), put_vector(&j, g, &scratch, g->vectors + i * g->n_embd);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_key(&j, "model"), json_str(&j, g->model->name);
    json_key(&j, "usage"), json_open(&j, '{');
    json_key(&j, "prompt_tokens"), json_u64(&j, g->n_tokens);
    json_key(&j, "total_tokens"), json_u64(&j, g->n_tokens);
    json_close(&j, '}');
    json_close(&j, '}');
}

// --- Making --------------------------------------------------------------------------------------

static status submit(embedding *g, slot *s, err *e) {
    const llm_prompt *p = &g->inputs[g->next];
    lm_request r = {
        .model = g->model->model,
        .prompt = p->ids,
        .n_prompt = p->n,
        .max_length = (int)p->n,
        .sampling = lm_sampling_default(),
        .pooling = g->pooling,
        .client = g->client,
        .notify = wake,
        .arg = g,
    };
    TRY(lm_submit(&s->stream, g->l->engine, &r, e));
    s->input = g->next++;
    g->n_tokens += p->n;
    return OK;
}

// E_AGAIN and E_QUOTA are errors only where nothing of ours is under way.
static status fill(embedding *g, err *e) {
    bool is_busy = false;
    for (size_t i = 0; i < AT_ONCE; i++)
        is_busy |= g->slots[i].stream != NULL;
    for (size_t i = 0; i < AT_ONCE && g->next < g->n; i++) {
        if (g->slots[i].stream) continue;
        status s = submit(g, &g->slots[i], e);
        if (s) return is_busy && (s == E_AGAIN || s == E_QUOTA) ? OK : s;
        is_busy = true;
    }
    return OK;
}

// False: a stream failed.
static bool collect(embedding *g) {
    for (size_t i = 0; i < AT_ONCE; i++) {
        slot *s = &g->slots[i];
        lm_state state;
        int32_t none;
        if (!s->stream) continue;
        lm_stream_read(&none, 1, &state, s->stream);
        if (state == LM_RUNNING) continue;
        const float *v = lm_stream_embedding(s->stream);
        if (v) memcpy(g->vectors + s->input * g->n_embd, v, g->n_embd * sizeof *v);
        lm_stream_close(s->stream);
        s->stream = NULL;
        if (!v) return false;
        g->n_done++;
    }
    return true;
}

static http_more proceed(void *self, buf *out) {
    embedding *g = self;
    if (g->out.len == 0) {
        err e = {0};
        if (!collect(g) || fill(g, &e)) return HTTP_FAIL;
        if (g->n_done < g->n) return HTTP_WAIT;
        tell(g, g->out.in);
        if (g->out.failed) return HTTP_FAIL;
    }
    str piece = str_first(str_skip(buf_str(&g->out), g->at), out->limit);
    buf_add(out, piece);
    g->at += piece.len;
    return g->at < g->out.len ? HTTP_MORE : HTTP_END;
}

// --- Asking --------------------------------------------------------------------------------------

static bool choose(int *out, str word, const char *const *words, size_t n) {
    for (*out = 0; *out < (int)n; ++*out)
        if (word.len == 0 || str_eq(word, str_of(words[*out]))) return true;
    return false;
}

static status plan(embedding *g, llm_call *c, err *e) {
    static const char *const encodings[] = {"float", "base64"}, *const poolings[] = {"mean",
                                                                                     "last"};
    const lm_spec *spec = lm_model_spec(c->model->model);
    llm_prompt *inputs;
    int which;
    c->p.wrong = "encoding_format";
    if (!choose(&which, c->p.encoding, encodings, countof(encodings)))
        return err_set(e, E_ARG, "encoding_format must be float or base64");
    g->is_base64 = which == 1;
    c->p.wrong = "pooling";
    if (!choose(&which, c->p.pooling, poolings, countof(poolings)))
        return err_set(e, E_ARG, "pooling must be mean or last");
    g->pooling = which == 1 ? LM_POOL_LAST : LM_POOL_MEAN;
    c->p.wrong = "input";
    TRY(llm_prompts_read(&inputs, &g->n, LLM_INPUTS_MAX, c, c->p.inputs, "input", e));
    g->inputs = inputs;
    g->n_embd = (size_t)spec->n_embd;
    for (size_t i = 0; i < g->n; i++)
        if (inputs[i].n > (size_t)spec->block_size)
            return err_set(e, E_LIMIT, "input %zu has %zu tokens: the model's context is %d", i,
                           inputs[i].n, spec->block_size);
    g->vectors = arena_try_array(c->a, g->n * g->n_embd, sizeof(float));
    if (!g->vectors || g->n * g->n_embd * NUMBER_MAX > LLM_BODY_MAX)
        return err_set(e, E_LIMIT, "so many inputs make too long a reply: send fewer at once");
    return OK;
}

void llm_embeddings(http_req *rq, void *l) {
    llm_call c;
    err e = {0};
    if (!llm_call_open(&c, rq, l, GEN_EMBEDDING)) return;
    atomic_fetch_add(&c.l->count[LLM_COUNT_EMBEDDINGS], 1);
    embedding *g = arena_new(c.a, embedding);
    *g = (embedding){
        .waker = http_waker_of(rq), .l = l, .model = c.model, .client = gen_client_of(rq)};
    status s = plan(g, &c, &e);
    if (!s) c.p.wrong = NULL, s = fill(g, &e);
    if (s) {
        cease(g);
        llm_error_of(rq, l, s, c.p.wrong, &e);
        return;
    }
    buf_init(&g->out, c.a, 0);
    g->out.limit = LLM_BODY_MAX;
    http_reply_stream(rq, 200, HTTP_JSON, (http_gen){g, proceed, cease});
}
