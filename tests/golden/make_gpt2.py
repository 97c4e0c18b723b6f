#!/usr/bin/python3
"""Small GPT-2 checkpoints with PyTorch's own logits and continuations, and broken ones.

Needs python3-torch; its output is committed, so that tests do not. From tests/golden:
    ./make_gpt2.py
gpt2_f32.pt       keys as they are, config a dict, lm_head tied
gpt2_f16.pt       keys under _orig_mod., as torch.compile saves them, half precision
gpt2_bf16.pt      config a pickled dataclass, as build-nanogpt saves it; no lm_head; mask buffers
gpt2_*.json, .npy what PyTorch makes of them, in f32
gpt2_bad_*.pt     one thing wrong each
"""
import json
import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F


@dataclass
class GPTConfig:
    block_size: int = 64
    vocab_size: int = 512
    n_layer: int = 2
    n_head: int = 2
    n_embd: int = 32


def make_state(cfg, seed):
    g = torch.Generator().manual_seed(seed)
    c = cfg.n_embd
    rand = lambda scale, *shape: torch.randn(*shape, generator=g) * scale
    s = OrderedDict()
    s['transformer.wte.weight'] = rand(0.2, cfg.vocab_size, c)
    s['transformer.wpe.weight'] = rand(0.2, cfg.block_size, c)
    for i in range(cfg.n_layer):
        h = f'transformer.h.{i}.'
        for ln in ('ln_1', 'ln_2'):
            s[h + ln + '.weight'] = 1 + rand(0.1, c)
            s[h + ln + '.bias'] = rand(0.1, c)
        for name, out, inp in (('attn.c_attn', 3 * c, c), ('attn.c_proj', c, c),
                               ('mlp.c_fc', 4 * c, c), ('mlp.c_proj', c, 4 * c)):
            s[h + name + '.weight'] = rand(2 / math.sqrt(inp), out, inp)
            s[h + name + '.bias'] = rand(0.1, out)
    s['transformer.ln_f.weight'] = 1 + rand(0.1, c)
    s['transformer.ln_f.bias'] = rand(0.1, c)
    s['lm_head.weight'] = s['transformer.wte.weight']
    return s


def forward(s, cfg, ids):
    c, t = cfg.n_embd, len(ids)
    norm = lambda x, n: F.layer_norm(x, (c,), s[n + '.weight'], s[n + '.bias'], 1e-5)
    lin = lambda x, n: F.linear(x, s[n + '.weight'], s[n + '.bias'])
    mask = torch.full((t, t), float('-inf')).triu(1)
    x = s['transformer.wte.weight'][ids] + s['transformer.wpe.weight'][:t]
    for i in range(cfg.n_layer):
        h = f'transformer.h.{i}.'
        q, k, v = (y.view(t, cfg.n_head, -1).transpose(0, 1)
                   for y in lin(norm(x, h + 'ln_1'), h + 'attn.c_attn').split(c, dim=1))
        att = (q @ k.transpose(1, 2) / math.sqrt(c // cfg.n_head) + mask).softmax(-1)
        x = x + lin((att @ v).transpose(0, 1).reshape(t, c), h + 'attn.c_proj')
        u = lin(norm(x, h + 'ln_2'), h + 'mlp.c_fc')
        u = 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u ** 3)))
        x = x + lin(u, h + 'mlp.c_proj')
    return norm(x, 'transformer.ln_f') @ s['transformer.wte.weight'].T


def generate(s, cfg, prompt, max_length, top_k, seed):
    """The original's loop."""
    g = torch.Generator().manual_seed(seed)
    ids = list(prompt)
    while len(ids) < max_length:
        probs = forward(s, cfg, ids)[-1].softmax(-1)
        best, at = torch.topk(probs, top_k)
        ids.append(int(at[torch.multinomial(best, 1, generator=g)]))
    return {'max_length': max_length, 'top_k': top_k, 'seed': seed, 'rng': 'torch',
            'prompt_ids': list(prompt), 'ids': ids}


def write_expected(name, s, cfg):
    prompts = [[7, 300, 12, 12, 511, 0, 45, 99, 260], [1], list(range(100, 140))]
    runs = {'greedy': [generate(s, cfg, p, 64, 1, 1) for p in prompts],
            'seeded': [generate(s, cfg, p, 64, k, seed)
                       for p in prompts for k, seed in ((50, 42), (10, 1337), (512, 0))]}
    with open(name + '.json', 'w') as f:
        f.write('{\n' + ',\n'.join(
            f'"{kind}": [\n' + ',\n'.join(json.dumps(r) for r in rs) + '\n]'
            for kind, rs in runs.items()) + '\n}\n')
    np.save(name + '.npy', forward(s, cfg, prompts[0]).numpy().astype('<f4'))


def save(name, s, config, **more):
    torch.save({'model': s, 'config': config, 'step': 10, 'val_loss': 3.5, **more}, name + '.pt')


def rounded(s, dtype):
    """The state in `dtype`, and what PyTorch computes with: the same values in f32."""
    low = OrderedDict((k, v.to(dtype)) for k, v in s.items())
    low['lm_head.weight'] = low['transformer.wte.weight']
    return low, OrderedDict((k, v.float()) for k, v in low.items())


def write_good():
    cfg = GPTConfig()
    s = make_state(cfg, 1)
    save('gpt2_f32', s, vars(cfg))
    write_expected('gpt2_f32', s, cfg)
    low, full = rounded(make_state(cfg, 2), torch.float16)
    save('gpt2_f16', OrderedDict(('_orig_mod.' + k, v) for k, v in low.items()), vars(cfg))
    write_expected('gpt2_f16', full, cfg)
    low, full = rounded(make_state(cfg, 3), torch.bfloat16)
    del low['lm_head.weight']
    low['transformer.h.0.attn.bias'] = torch.ones(1, 1, 4, 4).tril()
    low['transformer.h.1.attn.masked_bias'] = torch.tensor(-1e4)
    save('gpt2_bf16', low, cfg)
    write_expected('gpt2_bf16', full, cfg)


def write_bad():
    cfg = GPTConfig(block_size=8, vocab_size=32, n_layer=1, n_head=1, n_embd=16)

    def bad(name, change, **config):
        s = make_state(cfg, 4)
        for k in [k for k, v in change.items() if v is None]:
            del s[k]
        s.update((k, v) for k, v in change.items() if v is not None)
        c = {**vars(cfg), **config}
        save('gpt2_bad_' + name, s, {k: v for k, v in c.items() if v is not None})

    ones = torch.ones
    bad('missing', {'transformer.h.0.mlp.c_fc.bias': None})
    bad('shape', {'transformer.h.0.attn.c_attn.weight': ones(16, 48)})
    bad('dtype', {'transformer.ln_f.bias': ones(16, dtype=torch.float64)})
    bad('extra', {'transformer.h.1.ln_1.bias': ones(16)})
    bad('untied', {'lm_head.weight': ones(32, 16)})
    bad('heads', {}, n_head=3)
    bad('config', {}, n_layer=None)
    bad('limit', {}, block_size=1 << 30)


if __name__ == '__main__':
    torch.set_num_threads(1)
    with torch.no_grad():
        write_good()
        write_bad()
