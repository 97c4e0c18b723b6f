"""The GPT-2 routes: the stream's bytes, its headers, its seeds, its end."""
import json
import re
import socket
import threading
import time
import urllib.parse

import pytest

from conftest import CHECKPOINT, ROOT, SLOW, Server, need_data, run

GOLDEN = json.loads((ROOT / "demo/handbook.golden.json").read_text())
PROMPT = "The quick brown fox"


def chunks_of(raw):
    """Splits a raw chunked reply into (header block, chunks); checks the framing byte by byte."""
    head, _, body = raw.partition(b"\r\n\r\n")
    out = []
    while True:
        size, _, body = body.partition(b"\r\n")
        assert re.fullmatch(rb"[0-9A-F]+", size), size
        n = int(size, 16)
        assert body[n:n + 2] == b"\r\n"
        out.append(body[:n])
        body = body[n + 2:]
        if n == 0:
            assert body == b""
            return head.decode(), out[:-1]


def stream(server, prompt=PROMPT, query="max_length=20&seed=42"):
    target = f"/gpt2/generate/{urllib.parse.quote(prompt, safe='')}?{query}"
    raw = server.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return chunks_of(raw)


def stats(server):
    return json.loads(server.get("/stats").text)["apps"]["gpt2"]


def test_stream_is_prompt_then_tokens(server):
    head, chunks = stream(server)
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert chunks[0] == PROMPT.encode()
    assert 1 <= len(chunks) - 1 <= 16  # 4 prompt tokens of 20
    for line in ("X-Max-Length: 20", "X-Top-K: 50", "X-Seed: 42", "X-Model-Name: gpt2",
                 "X-Model-Device: cpu", "Transfer-Encoding: chunked",
                 "Content-Type: text/plain; charset=UTF-8"):  # H29
        assert f"\r\n{line}" in head, head
    expose = re.search(r"Access-Control-Expose-Headers: (.*)\r\n", head + "\r\n").group(1)
    names = expose.split(", ")  # S7: no empty names
    assert all(names) and {"X-Max-Length", "X-Seed", "X-Model-Name"} <= set(names)


def test_same_seed_same_text_and_another_seed_another(server):
    assert stream(server)[1] == stream(server)[1]
    many = {b"".join(stream(server, query=f"max_length=40&seed={s}")[1]) for s in range(5)}
    assert len(many) > 1


def test_G04_seed_zero_is_a_seed(server):
    head, a = stream(server, query="max_length=30&seed=0")
    assert "X-Seed: 0" in head and a == stream(server, query="max_length=30&seed=0")[1]


def test_random_seed_is_told_and_repeats(server):
    head, a = stream(server, query="max_length=30")
    seed = re.search(r"X-Seed: (\d+)", head).group(1)
    assert a == stream(server, query=f"max_length=30&seed={seed}")[1]


@pytest.mark.parametrize("case", GOLDEN["greedy"] + GOLDEN["seeded"],
                         ids=lambda c: f"{c['prompt'][:12]}-k{c['top_k']}-{c['seed']}")
def test_text_is_what_pytorch_generated(server, case):
    query = f"max_length={case['max_length']}&top_k={case['top_k']}&seed={case['seed']}"
    _, chunks = stream(server, case["prompt"], query)
    assert b"".join(chunks).decode() == case["text"]


def test_empty_parameters_mean_defaults(server):
    head, _ = stream(server, query="max_length=&seed=7&device=&model=&top_k=")
    assert "X-Max-Length: 100" in head and "X-Top-K: 50" in head


@pytest.mark.parametrize("query,word", [
    ("max_length=abc", "max_length"), ("top_k=abc", "top_k"), ("top_k=0", "top_k"),
    ("top_k=-3", "top_k"), ("seed=abc", "seed"), ("seed=99999999999999999999", "seed"),
    ("model=nope", "nope"), ("device=tpu", "tpu"), ("device=cuda:7", "cuda:7"), ("rng=x", "rng")])
def test_S4_G05_G11_bad_parameters_are_400(server, query, word):
    r = server.get(f"/gpt2/generate/Hello?{query}")
    assert r.status == 400 and word in r.text
    assert "text/html" in r.headers["Content-Type"]


def test_top_k_can_only_be_lowered_and_length_is_clamped(server):
    head, _ = stream(server, query="max_length=20&top_k=5000&seed=1")
    assert "X-Top-K: 50" in head
    block = stats(server)["models"][0]["block_size"]
    r = server.request("HEAD", "/gpt2/generate/Hi?max_length=1000000")
    assert r.headers["X-Max-Length"] == str(block)


def test_prompt_longer_than_max_length_is_echoed(server):
    for n in (3, 0, -5):
        _, chunks = stream(server, query=f"max_length={n}&seed=1")
        assert chunks == [PROMPT.encode()]


def test_missing_prompt(server):
    assert server.get("/gpt2/generate").status == 400
    assert server.get("/gpt2/generate/").status == 400


def test_prompt_over_the_context(server):
    block = stats(server)["models"][0]["block_size"]
    r = server.request("POST", "/gpt2/generate", body="word " * (block + 1))
    assert r.status == 400 and str(block) in r.text
    r = server.request("POST", "/gpt2/generate", body="x" * 900_000)
    assert r.status == 400 and "context" in r.text


def test_post_is_for_long_prompts(server):
    r = server.request("POST", "/gpt2/generate?max_length=12&seed=3", body="One two three")
    assert r.status == 200 and r.text.startswith("One two three")


def test_a_very_long_prompt_comes_back_whole(server):
    prompt = "é " + "a" * 100_000  # few tokens a byte: "a" runs are in the vocabulary
    r = server.request("POST", "/gpt2/generate?max_length=5&seed=1", body=prompt.encode())
    assert r.status == 400  # 100,000 bytes are over a context of 256 tokens
    prompt = "-" * 15_000  # 64 dashes are one token
    for accept in ("*/*", "text/event-stream"):
        r = server.request("POST", "/gpt2/generate?max_length=5&seed=1", body=prompt.encode(),
                           headers={"Accept": accept})
        if accept == "*/*":
            assert r.text == prompt
        else:
            events = [json.loads(e[len("data: "):]) for e in r.text.split("\n\n") if e]
            assert "".join(e.get("prompt", "") for e in events) == prompt


@pytest.mark.parametrize("prompt", ["naïve café", "日本語 text", "🙂🙃", "a <|endoftext|> b", "\x01\x02"])
def test_S1_G06_G08_any_prompt_streams_in_bytes(server, prompt):
    _, chunks = stream(server, prompt, "max_length=40&seed=5")
    assert chunks[0] == prompt.encode()
    for chunk in chunks[1:]:
        chunk.decode()  # whole characters only
        assert chunk  # S2: never an empty chunk


def test_H06_http10_gets_no_chunks(server):
    raw = server.raw(b"GET /gpt2/generate/Hi?max_length=9&seed=1 HTTP/1.0\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head and b"Connection: close" in head
    assert body.startswith(b"Hi")


def test_head_has_headers_and_no_body(server):
    raw = server.raw(b"HEAD /gpt2/generate/Hi?seed=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"X-Seed: 1" in head and body == b""


def test_events(server):
    r = server.get("/gpt2/generate/Hello?max_length=12&seed=4", Accept="text/event-stream")
    assert r.headers["Content-Type"].startswith("text/event-stream")
    events = [json.loads(e[len("data: "):]) for e in r.text.split("\n\n") if e]
    assert events[0] == {"prompt": "Hello"}
    assert events[-1]["done"] and events[-1]["reason"] in ("length", "stop")
    assert events[-1]["n"] == sum("text" in e for e in events) or events[-1]["n"] > 0
    plain = server.get("/gpt2/generate/Hello?max_length=12&seed=4").text
    assert "Hello" + "".join(e.get("text", "") for e in events) == plain


def test_S5_second_request_waits_for_the_stream(server):
    one = b"GET /gpt2/generate/Hi?max_length=30&seed=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /plaintext HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    raw = server.raw(one + last)
    body = raw.partition(b"\r\n\r\n")[2]
    end = body.index(b"0\r\n\r\n") + 5
    assert body[end:].startswith(b"HTTP/1.1 200 OK\r\n")
    assert body.endswith(b"Hello, World!")


def wait_until(fact, seconds):
    until = time.monotonic() + seconds * SLOW
    while time.monotonic() < until:
        if fact():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["close", "reset"])
def test_S6_leaving_stops_the_work(server, how):
    """Ten clients leave early, by FIN or by RST. A loaded machine may let some of these short
    generations run out before the client is gone; when leaving is not noticed, all of them do."""
    def idle():
        return stats(server)["streams_live"] == 0

    assert wait_until(idle, 20)
    before = stats(server)["streams_cancelled"]
    for i in range(10):
        with server.connect() as s:
            s.sendall(f"GET /gpt2/generate/Hi?max_length=250&seed={i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            s.recv(256)
            if how == "reset":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert wait_until(idle, 10)
    assert stats(server)["streams_cancelled"] > before


def test_parallel_streams_are_those_of_one_alone(server):
    alone = [stream(server, query=f"max_length=60&seed={s}")[1] for s in range(6)]
    got = [None] * 6

    def go(i):
        got[i] = stream(server, query=f"max_length=60&seed={i}")[1]

    threads = [threading.Thread(target=go, args=(i,)) for i in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert got == alone


def test_models_route_and_legacy_name(server):
    models = json.loads(server.get("/gpt2/models").text)
    assert models[0]["name"] == "gpt2" and models[0]["n_params"] > 0
    assert server.get("/generate/Hi?max_length=5&seed=1").body == \
        server.get("/gpt2/generate/Hi?max_length=5&seed=1").body


def test_two_checkpoints_by_name(tmp_path):
    with Server("--gpt2", f"one={CHECKPOINT}", "--gpt2", f"two={CHECKPOINT}") as s:
        assert s.get("/gpt2/generate/Hi?max_length=5&model=two").headers["X-Model-Name"] == "two"
        assert s.get("/gpt2/generate/Hi?max_length=5").headers["X-Model-Name"] == "one"
        assert s.get("/gpt2/generate/Hi?max_length=5&model=gpt2").headers["X-Model-Name"] == "one"


# --- Bad checkpoints -------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["empty", "text", "cut", "flipped", "missing"])
def test_bad_checkpoint_is_said_and_the_rest_serves(tmp_path, kind):
    path = tmp_path / "bad.pt"
    good = CHECKPOINT.read_bytes()
    data = {"empty": b"", "text": b"not a checkpoint\n" * 99, "cut": good[:len(good) // 2],
            "flipped": good[:100] + b"\xff" * 3000 + good[3100:], "missing": None}[kind]
    if data is not None:
        path.write_bytes(data)
    with Server("--gpt2", path) as s:
        lines = [l for l in s.errors.decode().splitlines() if "ERROR" in l]
        assert len(lines) == 1 and "bad.pt" in lines[0], s.errors.decode()
        r = s.get("/gpt2/generate/Hi")  # S8: no 200 for a model that is not there
        assert r.status == 503 and str(tmp_path) not in r.text
        assert s.get("/plaintext").status == 200
    code, _, errors = run("generate", "--model", path, "--prompt", "x")
    assert code == 1 and "bad.pt" in errors and len(errors.strip().splitlines()) == 1


# --- The fixture from PyTorch ----------------------------------------------------------------

def test_shared_checkpoint_continues_as_pytorch():
    path = need_data("models/model_01148.pt")
    runs = json.loads(need_data("models/continuations.json").read_text())
    with Server("--gpt2", path) as s:
        for case in runs["greedy"] + runs["seeded"]:
            query = f"max_length={case['max_length']}&top_k={case['top_k']}&seed={case['seed']}"
            _, chunks = stream(s, case["prompt"], query)
            assert b"".join(chunks).decode() == case["text"], case["prompt"]
