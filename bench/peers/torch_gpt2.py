#!/usr/bin/python3
"""The original's way to generate, in PyTorch, for bench/lm: GPT-2's 124M shape, random weights, f32.

    torch_gpt2.py THREADS STREAMS

Like the original it keeps no keys and values: the whole text goes through the model for every token,
and the logits of all positions are computed. Streams are Python threads. Prints a line of JSON.
"""

import json
import resource
import sys
import threading
import time

import torch
from torch import nn
from torch.nn import functional as F

LAYERS, EMBD, HEADS, CONTEXT, VOCAB = 12, 768, 12, 1024, 50304


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(EMBD), nn.LayerNorm(EMBD)
        self.qkv, self.proj = nn.Linear(EMBD, 3 * EMBD), nn.Linear(EMBD, EMBD)
        self.fc, self.out = nn.Linear(EMBD, 4 * EMBD), nn.Linear(4 * EMBD, EMBD)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(b, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / (c // HEADS) ** 0.5
        mask = torch.ones(t, t, dtype=torch.bool).tril()
        mixed = scores.masked_fill(~mask, float("-inf")).softmax(-1) @ v
        x = x + self.proj(mixed.transpose(1, 2).reshape(b, t, c))
        hidden = self.fc(self.ln_2(x))
        gelu = 0.5 * hidden * (1 + torch.tanh(0.7978845608 * (hidden + 0.044715 * hidden**3)))
        return x + self.out(gelu)


class Gpt2(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, EMBD), nn.Embedding(CONTEXT, EMBD)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(EMBD)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


def generate(model, seed, length, times):
    generator = torch.Generator().manual_seed(seed)
    ids = (torch.arange(10) * 31 + seed * 977)[None] % 50000
    with torch.no_grad():
        while ids.shape[1] < length:
            probs = model(ids)[:, -1].softmax(-1)
            best, index = probs.topk(50)
            draw = torch.multinomial(best, 1, generator=generator)
            ids = torch.cat((ids, index.gather(-1, draw)), 1)
            times.append(time.monotonic())


def main():
    threads, streams = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Gpt2().eval()
    generate(model, 0, 12, [])  # warm
    start, times = time.monotonic(), [[] for _ in range(streams)]
    workers = [
        threading.Thread(target=generate, args=(model, i, 40 if streams > 1 else 100, times[i]))
        for i in range(streams)
    ]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    seconds = time.monotonic() - start
    print(
        json.dumps(
            {
                "decode": {str(streams): sum(map(len, times)) / seconds},
                "first_ms": 1000 * (min(t[0] for t in times) - start),
                "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "torch": torch.__version__,
            }
        )
    )


main()
