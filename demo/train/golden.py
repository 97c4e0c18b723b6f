"""Writes what PyTorch generates with the demo checkpoint, for the tests to compare with.

    python3 demo/train/golden.py demo/handbook.pt demo/handbook.golden.json

The algorithm is the original server's, on the CPU: the whole text goes through the model for each
token (f32, the checkpoint's f16 weights made f32), softmax over all rows, topk, torch.multinomial
with torch.Generator().manual_seed(seed). `margin` says how near the closest decision was: for
greedy runs the smallest difference between the two best logits, for seeded ones the smallest
quotient of the two best racers, minus 1. Where it is tiny, another order of additions may decide
otherwise; runs with a margin under SAFE are left out.
"""
import json
import os
import subprocess
import sys

import torch

from model import GPT

EOT = 50256
PROMPTS = [
    "The event loop",
    "Albert Einstein's Theory of Relativity stated that",
    "A redirect is a page that",
]
SEEDS = [42, 0, 20190903, 7, 1234567890]  # of each prompt, the first SEEDED with a safe margin
SEEDED = 2
SAFE = 1e-3
MAX_LENGTH = 96


def tokens(items):
    tool = os.path.join(os.path.dirname(__file__), "tokens.mjs")
    out = subprocess.run(["node", tool], input=json.dumps(items).encode(), stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def load(path):
    checkpoint = torch.load(path)
    config = checkpoint["config"]
    model = GPT(config, config["vocab_size"])
    model.load_state_dict({k: v.float() for k, v in checkpoint["model"].items()})
    model.eval()
    return model, checkpoint


def race_margin(probs, generator):
    """What multinomial is about to decide, from a copy of the generator."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    best = (probs / torch.empty_like(probs).exponential_(1, generator=copy)).topk(2).values
    return (best[0] / best[1] - 1).item()


def generate(model, prompt_ids, top_k, seed):
    ids, margin, generator = list(prompt_ids), float("inf"), torch.Generator()
    generator.manual_seed(seed)
    first = None
    while len(ids) < MAX_LENGTH:
        logits = model(torch.tensor([ids]))[0, -1]
        if first is None:
            first = logits.topk(5)
        probs, rows = logits.softmax(-1).topk(top_k)
        if top_k == 1:
            best = logits.topk(2).values
            margin = min(margin, (best[0] - best[1]).item())
            choice = 0
        else:
            margin = min(margin, race_margin(probs, generator))
            choice = torch.multinomial(probs, 1, generator=generator).item()
        if rows[choice].item() == EOT:
            break
        ids.append(rows[choice].item())
    top5 = [[i, round(x, 5)] for i, x in zip(first.indices.tolist(), first.values.tolist())]
    return {
        "ids": ids,
        "ended": "length" if len(ids) == MAX_LENGTH else "stop",
        "first_logits_top5": top5,
        "margin": margin,
    }


def runs_of(model, prompt, prompt_ids, top_k, seeds, wanted):
    found = []
    for seed in seeds:
        if len(found) == wanted:
            break
        run = generate(model, prompt_ids, top_k, seed)
        if run["margin"] < SAFE:
            print(f"left out: {prompt!r} top_k {top_k} seed {seed} margin {run['margin']:.2g}")
            continue
        asked = {"prompt": prompt, "max_length": MAX_LENGTH, "top_k": top_k, "seed": seed}
        found.append({**asked, "rng": "torch", "prompt_ids": prompt_ids, **run})
    return found


def main():
    torch.set_num_threads(1)
    model, checkpoint = load(sys.argv[1])
    golden = {"greedy": [], "seeded": []}
    with torch.no_grad():
        for prompt, ids in zip(PROMPTS, tokens(PROMPTS)):
            golden["greedy"] += runs_of(model, prompt, ids, 1, [1], 1)
            golden["seeded"] += runs_of(model, prompt, ids, 50, SEEDS, SEEDED)
    runs = golden["greedy"] + golden["seeded"]
    for run, text in zip(runs, tokens([r["ids"] for r in runs])):
        run["text"] = text
    about = {"model": os.path.basename(sys.argv[1]), "torch": torch.__version__}
    about.update({k: checkpoint[k] for k in ("config", "step", "val_loss")})
    with open(sys.argv[2], "w") as f:
        json.dump({"about": about, **golden}, f, indent=1, ensure_ascii=False)
        f.write("\n")
    for run in runs:
        print(f"--- top_k {run['top_k']} seed {run['seed']} margin {run['margin']:.2g}")
        print(run["text"])


if __name__ == "__main__":
    main()
