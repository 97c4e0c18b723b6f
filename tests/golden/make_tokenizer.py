#!/usr/bin/env python3
"""What Hugging Face's tokenizers make of small tokenizer.json files: for tests/text/test_tokenizer.c.

    pip install tokenizers==0.22.2      (in a virtual environment)
    python tests/golden/make_tokenizer.py

Writes into tokenizers/ one file for every kind of tokenizer_kinds.py, with texts, ids and what these
decode to. Writes tokenizer_trained.json, which was trained as GPT-2's was, tokenizer_shuffled.json, whose
merges stand in an order that no training gives, and for each a .txt with a text's bytes in hex and
its ids per line.
"""
import json
import pathlib
import random

import tokenizer_kinds as kinds
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
TEXTS = (HERE / "bpe_gpt2.txt").read_text().splitlines()[::3]


def texts():
    for line in TEXTS:
        data = line.split()[0]
        yield "" if data == "-" else bytes.fromhex(data).decode()


def corpus():
    prose = (HERE.parent.parent / "README.md").read_text() + (HERE / "make_bpe.mjs").read_text()
    return [prose] * 3 + list(texts())


def write(name, doc):
    text = json.dumps(doc, ensure_ascii=name == "shuffled", separators=(",", ":"))
    (HERE / f"tokenizer_{name}.json").write_text(text + "\n")
    t = Tokenizer.from_str(text)
    lines = []
    for s in texts():
        ids = t.encode(s, add_special_tokens=False).ids
        if "<|endoftext|>" not in s:  # there it is no text
            lines.append(" ".join([s.encode().hex() or "-", *map(str, ids)]))
    (HERE / f"tokenizer_{name}.txt").write_text("\n".join(lines) + "\n")


t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
t.decoder = decoders.ByteLevel()
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
t.train_from_iterator(corpus(), trainers.BpeTrainer(
    vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet,
    show_progress=False))
doc = json.loads(t.to_str())
write("trained", doc)

r = random.Random(5)
merges = doc["model"]["merges"]
r.shuffle(merges)
doc["model"]["merges"] = [" ".join(m) for m in merges]  # the older form
words = list(doc["model"]["vocab"])
r.shuffle(words)
doc["model"]["vocab"] = {w: 7 + 2 * i for i, w in enumerate(words)}
doc["added_tokens"] = [{"id": 3, "content": "<|é\n|>", "special": False, "single_word": False,
                        "lstrip": False, "rstrip": False, "normalized": False},
                       {"id": 5, "content": "<|sys|>", "special": True, "single_word": False,
                        "lstrip": False, "rstrip": False, "normalized": False}]
write("shuffled", doc)


def write_kind(name, t):
    """A line: the text in hex, ids, what they decode to in hex; "-": special tokens are text."""
    text = t.to_str()
    (HERE / "tokenizers" / f"{name}.json").write_text(text + "\n")
    r, lines = random.Random(name), []
    for i in range(120):
        s, t = kinds.random_text(r)[:200], Tokenizer.from_str(text)
        t.encode_special_tokens = i % 8 == 0
        ids = t.encode(s).ids
        back = t.decode(ids, skip_special_tokens=False)
        lines.append(f"{'-' * t.encode_special_tokens}{s.encode().hex()} | "
                     f"{' '.join(map(str, ids))} | {back.encode().hex()}")
    (HERE / "tokenizers" / f"{name}.txt").write_text("\n".join(lines) + "\n")


(HERE / "tokenizers").mkdir(exist_ok=True)
for name, make in kinds.make().items():
    write_kind(name, make())
