// Compiled schemas, kept: a client that asks for the same form again and again compiles it once.
//
// A table of LLM_SCHEMAS_MAX is walked: comparing hashes of so many is nothing beside a token.
//
//   I1  an entry in the table has a reference of its own: who drops it from there releases it
//   I2  compiling is outside the lock; two that compile the same at once both do, one is kept

#include "llm/llm.h"

#include <pthread.h>
#include <stdlib.h>

struct llm_schema {
    schema *s;
    uint64_t hash, used_at;
    int refs;  // under the lock
    str key;
    char key_bytes[];
};

struct llm_schemas {
    pthread_mutex_t lock;
    uint64_t clock;
    llm_schema *at[LLM_SCHEMAS_MAX];
};

llm_schemas *llm_schemas_open(void) {
    llm_schemas *s = calloc(1, sizeof *s);
    if (s) pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void unref(llm_schema *one) {
    if (!one || --one->refs) return;
    schema_close(one->s);
    free(one);
}

void llm_schemas_close(llm_schemas *s) {
    if (!s) return;
    for (size_t i = 0; i < countof(s->at); i++)
        unref(s->at[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const schema *llm_schema_of(const llm_schema *s) {
    return s->s;
}

void llm_schema_release(llm_schemas *s, llm_schema *one) {
    pthread_mutex_lock(&s->lock);
    unref(one);
    pthread_mutex_unlock(&s->lock);
}

// With the lock held; a reference more.
static llm_schema *find(llm_schemas *s, uint64_t hash, str key) {
    for (size_t i = 0; i < countof(s->at); i++) {
        llm_schema *one = s->at[i];
        if (!one || one->hash != hash || !str_eq(one->key, key)) continue;
        one->used_at = ++s->clock;
        one->refs++;
        return one;
    }
    return NULL;
}

static void keep(llm_schemas *s, llm_schema *one) {
    size_t oldest = 0;
    for (size_t i = 0; i < countof(s->at); i++) {
        if (!s->at[i]) {
            oldest = i;
            break;
        }
        if (s->at[i]->used_at < s->at[oldest]->used_at) oldest = i;
    }
    unref(s->at[oldest]);
    one->refs++;  // I1
    one->used_at = ++s->clock;
    s->at[oldest] = one;
}

status llm_schema_get(llm_schema **out, bool *was_there, llm_schemas *s, str key,
                      llm_schema_make *make, void *arg, err *e) {
    uint64_t hash = str_hash(key, 3);
    pthread_mutex_lock(&s->lock);
    *out = find(s, hash, key);
    pthread_mutex_unlock(&s->lock);
    *was_there = *out != NULL;
    if (*out) return OK;
    schema *made;
    TRY(make(&made, arg, e));  // I2
    llm_schema *one = calloc(1, sizeof *one + key.len);
    if (!one) {
        schema_close(made);
        return err_set(e, E_MEMORY, "no memory for a schema");
    }
    *one = (llm_schema){.s = made, .hash = hash, .refs = 1, .key = {one->key_bytes, key.len}};
    if (key.len) memcpy(one->key_bytes, key.ptr, key.len);
    pthread_mutex_lock(&s->lock);
    keep(s, one);
    pthread_mutex_unlock(&s->lock);
    *out = one;
    return OK;
}

// Kind, count or length, then what it holds: no two values have the same bytes. Depth is bounded by
// json_read's.
void llm_schema_key(buf *out, const json_value *v) {
    buf_byte(out, (char)('a' + (v ? (int)v->kind : -1)));
    if (!v) return;
    str s = v->kind == JSON_STRING ? v->string : (str){0};
    bool has_items = v->kind == JSON_ARRAY || v->kind == JSON_OBJECT;
    if (v->kind == JSON_BOOL) buf_byte(out, v->boolean ? 't' : 'f');
    if (v->kind == JSON_NUMBER) {
        int64_t n = v->is_integer ? v->integer : 0;
        buf_byte(out, v->is_integer ? 'i' : 'd');
        buf_add(out, (str){(const char *)&n, sizeof n});
        buf_add(out, (str){(const char *)&v->number, sizeof v->number});
    }
    if (v->kind == JSON_STRING) buf_fmt(out, "%zu:", s.len), buf_add(out, s);
    if (!has_items) return;
    buf_fmt(out, "%u:", v->n);
    for (uint32_t i = 0; i < v->n; i++) {
        str key = v->kind == JSON_OBJECT ? v->items[i].key : (str){0};
        buf_fmt(out, "%zu:", key.len);
        buf_add(out, key);
        llm_schema_key(out, &v->items[i]);
    }
}
