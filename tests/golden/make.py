#!/usr/bin/env python3
"""Small models of every family, with the logits and continuations that transformers makes of them.

Its output is committed, so that tests need none of it. Pinned, and checked at start:
    torch 2.8.0, transformers 4.57.1 (families it has) or 5.0.0 (LFM2-MoE; configs as 5 writes them)
    gguf 0.17.1 (only for gguf/)
From the root of the project:
    tests/golden/make.py                    tests/golden/hf/FAMILY/, what this transformers has
    tests/golden/make.py --parity DIR -n 3  bigger ones in DIR, n seeds of each: `make parity`
Each folder has config.json, model.safetensors, cases.json (greedy continuations) and logits.npy
(of the cases' prompts, one after another). Weights are bf16, all arithmetic is f32.
"""
import argparse
import json
import math
import os
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

PINS = {'4.57.1', '5.0.0'}
V5 = transformers.__version__.startswith('5.')
NEW = 24  # tokens of a continuation


def rope5(theta, **more):
    return {'rope_type': 'default', 'rope_theta': theta, **more}


# What a family's tiny model is: class, and the fields of its config that are not the same for all.
# Windows are shorter than the longest prompt, and so are contexts before scaling.
LLAMA3 = {'rope_type': 'llama3', 'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,
          'original_max_position_embeddings': 16}
YARN = {'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 16}
OSS_YARN = {'rope_type': 'yarn', 'factor': 32.0, 'beta_fast': 32.0, 'beta_slow': 1.0,
            'truncate': False, 'original_max_position_embeddings': 16}


def longrope(dims):
    return {'type': 'longrope', 'short_factor': [1 + 0.1 * i for i in range(dims // 2)],
            'long_factor': [1.5 + i for i in range(dims // 2)]}


FAMILIES = {
    'llama': ('Llama', dict(rope_scaling=LLAMA3, rope_theta=500000.0, rms_norm_eps=1e-5)),
    'llama2': ('Llama', dict(num_key_value_heads=4, rope_scaling={'rope_type': 'linear', 'factor': 2.0},
                             attention_bias=True, mlp_bias=True)),
    'smollm2': ('Llama', dict(tie_word_embeddings=True, rope_theta=100000.0, vocab_size=128)),
    'mistral': ('Mistral', dict(sliding_window=8)),
    'qwen2': ('Qwen2', dict(use_sliding_window=True, sliding_window=8, max_window_layers=1,
                            rope_scaling=YARN, tie_word_embeddings=True)),
    'qwen3': ('Qwen3', dict(head_dim=32, rope_theta=1e6, attention_bias=True)),
    'qwen3_moe': ('Qwen3Moe', dict(head_dim=16, num_experts=5, num_experts_per_tok=2, intermediate_size=48,
                                   moe_intermediate_size=32, norm_topk_prob=True, mlp_only_layers=[0],
                                   rope_theta=1e6, tie_word_embeddings=True)),
    'gemma2': ('Gemma2', dict(head_dim=32, query_pre_attn_scalar=24, sliding_window=8,
                              attn_logit_softcapping=5.0, final_logit_softcapping=3.0)),
    'gemma3': ('Gemma3', dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=8, num_hidden_layers=3,
                              sliding_window_pattern=3, rope_local_base_freq=100.0,
                              rope_scaling={'rope_type': 'linear', 'factor': 4.0})),
    'phi3': ('Phi3', dict(head_dim=None, partial_rotary_factor=0.75, rope_scaling=longrope(12),
                          original_max_position_embeddings=44, tie_word_embeddings=True)),
    'phi3_4k': ('Phi3', dict(head_dim=None, sliding_window=8)),
    'smollm3': ('SmolLM3', dict(num_hidden_layers=4, no_rope_layer_interval=2, use_sliding_window=True,
                                sliding_window=8, rope_theta=2e6, intermediate_size=32)),
    'olmo2': ('Olmo2', dict(rope_theta=500000.0)),
    'pythia': ('GPTNeoX', dict(rotary_pct=0.25, intermediate_size=96)),
    'gpt_neox': ('GPTNeoX', dict(rotary_pct=0.5, use_parallel_residual=False, hidden_act='gelu_new')),
    'gpt2': ('GPT2', dict(n_inner=96)),
    'gpt_oss': ('GptOss', dict(head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=8,
                               intermediate_size=64, rope_scaling=OSS_YARN, rope_theta=150000.0)),
    'lfm2': ('Lfm2', dict(num_hidden_layers=3, layer_types=['conv', 'full_attention', 'conv'],
                          intermediate_size=72, block_multiple_of=16, conv_L_cache=3)),
}
FAMILIES_V5 = {
    'lfm2_moe': ('Lfm2Moe', dict(num_hidden_layers=3, layer_types=['conv', 'full_attention', 'conv'],
                                 num_dense_layers=1, num_experts=5, num_experts_per_tok=2,
                                 moe_intermediate_size=16, use_expert_bias=True, conv_L_cache=4,
                                 routed_scaling_factor=1.5, rope_parameters=rope5(1e6))),
    'v5_llama': ('Llama', dict(rope_parameters={**LLAMA3, 'rope_theta': 500000.0})),
    'v5_gemma3': ('Gemma3', dict(
        head_dim=16, query_pre_attn_scalar=24, sliding_window=8, num_hidden_layers=2,
        layer_types=['sliding_attention', 'full_attention'],
        rope_parameters={'sliding_attention': rope5(100.0),
                         'full_attention': {'rope_type': 'linear', 'factor': 4.0, 'rope_theta': 1e6}})),
}
CONFIG_CLASS = {'Gemma3': 'Gemma3TextConfig'}
MODEL_CLASS = {'GPT2': 'GPT2LMHeadModel'}


def base_fields(name, kind, size):
    h = size['hidden']
    ids = dict(vocab_size=size['vocab'], bos_token_id=1, eos_token_id=2, pad_token_id=0)
    if kind == 'GPT2':
        return dict(n_embd=h, n_layer=2, n_head=size['heads'], n_positions=size['context'], **ids)
    fields = dict(hidden_size=h, num_hidden_layers=2, num_attention_heads=size['heads'],
                  intermediate_size=size['ff'], max_position_embeddings=size['context'], **ids)
    if kind != 'GPTNeoX':
        fields.update(num_key_value_heads=size['kv'])
    return fields


TINY = dict(hidden=64, heads=4, kv=2, ff=64, vocab=99, context=96, prompts=(3, 17, 48))


def make_config(name, size):
    kind, more = {**FAMILIES, **FAMILIES_V5}[name]
    fields = {**base_fields(name, kind, size), **more, **size.get('more', {})}
    fields = {k: v for k, v in fields.items() if v is not None}
    cls = getattr(transformers, CONFIG_CLASS.get(kind, kind + 'Config'))
    config = cls(**fields)
    config._attn_implementation = 'eager'  # the one that knows softcaps and sinks
    return kind, config


def bf16(t):
    return t.to(torch.bfloat16).to(torch.float32)


MX = torch.tensor([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6])


def mxfp4(g, experts, rows, k):
    """Random blocks and scales, and what they mean: [experts][rows][k]."""
    blocks = torch.randint(0, 256, (experts, rows, k // 32, 16), generator=g, dtype=torch.uint8)
    scales = torch.randint(122, 126, (experts, rows, k // 32), generator=g, dtype=torch.uint8)
    low, high = MX[(blocks & 15).long()], MX[(blocks >> 4).long()]
    values = torch.stack([low, high], -1).reshape(experts, rows, k // 32, 32)
    return blocks, scales, (values * (2.0 ** (scales.float() - 127))[..., None]).reshape(experts, rows, k)


def random_weights(m, g):
    """Larger than as made, where logits are all but equal and errors would not show."""
    files = {}
    for name, p in sorted(m.named_parameters()):
        if p.dim() == 1:
            if name.endswith('weight') and p.abs().sum() > 0:  # a gain around 1
                v = p + torch.randn(p.shape, generator=g) * 0.2
            else:  # a bias, Gemma's gain around 0, a sink
                v = torch.randn(p.shape, generator=g) * 0.2
        elif 'embed' in name or 'wte' in name or 'wpe' in name or 'lm_head' in name:
            v = torch.randn(p.shape, generator=g) * 0.3
        elif 'conv.conv' in name:
            v = torch.randn(p.shape, generator=g) * 0.6
        elif name.endswith('_proj_bias'):
            v = torch.randn(p.shape, generator=g) * 0.2
        else:
            v = torch.randn(p.shape, generator=g) * 0.18
        if name.endswith(('experts.gate_up_proj', 'experts.down_proj')) and p.shape[1] % 32 == 0 \
                and 'gpt_oss' in m.config.model_type:
            blocks, scales, v = mxfp4(g, p.shape[0], p.shape[2], p.shape[1])
            files[name + '_blocks'], files[name + '_scales'] = blocks, scales
            p.copy_(v.transpose(1, 2))
            continue
        p.copy_(bf16(v))
        files[name] = p.clone().to(torch.bfloat16)
    for name, b in m.named_buffers():
        if name.endswith('expert_bias'):
            b.copy_(torch.randn(b.shape, generator=g) * 0.3)
            files[name] = b.clone()
    if m.config.tie_word_embeddings:
        files.pop('lm_head.weight', None)
    return files


def hub_names(files, m):
    """Names as the hub has them, where transformers 5 has merged experts into one tensor."""
    if m.config.model_type != 'lfm2_moe':
        return files
    out = {}
    for name, t in files.items():
        at = name.rsplit('.', 1)[0]
        if name.endswith('experts.gate_up_proj'):
            for e, one in enumerate(t):
                w1, w3 = one.chunk(2)
                out[f'{at}.{e}.w1.weight'], out[f'{at}.{e}.w3.weight'] = w1.contiguous(), w3.contiguous()
        elif name.endswith('experts.down_proj'):
            for e, one in enumerate(t):
                out[f'{at}.{e}.w2.weight'] = one.contiguous()
        else:
            out[name] = t
    return out


def logits_of(m, ids):
    return m(torch.tensor([ids]), use_cache=False).logits[0].float()


def greedy(m, prompt):
    """Without a cache: every pass sees the whole text. None where the choice is close."""
    ids = list(prompt)
    for _ in range(NEW):
        best = torch.topk(logits_of(m, ids)[-1], 2)
        if best.values[0] - best.values[1] < 2e-3 or best.indices[0] == 2:
            return None
        ids.append(best.indices[0].item())
    return ids


def make_folder(where, name, size, seed):
    kind, config = make_config(name, size)
    cls = getattr(transformers, MODEL_CLASS.get(kind, kind + 'ForCausalLM'))
    while True:
        g = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        m = cls(config).eval().float()
        files = hub_names(random_weights(m, g), m)
        prompts = [torch.randint(3, config.vocab_size, (n,), generator=g).tolist()
                   for n in size['prompts']]
        texts = [greedy(m, p) for p in prompts]
        if all(texts):
            break
        seed += 1000  # two ids were all but equal
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    save_file({k: v.contiguous() for k, v in files.items()}, where + '/model.safetensors',
              metadata={'format': 'pt'})
    config.architectures = [cls.__name__]
    if kind == 'GptOss':
        config.quantization_config = {'quant_method': 'mxfp4', 'modules_to_not_convert': ['lm_head']}
    config.torch_dtype = 'bfloat16'
    config.save_pretrained(where)
    logits = torch.cat([logits_of(m, p) for p in prompts])
    np.save(where + '/logits.npy', logits.numpy().astype('<f4'))
    write_cases(where, prompts, texts)
    return logits


def write_cases(where, prompts, texts):
    runs = [{'max_length': len(t), 'top_k': 1, 'seed': 1, 'rng': 'torch', 'prompt_ids': p, 'ids': t}
            for p, t in zip(prompts, texts)]
    with open(where + '/cases.json', 'w') as f:
        f.write('{\n"greedy": [\n' + ',\n'.join(json.dumps(r) for r in runs) + '\n],\n"seeded": []\n}\n')


def size_of(where):
    return sum(os.path.getsize(os.path.join(where, f)) for f in os.listdir(where))


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--only', help='one family')
    a.add_argument('--out', default='tests/golden/hf')
    args = a.parse_args()
    if transformers.__version__ not in PINS or not torch.__version__.startswith('2.8.0'):
        sys.exit(f'needs torch 2.8.0 and transformers {PINS}, found {torch.__version__}, '
                 f'{transformers.__version__}')
    for name in FAMILIES_V5 if V5 else FAMILIES:
        if args.only and name != args.only:
            continue
        where = f'{args.out}/{name}'
        logits = make_folder(where, name, TINY, 11)
        print(f'{name:12} {size_of(where) / 1024:6.0f} KB, logits {logits.std():.2f}')


if __name__ == '__main__':
    torch.set_num_threads(1)
    with torch.no_grad():
        main()
