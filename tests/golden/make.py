#!/usr/bin/env python3
"""Small models of every family, with the logits and continuations that transformers makes of them.

Its output is committed, so that tests need none of it. Pinned, and checked at start:
    torch 2.8.0, transformers 4.57.1 (families it has) or 5.0.0 (LFM2-MoE; configs as 5 writes them)
    gguf 0.19.0 (only for gguf_FAMILY)
From the root of the project:
    tests/golden/make.py                    tests/golden/hf/FAMILY/, what this transformers has
    tests/golden/make.py --parity --out DIR bigger ones of other shapes in DIR: `make parity`
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

try:
    import gguf
except ImportError:
    gguf = None

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


# Bigger ones, of other shapes: heads of 16, 48 and 64, one head of keys and as many as of queries,
# longer than some pages, more than one panel of ids. Prompts of one token to 150.
BIGGER = [
    dict(hidden=128, heads=8, kv=4, ff=160, vocab=301, context=256, prompts=(1, 33, 150)),
    dict(hidden=192, heads=4, kv=1, ff=224, vocab=130, context=256, prompts=(16, 50, 130)),
    dict(hidden=256, heads=4, kv=4, ff=96, vocab=512, context=256, prompts=(2, 40, 65)),
]


def bigger(name, size):
    """What a family's own fields must be for a bigger size."""
    kind, own = {**FAMILIES, **FAMILIES_V5}[name]
    head = size['hidden'] // size['heads']
    more = {}
    if own.get('head_dim'):
        more['head_dim'] = head
    if own.get('sliding_window'):
        more['sliding_window'] = 40
    if 'original_max_position_embeddings' in own:
        more.update(original_max_position_embeddings=96, rope_scaling=longrope(int(head * 0.75)))
    if own.get('final_logit_softcapping'):
        more['final_logit_softcapping'] = 30.0  # so that the best ids do not all come close to it
    if kind == 'GPT2':
        more['n_inner'] = size['ff']
    for key in ('intermediate_size', 'num_key_value_heads'):
        if key in own:
            more[key] = size['ff' if key == 'intermediate_size' else 'heads']
    return {**size, 'more': more}


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


def mxfp4(g, experts, rows, k, gain):
    """Random blocks and scales, and what they mean: [experts][rows][k]."""
    least = 122 if gain == 1 else 120
    blocks = torch.randint(0, 256, (experts, rows, k // 32, 16), generator=g, dtype=torch.uint8)
    scales = torch.randint(least, least + 4, (experts, rows, k // 32), generator=g, dtype=torch.uint8)
    low, high = MX[(blocks & 15).long()], MX[(blocks >> 4).long()]
    values = torch.stack([low, high], -1).reshape(experts, rows, k // 32, 32)
    return blocks, scales, (values * (2.0 ** (scales.float() - 127))[..., None]).reshape(experts, rows, k)


def random_weights(m, g):
    """Larger than as made, where logits are all but equal and errors would not show."""
    files = {}
    gain = math.sqrt(64 / m.config.hidden_size)  # wider sums are no larger
    for name, p in sorted(m.named_parameters()):
        if p.dim() == 1:
            if name.endswith('weight') and p.abs().sum() > 0:  # a gain around 1
                v = p + torch.randn(p.shape, generator=g) * 0.2
            else:  # a bias, Gemma's gain around 0, a sink
                v = torch.randn(p.shape, generator=g) * 0.2
        elif 'embed' in name or 'wte' in name or 'wpe' in name or 'lm_head' in name:
            v = torch.randn(p.shape, generator=g) * 0.3 * gain
        elif 'conv.conv' in name:
            v = torch.randn(p.shape, generator=g) * 0.6
        elif name.endswith('_proj_bias'):
            v = torch.randn(p.shape, generator=g) * 0.2
        else:
            v = torch.randn(p.shape, generator=g) * 0.18 * gain
        if name.endswith(('experts.gate_up_proj', 'experts.down_proj')) and p.shape[1] % 32 == 0 \
                and 'gpt_oss' in m.config.model_type:
            blocks, scales, v = mxfp4(g, p.shape[0], p.shape[2], p.shape[1], gain)
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
        if seed > 50000:
            sys.exit(f'{where}: no seed gives texts that are not close')
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


# --- GGUF ----------------------------------------------------------------------------------------

# What is converted: family, type of matrices, fields beyond its own. As llama.cpp's
# convert_hf_to_gguf.py does it; names are those of the gguf package.
GGUFS = {
    'llama': ('Q8_0', {}), 'qwen2': ('Q4_0', dict(use_sliding_window=False)), 'gemma2': ('Q8_0', dict(query_pre_attn_scalar=32)),
    'gemma3': ('Q8_0', dict(num_hidden_layers=6, sliding_window_pattern=6, intermediate_size=32,
                            query_pre_attn_scalar=16, rope_local_base_freq=1e4)),
    'phi3': ('BF16', {}), 'smollm3': ('Q8_0', dict(no_rope_layer_interval=4, use_sliding_window=False)),
    'olmo2': ('F16', {}), 'pythia': ('Q8_0', {}), 'gpt2': ('Q8_0', {}), 'lfm2': ('Q4_0', {}),
    'qwen3_moe': ('Q8_0', dict(mlp_only_layers=[], norm_topk_prob=True)), 'gpt_oss': ('MXFP4', {}),
    'qwen3': ('Q4_K', dict(hidden_size=256, num_hidden_layers=1, num_attention_heads=4,
                           num_key_value_heads=1, head_dim=64, intermediate_size=256,
                           attention_bias=False, tie_word_embeddings=True)),
}
GGUFS_V5 = {'lfm2_moe': ('Q8_0', {})}
GGUF_ARCH = {'smollm2': 'llama', 'pythia': 'gptneox', 'qwen3_moe': 'qwen3moe', 'gpt_oss': 'gpt-oss',
             'lfm2_moe': 'lfm2moe'}


def pairs(t, heads):
    """llama's order of q and k: a head's halves interleaved."""
    return t.reshape(heads, 2, -1, *t.shape[1:]).transpose(1, 2).reshape(t.shape)


def unpairs(t, heads):
    return t.reshape(heads, -1, 2, *t.shape[1:]).transpose(1, 2).reshape(t.shape)


def neox(t, heads):
    """[heads][q k v] becomes q k v."""
    return t.reshape(heads, 3, -1, *t.shape[1:]).transpose(0, 1).reshape(t.shape)


def unneox(t, heads):
    return t.reshape(3, heads, -1, *t.shape[1:]).transpose(0, 1).reshape(t.shape)


def same(t):
    return t


def converted(name, c):
    """How a hub's tensor is changed, and back."""
    kind, kv = c.model_type, getattr(c, 'num_key_value_heads', None)
    if kind in ('llama', 'smollm3'):
        for end, heads in (('q_proj.', c.num_attention_heads), ('k_proj.', kv)):
            if end in name:
                return (lambda t: pairs(t, heads)), (lambda t: unpairs(t, heads))
    if 'query_key_value' in name:
        return (lambda t: neox(t, c.num_attention_heads)), (lambda t: unneox(t, c.num_attention_heads))
    if kind == 'gpt2' and name.endswith(('c_attn.weight', 'c_proj.weight', 'c_fc.weight')):
        return torch.t, torch.t
    if 'gemma' in kind and name.endswith('norm.weight'):
        return (lambda t: t + 1), (lambda t: t - 1)
    if name.endswith('conv.conv.weight'):
        return (lambda t: t[:, 0]), (lambda t: t[:, None])
    return same, same


def gguf_fields(w, c, m):
    """Metadata as llama.cpp's converter writes it."""
    n = getattr(c, 'num_hidden_layers', None) or c.n_layer
    head = getattr(c, 'head_dim', None) or c.hidden_size // c.num_attention_heads
    w.add_context_length(getattr(c, 'max_position_embeddings', None))
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(n)
    w.add_head_count(c.num_attention_heads)
    if c.model_type == 'gpt2':
        w.add_feed_forward_length(c.n_inner)
        w.add_layer_norm_eps(c.layer_norm_epsilon)
        return
    if c.model_type == 'gpt_neox':
        w.add_feed_forward_length(c.intermediate_size)
        w.add_layer_norm_eps(c.layer_norm_eps)
        w.add_rope_dimension_count(int(head * c.rotary_pct))
        w.add_parallel_residual(c.use_parallel_residual)
        w.add_rope_freq_base(c.rotary_emb_base)
        return
    attends = [t != 'conv' for t in getattr(c, 'layer_types', None) or ['full_attention'] * n]
    kv = c.num_key_value_heads
    w.add_head_count_kv(kv if all(attends) else [kv if a else 0 for a in attends])
    w.add_layer_norm_rms_eps(getattr(c, 'rms_norm_eps', None) or c.norm_eps)
    theta = getattr(c, 'rope_theta', None) or c.rope_parameters['rope_theta']
    w.add_rope_freq_base(theta)
    ff = m.get_submodule('model.layers.0.feed_forward.w1').out_features if 'lfm2' in c.model_type \
        else c.intermediate_size
    w.add_feed_forward_length(ff)
    if c.model_type not in ('lfm2', 'lfm2_moe', 'phi3'):
        w.add_key_length(head)
        w.add_value_length(head)
    if getattr(c, 'sliding_window', None) and getattr(c, 'use_sliding_window', True):
        w.add_sliding_window(c.sliding_window)
    experts = getattr(c, 'num_local_experts', None) or getattr(c, 'num_experts', None)
    if experts:
        w.add_expert_count(experts)
        w.add_expert_used_count(c.num_experts_per_tok)
        w.add_expert_feed_forward_length(getattr(c, 'moe_intermediate_size', None) or c.intermediate_size)
    if c.model_type == 'lfm2_moe':
        w.add_leading_dense_block_count(c.num_dense_layers)
        w.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
        w.add_expert_weights_scale(c.routed_scaling_factor)
    if 'lfm2' in c.model_type:
        w.add_shortconv_l_cache(c.conv_L_cache)
    if c.model_type == 'gemma2':
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    gguf_scaling(w, c, head)


def gguf_scaling(w, c, head):
    s = getattr(c, 'rope_scaling', None) or {}
    kind = s.get('rope_type') or s.get('type')
    dims = int(head * getattr(c, 'partial_rotary_factor', 1))
    w.add_rope_dimension_count(dims)
    if kind in ('linear', 'yarn'):
        w.add_rope_scaling_type(gguf.RopeScalingType(kind))
        w.add_rope_scaling_factor(s['factor'])
    if kind == 'yarn':
        w.add_rope_scaling_orig_ctx_len(s['original_max_position_embeddings'])
    if kind == 'llama3':
        inv = 1 / (c.rope_theta ** (torch.arange(0, dims, 2).float() / dims))
        scaled, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS['llama3'](c, 'cpu')
        w.add_tensor('rope_freqs.weight', (inv / scaled).numpy().astype('<f4'))
    if kind == 'longrope':
        original = c.original_max_position_embeddings
        w.add_rope_scaling_orig_ctx_len(original)
        scale = c.max_position_embeddings / original
        w.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(original)))
        for which in ('long', 'short'):
            w.add_tensor(f'rope_factors_{which}.weight', np.array(s[which + '_factor'], '<f4'))


def random_blocks(qtype, rows, g):
    """Blocks of k-quants, which the package can read but not write."""
    size = gguf.GGML_QUANT_SIZES[qtype][1]
    raw = torch.randint(0, 256, (rows.shape[0], rows.shape[1] // 256, size), generator=g).numpy().astype('u1')
    half = np.frombuffer(np.float16(0.0004).tobytes(), 'u1')
    if qtype == gguf.GGMLQuantizationType.Q4_K:
        raw[..., 0:2], raw[..., 2:4] = half, np.frombuffer(np.float16(0.003).tobytes(), 'u1')
    else:
        raw[..., 208:210] = np.frombuffer(np.float16(0.0001).tobytes(), 'u1')
    return raw.reshape(rows.shape[0], -1)


def gguf_put(w, name, t, quant, turn, g):
    """Writes a tensor and returns what it means when read again."""
    T = gguf.GGMLQuantizationType
    a = t.contiguous().numpy().astype('<f4')
    if a.ndim < 2 or name.endswith('shortconv.conv.weight') or 'ffn_gate_inp' in name:
        kind = T.F32
    elif quant == 'MXFP4' and not name.endswith('_exps.weight'):
        kind = T.F16
    elif quant == 'Q4_K':
        kind = T.Q6_K if turn % 2 else T.Q4_K
    else:
        kind = T[quant]
    if name.endswith('.bias') or a.shape[-1] % 32:
        kind = T.F32
    if quant == 'Q4_K' and kind in (T.Q4_K, T.Q6_K):
        raw = random_blocks(kind, a, g)
    else:
        raw = gguf.quants.quantize(a, kind)
    w.add_tensor(name, raw, raw_dtype=kind)
    return torch.from_numpy(gguf.quants.dequantize(raw, kind).astype('<f4').reshape(a.shape))


def gguf_experts(w, m, quant, g, e):
    """gpt-oss' experts: gates and ups apart, [experts][rows][columns]."""
    for i, layer in enumerate(m.model.layers):
        x, at = layer.mlp.experts, f'blk.{i}.'
        both = x.gate_up_proj.transpose(1, 2)
        gate = gguf_put(w, at + 'ffn_gate_exps.weight', both[:, ::2], quant, 0, g)
        up = gguf_put(w, at + 'ffn_up_exps.weight', both[:, 1::2], quant, 0, g)
        x.gate_up_proj.copy_(torch.stack([gate, up], 2).reshape(both.shape).transpose(1, 2))
        down = gguf_put(w, at + 'ffn_down_exps.weight', x.down_proj.transpose(1, 2), quant, 0, g)
        x.down_proj.copy_(down.transpose(1, 2))
        gguf_put(w, at + 'ffn_gate_exps.bias', x.gate_up_proj_bias[:, ::2], quant, 0, g)
        gguf_put(w, at + 'ffn_up_exps.bias', x.gate_up_proj_bias[:, 1::2], quant, 0, g)
        gguf_put(w, at + 'ffn_down_exps.bias', x.down_proj_bias, quant, 0, g)
        e.update({f'model.layers.{i}.mlp.experts.{p}' for p in (
            'gate_up_proj', 'gate_up_proj_bias', 'down_proj', 'down_proj_bias')})


def gguf_stack(w, m, quant, g, done):
    """Experts that are modules of their own (4.57) or one tensor (5), as one tensor each."""
    for i, layer in enumerate(m.model.layers):
        mlp = getattr(layer, 'mlp', None) or layer.feed_forward
        x = getattr(mlp, 'experts', None)
        if x is None:
            continue
        at = f'blk.{i}.ffn_'
        for name, p in x.named_parameters():
            done.add([k for k, v in m.named_parameters() if v is p][0])
        if hasattr(x, 'gate_up_proj'):
            half = x.gate_up_proj.shape[1] // 2
            for part, view in (('gate', x.gate_up_proj[:, :half]), ('up', x.gate_up_proj[:, half:]),
                               ('down', x.down_proj)):
                view.copy_(gguf_put(w, f'{at}{part}_exps.weight', view, quant, 0, g))
            continue
        for part in ('gate', 'up', 'down'):
            ps = [getattr(one, part + '_proj').weight for one in x]
            got = gguf_put(w, f'{at}{part}_exps.weight', torch.stack(list(ps)), quant, 0, g)
            for p, v in zip(ps, got):
                p.copy_(v)


def write_gguf(path, name, m, quant, g):
    c = m.config
    arch_name = GGUF_ARCH.get(name, name)
    arch = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch_name]
    names = gguf.get_tensor_name_map(arch, getattr(c, 'num_hidden_layers', None) or c.n_layer)
    w = gguf.GGUFWriter(path, arch_name)
    gguf_fields(w, c, m)
    w.add_token_list([f'<{i}>' for i in range(c.vocab_size)])
    w.add_eos_token_id(2)
    w.add_bos_token_id(1)
    done = {'lm_head.weight'} if c.tie_word_embeddings else set()
    if c.model_type == 'gpt_oss':
        gguf_experts(w, m, quant, g, done)
    else:
        gguf_stack(w, m, quant, g, done) if hasattr(m, 'model') else None
    tensors = list(m.named_parameters()) + [(k, b) for k, b in m.named_buffers() if 'expert_bias' in k]
    for turn, (hub, p) in enumerate(tensors):
        if hub in done:
            continue
        stem, _, end = hub.rpartition('.')
        if end not in ('weight', 'bias'):  # sinks, expert_bias
            stem, end = hub, 'bias' if end == 'expert_bias' else 'weight'
        to = names.get_name(stem)
        fwd, inv = converted(hub, c)
        got = gguf_put(w, f'{to}.{end}', fwd(p), quant, turn, g)
        p.copy_(inv(got))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def make_gguf(where, name, quant, size, seed):
    kind, config = make_config(name, size)
    cls = getattr(transformers, MODEL_CLASS.get(kind, kind + 'ForCausalLM'))
    while True:
        g = torch.Generator().manual_seed(seed)
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        m = cls(config).eval().float()
        random_weights(m, g)
        write_gguf(where + '/model.gguf', name, m, quant, g)
        prompts = [torch.randint(3, config.vocab_size, (n,), generator=g).tolist()
                   for n in size['prompts']]
        texts = [greedy(m, p) for p in prompts]
        if all(texts):
            break
        seed += 1000
    logits = torch.cat([logits_of(m, p) for p in prompts])
    np.save(where + '/logits.npy', logits.numpy().astype('<f4'))
    write_cases(where, prompts, texts)
    return logits


def size_of(where):
    return sum(os.path.getsize(os.path.join(where, f)) for f in os.listdir(where))


def told(where, logits):
    name = os.path.basename(where)
    print(f'{name:20} {size_of(where) / 1024:6.0f} KB, logits {logits.std():.2f}', flush=True)


def make_small(args):
    """What is committed."""
    for name in FAMILIES_V5 if V5 else FAMILIES:
        if args.only in (None, name):
            where = f'{args.out}/{name}'
            told(where, make_folder(where, name, TINY, 11))
    for name, (quant, more) in (GGUFS_V5 if V5 else GGUFS).items() if gguf else ():
        if args.only in (None, name):
            where = f'{args.out}/gguf_{name}'
            told(where, make_gguf(where, name, quant, {**TINY, 'more': more}, 11))


def make_parity(args):
    """Every family and file in every size, some seeds of each."""
    for at, size in enumerate(BIGGER):
        for seed in range(args.seeds):
            for name in FAMILIES_V5 if V5 else FAMILIES:
                if args.only in (None, name):
                    where = f'{args.out}/{name}-{at}-{seed}'
                    told(where, make_folder(where, name, bigger(name, size), 100 * at + seed))
        for name, (quant, more) in (GGUFS_V5 if V5 else GGUFS).items() if gguf else ():
            if args.only not in (None, name) or (quant == 'Q4_K' and size['hidden'] % 256):
                continue
            big = bigger(name, size)
            for key in ('hidden_size', 'num_attention_heads', 'num_key_value_heads', 'head_dim',
                        'intermediate_size', 'query_pre_attn_scalar'):
                more = {k: v for k, v in more.items() if k != key}
            if quant == 'Q4_K':
                more['intermediate_size'] = 256
            if 'gemma' in name:
                more['query_pre_attn_scalar'] = big['more']['head_dim']
            where = f'{args.out}/gguf_{name}-{at}'
            told(where, make_gguf(where, name, quant, {**big, 'more': {**big['more'], **more}}, at))


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--only', help='one family')
    a.add_argument('--out', default='tests/golden/hf')
    a.add_argument('--parity', action='store_true', help='bigger ones')
    a.add_argument('--seeds', type=int, default=2)
    args = a.parse_args()
    if transformers.__version__ not in PINS or not torch.__version__.startswith('2.8.0'):
        sys.exit(f'needs torch 2.8.0 and transformers {PINS}, found {torch.__version__}, '
                 f'{transformers.__version__}')
    make_parity(args) if args.parity else make_small(args)


if __name__ == '__main__':
    torch.set_num_threads(1)
    with torch.no_grad():
        main()
