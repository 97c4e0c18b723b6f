#!/usr/bin/python3
"""Small Hugging Face GPT-2 folders with transformers' own logits and continuations.

Needs python3-torch, transformers and safetensors (written with 1.13, 4.30.2 and 0.8.0); its output
is committed, so that tests do not. From tests/golden:
    ./make_hf.py
hf_single/    f32, one file with names and an odd header length as openai-community/gpt2 has them
hf_sharded/   f16, names under transformer., as save_pretrained(max_shard_size=...) writes it
hf_*.json, .npy   what transformers makes of them, in f32
"""
import json
import os
import shutil
import struct

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

PROMPTS = [[7, 280, 12, 12, 299, 0, 45, 99, 260], [1], list(range(100, 130))]


def make_model(seed):
    torch.manual_seed(seed)
    m = GPT2LMHeadModel(GPT2Config(vocab_size=300, n_positions=48, n_embd=32, n_layer=2, n_head=2,
                                   bos_token_id=299, eos_token_id=299))
    for p in m.parameters():  # as made, logits are all but equal
        p.add_(torch.randn(p.shape) * (0.1 if p.dim() == 1 else 0.2))
    return m.eval()


def generate(m, prompt, max_length, top_k, seed):
    """The original's loop, over transformers' forward pass; its own generate() when greedy."""
    g = torch.Generator().manual_seed(seed)
    ids = torch.tensor([prompt])
    if top_k == 1:
        ids = m.generate(ids, do_sample=False, max_length=max_length, eos_token_id=None,
                         pad_token_id=0, attention_mask=torch.ones_like(ids))
    while ids.shape[1] < max_length:
        best, at = torch.topk(m(ids).logits[0, -1].softmax(-1), top_k)
        ids = torch.cat([ids, at[torch.multinomial(best, 1, generator=g)][None]], 1)
    return {'max_length': max_length, 'top_k': top_k, 'seed': seed, 'rng': 'torch',
            'prompt_ids': prompt, 'ids': ids[0].tolist()}


def write_expected(name, m):
    runs = {'greedy': [generate(m, p, 48, 1, 1) for p in PROMPTS],
            'seeded': [generate(m, p, 48, k, seed)
                       for p in PROMPTS for k, seed in ((50, 42), (10, 1337))]}
    with open(name + '.json', 'w') as f:
        f.write('{\n' + ',\n'.join(
            f'"{kind}": [\n' + ',\n'.join(json.dumps(r) for r in rs) + '\n]'
            for kind, rs in runs.items()) + '\n}\n')
    np.save(name + '.npy', m(torch.tensor([PROMPTS[0]])).logits[0].numpy().astype('<f4'))


def write_safetensors(path, tensors):
    """With a header whose length is odd, as files of 2022 have."""
    header, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, t in tensors.items():
        raw = t.contiguous().numpy().tobytes()
        header[name] = {'dtype': 'F32', 'shape': list(t.shape),
                        'data_offsets': [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (1 - len(text) % 2)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + data)


def main():
    for name in ('hf_single', 'hf_sharded'):
        shutil.rmtree(name, ignore_errors=True)
        os.mkdir(name)
    m = make_model(5)
    state = {k.removeprefix('transformer.'): v for k, v in m.state_dict().items()
             if k.startswith('transformer.')}
    for i in range(2):
        state[f'h.{i}.attn.bias'] = torch.ones(1, 1, 8, 8).tril()
    write_safetensors('hf_single/model.safetensors', state)
    m.config.save_pretrained('hf_single')
    write_expected('hf_single', m)

    m = make_model(6).half()
    m.save_pretrained('hf_sharded', max_shard_size='40KB', safe_serialization=True)
    os.remove('hf_sharded/generation_config.json')
    write_expected('hf_sharded', m.float())


if __name__ == '__main__':
    torch.set_num_threads(1)
    with torch.no_grad():
        main()
