// Least squares with forgetting, three terms.
//
//   I1  costs are never below a hundredth of the guess: a noisy machine cannot make rows look free

#include "lm/pace.h"

#include <math.h>

static const double unit[LM_PACE_TERMS] = {1, 32, 32 * 512};  // of a step, so that terms compare

enum { TERMS = LM_PACE_TERMS };

#define FADE  0.97  // half of what is known is from the last 23 steps
#define FAITH 0.02  // weight of the guess, in steps

void lm__pace_init(lm_pace *p, uint64_t bytes, uint64_t row_flops, uint64_t position_flops) {
    *p = (lm_pace){.guess = {(double)bytes / 20e9 + 1e-5, (double)row_flops / 100e9 + 1e-8,
                             (double)position_flops / 20e9 + 1e-11}};
    for (size_t i = 0; i < TERMS; i++)
        p->cost[i] = p->guess[i];
}

double lm__pace_of(const lm_pace *p, size_t rows, size_t positions) {
    return p->cost[0] + p->cost[1] * (double)rows + p->cost[2] * (double)positions;
}

// Gauss; the guess on the diagonal keeps it regular.
static void solve(lm_pace *p) {
    double m[TERMS][TERMS + 1];
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t j = 0; j < TERMS; j++)
            m[i][j] = p->products[i][j] + (i == j ? FAITH : 0);
        m[i][TERMS] = p->answers[i] + FAITH * p->guess[i] * unit[i];
    }
    for (size_t i = 0; i < TERMS; i++)
        for (size_t k = 0; k < TERMS; k++) {
            double f = k == i ? 0 : m[k][i] / m[i][i];
            for (size_t j = i; j <= TERMS; j++)
                m[k][j] -= f * m[i][j];
        }
    for (size_t i = 0; i < TERMS; i++)
        p->cost[i] = fmax(m[i][TERMS] / m[i][i] / unit[i], p->guess[i] / 100);  // I1
}

void lm__pace_learn(lm_pace *p, size_t rows, size_t positions, double seconds) {
    const double x[TERMS] = {1 / unit[0], (double)rows / unit[1], (double)positions / unit[2]};
    // A step during which somebody else had the cores says little about the next.
    double t = fmin(seconds, 4 * lm__pace_of(p, rows, positions));
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t j = 0; j < TERMS; j++)
            p->products[i][j] = p->products[i][j] * FADE + x[i] * x[j];
        p->answers[i] = p->answers[i] * FADE + x[i] * t;
    }
    solve(p);
}

size_t lm__pace_room(const lm_pace *p, double seconds, size_t rows, size_t positions, size_t each) {
    double left = seconds - lm__pace_of(p, rows, positions);
    double n = left / (p->cost[1] + p->cost[2] * (double)each);
    return n > 0 ? (size_t)fmin(n, 1e6) : 0;
}
