#!/usr/bin/python3
"""sampling.json: what PyTorch draws, and what a few lines of Python make of logits.

Needs python3-torch (Debian's has no MKL, so its noise is rng=torch); its output is committed, so that
tests do not. From tests/golden:
    ./make_sampling.py
noise    q of exponential_ after manual_seed: the first eight of each call of n
draws    ids that plain torch operations draw, step by step, from logits of the generator below
scores   logits after penalties, bias, temperature, top_k, top_p, min_p, in plain Python with every
         operation rounded to f32; null is what cannot be drawn
"""
import json
import math
import struct

import torch

SEEDS = [0, 1, 42, 1337, 4294967295, 4294967296 + 42]
OFF = dict(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repetition=1.0, frequency=0.0, presence=0.0,
           bias=[])


def logits_of(n, start):
    """24 bits of an LCG, in [-8, 8): exact in f32, and no two are equal."""
    x, out = start, []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append((x >> 8) / 2**20 - 8)
    return out if len(set(out)) == n else None


def noise():
    for seed in SEEDS:
        torch.manual_seed(seed)
        calls = [torch.empty(n).exponential_()[:8] for n in (1, 50, 1024, 50257, 50)]
        yield {'seed': seed, 'q': [v for c in calls for v in c.tolist()]}


# --- Draws, by torch -----------------------------------------------------------------------------

def penalise(l, c, ids, n_prompt):
    seen = torch.tensor(sorted(set(ids)), dtype=torch.long)
    s = l[seen]
    l[seen] = torch.where(s < 0, s * c['repetition'], s / c['repetition'])
    counts = torch.bincount(torch.tensor(ids[n_prompt:], dtype=torch.long), minlength=len(l))
    l = l - c['frequency'] * counts
    l = l - c['presence'] * (counts > 0)
    for i, add in c['bias']:
        l[i] = l[i] + add if add > -100 else -math.inf
    return l


def tail(probs, c):
    """Which of them top_p and min_p remove; probs add up to 1."""
    out = torch.zeros_like(probs, dtype=torch.bool)
    if c['top_p'] < 1:
        s, at = torch.sort(probs, descending=False)
        gone = s.cumsum(-1) <= 1 - c['top_p']
        gone[-1] = False
        out = gone.scatter(0, at, gone)
    return out | (probs < c['min_p'] * probs.max())


def draw(l, c):
    probs = torch.softmax(l / c['temperature'], dim=-1)
    if c['top_k'] == 0:  # generate of Hugging Face: a q for each id
        probs = probs.masked_fill(tail(probs, c), 0)
        return torch.multinomial(probs, 1).item()
    best, ids = torch.topk(probs, min(c['top_k'], len(l)))  # the original: a q for each rank
    best = best.masked_fill(tail(best / best.sum(), c), 0)
    return ids[torch.multinomial(best, 1)].item()


def draws():
    chains = [
        {}, dict(temperature=0.7), dict(temperature=3.0), dict(top_p=0.9), dict(min_p=0.05),
        dict(temperature=0.8, top_p=0.95, min_p=0.02, repetition=1.3),
        dict(repetition=1.2, frequency=0.5, presence=0.3, bias=[[5, 4.0], [11, -100.0], [12, -3.5]]),
        dict(temperature=50.0, top_p=0.5),
    ]
    start = 1
    for n in (64, 5000):
        for top_k in (0, 1, 50, 1024):
            for chain in chains:
                c = dict(OFF, top_k=top_k, **chain)
                while any(logits_of(n, start + 97 * i) is None for i in range(6)):
                    start += 1
                ids = [(start * 31 + i * i * 7) % n for i in range(20)]
                torch.manual_seed(start)
                out = []
                for step in range(6):
                    l = torch.tensor(logits_of(n, start + 97 * step))
                    out.append(draw(penalise(l, c, ids + out, 12), c))
                yield dict(c, n=n, start=start, seed=start, ids=ids, n_prompt=12, drawn=out)
                start += 1000


# --- Scores, by hand -----------------------------------------------------------------------------

def f32(x):
    return struct.unpack('f', struct.pack('f', x))[0]


def scores_of(logits, c, ids, n_prompt):
    s = list(logits)
    for i in set(ids):
        s[i] = f32(s[i] * f32(c['repetition'])) if s[i] < 0 else f32(s[i] / f32(c['repetition']))
    for i in set(ids[n_prompt:]):
        s[i] = f32(s[i] - f32(f32(c['frequency']) * ids[n_prompt:].count(i)))
        s[i] = f32(s[i] - f32(c['presence']))
    for i, add in c['bias']:
        s[i] = f32(s[i] + f32(add)) if add > -100 else -math.inf
    s = [f32(x / f32(c['temperature'])) for x in s]
    order = sorted((i for i in range(len(s)) if s[i] > -math.inf), key=lambda i: (-s[i], i))
    order = order[:c['top_k'] or len(order)]
    e = {i: math.exp(s[i] - s[order[0]]) for i in order}
    total, better, kept = sum(e.values()), 0, []
    for i in order:  # stays while better ones have not reached top_p
        if better < c['top_p'] * total and e[i] >= c['min_p']:
            kept.append(i)
        better += e[i]
    return [x if i in kept else None for i, x in enumerate(s)]


def scores():
    tenths = [f32(math.log(p)) for p in (0.1, 0.2, 0.3, 0.4)]
    flat = [0.0] * 8
    mixed = [2.0, -1.5, 0.25, 0.0, -3.0, 1.0, 0.5, -0.75, 1.75, -2.25]
    ids = [0, 1, 1, 3, 0, 4, 4, 4]
    plan = [(tenths, c) for c in (
        [dict(top_k=k) for k in (0, 1, 3, 4, 1024)] +
        [dict(top_p=p) for p in (0.01, 0.39, 0.41, 0.69, 0.71, 0.89, 0.91, 0.999)] +
        [dict(min_p=p) for p in (0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1.0)] +
        [dict(top_k=3, top_p=p) for p in (0.43, 0.45, 0.76, 0.79)] +  # of what top_k leaves
        [dict(temperature=t, top_p=0.9) for t in (0.1, 0.5, 2.0, 100.0)] +
        [dict(top_k=3, top_p=0.8, min_p=0.7), dict(top_p=0.95, min_p=0.4, temperature=1.5)])]
    plan += [(flat, c) for c in (dict(top_k=3), dict(top_p=0.3), dict(top_p=0.6), dict(min_p=1.0),
                                 dict(top_k=5, top_p=0.5))]  # ties: the lowest ids
    plan += [(mixed, c) for c in (
        dict(repetition=1.5), dict(repetition=0.5), dict(repetition=100.0), dict(frequency=0.7),
        dict(frequency=-2.0), dict(presence=2.0), dict(presence=-0.3),
        dict(repetition=1.1, frequency=0.3, presence=0.6), dict(bias=[[2, 5.0], [0, -100.0]]),
        dict(bias=[[4, 100.0]]), dict(repetition=1.3, bias=[[1, 0.1], [1, 0.2]], temperature=0.6),
        dict(repetition=1.2, frequency=0.2, presence=0.1, bias=[[7, 2.0]], temperature=1.3, top_k=6,
             top_p=0.9, min_p=0.1))]
    for logits, c in plan:
        c = dict(OFF, **c)
        seen = ids if logits is mixed else []
        yield dict(c, logits=logits, ids=seen, n_prompt=min(3, len(seen)),
                   scores=scores_of(logits, c, seen, 3))


with open('sampling.json', 'w') as f:
    parts = [f'"torch": "{torch.__version__}"']
    for name, rows in (('noise', noise()), ('draws', draws()), ('scores', scores())):
        parts.append(f'"{name}": [\n' + ',\n'.join(json.dumps(r) for r in rows) + ']')
    f.write('{' + ',\n'.join(parts) + '}\n')
