#!/usr/bin/env python3
"""Our ids and texts beside Hugging Face's, on many random texts for each kind of tokenizer.

    pip install tokenizers==0.22.2      (in a virtual environment)
    python tests/golden/parity_tokenizer.py build/tools/token_ids build/parity [TEXTS] [SEED] [KIND...]

Every difference is printed; the exit status is 1 when there is one.
"""
import pathlib
import random
import subprocess
import sys

import tokenizer_kinds as kinds
from tokenizers import Tokenizer

TOOL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
TEXTS, SEED = int((sys.argv + [0, 0])[3] or 20000), int((sys.argv + [0] * 4)[4] or 1)
ONLY = sys.argv[5:]
SHOWN = 5


def ours(path, lines):
    done = subprocess.run([TOOL, path], input="\n".join(lines) + "\n", text=True,
                          capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr}")
    for line in done.stdout.splitlines():
        ids, text = line.split("|")
        yield [int(i) for i in ids.split()], bytes.fromhex(text).decode()


def theirs(t, texts):
    """Their encodings; None where the library itself panics, as it does when an added token lies
    within the white space that one before it took."""
    try:
        return t.encode_batch_fast(texts)
    except BaseException as e:  # pyo3's PanicException is no Exception
        if "bad split" not in str(e):
            raise
    if len(texts) == 1:
        return [None]
    half = len(texts) // 2
    return theirs(t, texts[:half]) + theirs(t, texts[half:])


def compare(name, t, texts):
    path = FOLDER / f"{name}.json"
    path.write_text(t.to_str())
    bad = panics = 0
    for plain in (False, True):
        mine = Tokenizer.from_file(str(path))
        mine.encode_special_tokens = plain
        some = texts[::8] if plain else texts
        got = ours(path, [("-" if plain else "") + s.encode().hex() for s in some])
        for s, (ids, text), want in zip(some, got, theirs(mine, some), strict=True):
            if want is None:
                panics += 1
                continue
            want_text = mine.decode(want.ids, skip_special_tokens=False)
            if ids == want.ids and text == want_text:
                continue
            bad += 1
            if bad <= SHOWN:
                print(f"{name}{' plain' if plain else ''}: {s!r}\n  want {want.ids} {want_text!r}\n"
                      f"  got  {ids} {text!r}")
    return bad, panics


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    total = 0
    for name, make in kinds.make().items():
        if ONLY and name not in ONLY:
            continue
        r = random.Random(f"{SEED} {name}")
        texts = [kinds.random_text(r) for _ in range(TEXTS)]
        bad, panics = compare(name, make(), texts)
        total += bad
        print(f"{name}: {len(texts)} texts, {bad} differences"
              + (f"; {panics} that the library does not survive" if panics else ""), flush=True)
    return total > 0


sys.exit(main())
