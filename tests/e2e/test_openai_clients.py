"""OpenAI's own clients, Python and Node, against the server: what they send, and that they
understand what comes back. `make test` installs them into build/clients; where that could not be
done these tests are skipped.
"""
import importlib
import json
import os
import shutil
import subprocess
import sys

import pytest

import hub_model
from conftest import PATIENCE_S, ROOT, Server, wait_until

CLIENTS = ROOT / "build/clients"
SITE = CLIENTS / f"py/lib/python3.{sys.version_info.minor}/site-packages"
HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "required": ["ok", "word"], "additionalProperties": False,
          "properties": {"ok": {"type": "boolean"}, "word": {"type": "string", "maxLength": 8}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
TOOL = {"type": "function", "function": {
    "name": "add", "parameters": {"type": "object", "required": ["a", "b"],
                                  "additionalProperties": False,
                                  "properties": {"a": {"type": "integer", "maximum": 9, "minimum": 0},
                                                 "b": {"type": "integer", "maximum": 9, "minimum": 0}}}}}


def need(path):
    if not path.exists():
        pytest.skip("OpenAI's clients are not installed: PyPI or npm could not be reached")


@pytest.fixture(scope="module")
def openai():
    need(CLIENTS / ".stamp")
    sys.path.insert(0, str(SITE))
    try:
        yield importlib.import_module("openai")
    finally:
        sys.path.remove(str(SITE))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = hub_model.make(tmp_path_factory.mktemp("hub") / "tiny")
    with Server("--model", folder, "--no-calibrate", "--api-key", "sesame", "--threads", "2") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    assert s.process.returncode == 0, s.errors.decode()


@pytest.fixture(scope="module")
def client(openai, hub):
    with openai.OpenAI(base_url=f"http://127.0.0.1:{hub.port}/v1", api_key="sesame", max_retries=0,
                       timeout=PATIENCE_S) as c:
        yield c


def test_models(client):
    (model,) = client.models.list().data
    assert model.id == "tiny" and client.models.retrieve("tiny").id == "tiny"


def test_chat(client):
    r = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=12, seed=1, n=2,
                                       temperature=0.7, top_p=0.9, presence_penalty=0.1,
                                       frequency_penalty=0.1, logit_bias={"5": -100}, user="me")
    assert len(r.choices) == 2 and r.usage.total_tokens > 12
    assert r.choices[0].message.role == "assistant" and r.system_fingerprint


def test_stream(client):
    body = dict(model="tiny", messages=HELLO, max_completion_tokens=20, seed=1)
    whole = client.chat.completions.create(**body).choices[0].message.content
    said, usage = "", None
    for chunk in client.chat.completions.create(**body, stream=True,
                                                stream_options={"include_usage": True}):
        usage = chunk.usage
        if chunk.choices:
            said += chunk.choices[0].delta.content or ""
    assert said == whole and usage.completion_tokens <= 20


def test_the_stream_helper(client):
    with client.chat.completions.stream(model="tiny", messages=HELLO, max_tokens=2000, seed=1,
                                        response_format=FORMAT) as s:
        kinds = [event.type for event in s]
        final = s.get_final_completion()
    assert "chunk" in kinds and final.choices[0].finish_reason == "stop"


def test_leaving_a_stream_cancels(client, hub):
    def llm():
        return json.loads(hub.get("/stats").text)["apps"]["llm"]
    before = llm()["streams_cancelled"]
    stream = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=4000, stream=True,
                                            extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    assert wait_until(lambda: llm()["streams_live"] == 0)
    assert llm()["streams_cancelled"] == before + 1


def test_completions(client):
    r = client.completions.create(model="tiny", prompt=["One", "Two"], max_tokens=6, logprobs=2,
                                  echo=True, seed=3)
    assert [c.text[:3] for c in r.choices] == ["One", "Two"]
    assert r.choices[0].logprobs.token_logprobs[0] is None
    parts = client.completions.create(model="tiny", prompt="One", max_tokens=6, seed=3, stream=True)
    assert "".join(c.choices[0].text for c in parts) == r.choices[0].text[3:]


def test_log_probabilities(client):
    r = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=5, logprobs=True,
                                       top_logprobs=3)
    logs = r.choices[0].logprobs.content
    assert len(logs) == r.usage.completion_tokens and len(logs[0].top_logprobs) == 3


def test_a_schema(client):
    r = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=2000, temperature=1.5,
                                       response_format=FORMAT)
    value = json.loads(r.choices[0].message.content)
    assert set(value) == {"ok", "word"} and isinstance(value["ok"], bool)


def test_a_model_of_pydantic(client, openai):
    from pydantic import BaseModel

    class Answer(BaseModel):
        ok: bool
        number: int

    r = client.chat.completions.parse(model="tiny", messages=HELLO, max_tokens=3000, seed=5,
                                      response_format=Answer)
    assert isinstance(r.choices[0].message.parsed, Answer)


def test_tools(client):
    body = dict(model="tiny", messages=HELLO, tools=[TOOL], tool_choice="required", max_tokens=2000,
                temperature=1.5, seed=2)
    r = client.chat.completions.create(**body).choices[0]
    (call,) = r.message.tool_calls
    assert r.finish_reason == "tool_calls" and call.function.name == "add"
    assert set(json.loads(call.function.arguments)) == {"a", "b"}
    with client.chat.completions.stream(**body) as s:
        for _ in s:
            pass
        (streamed,) = s.get_final_completion().choices[0].message.tool_calls
    assert streamed.function.arguments == call.function.arguments
    answer = HELLO + [r.message.model_dump(exclude_none=True),
                      {"role": "tool", "tool_call_id": call.id, "content": "9"}]
    assert client.chat.completions.create(model="tiny", messages=answer, tools=[TOOL], max_tokens=4)


def test_embeddings(client):
    r = client.embeddings.create(model="tiny", input=["One", "Two"])  # asks for base64
    assert [len(d.embedding) for d in r.data] == [hub_model.HIDDEN] * 2
    f = client.embeddings.create(model="tiny", input="One", encoding_format="float")
    assert all(abs(a - b) < 1e-6 for a, b in zip(f.data[0].embedding, r.data[0].embedding))


def test_errors(client, openai, hub):
    with pytest.raises(openai.NotFoundError) as e:
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert e.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as e:
        client.chat.completions.create(model="tiny", messages=HELLO, temperature=-3)
    assert e.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as e:
        client.embeddings.create(model="tiny", input="x", dimensions=8)
    assert e.value.param == "dimensions"
    with openai.OpenAI(base_url=f"http://127.0.0.1:{hub.port}/v1", api_key="wrong") as other:
        with pytest.raises(openai.AuthenticationError) as e:
            other.models.list()
        assert e.value.code == "invalid_api_key"


def test_node(hub):
    need(CLIENTS / ".stamp")
    assert shutil.which("node")
    script = ROOT / "build/clients/client.mjs"
    script.write_text((ROOT / "tests/e2e/openai_client.mjs").read_text())
    done = subprocess.run(["node", script, str(hub.port)], capture_output=True, timeout=PATIENCE_S,
                          env={**os.environ, "OPENAI_API_KEY": "sesame"}, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert done.stdout.decode().split() == ["models", "chat", "stream", "cancel", "completion",
                                            "logprobs", "schema", "tools", "embedding", "errors"]
