"""`parallelopedia tokenize`: ids, pieces, decoding, whose tokenizer, and stdin of any size."""
import base64
import json
import pathlib
import random
import re
import subprocess

import pytest

from conftest import BIN, CHECKPOINT, PATIENCE_S, ROOT, run

GOLDEN = ROOT / "tests/golden"
ENCODER = ROOT / "ui/node_modules/tiktoken/encoders/gpt2.json"


def golden(name, limit=60):
    """(text, ids) of the lines of a golden file."""
    for line in (GOLDEN / name).read_text().splitlines()[:limit]:
        data, *ids = line.split()
        yield b"" if data == "-" else bytes.fromhex(data), [int(i) for i in ids]


def tokenize(*args, stdin=b""):
    code, out, errors = run("tokenize", *args, stdin=stdin)
    assert code == 0, errors
    return out


def ids_of(text, *args):
    return [int(i) for i in tokenize(*args, stdin=text).split()]


# --- Forms of input and output -----------------------------------------------------------------

def test_arguments_are_text_with_spaces_between():
    assert tokenize("The", "quick", "brown fox") == "464 2068 7586 21831\n"
    assert tokenize("--", "--json") == tokenize(stdin=b"--json")
    assert tokenize("") == "\n"


def test_json():
    out = tokenize("--json", "The quick brown fox")
    assert json.loads(out) == [464, 2068, 7586, 21831] and out.count("\n") == 1
    assert tokenize("--json") == "[]\n"


def test_count():
    assert tokenize("--count", "The quick brown fox") == "4\n"
    assert tokenize("--count") == "0\n"


def test_pieces():
    text = 'Hé 😀\n"\\\x01\x9c'.encode() + b"\xff"
    rows = [r.split("\t") for r in tokenize("--pieces", stdin=text).splitlines()]
    assert [int(r[0]) for r in rows] == ids_of(text)
    assert rows[:3] == [["39", '"H"'], ["2634", '"é"'], ["30325", r'" \xf0\x9f\x98"']]
    shown = "".join(r[1][1:-1] for r in rows)
    assert shown == r'Hé \xf0\x9f\x98\x80\n\"\\\x01\xc2\x9c\xff'


def test_decode():
    assert tokenize("--decode", "464", "2068", "7586 21831") == "The quick brown fox"
    assert tokenize("--decode", stdin=b"[464, 2068,\n7586,\t21831]\n") == "The quick brown fox"
    assert tokenize("--decode", stdin=b"50256") == ""  # the end of a text has no text
    assert tokenize("--decode", "30325") == " \ufffd"  # whole UTF-8 only
    assert tokenize("--decode") == ""


def test_golden_both_ways():
    for text, ids in golden("bpe_gpt2.txt"):
        assert ids_of(text) == ids
        assert tokenize("--decode", stdin=" ".join(map(str, ids)).encode()) == text.decode()


@pytest.mark.parametrize("args,says", [
    (("--json", "--count"), "only one of"),
    (("--pieces", "--decode"), "only one of"),
    (("--what",), "--what"),
])
def test_wrong_options(args, says):
    code, out, errors = run("tokenize", *args)
    assert code == 2 and says in errors and out == ""


@pytest.mark.parametrize("ids,says", [
    ("50257", "there is no id 50257: the vocabulary has 50257"),
    ("99999999999999999999999999", "there is no id"),
    ("1 -2", "byte 2 of the ids"),
    ("12a", "byte 2 of the ids"),
])
def test_wrong_ids(ids, says):
    code, _, errors = run("tokenize", "--decode", "--", ids)
    assert code == 1 and says in errors


def test_full_output_is_told():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN, "tokenize", "hello"], stdout=full, stderr=subprocess.PIPE,
                              timeout=PATIENCE_S)
    assert done.returncode == 1 and b"No space left" in done.stderr


# --- Whose tokenizer ---------------------------------------------------------------------------

def byte_chars():
    """openai/gpt-2's bytes_to_unicode()."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + n) for n, b in enumerate(others)}}


def gpt2_lists():
    """GPT-2's vocabulary and merges, from tiktoken's file by way of the definition."""
    chars, rank = byte_chars(), {}
    for line in json.loads(ENCODER.read_text())["bpe_ranks"].split("\n"):
        _, first, *group = line.split(" ")
        for n, token in enumerate(group):
            rank[base64.b64decode(token)] = int(first) + n

    def parts(token):
        p = [bytes([b]) for b in token]
        while len(p) > 2:
            best = min(range(len(p) - 1), key=lambda i: rank.get(p[i] + p[i + 1], len(rank)))
            p[best:best + 2] = [p[best] + p[best + 1]]
        return p

    def show(token):
        return "".join(chars[b] for b in token)

    vocab = {show(t): i for t, i in rank.items()}
    merges = [" ".join(map(show, parts(t))) for t in rank if len(t) > 1]
    return vocab, merges


@pytest.fixture(scope="module")
def gpt2_folder(tmp_path_factory):
    """A Hugging Face folder as openai-community/gpt2 is."""
    folder = tmp_path_factory.mktemp("gpt2")
    vocab, merges = gpt2_lists()
    vocab["<|endoftext|>"] = 50256
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": 50256, "special": True, "content": "<|endoftext|>",
                          "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        "model": {"dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "vocab": vocab, "merges": merges},
    }))
    old = folder / "old"
    old.mkdir()
    (old / "vocab.json").write_text(json.dumps(vocab))
    (old / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    return folder


def test_a_folder_of_gpt2_has_the_built_in_ids(gpt2_folder):
    text = b"\n".join(t for t, _ in golden("bpe_gpt2.txt", 1000))
    want = ids_of(text)
    assert len(want) > 5000
    for model in (gpt2_folder, gpt2_folder / "tokenizer.json", gpt2_folder / "old", CHECKPOINT):
        assert ids_of(text, "--model", model) == want
    assert tokenize("--model", gpt2_folder, "--decode", stdin=" ".join(map(str, want)).encode()) \
        == text.decode()


def test_another_vocabulary():
    model = GOLDEN / "tokenizer_trained.json"
    for text, ids in golden("tokenizer_trained.txt"):
        assert ids_of(text, "--model", model) == ids
    code, _, errors = run("tokenize", "--model", model, "--decode", "900")
    assert code == 1 and "the vocabulary has 900" in errors


def test_wrong_models(tmp_path):
    def error(model):
        code, out, errors = run("tokenize", "--model", model, "x")
        assert code == 1 and out == "" and errors.count("\n") == 1
        return errors

    assert "No such file" in error(tmp_path / "none.pt")
    assert "neither tokenizer.json nor vocab.json" in error(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    assert "neither a folder nor" in error(tmp_path / "a.txt")
    doc = json.loads((GOLDEN / "tokenizer_trained.json").read_text())
    doc["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": ""}
    (tmp_path / "tokenizer.json").write_text(json.dumps(doc))
    told = error(tmp_path)
    assert "normalizer Precompiled" in told and str(tmp_path / "tokenizer.json") in told
    (tmp_path / "tokenizer.json").write_text('{"model": ')
    assert "JSON line 1" in error(tmp_path)


VOCABS = ROOT.parent / "shared/data/vocab"
VOCAB_NAMES = ["deepseek-coder", "deepseek-llm", "falcon", "gpt-2", "llama-spm"]


@pytest.mark.parametrize("name", VOCAB_NAMES)
def test_gguf_vocabularies(name):
    """Texts and ids that Hugging Face's tokenizers gave, from llama.cpp's tests."""
    model = VOCABS / f"ggml-vocab-{name}.gguf"
    if not model.exists():
        pytest.skip(f"{model} is not there")
    texts = pathlib.Path(f"{model}.inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    ids = [[int(i) for i in line.split()]
           for line in pathlib.Path(f"{model}.out").read_text().split("\n")]
    assert len(texts) == 47 and len(ids) >= 47
    # All of them are in tests/text/test_tokenizer.c. The added "ü" of deepseek's decodes to a byte
    # 0xFC, as the library has it.
    for text, want in list(zip(texts, ids))[1::9]:
        assert ids_of(text, "--model", model) == want
        back = text.decode().replace("ü", "\ufffd" if "deepseek" in name else "ü")
        assert tokenize("--model", model, "--decode", *map(str, want)) == back


def test_special_tokens():
    model = ("--model", GOLDEN / "tokenizers/llama3.json")
    plain = tokenize(*model, "a<|im_end|>").split()
    with_ends = tokenize(*model, "--special", "a<|im_end|>").split()
    assert len(plain) > 5 and len(with_ends) == 3 and with_ends[1] == plain[0]
    assert tokenize(*model, "--special", "--decode", *with_ends) == "<|end|>a<|im_end|>"
    assert tokenize(*model, "--decode", *with_ends) == "a"


# --- stdin of any size -------------------------------------------------------------------------

def test_parts_of_stdin_join_without_a_seam():
    r = random.Random(3)
    words = ["the", "it's", "we'll", "Wikipedia", "1998", "…", "你好", "😀", "--", "'", "Ærøskøbing"]
    gaps = [" ", "  ", "\n", "\n\n", " \u3000", "\t", "", ""]
    lines = ["".join(r.choice(words) + r.choice(gaps) for _ in range(2000)) for _ in range(100)]
    # Lines end so that cutting there changes nothing: the whole is the lines behind each other.
    lines = [line + "x\n" for line in lines]
    text = "y".join(lines).encode()
    assert len(text) > 1 << 20
    want = ids_of(lines[0].encode())
    for line in lines[1:]:
        want += ids_of(b"y" + line.encode())
    assert ids_of(text) == want


def test_memory_does_not_grow_with_stdin():
    line = b"All the world's a stage, and all the men and women merely players.\n"
    with subprocess.Popen([BIN, "tokenize", "--count"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:

        def peak_after(mega):  # kilobytes; the program waits for more, so it is there to be asked
            for _ in range(mega):
                p.stdin.write(line * ((1 << 20) // len(line)))
            p.stdin.flush()
            status = pathlib.Path(f"/proc/{p.pid}/status").read_text()
            return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

        first = peak_after(4)
        assert peak_after(60) < first + (8 << 10)
        p.stdin.close()
        assert int(p.stdout.read()) == 64 * ((1 << 20) // len(line)) * 17


def test_a_word_without_end_is_refused():
    code, out, errors = run("tokenize", "--count", stdin=b"\xff" * (17 << 20))
    assert code == 1 and out == "" and "a word of 16777216 bytes" in errors
