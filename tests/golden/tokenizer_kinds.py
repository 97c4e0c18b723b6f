"""Small tokenizers of every kind that models have, trained with Hugging Face's library, and texts
that are hard on them. Used by make_tokenizer.py (goldens) and parity_tokenizer.py (many texts)."""
import json
import pathlib
import random

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
         rf"{ENDINGS}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK3 = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
             r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
             r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
BYTES = [f"<0x{b:02X}>" for b in range(256)]
SPECIAL = ["<|end|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>"]


def split(pattern, behavior="isolated", **kw):
    return pre_tokenizers.Split(Regex(pattern), behavior, **kw)


def byte_level(regex=False, space=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=regex)


def sequence(*parts):
    return pre_tokenizers.Sequence(list(parts))


def corpus():
    for f in ["README.md", "CONTRIBUTING.md", "tests/golden/make_bpe.mjs", "src/text/regex.c"]:
        yield (ROOT / f).read_text()
    for line in (HERE / "bpe_gpt2.txt").read_text().splitlines()[::3]:
        data = line.split()[0]
        yield "" if data == "-" else bytes.fromhex(data).decode()


def finish(t, special):
    t.add_special_tokens([AddedToken(s, normalized=False) for s in special])
    return t


def bpe_bytes(pre, normalizer=None, size=700, bos=None, **options):
    t = Tokenizer(models.BPE(**options))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=ALPHABET, show_progress=False))
    finish(t, SPECIAL[:3])
    if bos:
        t.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1",
                                          special_tokens=[(bos, t.token_to_id(bos))])])
    return t


def bpe_pieces(normalizer, pre, decoder, size=700, drop=(), **options):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True, **options))
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, limit_alphabet=100,
        show_progress=False))
    # The bytes are words of the model, not added tokens, and some files lack some.
    doc = json.loads(t.to_str())
    doc["added_tokens"] = [a for a in doc["added_tokens"] if a["content"] not in BYTES]
    for b in drop:
        doc["model"]["vocab"].pop(f"<0x{b:02X}>")
    doc["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                   {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    t = Tokenizer.from_str(json.dumps(doc))
    t.decoder = decoder
    return t


def prepend():
    return normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


def llama_decoder(strip=True):
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(parts + ([decoders.Strip(" ", 1, 0)] if strip else []))


def metaspace(scheme, do_split=False):
    return pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=do_split)


def unigram(normalizer, pre, decoder, fallback):
    t = Tokenizer(models.Unigram())
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoder
    t.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=600, special_tokens=["<unk>", "<s>", "</s>"] + (BYTES if fallback else []),
        unk_token="<unk>", show_progress=False))
    doc = json.loads(t.to_str())
    doc["added_tokens"] = [a for a in doc["added_tokens"] if a["content"] not in BYTES]
    doc["model"]["byte_fallback"] = fallback
    doc["model"]["vocab"] = [[a, round(b, 6)] for a, b in doc["model"]["vocab"]]
    return Tokenizer.from_str(json.dumps(doc))


def added_flags():
    """Every combination of flags, and tokens that begin with each other."""
    t = bpe_bytes(byte_level(regex=True), normalizer=normalizers.NFC())
    names = ["<a>", "<ab>", "<ab", "zz", "zzz", "<é>", "<e\u0301x>", "[x] ", " [y]", "\n\n", "\t"]
    flags = [dict(lstrip=i & 1 > 0, rstrip=i & 2 > 0, single_word=i & 4 > 0, normalized=i & 8 > 0)
             for i in range(16)]
    t.add_tokens([AddedToken(n, **flags[i % 8 + 8 * (i & 1)]) for i, n in enumerate(names)])
    t.add_special_tokens([AddedToken(f"<f{i}>", **f) for i, f in enumerate(flags)])
    return t


def make():
    """The kinds by name; each is trained when it is asked for."""
    return {
        "gpt2": lambda: bpe_bytes(byte_level(regex=True)),
        "roberta": lambda: bpe_bytes(byte_level(regex=True, space=True)),
        "llama3": lambda: bpe_bytes(sequence(split(GPT4 % "{1,3}"), byte_level()), bos="<|end|>",
                                    ignore_merges=True),
        "qwen2": lambda: bpe_bytes(sequence(split(GPT4 % ""), byte_level()), normalizers.NFC()),
        "o200k": lambda: bpe_bytes(sequence(split(O200K), byte_level())),
        "smollm": lambda: bpe_bytes(sequence(pre_tokenizers.Digits(True), byte_level(regex=True))),
        "deepseek3": lambda: bpe_bytes(sequence(*map(split, DEEPSEEK3), byte_level())),
        "falcon": lambda: bpe_bytes(sequence(
            pre_tokenizers.Punctuation("contiguous"), byte_level(regex=True),
            pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]"))),
        "llama2": lambda: bpe_pieces(prepend(), None, llama_decoder()),
        "mistral": lambda: bpe_pieces(None, metaspace("first"), llama_decoder()),
        "always": lambda: bpe_pieces(None, metaspace("always", True), decoders.Metaspace()),
        "never": lambda: bpe_pieces(None, metaspace("never"), llama_decoder(False)),
        "holes": lambda: bpe_pieces(prepend(), None, llama_decoder(), drop=(0xC3, 0xE2, 0xF0)),
        "gemma": lambda: bpe_pieces(normalizers.Replace(" ", "▁"),
                                    pre_tokenizers.Split(" ", "merged_with_previous"),
                                    llama_decoder(False)),
        "unigram": lambda: unigram(normalizers.NFKC(), metaspace("always", True),
                                   decoders.Metaspace(), False),
        "unigram_bytes": lambda: unigram(None, metaspace("first"), llama_decoder(), True),
        "suffix": lambda: bpe_bytes(byte_level(regex=True), normalizers.Lowercase(),
                                    end_of_word_suffix="</w>"),
        "flags": added_flags,
    }


# --- Texts ------------------------------------------------------------------------------------------

WORDS = ["the", "Hello", "WORLD", "it's", "WE'LL", "we'Re", "don't", "naïve", "Straße", "ſ's", "'ſ", "K",
         "'", "’s", "日本語", "ひらがな", "カタカナ", "한국어", "עברית", "العربية", "हिन्दी", "ไทย", "Ελληνικά",
         "русский", "ǅ", "ʰ", "1", "12", "123", "1234567", "½", "Ⅳ", "²", "٣٤", "😀", "👨‍👩‍👧", "🇩🇪", "e\u0301",
         "\u0301", "ﬁ", "Å", "Å", "…", "—", "«»", "::", "{}", "</div>", "https://x.y/z?a=b", "a_b",
         "fooBar", "FOOBar", "x=1;", "\\n", "//", "▁", "▁▁x", "\u200b", "\u200d", "\ufeff", "\ufffd",
         "\x00", "\x01", "\x7f", "\x85", "\xa0", "\u3000", "\u2028", "\u1680", "\u180e", "\U0010ffff",
         "\ue000", "\u0378", "𝒳", "𐍈", "ﷺ", "İ", "ς", "ẞ", "Ω", "각", "가", "\u1100\u1161\u11a8"]
GAPS = ["", "", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000"]
ADDED = SPECIAL + ["<a>", "<ab>", "<ab", "zz", "zzz", "<é>", "<e\u0301x>", "<éx>", "[x] ", " [y]",
                   "<|im_", "|>", "<s", "<0x0A>", "<0xE2>", "<f0>", "<f3>", "<f5>", "<f7>", "<f8>",
                   "<f12>", "<f15>"]


def random_char(r):
    while True:
        c = r.choice([r.randrange(0x80), r.randrange(0x80), r.randrange(0x250), r.randrange(0x3000),
                      r.randrange(0x10000), r.randrange(0x20000), r.randrange(0x110000)])
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def random_text(r):
    kind, n = r.randrange(8), r.choice([1, 2, 3, 5, 8, 15, 30])
    if kind < 3:
        return "".join(r.choice(WORDS) + r.choice(GAPS) for _ in range(n))
    if kind == 3:
        return "".join(random_char(r) for _ in range(n))
    if kind == 4:
        return "".join(r.choice(WORDS + ADDED) + r.choice(["", "", " ", "  ", "\n"])
                       for _ in range(n))
    if kind == 5:
        return r.choice(WORDS) + r.choice(WORDS + GAPS + ["a", "é"]) * r.randrange(1, 60) + \
            r.choice(WORDS)
    if kind == 6:
        return "".join(chr(r.randrange(32, 127)) for _ in range(3 * n))
    return "".join(r.choice(ADDED + GAPS + ["a", " ", "x"]) for _ in range(n))
