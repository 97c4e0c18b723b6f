// app/gen_engine.h -- the one engine of all apps that generate: many models, one pool of threads.
//
//   Owner     the set of apps; who closes a model asks lm_engine_forget before, or closes the
//             engine first
//   Threads   get and close: one thread, no server running; metrics: any
//   Errors    those of lm_engine_open
#ifndef APP_GEN_ENGINE_H
#define APP_GEN_ENGINE_H

#include "app/app.h"
#include "app/metrics.h"
#include "lm/engine.h"

// Opens it when it is not there. `model_bytes`: with which the machine is measured; 0: not known.
NODISCARD status gen_engine_get(lm_engine **out, const app_options *o, size_t model_bytes, err *e);
void gen_engine_close(app_shared *s);

void gen_metrics(metrics *m, const app_shared *s);

#endif
