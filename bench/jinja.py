#!/usr/bin/env python3
"""Renders a chat of 50 messages here and with Python's jinja2, by turns: microseconds and the ratio.

    bench/jinja.py build/release/bench/jinja [ROUNDS]       (needs jinja2 and transformers)
"""
import pathlib, subprocess, sys, time
from transformers.utils.chat_template_utils import _compile_jinja_template

TEMPLATES = pathlib.Path(__file__).parent.parent / "tests/golden/jinja"
messages = [{"role": "system", "content": "You are terse."}]
for i in range(1, 50):
    text = "".join(f"Sentence {k} of turn {i} has some words in it. " for k in range(12))
    messages.append({"role": "user" if i % 2 else "assistant", "content": text})


def peer(template, rounds):
    least = 1e9
    for _ in range(rounds):
        start = time.perf_counter()
        text = template.render(messages=messages, tools=None, documents=None, add_generation_prompt=True, bos_token="<s>", eos_token="</s>")
        least = min(least, time.perf_counter() - start)
    return least * 1e6, len(text.encode())


rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 200
print(f"{'template':<12} {'ours us':>9} {'jinja2 us':>10} {'ratio':>6}  prompt bytes")
for path in sorted(TEMPLATES.glob("*.jinja")):
    template, ours, theirs = _compile_jinja_template(path.read_text()), [], []
    for _ in range(3):
        out = subprocess.run([sys.argv[1], path, str(rounds)], capture_output=True, text=True, check=True).stdout.split()
        us, size = peer(template, rounds)
        if int(out[1]) != size and path.stem not in ("harmony", "llama3", "smollm3"):  # these show the date
            sys.exit(f"{path.stem}: {out[1]} bytes, jinja2 gives {size}")
        ours.append(float(out[0])), theirs.append(us)
    print(f"{path.stem:<12} {min(ours):>9.1f} {min(theirs):>10.1f} {min(theirs) / min(ours):>6.1f}  {size}")
