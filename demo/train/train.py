"""Trains the demo checkpoint on the ids that encode.mjs made.

    python3 demo/train/train.py IDS.json OUT.pt --minutes 25 [--resume OLD.pt]

The handbook uses some thousands of the 50,304 rows of GPT-2's vocabulary. All other rows share one
vector while training: the softmax counts it as often as there are unused ids, which is exactly the
full softmax, at a tenth of the cost. So unused ids get low logits. Now and then an input id is
replaced by that shared one, so that a prompt with an unknown word does not derail the model.
"""
import argparse
import json
import math
import os
import time

import torch
from torch.nn import functional as F

from model import GPT

EOT, VOCAB = 50256, 50304
LINE_ENDS = [198, 628, EOT]  # one newline, two newlines
CONFIG = {"block_size": 256, "vocab_size": VOCAB, "n_layer": 4, "n_head": 4, "n_embd": 128}
HELD_OUT = 0.04  # of the tokens, for val_loss


def load_tokens(path):
    row = []
    for article in json.load(open(path)):
        row += [EOT] + article["ids"]
    return row + [EOT]


def held_windows(row):
    """What is kept out of training: whole contexts at regular places."""
    block, every = CONFIG["block_size"], int(CONFIG["block_size"] / HELD_OUT)
    return [row[end - block : end] for end in range(every, len(row) + 1, every)]


def take_out(row, windows):
    """The row without the windows, and those that were found in it."""
    found = []
    for w in windows:
        for at in range(len(row) - len(w) + 1):
            if row[at : at + len(w)] == w:
                row = row[:at] + row[at + len(w) :]
                found.append(w)
                break
    return row, found


def loss_of(model, seen, ids, n_unused):
    """Of the next ids, given what was seen before; the last row counts n_unused times."""
    logits = model(seen[:, :-1])
    logits = torch.cat([logits[..., :-1], logits[..., -1:] + math.log(n_unused)], -1)
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def batch_of(data, starts, n, length, unknown, drop):
    """Half of the pieces begin where a line does, as a prompt would."""
    at = torch.randint(len(data) - length - 1, (n,))
    at[: n // 2] = starts[torch.randint(len(starts), (n // 2,))].clamp(max=len(data) - length - 1)
    ids = torch.stack([data[i : i + length + 1] for i in at])
    seen = torch.where(torch.rand(ids.shape) < drop, torch.full_like(ids, unknown), ids)
    return seen, ids


def full_state(model, used):
    """The state with all 50,304 rows, in 16 bits; the two tables share their storage."""
    state = {k: v.detach().half() for k, v in model.state_dict().items()}
    rows = state["transformer.wte.weight"]
    table = rows[-1].repeat(VOCAB, 1)
    table[used] = rows[:-1]
    state["transformer.wte.weight"] = state["lm_head.weight"] = table
    return state


def save(path, model, used, step, val_loss):
    about = {"config": CONFIG, "step": step, "val_loss": val_loss}
    torch.save({"model": full_state(model, used), **about}, path + ".tmp")
    os.replace(path + ".tmp", path)


def resume(model, path, used):
    old = torch.load(path)
    state = {k: v.float() for k, v in old["model"].items()}
    table = state["transformer.wte.weight"]
    rows = torch.cat([table[used], table[-1:]])
    fresh = (rows[:-1] == rows[-1]).all(1).nonzero().flatten()
    rows[fresh] += 0.02 * torch.randn(len(fresh), rows.shape[1])
    state["transformer.wte.weight"] = state["lm_head.weight"] = rows
    model.load_state_dict(state)
    return old["step"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("ids")
    p.add_argument("out")
    p.add_argument("--minutes", type=float, default=25)
    p.add_argument("--resume", help="go on from this checkpoint")
    p.add_argument("--held-from", help="the ids it was trained on, to hold out the same windows")
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--length", type=int, default=128)
    p.add_argument("--dropout", type=float, default=0.1)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)

    row = load_tokens(a.ids)
    used = torch.tensor(row).unique()
    n_unused = VOCAB - len(used)
    to_row = torch.full((VOCAB,), len(used))
    to_row[used] = torch.arange(len(used))
    row, held = take_out(row, held_windows(load_tokens(a.held_from or a.ids)))
    data, held = to_row[torch.tensor(row)], to_row[torch.tensor(held, dtype=torch.long)]
    starts = torch.tensor([i + 1 for i, x in enumerate(row) if x in LINE_ENDS])
    print(f"{len(row)} tokens, {len(used)} ids used, {len(held)} windows held out", flush=True)

    model = GPT({**CONFIG, "dropout": a.dropout}, len(used) + 1)
    step = resume(model, a.resume, used) if a.resume else 0
    decay = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=a.lr, betas=(0.9, 0.95))

    start, mean, saved = time.monotonic(), None, time.monotonic()
    while (done := (time.monotonic() - start) / (60 * a.minutes)) < 1:
        warm = min(1.0, done / 0.03 + 0.01)
        for g in opt.param_groups:
            g["lr"] = a.lr * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        # Now and then a few windows of the whole context, so that all positions are trained.
        n, length = (a.batch // 2, 255) if step % 4 == 3 else (a.batch, a.length)
        loss = loss_of(model, *batch_of(data, starts, n, length, len(used), 0.01), n_unused)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step += 1
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 20 == 0:
            print(f"step {step} loss {mean:.3f} {100 * done:.0f}%", flush=True)
        if time.monotonic() - saved > 240:
            saved = time.monotonic()
            save(a.out, model, used, step, float("nan"))
    model.eval()
    with torch.no_grad():
        val = loss_of(model, held, held, n_unused).item() if len(held) else math.nan
    save(a.out, model, used, step, val)
    print(f"step {step} train {mean:.3f} held out {val:.3f}: {a.out}", flush=True)


if __name__ == "__main__":
    main()
