"""/llm: the original's route for models from the hub."""
import json
import re
import urllib.parse

import pytest

import hub_model
from conftest import Server, wait_until

PROMPT = "Once upon a time"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    top = tmp_path_factory.mktemp("hub")
    tiny = hub_model.make(top / "tiny")
    bare = hub_model.make(top / "bare", seed=2, template=None, context=64)
    broken = hub_model.make(top / "broken")
    (broken / "config.json").write_text('{"model_type": "martian"}')
    with Server("--model", f"qwen3-4b={tiny}", "--model", bare, "--model", broken,
                "--no-calibrate", "--threads", "2") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    assert s.process.returncode == 0, s.errors.decode()


def generate(server, prompt=PROMPT, **query):
    query.setdefault("seed", 1)
    return server.get(f"/llm/generate/{urllib.parse.quote(prompt, safe='')}?"
                      + urllib.parse.urlencode(query))


def test_headers_are_the_originals(hub):
    r = generate(hub, max_length=40, top_k=7, seed=42)
    assert r.status == 200 and r.headers["Content-Type"] == "text/plain; charset=UTF-8"
    names = ["X-Max-Length", "X-Top-K", "X-Seed", "X-Model-Alias", "X-Model-ID", "X-Model-Device",
             "X-Context-Window", "X-Prompt-Tokens", "X-Context-Clipped", "X-Chat-Template"]
    assert r.headers["Access-Control-Expose-Headers"] == ", ".join(names)
    said = {n: r.headers[n] for n in names}
    assert said == {
        "X-Max-Length": "40", "X-Top-K": "7", "X-Seed": "42", "X-Model-Alias": "qwen3-4b",
        "X-Model-ID": "Qwen/Qwen3-4B", "X-Model-Device": "cpu",
        "X-Context-Window": str(hub_model.CONTEXT), "X-Prompt-Tokens": said["X-Prompt-Tokens"],
        "X-Context-Clipped": "false", "X-Chat-Template": "false"}
    assert r.text.startswith(PROMPT) and len(r.text) > len(PROMPT)


def test_bos_stands_where_the_tokenizer_puts_it(hub):
    body = json.dumps({"content": PROMPT, "model": "qwen3-4b"})
    bare = json.loads(hub.request("POST", "/tokenize", {}, body).text)["tokens"]
    assert generate(hub).headers["X-Prompt-Tokens"] == str(len(bare) + 1)


def test_same_seed_same_text(hub):
    texts = [generate(hub, seed=s, max_length=60).text for s in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    random = generate(hub, seed="", max_length=60)
    assert generate(hub, seed=random.headers["X-Seed"], max_length=60).text == random.text


@pytest.mark.parametrize("yes", ["1", "true", "YES"])
def test_chat_uses_the_template_and_echoes_the_prompt(hub, yes):
    r = generate(hub, chat=yes, system="Be brief", max_length=400)
    assert r.headers["X-Chat-Template"] == "true" and r.text.startswith(PROMPT)
    plain = generate(hub, chat="0", system="Be brief", max_length=400)
    assert plain.headers["X-Chat-Template"] == "false"
    assert int(r.headers["X-Prompt-Tokens"]) > int(plain.headers["X-Prompt-Tokens"]) + 30


def test_a_model_without_a_template_gets_the_text(hub):
    r = generate(hub, model="bare", chat=1, max_length=30)
    assert r.status == 200 and r.headers["X-Chat-Template"] == "false"


def test_a_prompt_over_the_context_keeps_its_end(hub):
    r = generate(hub, "word " * 40, model="bare", max_length=1000)
    assert r.headers["X-Context-Clipped"] == "true" and r.headers["X-Max-Length"] == "64"
    assert int(r.headers["X-Prompt-Tokens"]) > 64
    assert r.text == "word " * 40  # as the original: no room for more
    short = generate(hub, max_length=3)
    assert short.headers["X-Context-Clipped"] == "true" and short.text == PROMPT


def test_parameters_of_a_body(hub):
    body = {"prompt": PROMPT, "max_length": 50, "seed": 9, "chat": True, "temperature": 0.5,
            "stop": ["zzz"], "top_k": 0}
    r = hub.request("POST", "/llm/generate", {"Content-Type": "application/json"}, json.dumps(body))
    assert r.status == 200 and r.headers["X-Top-K"] == "0" and r.headers["X-Chat-Template"] == "true"
    plain = hub.request("POST", "/llm/generate?max_length=20", {"Content-Type": "text/plain"}, PROMPT)
    assert plain.text.startswith(PROMPT)


def test_events(hub):
    r = hub.get(f"/llm/generate/Hello?max_length=20&seed=1&logprobs=2", Accept="text/event-stream")
    parts = [json.loads(e[6:]) for e in r.text.split("\n\n") if e]
    assert parts[0] == {"prompt": "Hello"} and parts[-1]["done"]
    assert all(len(p["logprobs"]["top"]) == 2 for p in parts[1:-1] if "logprobs" in p)
    assert generate(hub, "Hello", max_length=20).text == \
        "Hello" + "".join(p.get("text", "") for p in parts)


@pytest.mark.parametrize("query,word", [
    ("max_length=abc", "max_length"), ("top_k=0", "top_k"), ("chat=perhaps", "chat"),
    ("model=nope", "nope"), ("model=Qwen/Qwen3-8B", "Qwen3-8B"), ("device=cuda:0", "cuda"),
    ("temperature=-1", "temperature")])
def test_bad_parameters_are_400(hub, query, word):
    r = hub.get(f"/llm/generate/Hello?{query}")
    assert r.status == 400 and word in r.text


def test_names_of_a_model(hub):
    for name in ("qwen3-4b", "QWEN3-4B", "Qwen/Qwen3-4B", ""):
        assert generate(hub, model=name).headers["X-Model-Alias"] == "qwen3-4b"


def test_a_broken_model_says_so_and_not_where(hub):
    r = generate(hub, model="broken")
    assert r.status == 500 and "martian" in r.text and "/tmp" not in r.text
    error = hub.request("POST", "/v1/completions", {}, '{"model": "broken", "prompt": "x"}')
    assert error.status == 500 and json.loads(error.text)["error"]["code"] == "model_not_loaded"
    row = next(m for m in json.loads(hub.get("/llm/models").text)["models"] if m["name"] == "broken")
    assert row["state"] == "broken"


def test_a_missing_prompt(hub):
    assert hub.get("/llm/generate").status == hub.get("/llm/generate/").status == 400


def test_head_says_the_headers(hub):
    r = hub.request("HEAD", "/llm/generate/Hello?max_length=30&seed=1")
    assert r.status == 200 and r.headers["X-Prompt-Tokens"] == "5" and r.body == b""


def test_leaving_cancels(hub):
    def live():
        return json.loads(hub.get("/stats").text)["apps"]["llm"]["streams_live"]
    with hub.connect() as s:
        s.sendall(b"GET /llm/generate/Hello?max_length=4000&seed=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"
    assert wait_until(lambda: live() == 0)


def test_requests_wait_for_a_model_that_is_being_loaded(tmp_path):
    folder = hub_model.make(tmp_path / "tiny")
    with Server("--model", folder, "--no-calibrate", "--threads", "2") as s:
        ports = []
        for _ in range(8):
            c = s.connect()
            c.sendall(b"GET /llm/generate/Hello?max_length=9&seed=1 HTTP/1.1\r\nHost: x\r\n"
                      b"Connection: close\r\n\r\n")
            ports.append(c)
        replies = set()
        for c in ports:
            data = b""
            while chunk := c.recv(65536):
                data += chunk
            c.close()
            replies.add(re.sub(rb"Date: [^\r]*", b"", data))
        assert len(replies) == 1 and b"200 OK" in replies.pop()
