"""/v1, /tokenize and their neighbours, byte by byte: shapes, streams, errors, keys."""
import base64
import json
import math
import re
import struct
import threading

import pytest

import hub_model
from conftest import PATIENCE_S, Server, wait_until

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = hub_model.make(tmp_path_factory.mktemp("hub") / "tiny")
    with Server("--model", folder, "--no-calibrate", "--threads", "2") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    assert s.process.returncode == 0, s.errors.decode()


def post(server, path, body, **headers):
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return server.request("POST", path, {"Content-Type": "application/json", **headers}, data)


def ask(server, path="/v1/chat/completions", **body):
    """A request that goes well."""
    if path.endswith("chat/completions"):
        body.setdefault("messages", HELLO)
    r = post(server, path, {"seed": 1, "max_tokens": 8, **body})
    assert r.status == 200, r.text
    return json.loads(r.text)


def complete(server, **body):
    return ask(server, "/v1/completions", **{"prompt": "Once upon a time", **body})


def refused(server, path="/v1/chat/completions", code=400, **body):
    """A request that is refused: the error."""
    if path.endswith("chat/completions"):
        body.setdefault("messages", HELLO)
    r = post(server, path, body)
    assert r.status == code, (r.status, r.text)
    error = json.loads(r.text)["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"]
    return error


def events(server, path="/v1/chat/completions", **body):
    """A stream's events, its end checked."""
    if path.endswith("chat/completions"):
        body.setdefault("messages", HELLO)
    r = post(server, path, {"seed": 1, "max_tokens": 8, "stream": True, **body})
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/event-stream"), r.text
    parts = r.text.split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    assert all(p.startswith("data: ") and "\n" not in p for p in parts[:-1])
    return [json.loads(p[6:]) for p in parts[:-2]]


def stats(server):
    return json.loads(server.get("/stats").text)["apps"]


# --- Models ----------------------------------------------------------------------------------

def test_models(hub):
    ask(hub)  # so that it is loaded
    data = json.loads(hub.get("/v1/models").text)
    assert data["object"] == "list"
    (model,) = data["data"]
    assert model["id"] == "tiny" and model["object"] == "model" and model["owned_by"]
    assert model["state"] == "ready" and model["context_window"] == hub_model.CONTEXT
    assert model["created"] > 1_600_000_000
    assert json.loads(hub.get("/v1/models/tiny").text) == model


def test_unknown_model_is_404_in_their_shape(hub):
    r = hub.get("/v1/models/gpt-9")
    assert r.status == 404 and json.loads(r.text)["error"]["code"] == "model_not_found"
    error = refused(hub, code=404, model="gpt-9")
    assert error["code"] == "model_not_found" and error["param"] == "model"


def test_unknown_url_is_404_in_their_shape(hub):
    for method in ("GET", "POST"):
        r = hub.request(method, "/v1/assistants/x")
        assert r.status == 404 and json.loads(r.text)["error"]["type"] == "invalid_request_error"


def test_what_the_server_refuses_has_their_shape(hub):
    for method, path, body, code in (
            ("GET", "/v1/chat/completions", b"", 405), ("POST", "/v1/models", b"{}", 405),
            ("DELETE", "/v1/models/x", b"", 501), ("GET", "/tokenize", b"", 405),
            ("POST", "/v1/completions", b" " * ((1 << 20) + 1), 413)):
        r = hub.request(method, path, {}, body)
        error = json.loads(r.text)["error"]
        assert r.status == code and error["message"] and "param" in error and "code" in error
        assert error["type"] == ("server_error" if code == 501 else "invalid_request_error")
    assert "<html" in hub.request("POST", "/plaintext", {}, b"x").text.lower()


def test_options_are_answered_for_browsers(hub):
    r = hub.request("OPTIONS", "/v1/chat/completions", {
        "Origin": "http://x", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type"})
    assert r.status in (200, 204)
    assert "authorization" in r.headers["Access-Control-Allow-Headers"].lower()


# --- Chats -----------------------------------------------------------------------------------

def test_a_chat(hub):
    r = ask(hub)
    assert r["object"] == "chat.completion" and r["id"].startswith("chatcmpl-")
    assert r["model"] == "tiny" and r["system_fingerprint"].startswith("fp_")
    (choice,) = r["choices"]
    assert choice["index"] == 0 and choice["finish_reason"] in ("stop", "length")
    assert choice["message"]["role"] == "assistant" and choice["logprobs"] is None
    usage = r["usage"]
    assert usage["completion_tokens"] <= 8
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    prompt = json.loads(post(hub, "/apply-template", {"messages": HELLO}).text)["prompt"]
    assert prompt == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    tokens = json.loads(post(hub, "/tokenize", {"content": prompt}).text)["tokens"]
    assert usage["prompt_tokens"] == len(tokens)


def test_same_seed_same_answer(hub):
    same = {json.dumps(ask(hub, max_tokens=24)["choices"]) for _ in range(3)}
    assert len(same) == 1
    assert len({json.dumps(ask(hub, max_tokens=24, seed=s)["choices"]) for s in range(4)}) > 1


def test_answers_have_the_seeds_after_the_first(hub):
    three = ask(hub, n=3, seed=7)["choices"]
    assert [c["index"] for c in three] == [0, 1, 2]
    for i, c in enumerate(three):
        assert c["message"] == ask(hub, seed=7 + i)["choices"][0]["message"]


def test_the_seed_is_told(hub):
    r = post(hub, "/v1/chat/completions", {"messages": HELLO, "max_tokens": 16})
    again = post(hub, "/v1/chat/completions",
                 {"messages": HELLO, "max_tokens": 16, "seed": int(r.headers["X-Seed"])})
    assert json.loads(r.text)["choices"] == json.loads(again.text)["choices"]


def test_parts_of_a_message(hub):
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hel"},
                                          {"type": "text", "text": "lo"}]}]
    assert ask(hub, messages=parts)["usage"]["prompt_tokens"] >= \
        ask(hub)["usage"]["prompt_tokens"]


def test_a_prefix_is_found_again(hub):
    long = [{"role": "user", "content": "word " * 200}]
    ask(hub, messages=long)
    usage = ask(hub, messages=long)["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > 900
    assert usage["prompt_tokens"] > 1000


def test_stop_strings_never_come(hub):
    whole = ask(hub, max_tokens=60, temperature=1.5)["choices"][0]["message"]["content"]
    assert len(whole) > 12
    for stop in (whole[5:8], [whole[9:10], "never"]):
        r = ask(hub, max_tokens=60, temperature=1.5, stop=stop)["choices"][0]
        first = min(whole.find(s) for s in ([stop] if isinstance(stop, str) else stop)
                    if whole.find(s) >= 0)
        assert r["message"]["content"] == whole[:first] and r["finish_reason"] == "stop"
        said = "".join(e["choices"][0]["delta"].get("content") or "" for e in
                       events(hub, max_tokens=60, temperature=1.5, stop=stop))
        assert said == whole[:first]


def test_no_new_tokens(hub):
    r = ask(hub, max_tokens=0)["choices"][0]
    assert r["finish_reason"] == "length" and r["message"]["content"] == ""


def test_ignore_eos_and_min_tokens(hub):
    bias = {str(hub_model.token_id("<|im_end|>")): 100}
    assert ask(hub, logit_bias=bias)["choices"][0]["finish_reason"] == "stop"
    r = ask(hub, logit_bias=bias, ignore_eos=True, max_tokens=5)
    assert r["usage"]["completion_tokens"] == 5 and r["choices"][0]["finish_reason"] == "length"
    r = ask(hub, logit_bias=bias, min_tokens=3)
    assert r["usage"]["completion_tokens"] == 3 and r["choices"][0]["finish_reason"] == "stop"


def test_logit_bias_forces_and_forbids(hub):
    a = hub_model.token_id("a")
    assert ask(hub, logit_bias={str(a): 100})["choices"][0]["message"]["content"] == "a" * 8


def test_template_variables(hub):
    def prompt(**more):
        return json.loads(post(hub, "/apply-template", {"messages": HELLO, **more}).text)["prompt"]
    assert prompt(chat_template_kwargs={"enable_thinking": True}).endswith("<think>\n")
    assert prompt(reasoning_effort="low").endswith("effort low")
    both = prompt(reasoning_effort="low", chat_template_kwargs={
        "enable_thinking": True, "a": 1, "z": 2, "reasoning_effort": "high"})
    assert both.endswith("<think>\neffort low")
    assert not prompt(add_generation_prompt=False).endswith("assistant\n")


def test_thoughts_stand_apart(hub):
    kwargs = {"enable_thinking": True}
    end = str(hub_model.token_id("</think>"))
    r = ask(hub, chat_template_kwargs=kwargs, max_tokens=12)["choices"][0]["message"]
    assert r["reasoning_content"] and r["content"] == ""
    deltas = [e["choices"][0]["delta"] for e in events(hub, chat_template_kwargs=kwargs,
                                                       max_tokens=12)]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == r["reasoning_content"]
    over = ask(hub, chat_template_kwargs=kwargs, logit_bias={end: 100}, max_tokens=1)
    assert "</think>" not in json.dumps(over["choices"])
    assert over["choices"][0]["message"]["content"] == ""


# --- Streams ---------------------------------------------------------------------------------

def test_a_stream_is_the_answer_in_pieces(hub):
    whole = ask(hub, max_tokens=30)
    parts = events(hub, max_tokens=30)
    assert len({(e["id"], e["created"], e["model"], e["system_fingerprint"]) for e in parts}) == 1
    assert all(e["object"] == "chat.completion.chunk" for e in parts)
    choices = [e["choices"][0] for e in parts]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert all("role" not in c["delta"] for c in choices[1:])
    assert [c["finish_reason"] for c in choices[:-1]] == [None] * (len(choices) - 1)
    assert choices[-1]["delta"] == {}
    assert choices[-1]["finish_reason"] == whole["choices"][0]["finish_reason"]
    said = "".join(c["delta"].get("content", "") for c in choices)
    assert said == whole["choices"][0]["message"]["content"]
    assert all("usage" not in e for e in parts)


def test_usage_comes_last_and_is_null_before(hub):
    parts = events(hub, stream_options={"include_usage": True})
    assert [e["usage"] for e in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1]["choices"] == [] and parts[-1]["usage"] == ask(hub)["usage"] | {
        "prompt_tokens_details": parts[-1]["usage"]["prompt_tokens_details"]}


def test_several_answers_in_one_stream(hub):
    parts = events(hub, n=3, max_tokens=20)
    whole = ask(hub, n=3, max_tokens=20)["choices"]
    for i in range(3):
        mine = [c for e in parts for c in e["choices"] if c["index"] == i]
        assert "role" in mine[0]["delta"] and mine[-1]["finish_reason"]
        said = "".join(c["delta"].get("content", "") for c in mine)
        assert said == whole[i]["message"]["content"]


def test_leaving_cancels(hub):
    for stream in (True, False):
        before = stats(hub)["llm"]["streams_cancelled"]
        body = json.dumps({"messages": HELLO, "n": 4, "max_tokens": 4000, "ignore_eos": True,
                           "stream": stream}).encode()
        with hub.connect() as s:
            s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: "
                      + str(len(body)).encode() + b"\r\n\r\n" + body)
            assert s.recv(12) == b"HTTP/1.1 200"
        assert wait_until(lambda: stats(hub)["llm"]["streams_cancelled"] == before + 4)


def test_a_reader_that_is_behind_pauses_its_stream_and_gets_all(hub):
    body = json.dumps({"messages": HELLO, "max_tokens": 1500, "ignore_eos": True, "stream": True,
                       "logprobs": True, "top_logprobs": 5, "seed": 3}).encode()
    with hub.connect() as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        assert s.recv(1) == b"H"
        # Others are served meanwhile.
        assert ask(hub)["choices"]
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    assert b"data: [DONE]" in data and data.count(b'"top_logprobs"') == 1500


# --- Completions -----------------------------------------------------------------------------

def test_a_completion(hub):
    r = complete(hub)
    assert r["object"] == "text_completion" and r["id"].startswith("cmpl-")
    assert r["choices"][0]["text"] and r["choices"][0]["logprobs"] is None


def test_sixteen_tokens_where_nothing_is_said(hub):
    r = json.loads(post(hub, "/v1/completions", {"prompt": "a", "ignore_eos": True}).text)
    assert r["usage"]["completion_tokens"] == 16


def test_prompts_in_all_forms(hub):
    ids = json.loads(post(hub, "/tokenize", {"content": "Once upon a time",
                                             "add_special": True}).text)["tokens"]
    assert ids[0] == hub_model.token_id("<|bos|>")
    text = complete(hub)["choices"][0]["text"]
    assert complete(hub, prompt=ids)["choices"][0]["text"] == text
    assert complete(hub, prompt=["Once upon a time"])["choices"][0]["text"] == text
    two = complete(hub, prompt=[ids, ids], n=2)
    assert [c["index"] for c in two["choices"]] == [0, 1, 2, 3]
    assert two["choices"][0]["text"] == two["choices"][2]["text"] == text
    assert two["choices"][1]["text"] == two["choices"][3]["text"]
    assert two["usage"]["prompt_tokens"] == 2 * len(ids)
    assert complete(hub, prompt="")["usage"]["prompt_tokens"] == 1


def test_completion_streams(hub):
    whole = complete(hub, n=2, echo=True)["choices"]
    parts = events(hub, "/v1/completions", prompt="Once upon a time", n=2, echo=True)
    for i in range(2):
        mine = [c for e in parts for c in e["choices"] if c["index"] == i]
        assert "".join(c["text"] for c in mine) == whole[i]["text"]
        assert mine[-1]["text"] == "" and mine[-1]["finish_reason"] == whole[i]["finish_reason"]
    assert whole[0]["text"].startswith("Once upon a time")


def test_log_probabilities_of_a_completion(hub):
    for temperature in (0, 1):
        r = complete(hub, logprobs=3, temperature=temperature)["choices"][0]
        logs = r["logprobs"]
        assert "".join(logs["tokens"]) == r["text"] or "bytes:" in "".join(logs["tokens"])
        n = len(logs["tokens"])
        assert n == len(logs["token_logprobs"]) == len(logs["top_logprobs"]) == \
            len(logs["text_offset"])
        for own, top in zip(logs["token_logprobs"], logs["top_logprobs"]):
            assert own <= max(top.values()) + 1e-6 <= 1e-6 and len(top) <= 3
            if temperature == 0:
                assert math.isclose(own, max(top.values()), abs_tol=1e-6)


def test_a_prompt_is_scored(hub):
    """What lm-eval does: echo, log probabilities, nothing new."""
    r = complete(hub, prompt="The answer", echo=True, logprobs=1, max_tokens=0)
    logs = r["choices"][0]["logprobs"]
    assert r["choices"][0]["text"] == "The answer" and r["usage"]["completion_tokens"] == 0
    assert len(logs["tokens"]) == r["usage"]["prompt_tokens"]
    assert logs["token_logprobs"][0] is None and all(v <= 0 for v in logs["token_logprobs"][1:])
    again = complete(hub, prompt="The answer", echo=True, logprobs=1, max_tokens=4)
    both = again["choices"][0]["logprobs"]
    n = len(logs["tokens"])
    assert both["token_logprobs"][1:n] == logs["token_logprobs"][1:]
    assert len(both["tokens"]) == n + again["usage"]["completion_tokens"]
    # What was drawn after three tokens of it had the same probability as it has as a prompt.
    ids = json.loads(post(hub, "/tokenize", {"content": "The answer", "add_special": True}).text)
    forced = complete(hub, prompt=ids["tokens"][:-1], logprobs=0, max_tokens=1,
                      logit_bias={str(ids["tokens"][-1]): 100})["choices"][0]["logprobs"]
    assert math.isclose(forced["token_logprobs"][0], logs["token_logprobs"][-1], abs_tol=1e-5)


def test_log_probabilities_of_a_chat(hub):
    whole = ask(hub, logprobs=True, top_logprobs=4, max_tokens=20)
    logs = whole["choices"][0]["logprobs"]["content"]
    assert len(logs) == whole["usage"]["completion_tokens"]
    said = b"".join(bytes(t["bytes"]) for t in logs).decode(errors="replace")
    assert said == whole["choices"][0]["message"]["content"] or "\ufffd" in said
    for t in logs:
        assert len(t["top_logprobs"]) == 4
        assert t["logprob"] <= t["top_logprobs"][0]["logprob"] + 1e-6
    parts = [c for e in events(hub, logprobs=True, top_logprobs=4, max_tokens=20)
             for c in e["choices"]]
    told = [t for c in parts if c["logprobs"] for t in c["logprobs"]["content"]]
    assert told == logs


# --- Embeddings ------------------------------------------------------------------------------

def embed(server, **body):
    r = post(server, "/v1/embeddings", body)
    assert r.status == 200, r.text
    return json.loads(r.text)


def test_embeddings(hub):
    r = embed(hub, input=["Hello", "Hello", "Other words"])
    assert r["object"] == "list" and [d["index"] for d in r["data"]] == [0, 1, 2]
    a, b, c = (d["embedding"] for d in r["data"])
    assert len(a) == hub_model.HIDDEN and a == b != c
    assert math.isclose(sum(x * x for x in a), 1, abs_tol=1e-5)
    assert r["usage"]["prompt_tokens"] == r["usage"]["total_tokens"] > 10
    packed = embed(hub, input="Hello", encoding_format="base64")["data"][0]["embedding"]
    floats = struct.unpack(f"<{hub_model.HIDDEN}f", base64.b64decode(packed))
    assert all(math.isclose(x, y, abs_tol=1e-6) for x, y in zip(floats, a))
    assert embed(hub, input="Hello", pooling="last")["data"][0]["embedding"] != a
    ids = json.loads(post(hub, "/tokenize", {"content": "Hello", "add_special": True}).text)
    assert embed(hub, input=ids["tokens"])["data"][0]["embedding"] == a


def test_many_inputs(hub):
    texts = [f"text number {i}" for i in range(100)]
    many = embed(hub, input=texts)["data"]
    assert many[57]["embedding"] == embed(hub, input=texts[57])["data"][0]["embedding"]


@pytest.mark.parametrize("body,param", [
    ({}, "input"), ({"input": []}, "input"), ({"input": [[]]}, "input"),
    ({"input": "x", "dimensions": 3}, "dimensions"), ({"input": [99999]}, "input"),
    ({"input": "x", "encoding_format": "hex"}, "encoding_format"),
    ({"input": "x", "pooling": "max"}, "pooling"), ({"input": ["x"] * 300}, "input")])
def test_embeddings_are_refused(hub, body, param):
    assert refused(hub, "/v1/embeddings", **body)["param"] == param


# --- Tokens ----------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["", "Hello the world", "naïve café 漢字 🙂", "\x00\x01", "a\n\n b",
                                  "<|im_start|>user", "{\"a\": [1, 2]}"])
def test_tokens_and_back(hub, text):
    ids = json.loads(post(hub, "/tokenize", {"content": text}).text)["tokens"]
    assert json.loads(post(hub, "/detokenize", {"tokens": ids}).text)["content"] == text


def test_tokens_with_pieces(hub):
    r = json.loads(post(hub, "/tokenize", {"content": "the 🙂", "with_pieces": True}).text)["tokens"]
    assert r[0]["piece"] == "the" and r[-1]["piece"] == [0x82]
    plain = json.loads(post(hub, "/tokenize", {"content": "<|im_end|>", "parse_special": False}).text)
    special = json.loads(post(hub, "/tokenize", {"content": "<|im_end|>"}).text)
    assert len(plain["tokens"]) > 1
    assert special["tokens"] == [hub_model.token_id("<|im_end|>")]


def test_tokens_are_refused(hub):
    assert refused(hub, "/tokenize")["param"] == "content"
    assert refused(hub, "/tokenize", content="x", add_special=3)["param"] == "add_special"
    assert refused(hub, "/detokenize", tokens=[10 ** 6])["param"] == "tokens"
    assert refused(hub, "/detokenize", tokens="x")["param"] == "tokens"
    assert refused(hub, "/apply-template", messages="x")["param"] == "messages"


# --- What is refused -------------------------------------------------------------------------

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("body,param", [
    ({"temperature": -1}, "temperature"), ({"temperature": "hot"}, "temperature"),
    ({"top_p": 0}, "top_p"), ({"n": 0}, "n"), ({"n": 1000}, "n"), ({"max_tokens": -1}, "max_tokens"),
    ({"stream": "yes"}, "stream"), ({"messages": None}, "messages"), ({"messages": "x"}, "messages"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "messages"),
    ({"logprobs": 3}, "logprobs"), ({"top_logprobs": 3}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stop": [""]}, "stop"), ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"tools": "x"}, "tools"), ({"tools": [{}]}, "tools"), ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [FUNCTION], "tool_choice": "maybe"}, "tool_choice"),
    ({"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "g"}}},
     "tool_choice"),
    ({"tools": [FUNCTION], "response_format": {"type": "json_object"}}, "response_format"),
    ({"response_format": "json"}, "response_format"), ({"response_format": {}}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": {"type": "json_schema"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}},
     "response_format"),
    ({"functions": []}, "functions"), ({"audio": {}}, "audio"), ({"chat_template_kwargs": 1}, "chat_template_kwargs"),
])
def test_chats_are_refused_by_name(hub, body, param):
    assert refused(hub, **body)["param"] == param


@pytest.mark.parametrize("body,param", [
    ({}, "prompt"), ({"prompt": 3}, "prompt"), ({"prompt": [3, "x"]}, "prompt"),
    ({"prompt": [10 ** 9]}, "prompt"), ({"prompt": ["x"] * 65}, "prompt"),
    ({"prompt": "x", "suffix": "y"}, "suffix"), ({"prompt": "x", "best_of": 3}, "best_of"),
    ({"prompt": "x", "logprobs": 21}, "logprobs"), ({"prompt": ["x"] * 40, "n": 4}, "prompt")])
def test_completions_are_refused_by_name(hub, body, param):
    assert refused(hub, "/v1/completions", **body)["param"] == param


def test_an_unsupported_keyword_is_named(hub):
    schema = {"type": "object", "properties": {"x": {"not": {"type": "string"}}}}
    error = refused(hub, response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    assert "not" in error["message"] and "/properties/x" in error["message"]


def test_a_prompt_over_the_context(hub):
    long = [{"role": "user", "content": "x " * hub_model.CONTEXT}]
    error = refused(hub, messages=long)
    assert error["code"] == "context_length_exceeded" and error["param"] == "messages"
    assert str(hub_model.CONTEXT) in error["message"]
    error = refused(hub, "/v1/completions", prompt="x " * hub_model.CONTEXT)
    assert error["code"] == "context_length_exceeded" and error["param"] == "prompt"


def test_what_no_whole_reply_can_hold(hub):
    error = refused(hub, "/v1/completions", prompt=["x"] * 16, n=4, logprobs=20, max_tokens=100000)
    assert "stream" in error["message"]


def test_bodies_that_are_none(hub):
    for body in (b"", b"{", b"[]", b"3", b"\xff"):
        r = post(hub, "/v1/chat/completions", body)
        assert r.status == 400 and "error" in json.loads(r.text)
    deep = "[" * 1000 + "]" * 1000
    assert post(hub, "/v1/chat/completions", f'{{"messages": {deep}}}').status == 400


def test_unknown_parameters_are_told(hub):
    r = post(hub, "/v1/chat/completions", {"messages": HELLO, "max_tokens": 1, "user": "me",
                                           "metadata": {}, "store": False})
    assert r.status == 200 and r.headers["X-Ignored-Parameters"] == "user, metadata, store"
    many = {f"parameter_{i}": i for i in range(500)}
    r = post(hub, "/v1/chat/completions", {"messages": HELLO, "max_tokens": 1, **many})
    assert r.status == 200 and len(r.headers["X-Ignored-Parameters"]) < 2000


def test_null_is_the_default(hub):
    r = ask(hub, temperature=None, stop=None, tools=None, response_format=None, n=None, stream=None,
            logit_bias=None, functions=None)
    assert r["choices"] == ask(hub)["choices"]


# --- Schemas ---------------------------------------------------------------------------------

def led(server, **body):
    r = ask(server, **{"temperature": 1.5, "max_tokens": 3000, **body})["choices"][0]
    assert r["finish_reason"] == "stop", r
    return r


def test_any_object(hub):
    for seed in range(4):
        r = led(hub, response_format={"type": "json_object"}, seed=seed)
        assert isinstance(json.loads(r["message"]["content"]), dict)


SCHEMA = {"type": "object", "required": ["name", "age", "tags"], "additionalProperties": False,
          "properties": {"name": {"type": "string", "maxLength": 12},
                         "age": {"type": "integer", "minimum": 0, "maximum": 150},
                         "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}


def check_person(text):
    value = json.loads(text)
    assert set(value) == {"name", "age", "tags"}
    assert len(value["name"]) <= 12 and 0 <= value["age"] <= 150
    assert len(value["tags"]) <= 3 and set(value["tags"]) <= {"a", "b"}


def test_a_schema_leads(hub):
    for seed in range(6):
        check_person(led(hub, response_format=FORMAT, seed=seed)["message"]["content"])
    parts = events(hub, response_format=FORMAT, temperature=1.5, max_tokens=3000)
    check_person("".join(c["delta"].get("content", "") for e in parts for c in e["choices"]))
    for c in ask(hub, response_format=FORMAT, n=4, temperature=1.5, max_tokens=3000)["choices"]:
        check_person(c["message"]["content"])
    r = complete(hub, response_format=FORMAT, max_tokens=3000)
    check_person(r["choices"][0]["text"])


def test_a_schema_is_compiled_once(hub):
    before = stats(hub)["openai"]
    unique = {"type": "json_schema", "json_schema": {"schema": {"const": "compiled once"}}}
    for _ in range(3):
        assert json.loads(led(hub, response_format=unique)["message"]["content"]) == "compiled once"
    after = stats(hub)["openai"]
    assert after["guided"] - before["guided"] == 3
    assert after["schema_hits"] - before["schema_hits"] == 2


def test_a_led_answer_has_no_thoughts(hub):
    r = led(hub, response_format=FORMAT, chat_template_kwargs={"enable_thinking": True})
    check_person(r["message"]["content"])
    assert "reasoning_content" not in r["message"]


def test_a_led_answer_that_is_cut(hub):
    r = ask(hub, response_format=FORMAT, max_tokens=3)["choices"][0]
    assert r["finish_reason"] == "length" and r["message"]["content"].strip().startswith("{")


# --- Tools -----------------------------------------------------------------------------------

WEATHER = {"type": "function", "function": {
    "name": "weather", "description": "Tells it", "parameters": {
        "type": "object", "required": ["city", "days"], "additionalProperties": False,
        "properties": {"city": {"type": "string", "maxLength": 10},
                       "days": {"type": "integer", "minimum": 1, "maximum": 7}}}}}
CLOCK = {"type": "function", "function": {
    "name": "clock", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}


def check_call(call):
    assert call["type"] == "function" and re.fullmatch("call_[0-9a-f]{16}|[0-9a-f]{9}", call["id"])
    value = json.loads(call["function"]["arguments"])
    if call["function"]["name"] == "clock":
        assert value == {}
    else:
        assert call["function"]["name"] == "weather"
        assert set(value) == {"city", "days"} and 1 <= value["days"] <= 7


def test_a_call_that_is_required(hub):
    names = set()
    for seed in range(8):
        r = ask(hub, tools=[WEATHER, CLOCK], tool_choice="required", seed=seed, temperature=1.5,
                max_tokens=2000)["choices"][0]
        assert r["finish_reason"] == "tool_calls" and r["message"]["content"] is None
        (call,) = r["message"]["tool_calls"]
        check_call(call)
        names.add(call["function"]["name"])
    assert names  # which of them is chance


def test_a_call_that_is_named(hub):
    choice = {"type": "function", "function": {"name": "weather"}}
    body = {"tools": [CLOCK, WEATHER], "tool_choice": choice, "temperature": 1.5,
            "max_tokens": 2000}
    r = ask(hub, **body)["choices"][0]
    (call,) = r["message"]["tool_calls"]
    check_call(call)
    assert call["function"]["name"] == "weather"
    parts = [c for e in events(hub, **body) for c in e["choices"]]
    calls = [t for c in parts for t in c["delta"].get("tool_calls", [])]
    assert calls[0]["function"]["name"] == "weather" and calls[0]["id"].startswith("call_")
    assert {t["index"] for t in calls} == {0} and all("id" not in t for t in calls[1:])
    arguments = "".join(t["function"]["arguments"] for t in calls)
    assert arguments == call["function"]["arguments"]
    assert parts[-1]["finish_reason"] == "tool_calls"


def test_tools_that_may_be_called(hub):
    r = ask(hub, tools=[WEATHER])
    none = ask(hub, tools=[WEATHER], tool_choice="none")
    assert r["usage"]["prompt_tokens"] > none["usage"]["prompt_tokens"] == \
        ask(hub)["usage"]["prompt_tokens"]


def test_results_of_tools_go_back(hub):
    talk = HELLO + [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "weather", "arguments": '{"city": "Rome", "days": 1}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    prompt = json.loads(post(hub, "/apply-template", {"messages": talk}).text)["prompt"]
    assert "<|im_start|>tool\nsunny<|im_end|>" in prompt
    assert ask(hub, messages=talk, tools=[WEATHER])["choices"]


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """Models that write calls in different ways."""
    at = tmp_path_factory.mktemp("forms")
    folders = [hub_model.make(at / "hermes"),
               hub_model.make(at / "llama3", template=hub_model.LLAMA3_TEMPLATE),
               hub_model.make(at / "mistral", template=hub_model.MISTRAL_TEMPLATE),
               hub_model.make(at / "harmony", template=hub_model.HARMONY_TEMPLATE,
                              marks=hub_model.MARKS + hub_model.HARMONY)]
    options = [x for f in folders for x in ("--model", f)]
    with Server(*options, "--no-calibrate", "--threads", "2") as s:
        yield s


FORMS = ["hermes", "llama3", "mistral", "harmony"]


@pytest.mark.parametrize("form", FORMS)
def test_calls_in_each_form(forms, form):
    body = {"model": form, "tools": [CLOCK, WEATHER], "tool_choice": "required", "temperature": 1.5,
            "max_tokens": 2000}
    names = set()
    for seed in range(12):
        choice = ask(forms, **body, seed=seed)["choices"][0]
        assert choice["finish_reason"] == "tool_calls" and not choice["message"]["content"]
        (call,) = choice["message"]["tool_calls"]
        check_call(call)
        names.add(call["function"]["name"])
        parts = [c for e in events(forms, **body, seed=seed) for c in e["choices"]]
        pieces = [t for c in parts for t in c["delta"].get("tool_calls", [])]
        assert pieces[0]["function"]["name"] == call["function"]["name"]
        assert "".join(t["function"]["arguments"] for t in pieces) == call["function"]["arguments"]
    assert names == {"clock", "weather"}


@pytest.mark.parametrize("form", FORMS)
def test_a_call_goes_back_to_the_model_with_its_result(forms, form):
    call = ask(forms, model=form, tools=[WEATHER], tool_choice="required", temperature=1.5,
               max_tokens=2000)["choices"][0]["message"]
    (one,) = call["tool_calls"]
    talk = HELLO + [call, {"role": "tool", "tool_call_id": one["id"], "content": "sunny"}]
    r = post(forms, "/apply-template", {"model": form, "messages": talk, "tools": [WEATHER]})
    prompt = json.loads(r.text)["prompt"]
    assert "sunny" in prompt and "weather" in prompt
    if form != "hermes":  # whose template here leaves calls out
        assert json.dumps(json.loads(one["function"]["arguments"]), ensure_ascii=False) in prompt
    assert ask(forms, model=form, messages=talk, tools=[WEATHER])["choices"]


# --- The key ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    folder = hub_model.make(tmp_path_factory.mktemp("hub") / "tiny")
    with Server("--model", folder, "--no-calibrate", "--api-key", "sesame", "--threads", "1") as s:
        yield s
    assert s.process.returncode == 0, s.errors.decode()


GUARDED = [("GET", "/v1/models"), ("GET", "/v1/models/tiny"), ("GET", "/v1/nothing"),
           ("POST", "/v1/chat/completions"), ("POST", "/v1/completions"), ("POST", "/v1/embeddings"),
           ("POST", "/tokenize"), ("POST", "/detokenize"), ("POST", "/apply-template"),
           ("GET", "/llm/generate/Hello"), ("GET", "/llm/models")]


@pytest.mark.parametrize("method,path", GUARDED)
def test_the_key_guards(locked, method, path):
    for headers in ({}, {"Authorization": "Bearer sesam"}, {"Authorization": "Bearer sesamee"},
                    {"Authorization": "Bearer "}, {"Authorization": "sesame"},
                    {"Authorization": "Bearer sesamesesame"}, {"x-api-key": "SESAME"}):
        r = locked.request(method, path, headers, "{}" if method == "POST" else None)
        assert r.status == 401 and json.loads(r.text)["error"]["code"] == "invalid_api_key"
        assert "sesame" not in r.text
    for headers in ({"Authorization": "Bearer sesame"}, {"authorization": "bearer sesame"},
                    {"x-api-key": "sesame"}):
        assert locked.request(method, path, headers, "{}" if method == "POST" else None).status != 401


def test_the_key_does_not_guard(locked):
    for path in ("/", "/stats", "/metrics"):
        assert locked.get(path).status == 200


# --- Limits ----------------------------------------------------------------------------------

def test_busy_is_429_or_503_with_retry_after(tmp_path):
    folder = hub_model.make(tmp_path / "tiny")
    with Server("--model", folder, "--no-calibrate", "--streams", "1", "--queue", "1",
                "--threads", "1") as s:
        ask(s)
        body = {"messages": HELLO, "n": 16, "max_tokens": 4000, "ignore_eos": True}
        r = post(s, "/v1/chat/completions", body)
        assert r.status in (429, 503) and int(r.headers["Retry-After"]) >= 1
        assert json.loads(r.text)["error"]["type"] in ("rate_limit_error", "server_error")
        # What it had submitted already is given up: soon there is room again.
        assert wait_until(lambda: post(s, "/v1/chat/completions", {
            "messages": HELLO, "max_tokens": 2}).status == 200)


def test_many_at_once(hub):
    alone = [ask(hub, seed=i, max_tokens=20)["choices"] for i in range(8)]
    together = [None] * 8

    def one(i):
        together[i] = ask(hub, seed=i, max_tokens=20)["choices"]
    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(PATIENCE_S)
    assert together == alone


def test_metrics(hub):
    ask(hub)
    text = hub.get("/metrics").text
    assert 'parallelopedia_llm_requests_total{route="chat_completions"}' in text
    assert text.count("# TYPE parallelopedia_lm_streams_live gauge") == 1
