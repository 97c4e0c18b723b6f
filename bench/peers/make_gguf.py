#!/usr/bin/python3
"""A GGUF file with random weights, of GPT-2's 124M shape or SmolLM2-135M's, for the llama.cpp peer of bench/lm.

    make_gguf.py f32|f16|q8_0|q4_0 OUT.gguf [gpt2|smollm2-135m]

Format: GGUF version 3 (ggml's docs/gguf.md). Only speed is measured: blocks of quantised types are
random bytes with small scales. As llama.cpp's own quantize does, q4_0 keeps the head in Q6_K, or in Q8_0
where columns are no multiple of 256. The
vocabulary is made up, but for the 256 bytes that a byte-level BPE must have.
"""

import struct
import sys

import numpy as np

LAYERS, EMBD, HEADS, CONTEXT, VOCAB = 12, 768, 12, 1024, 50257
F32, F16, Q4_0, Q8_0, Q6_K = 0, 1, 2, 8, 14
# ggml type: (elements in a block, bytes of a block, offset of its f16 scale)
BLOCKS = {Q4_0: (32, 18, 0), Q8_0: (32, 34, 0), Q6_K: (256, 210, 208)}
MATRIX = {"f32": F32, "f16": F16, "q8_0": Q8_0, "q4_0": Q4_0}
HEAD = {"f32": F32, "f16": F16, "q8_0": Q8_0, "q4_0": Q6_K}
random = np.random.default_rng(1)


def data_of(kind, shape):
    count = int(np.prod(shape))
    if kind == F32:
        return (random.standard_normal(count, dtype=np.float32) * 0.05).tobytes()
    if kind == F16:
        return (random.standard_normal(count, dtype=np.float32) * 0.05).astype(np.float16).tobytes()
    elements, size, scale = BLOCKS[kind]
    blocks = random.integers(0, 256, (count // elements, size), dtype=np.uint8)
    blocks[:, scale : scale + 2] = np.frombuffer(np.float16(0.001).tobytes(), np.uint8)
    if kind == Q6_K:
        blocks[:, 192:208] = 1
    return blocks.tobytes()


def byte_names():
    """GPT-2's printable stand-ins of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(rest)) for b in range(256)]


def string(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(v):
    if isinstance(v, bool):
        return struct.pack("<IB", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + string(v)
    if isinstance(v[0], int):
        return struct.pack("<IIQ", 9, 5, len(v)) + struct.pack(f"<{len(v)}i", *v)
    return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(map(string, v))


def gpt2_tensors(kind):
    matrix = MATRIX[kind]
    yield "token_embd.weight", (EMBD, VOCAB), matrix
    yield "position_embd.weight", (EMBD, CONTEXT), F32
    for i in range(LAYERS):
        for name, rows, cols in (
            ("attn_qkv", 3 * EMBD, EMBD),
            ("attn_output", EMBD, EMBD),
            ("ffn_up", 4 * EMBD, EMBD),
            ("ffn_down", EMBD, 4 * EMBD),
        ):
            yield f"blk.{i}.{name}.weight", (cols, rows), matrix
            yield f"blk.{i}.{name}.bias", (rows,), F32
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{i}.{name}.weight", (EMBD,), F32
            yield f"blk.{i}.{name}.bias", (EMBD,), F32
    yield "output_norm.weight", (EMBD,), F32
    yield "output_norm.bias", (EMBD,), F32
    yield "output.weight", (EMBD, VOCAB), HEAD[kind]


def gpt2_facts():
    return VOCAB, {
        "general.architecture": "gpt2",
        "general.name": "random GPT-2 124M",
        "gpt2.context_length": CONTEXT,
        "gpt2.embedding_length": EMBD,
        "gpt2.feed_forward_length": 4 * EMBD,
        "gpt2.block_count": LAYERS,
        "gpt2.attention.head_count": HEADS,
        "gpt2.attention.layer_norm_epsilon": 1e-5,
    }


def smollm2_tensors(kind):
    matrix = MATRIX[kind]
    yield "token_embd.weight", (576, 49152), Q8_0 if kind == "q4_0" else matrix
    for i in range(30):
        for name, rows, cols in (
            ("attn_q", 576, 576),
            ("attn_k", 192, 576),
            ("attn_v", 192, 576),
            ("attn_output", 576, 576),
            ("ffn_gate", 1536, 576),
            ("ffn_up", 1536, 576),
            ("ffn_down", 576, 1536),
        ):
            yield f"blk.{i}.{name}.weight", (cols, rows), matrix
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{i}.{name}.weight", (576,), F32
    yield "output_norm.weight", (576,), F32


def smollm2_facts():
    return 49152, {
        "general.architecture": "llama",
        "general.name": "random SmolLM2 135M",
        "llama.context_length": 4096,
        "llama.embedding_length": 576,
        "llama.feed_forward_length": 1536,
        "llama.block_count": 30,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
        "llama.rope.dimension_count": 64,
        "llama.rope.freq_base": 100000.0,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
    }


SHAPES = {"gpt2": (gpt2_facts, gpt2_tensors), "smollm2-135m": (smollm2_facts, smollm2_tensors)}


def main():
    kind, out = sys.argv[1:3]
    shape = sys.argv[3] if len(sys.argv) > 3 else "gpt2"
    shape_facts, tensors = SHAPES[shape]
    vocab, facts = shape_facts()
    tokens = byte_names()
    tokens += [f"token{i}" for i in range(len(tokens), vocab - 1)] + ["<|endoftext|>"]
    facts |= {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * (vocab - 1) + [3],
        "tokenizer.ggml.merges": ["t h", "i n"],
        "tokenizer.ggml.bos_token_id": vocab - 1,
        "tokenizer.ggml.eos_token_id": vocab - 1,
    }
    header, bodies, at = b"", [], 0
    for name, shape, ggml_type in tensors(kind):
        body = data_of(ggml_type, shape)
        header += string(name) + struct.pack("<I", len(shape))
        header += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", ggml_type, at)
        body += b"\0" * (-len(body) % 32)
        at += len(body)
        bodies.append(body)
    pairs = b"".join(string(k) + value(v) for k, v in facts.items())
    start = b"GGUF" + struct.pack("<IQQ", 3, len(bodies), len(facts)) + pairs + header
    with open(out, "wb") as f:
        f.write(start + b"\0" * (-len(start) % 32))
        f.writelines(bodies)


main()
