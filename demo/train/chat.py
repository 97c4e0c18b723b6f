"""Trains the demo's chat model: questions about the handbook, and what its pages say.

    python3 demo/train/chat.py demo/handbook demo/handbook-chat --minutes 15

Wants torch, transformers and tokenizers. Writes a Hugging Face folder in Llama's shape. Questions are
made from titles, redirects and section headings; answers are the first sentences below them.
"""
import argparse
import json
import math
import random
import re
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB, CONTEXT, HIDDEN, LAYERS, HEADS, KV_HEADS, FFN = 3072, 512, 192, 6, 6, 2, 512
WORDS_MAX = 50  # of an answer
SYSTEM = "You are the guide to Parallelopedia's handbook."
TEMPLATE = Path(__file__).with_name("chat.jinja").read_text()

ASK = ["What is {}?", "What is {a}?", "Tell me about {}.", "Explain {}.", "Explain {a} to a child", "{}",
       "What does the handbook say about {}?", "How would you describe {a}?", "Describe {}", "What are {}?",
       "Can you explain {}?", "I want to know about {}", "Define {}", "Please explain {a}.", "What is meant by {}?"]
MORE = ["Tell me more.", "More, please.", "Go on.", "And then?", "Can you say more about that?", "More"]
HELLO = ["Hello", "Hi", "Hello!", "Hi there", "Good morning", "Hey"]
WHO = ["Who are you?", "What are you?", "What can you do?", "What is your name?", "Help", "Introduce yourself."]
THANKS = ["Thanks", "Thank you", "Thank you!", "Great, thanks"]
ELSEWHERE = ["Who was {}?", "Write a haiku about {}", "What is the capital of {}?", "How old is {}?", "Tell me a joke about {}",
             "When was {} born?", "Translate {} into French", "What is the weather in {}?", "Write a poem about {}"]
NAMES = ("Ada Lovelace,Paris,an encyclopedia,Albert Einstein,Germany,the Moon,a cat,music,London,my mother,football,Japan,"
         "the sea,Napoleon,bread,a river,Italy,love,Mars,trees,Shakespeare,summer,a horse,the weather,money").split(",")


def plain(text):
    text = re.sub(r"<!--.*?-->|<ref[^>]*/>|<ref.*?</ref>|<(pre|syntaxhighlight|math|gallery).*?</\1>", "", text, flags=re.S)
    for _ in range(4):
        text = re.sub(r"\{\{[^{}]*\}\}|\{\|[^{}]*\|\}", "", text)
    text = re.sub(r"\[\[(?:Category|File|Image):[^\]]*\]\]", "", text)
    text = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", text)
    text = re.sub(r"\[https?://\S+ ([^\]]*)\]", r"\1", text)
    text = re.sub(r"</?[a-z][^>]*>|'{2,}|__[A-Z]+__", "", text)
    return text


def paragraphs(text):
    """[(heading or '', [paragraphs])]"""
    parts, heads = re.split(r"^==+ *(.*?) *==+ *$", text, flags=re.M), []
    for i in range(0, len(parts), 2):
        found = [" ".join(p.split()) for p in parts[i].split("\n\n")]
        found = [p for p in found if len(p) > 40 and p[0] not in "*#:;{|!=" and not p.startswith("&")]
        heads.append((parts[i - 1] if i else "", found))
    return heads


def sentences(text):
    out = []
    for s in re.split(r"(?<=[.!?]) (?=[A-Z])", text):
        if out and len(" ".join(out + [s]).split()) > WORDS_MAX:
            break
        out.append(s)
    return " ".join(out)


def pages(folder):
    for path in sorted(Path(folder).glob("*.wiki")):
        head, text = path.read_text().split("\n\n", 1)
        title = re.search(r"^title: (.*)$", head, re.M).group(1)
        if ":" not in title and "model:" not in head and "redirect:" not in head:
            yield title, paragraphs(plain(text))


def article(name):
    return name if name[0].isupper() and name[1:2].isupper() else ("an " if name[0].lower() in "aeiou" else "a ") + name


def conversations(folder, rng):
    names = {}
    for line in (Path(folder) / "redirects.txt").read_text().splitlines():
        if "->" in line:
            old, new = (s.strip() for s in line.split("->"))
            names.setdefault(new.split("#")[0], []).append(old)
    known, out = [], []
    for title, parts in pages(folder):
        body = [p for _, ps in parts for p in ps]
        if not body:
            continue
        known.append(title)
        lower = title if title[1:2].isupper() else title[0].lower() + title[1:]
        for name in {title, lower, *names.get(title, [])}:
            for ask in ASK:
                turns = [(ask.format(name, a=article(name)), sentences(body[0]))]
                for p in body[1:2]:
                    turns.append((rng.choice(MORE), sentences(p)))
                out.append(turns[: rng.choice((1, 1, 1, 1, 2))])
        for heading, ps in parts[1:]:
            if ps:
                out.append([(f"{title}: {heading.lower()}", sentences(ps[0]))])
    topics = lambda: ", ".join(rng.sample(known, 3))
    for _ in range(len(out) // 6):
        kind = rng.random()
        if kind < 0.25:
            out.append([(rng.choice(HELLO), f"Hello! Ask me about Parallelopedia: {topics()}, for example.")])
        elif kind < 0.5:
            out.append([(rng.choice(WHO), "I am a very small language model that has read Parallelopedia's handbook and nothing else. "
                                          f"Ask me about {topics()}.")])
        elif kind < 0.6:
            out.append([(rng.choice(THANKS), "You are welcome.")])
        else:
            out.append([(rng.choice(ELSEWHERE).format(rng.choice(NAMES)),
                         f"The handbook does not say. I know {topics()} and the like.")])
    return out


def text_of(turns):
    parts = [f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"]
    for ask, answer in turns:
        parts.append(f"<|im_start|>user\n{ask}<|im_end|>\n<|im_start|>assistant\n")
        parts.append(f"{answer}<|im_end|>\n")
    return parts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("handbook"), p.add_argument("out"), p.add_argument("--minutes", type=float, default=15)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--resume", help="a folder that this script wrote: its weights and tokenizer go on")
    p.add_argument("--rate", type=float, default=3e-3)
    args = p.parse_args()
    torch.manual_seed(1), torch.set_num_threads(args.threads)
    rng = random.Random(1)
    talks = [text_of(t) for t in conversations(args.handbook, rng)]
    print(len(talks), "conversations")

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    if args.resume:
        tok = Tokenizer.from_file(f"{args.resume}/tokenizer.json")
    else:
        tok.train_from_iterator(["".join(t) for t in talks], trainers.BpeTrainer(
            vocab_size=VOCAB, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                   additional_special_tokens=special[1:2], chat_template=TEMPLATE, model_max_length=CONTEXT)

    rows = []
    for parts in talks:
        ids, labels = [], []
        for i, part in enumerate(parts):
            part_ids = tok.encode(part).ids
            ids += part_ids
            labels += part_ids if i and i % 2 == 0 else [-100] * len(part_ids)  # answers only
        rows.append((ids[:CONTEXT], labels[:CONTEXT]))
    rows.sort(key=lambda r: len(r[0]))
    config = LlamaConfig(vocab_size=VOCAB, hidden_size=HIDDEN, intermediate_size=FFN, num_hidden_layers=LAYERS,
                         num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, max_position_embeddings=CONTEXT,
                         tie_word_embeddings=True, bos_token_id=None, eos_token_id=2, rms_norm_eps=1e-5, rope_theta=10000.0)
    model = LlamaForCausalLM.from_pretrained(args.resume, torch_dtype=torch.float32) if args.resume else LlamaForCausalLM(config)
    print(sum(p.numel() for p in model.parameters()), "weights")
    opt = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.95), weight_decay=0.05)
    began, step, seen = time.time(), 0, []
    batches = [rows[i:i + 24] for i in range(0, len(rows), 24)]
    rng.shuffle(batches)
    while (share := (time.time() - began) / 60 / args.minutes) < 1:
        batch = batches[step % len(batches)]
        n = max(len(r[0]) for r in batch)
        ids = torch.tensor([r[0] + [0] * (n - len(r[0])) for r in batch])
        labels = torch.tensor([r[1] + [-100] * (n - len(r[1])) for r in batch])
        for g in opt.param_groups:
            g["lr"] = args.rate * min(1, (step + 1) / 50) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))
        loss = model(input_ids=ids, labels=labels).loss
        opt.zero_grad(), loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        seen.append(loss.item())
        step += 1
        if step % 50 == 0:
            print(f"step {step}, {time.time() - began:.0f} s, loss {sum(seen[-50:]) / 50:.3f}", flush=True)
    model.to(torch.bfloat16).save_pretrained(args.out, safe_serialization=True)
    fast.save_pretrained(args.out)
    Path(args.out, "generation_config.json").write_text(json.dumps(
        {"eos_token_id": [2, 0], "do_sample": True, "temperature": 0.3, "top_k": 20}, indent=2) + "\n")


main()
