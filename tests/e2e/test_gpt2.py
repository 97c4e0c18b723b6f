"""The GPT-2 routes: the stream's bytes, its headers, its seeds, its end."""
import html
import json
import math
import re
import shutil
import socket
import threading
import urllib.parse

import pytest

from conftest import CHECKPOINT, PATIENCE_S, ROOT, SLOW, Server, need_data, run, wait_until

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


def is_idle(server):
    now = stats(server)
    return now["streams_live"] + now["streams_waiting"] == 0


@pytest.mark.parametrize("how", ["close", "reset"])
def test_S6_leaving_stops_the_work(server, how):
    """Clients leave early, by FIN or by RST. A loaded machine may let some of these short
    generations run out before the client is gone; when leaving is not noticed, all of them do."""
    assert wait_until(lambda: is_idle(server))
    before = stats(server)["streams_cancelled"]
    for i in range(100):
        with server.connect() as s:
            s.sendall(f"GET /gpt2/generate/Hi?max_length=250&seed={i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            s.recv(256)
            if how == "reset":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert wait_until(lambda: is_idle(server))
        if i >= 9 and stats(server)["streams_cancelled"] > before:
            return
    pytest.fail("100 clients left, and not one stream was cancelled")


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


# --- Parameters ------------------------------------------------------------------------------

def post(server, fields, **headers):
    body = fields if isinstance(fields, (str, bytes)) else json.dumps(fields)
    return server.request("POST", "/gpt2/generate", body=body,
                          headers={"Content-Type": "application/json", **headers})


def events_of(reply):
    assert reply.status == 200, reply.text
    return [json.loads(e[len("data: "):]) for e in reply.text.split("\n\n") if e]


# name: (below, above, neither) as JSON values; the last is no value of its kind.
RANGES = {
    "temperature": (-0.01, 1000.1, "warm"),
    "top_k": (-1, 1025, "many"),
    "top_p": (0, 1.01, "most"),
    "min_p": (-0.01, 1.01, "few"),
    "repetition_penalty": (0.009, 100.5, "often"),
    "frequency_penalty": (-2.1, 2.1, "often"),
    "presence_penalty": (-2.1, 2.1, "often"),
    "logprobs": (-1, 21, "all"),
    "seed": (-2**63 - 1, 2**64, "lucky"),
    "max_length": (-2**63 - 1, 2**63, "long"),
    "logit_bias": ({"5": -100.1}, {"5": 100.1}, {"five": 1}),
    "stop": ([""], ["x" * 257], [7]),
}


@pytest.mark.parametrize("name", RANGES)
def test_each_parameter_has_a_range_in_json(server, name):
    for value in RANGES[name]:
        r = post(server, {"prompt": "Hello", name: value})
        assert r.status == 400 and f"{name} must be " in r.text, (value, r.text)
    for value in (True, [[]], {"a": {}}):
        assert name in post(server, {"prompt": "Hello", name: value}).text
    assert post(server, {"prompt": "Hello", "max_length": 3, name: None}).status == 200


@pytest.mark.parametrize("name", [n for n in RANGES if n not in ("logit_bias", "stop")])
def test_each_parameter_has_a_range_in_a_query(server, name):
    below, above, neither = RANGES[name]
    bad = [below, neither, "NaN", "inf", "1e999", "0x10", "1,5", "-", " 1", "1 1"]
    if name == "top_k":
        bad.append(0)
    else:
        bad.append(above)
    for value in bad:
        r = server.get(f"/gpt2/generate/Hello?{name}={urllib.parse.quote(str(value))}")
        assert r.status == 400 and f"{name} must be " in r.text, (value, r.text)
        assert html.escape(str(value)) in r.text


@pytest.mark.parametrize("value", ["5", "5:", ":5", "a:1", "5:x", "5:NaN", "5:101", "5:1,6:-101",
                                   "-1:1", "5:1,,6:1", "99999999999:1"])
def test_logit_bias_in_a_query(server, value):
    r = server.get(f"/gpt2/generate/Hello?logit_bias={value}")
    assert r.status == 400 and "logit_bias must be " in r.text


def test_too_many_of_a_list(server):
    bias = {str(i): 1 for i in range(1025)}
    assert "logit_bias must be up to 1024" in post(server, {"prompt": "x", "logit_bias": bias}).text
    stops = "&".join(f"stop=x{i}" for i in range(17))
    r = server.get("/gpt2/generate/Hello?" + stops)
    assert r.status == 400 and "stop must be up to 16" in r.text
    r = server.get("/gpt2/generate/Hello?stop=" + "x" * 257)
    assert r.status == 400 and "stop must be" in r.text


def test_a_bias_of_an_id_that_is_none(server):
    r = post(server, {"prompt": "x", "logit_bias": {"60000": 1}})
    assert r.status == 400 and "60000" in r.text


@pytest.mark.parametrize("body,word", [
    ('{"prompt": "x", "nope": 1}', "nope"), ('{"prompt": "x"', "line 1"), ("[1]", "object"),
    ('"x"', "object"), ("", "line 1"), ('{"prompt": ""}', "Missing prompt"), ("{}", "Missing prompt"),
    ('{"prompt": 5}', "prompt"), ('{"prompt": "x", "prompt": "y"}', "twice"),
    ('{"prompt": "x", "temperature": NaN}', "line 1"), ('{"prompt": "\\ud800"}', "line 1"),
    ('{"prompt": "x", "model": "nope"}', "nope"), ('{"prompt": "x", "device": "tpu"}', "tpu"),
    ('{"prompt": "x", "rng": "dice"}', "rng"), ("[" * 5000, "nested")])
def test_bad_json(server, body, word):
    r = post(server, body)
    assert r.status == 400 and word in html.unescape(r.text), r.text


def test_json_is_the_query_in_another_form(server):
    query = "max_length=30&seed=5&top_k=7&temperature=0.9&top_p=0.8&min_p=0.01&repetition_penalty=1.2"
    alone = server.get(f"/gpt2/generate/The%20server?{query}")
    r = post(server, {"prompt": "The server", "max_length": 30, "seed": 5, "top_k": 7,
                      "temperature": 0.9, "top_p": 0.8, "min_p": 0.01, "repetition_penalty": 1.2})
    assert r.body == alone.body
    assert r.headers["X-Seed"] == "5" and r.headers["X-Top-K"] == "7"
    assert post(server, {"prompt": "The server", "max_length": 30, "seed": "5", "top_k": 7,
                         "temperature": 0.9, "top_p": 0.8, "min_p": 0.01,
                         "repetition_penalty": 1.2}).body == alone.body


def test_json_may_ask_for_more_candidates_than_old_urls(server):
    fields = {"prompt": "Hi", "max_length": 5, "seed": 1}
    assert post(server, {**fields, "top_k": 1024}).headers["X-Top-K"] == "1024"
    assert post(server, {**fields, "top_k": 0}).headers["X-Top-K"] == "0"
    assert server.get("/gpt2/generate/Hi?max_length=5&top_k=1024").headers["X-Top-K"] == "50"


def test_seeds_are_64_bits(server):
    for told, seed in ((2**64 - 1, "18446744073709551615"), (-1, "18446744073709551615"),
                       (2**63, "9223372036854775808")):
        assert server.get(f"/gpt2/generate/Hi?max_length=5&seed={told}").headers["X-Seed"] == seed
    assert post(server, {"prompt": "Hi", "seed": str(2**64 - 1)}).headers["X-Seed"] == str(2**64 - 1)


def greedy(server, **more):
    return post(server, {"prompt": "The server", "max_length": 40, "top_k": 1, "seed": 1, **more}).text


def test_ways_to_the_likeliest(server):
    """Four parameters that leave one candidate give one text, whatever the seed."""
    want = greedy(server)
    for more in ({"temperature": 0}, {"top_p": 1e-6}, {"min_p": 1}, {"temperature": 0.001}):
        for seed in (1, 2):
            text = post(server, {"prompt": "The server", "max_length": 40, "seed": seed, **more}).text
            assert text == want, more


def test_bias_and_penalties_change_the_text(server):
    want = greedy(server)
    first = events_of(post(server, {"prompt": "The server", "max_length": 10, "top_k": 1, "logprobs": 0},
                           Accept="text/event-stream"))[1]["logprobs"]["id"]
    assert greedy(server, logit_bias={str(first): -100}) != want
    assert greedy(server, logit_bias={"198": 100}).startswith("The server\n\n")
    assert server.get("/gpt2/generate/The%20server?max_length=40&top_k=1&seed=1&logit_bias=198:100"
                      ).text.startswith("The server\n\n")
    for name in ("frequency_penalty", "presence_penalty"):
        assert greedy(server, max_length=120, **{name: 2}) != greedy(server, max_length=120)
    assert greedy(server, max_length=120, repetition_penalty=1.5) != greedy(server, max_length=120)


def test_stop_strings_end_the_text_before_them(server):
    prompt, query = "The server", "max_length=60&seed=42"
    _, chunks = stream(server, prompt, query)
    text = b"".join(chunks[1:]).decode()
    # Inside a token, over two, over many, at the very end, and one that never comes.
    tokens = [c.decode() for c in chunks[1:]]
    two = tokens[5][-1] + tokens[6][:2]
    for stops in ([text[20:22]], [two], [text[10:50]], [text[-3:]], [text[30:34], text[12:15]], ["\x01no"]):
        at = min([text.find(s) for s in stops if s in text] or [len(text)])
        q = query + "".join("&stop=" + urllib.parse.quote(s) for s in stops)
        _, got = stream(server, prompt, q)
        assert b"".join(got[1:]).decode() == text[:at], stops
        assert post(server, {"prompt": prompt, "max_length": 60, "seed": 42, "stop": stops},
                    ).text == prompt + text[:at]
    events = events_of(post(server, {"prompt": prompt, "max_length": 60, "seed": 42,
                                     "stop": text[20:22]}, Accept="text/event-stream"))
    assert events[-1]["reason"] == "stop" and events[-1]["n"] < 58
    assert "".join(e.get("text", "") for e in events) == text[:text.find(text[20:22])]


def test_logprobs_come_with_every_token(server):
    fields = {"prompt": "The server", "max_length": 30, "seed": 4}
    events = events_of(post(server, {**fields, "logprobs": 3}, Accept="text/event-stream"))
    told = [e["logprobs"] for e in events if "logprobs" in e]
    assert len(told) == events[-1]["n"] and told
    for p in told:
        best = [t["logprob"] for t in p["top"]]
        assert len(best) == 3 and best == sorted(best, reverse=True)
        assert p["logprob"] <= best[0] + 1e-6 and sum(math.exp(b) for b in best) <= 1 + 1e-5
        same = [t for t in p["top"] if t["id"] == p["id"]]
        assert not same or same[0] == {k: p[k] for k in ("id", "token", "logprob")}
    plain = post(server, fields).text
    assert "The server" + "".join(e.get("text", "") for e in events) == plain
    assert "".join(p["token"] for p in told) == plain[len("The server"):]
    none = events_of(post(server, {**fields, "logprobs": 0}, Accept="text/event-stream"))
    assert [e["logprobs"]["id"] for e in none if "logprobs" in e] == [p["id"] for p in told]
    r = post(server, {**fields, "logprobs": 3})
    assert r.status == 400 and "text/event-stream" in r.text


def test_a_prompt_may_be_a_parameter_too(server):
    a = server.get("/gpt2/generate?prompt=The+server&max_length=9&seed=1")
    assert a.body == server.get("/gpt2/generate/The%20server?max_length=9&seed=1").body
    r = server.request("POST", "/gpt2/generate/From%20the%20path?max_length=9&seed=1",
                       body=json.dumps({"max_length": 12}),
                       headers={"Content-Type": "application/json; charset=utf-8"})
    assert r.text.startswith("From the path") and r.headers["X-Max-Length"] == "12"


def test_huge_prompts_are_refused_and_nothing_breaks(server):
    for n in (2_000, 40_000, 200_000, 900_000):
        r = post(server, {"prompt": "a b " * (n // 4)})
        assert r.status == 400 and "context" in r.text, n
    raw = server.raw(b"POST /gpt2/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 1100000\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 413 ")
    assert server.get("/gpt2/generate/Hi?max_length=5&seed=1").status == 200


# --- Many at once ----------------------------------------------------------------------------

def read_all(s):
    out = b""
    while chunk := s.recv(65536):
        out += chunk
    return out


def crowd(server, n, query):
    """n clients that ask at once and then read; replies in order."""
    clients = []
    for i in range(n):
        s = server.connect()
        s.sendall(f"GET /gpt2/generate/The%20server?{query(i)} HTTP/1.1\r\nHost: x\r\n"
                  "Connection: close\r\n\r\n".encode())
        clients.append(s)
    raw = [read_all(s) for s in clients]
    [s.close() for s in clients]
    return raw


def test_400_generations_at_once_are_those_of_one_alone(server):
    def query(i):
        return f"max_length={16 if SLOW == 1 else 6}&seed={i % 8}"
    alone = [stream(server, "The server", query(i))[1] for i in range(8)]
    n_good = 0
    for i, raw in enumerate(crowd(server, 400, query)):
        if raw.startswith(b"HTTP/1.1 503 "):
            assert re.search(rb"\r\nRetry-After: [1-9]\d*\r\n", raw), raw
        else:
            n_good += 1
            assert b"".join(chunks_of(raw)[1]) == b"".join(alone[i % 8])
    assert n_good >= 64


@pytest.mark.parametrize("option,code,word", [
    (("--queue", "1"), b"503", b"wait"), (("--queue-client", "1"), b"429", b"client")])
def test_what_does_not_fit_the_queue_is_refused(option, code, word):
    """Each takes hundreds of steps, so that far from all of them fit one behind the other."""
    with Server("--gpt2", CHECKPOINT, "--streams", "1", "--no-calibrate", *option) as s:
        replies = crowd(s, 60, lambda i: f"max_length=250&seed={i}")
        refused = [r for r in replies if not r.startswith(b"HTTP/1.1 200 ")]
        assert 0 < len(refused) < 60
        for r in refused:
            assert r.startswith(b"HTTP/1.1 " + code), r
            wait = re.search(rb"\r\nRetry-After: (\d+)\r\n", r)
            assert wait and 1 <= int(wait.group(1)) <= 3600
            assert word in r
        for r in replies:
            if r not in refused:
                chunks_of(r)
        assert wait_until(lambda: is_idle(s))
        assert s.get("/gpt2/generate/Hi?max_length=5").status == 200


@pytest.mark.parametrize("how", ["close", "reset"])
def test_leaving_while_queued_gives_the_place_back(how):
    with Server("--gpt2", CHECKPOINT, "--streams", "1", "--no-calibrate") as s:
        clients = []
        for i in range(40):
            c = s.connect()
            c.sendall(f"GET /gpt2/generate/Hi?max_length=250&seed={i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            c.recv(1)  # the reply has begun: it is in the queue, or runs
            clients.append(c)
        for c in clients:
            if how == "reset":
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            c.close()
        assert wait_until(lambda: is_idle(s))
        assert stats(s)["streams_cancelled"] > 0


def test_clients_that_do_not_read_hold_nobody_up(server):
    """Six ask for long events and read nothing: others are served, memory stays, and in the end the
    six get all of it."""
    body = json.dumps({"prompt": "The server", "max_length": 150, "seed": 3, "logprobs": 20})
    ask = (f"POST /gpt2/generate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/event-stream\r\n"
           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    want = stream(server, "The server", "max_length=150&seed=3")[1]

    def resident():
        return json.loads(server.get("/stats").text)["resident_bytes"]

    before = resident()
    slow = []
    for _ in range(6):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(PATIENCE_S)
        s.connect((server.host, server.port))
        s.sendall(ask)
        slow.append(s)
    for seed in range(3):
        r = server.get(f"/gpt2/generate/The%20server?max_length=20&seed={seed}")
        assert r.status == 200 and r.text.startswith("The server")
    if SLOW == 1:  # sanitizers keep what is freed
        assert resident() - before < 64 << 20
    for s in slow:
        _, chunks = chunks_of(read_all(s))
        events = [json.loads(c[len(b"data: "):]) for c in chunks]
        assert "".join(e.get("text", "") for e in events).encode() == b"".join(want[1:])
        s.close()


# --- Models ----------------------------------------------------------------------------------

def test_models_say_what_they_are():
    with Server("--gpt2", CHECKPOINT, "--gpt2", f"{CHECKPOINT},int8", "--gpt2", f"x={CHECKPOINT},bf16",
                "--gpt2", f"{CHECKPOINT},int4", "--gpt2", f"{CHECKPOINT},f32") as s:
        models = json.loads(s.get("/gpt2/models").text)
        assert [m["name"] for m in models] == ["gpt2", "handbook-int8", "x", "handbook-int4", "handbook-f32"]
        assert [m["type"] for m in models] == ["f16", "int8", "bf16", "int4", "f32"]  # the file has f16
        size = {m["type"]: m["bytes"] for m in models}
        assert size["f32"] > size["bf16"] == size["f16"] > size["int8"] > size["int4"] > 0
        assert all(m["tokenizer"] == "built-in" and m["tokens"] == 50257 for m in models)
        log = s.errors.decode()
        for m in models:
            assert re.search(rf"INFO gpt2: {m['name']}: .* {m['type']}, .*tokenizer built in.*loaded in", log)
            r = s.get(f"/gpt2/generate/The%20server?max_length=20&seed=1&model={m['name']}")
            assert r.headers["X-Model-Name"] == m["name"] and r.text.startswith("The server ")


def test_types_from_the_environment():
    """There a list is cut at commas, so that the type is an item of its own."""
    with Server(env={"PARALLELOPEDIA_GPT2": f"{CHECKPOINT},int8,two={CHECKPOINT}"}) as s:
        models = json.loads(s.get("/gpt2/models").text)
        assert [(m["name"], m["type"]) for m in models] == [("gpt2", "int8"), ("two", "f16")]


def test_an_unknown_type_is_said():
    with Server("--gpt2", f"{CHECKPOINT},int7") as s:
        assert "int7" in s.errors.decode() and s.get("/gpt2/generate/Hi").status == 503


def test_panels_are_kept_for_the_next_start(tmp_path):
    texts = []
    for _ in range(2):
        with Server("--gpt2", f"{CHECKPOINT},int8", "--panels", tmp_path / "panels") as s:
            texts.append(s.get("/gpt2/generate/The%20server?max_length=40&seed=1").text)
            kept = list((tmp_path / "panels").iterdir())
            assert len(kept) == 1 and kept[0].stat().st_size > 1 << 20
    assert texts[0] == texts[1]
    kept[0].write_bytes(b"not these weights")  # then they are made anew
    with Server("--gpt2", f"{CHECKPOINT},int8", "--panels", tmp_path / "panels") as s:
        assert s.get("/gpt2/generate/The%20server?max_length=40&seed=1").text == texts[0]


def byte_tokenizer():
    """A tokenizer.json in which every byte is a token."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in shown]
    chars = {b: chr(b) for b in shown} | {b: chr(256 + i) for i, b in enumerate(rest)}
    return {"model": {"type": "BPE", "vocab": {chars[b]: b for b in range(256)}, "merges": []},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
            "decoder": {"type": "ByteLevel"}}


def test_hugging_face_folders(tmp_path):
    """One whole, one in shards, one with a tokenizer of its own, side by side."""
    golden = ROOT / "tests/golden"
    own = tmp_path / "own"
    shutil.copytree(golden / "hf_single", own)
    (own / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    with Server("--gpt2", golden / "hf_single", "--gpt2", f"{golden}/hf_sharded/",
                "--gpt2", f"bytes={own},f32") as s:
        models = json.loads(s.get("/gpt2/models").text)
        assert [m["name"] for m in models] == ["gpt2", "hf_sharded", "bytes"], s.errors.decode()
        assert [m["tokenizer"] for m in models] == ["built-in", "built-in", "tokenizer.json"]
        assert models[2]["tokens"] == 256 and models[0]["n_layer"] == 2
        r = s.get("/gpt2/generate/Any%20bytes?max_length=40&seed=1&model=bytes")
        assert r.status == 200 and r.text.startswith("Any bytes") and r.headers["X-Model-Name"] == "bytes"
        assert s.get("/gpt2/generate/!?max_length=20&seed=1").text.startswith("!")
        # GPT-2's ids go further than this model's: it is said, and nothing breaks.
        r = s.get("/gpt2/generate/Hello?max_length=20")
        assert r.status == 400 and s.is_alive()
        over = s.get("/gpt2/generate/" + "x" * 60 + "?model=bytes")
        assert over.status == 400 and "60" in over.text and "48" in over.text
    (own / "tokenizer.json").write_text("{}")
    with Server("--gpt2", own) as s:
        assert "tokenizer.json" in s.errors.decode() and s.get("/gpt2/generate/Hi").status == 503


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
