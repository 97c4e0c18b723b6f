"""GPT-2 in PyTorch, small and plain: what train.py trains and golden.py runs.

The parameters have build-nanogpt's names, so that state_dict() is the checkpoint's form.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n_head = c["n_head"]
        self.c_attn = nn.Linear(c["n_embd"], 3 * c["n_embd"])
        self.c_proj = nn.Linear(c["n_embd"], c["n_embd"])

    def forward(self, x):
        b, t, n = x.shape
        heads = self.c_attn(x).view(b, t, 3, self.n_head, -1)  # one matrix: q, then k, then v
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        score = q @ k.transpose(2, 3) / math.sqrt(n // self.n_head)
        score = score.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), float("-inf"))
        return self.c_proj((score.softmax(-1) @ v).transpose(1, 2).reshape(b, t, n))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c_fc = nn.Linear(c["n_embd"], 4 * c["n_embd"])
        self.c_proj = nn.Linear(4 * c["n_embd"], c["n_embd"])

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1 = nn.LayerNorm(c["n_embd"])
        self.attn = Attention(c)
        self.ln_2 = nn.LayerNorm(c["n_embd"])
        self.mlp = MLP(c)
        self.drop = nn.Dropout(c.get("dropout", 0.0))

    def forward(self, x):
        x = x + self.drop(self.attn(self.ln_1(x)))
        return x + self.drop(self.mlp(self.ln_2(x)))


class GPT(nn.Module):
    """Logits of every position. `rows` is how many rows the token table has."""

    def __init__(self, c, rows):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(rows, c["n_embd"]),
                "wpe": nn.Embedding(c["block_size"], c["n_embd"]),
                "h": nn.ModuleList(Block(c) for _ in range(c["n_layer"])),
                "ln_f": nn.LayerNorm(c["n_embd"]),
            }
        )
        self.lm_head = nn.Linear(c["n_embd"], rows, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight
        self.drop = nn.Dropout(c.get("dropout", 0.0))
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(p, 0.0, 0.02 / math.sqrt(2 * c["n_layer"]))
            elif p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, ids):
        t = self.transformer
        x = self.drop(t["wte"](ids) + t["wpe"](torch.arange(ids.shape[1])))
        for block in t["h"]:
            x = block(x)
        return self.lm_head(t["ln_f"](x))
