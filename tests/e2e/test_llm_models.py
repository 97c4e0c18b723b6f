"""Models that come and go under a budget, one process serving all of them."""
import concurrent.futures
import json

import pytest

import hub_model
from conftest import Server, wait_until

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    """Four small models of some 0.4 MB each, one of over 1 MB, and one that is broken."""
    top = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(NAMES):
        hub_model.make(top / name, seed=seed)
    ff, hub_model.FF = hub_model.FF, 2048
    try:
        hub_model.make(top / "huge")
    finally:
        hub_model.FF = ff
    hub_model.make(top / "odd")
    (top / "odd/config.json").write_text('{"model_type": "martian"}')
    return top


@pytest.fixture(scope="module")
def server(top):
    with Server("--model", top, "--model-memory", "1", "--no-calibrate", "--threads", "2") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    assert s.process.returncode == 0, s.errors.decode()


def complete(server, model, seed=1):
    body = json.dumps({"model": model, "prompt": "Once", "max_tokens": 12, "seed": seed,
                       "temperature": 1})
    return server.request("POST", "/v1/completions", {"Content-Type": "application/json"}, body)


def text_of(reply):
    assert reply.status == 200, reply.text
    return json.loads(reply.text)["choices"][0]["text"]


def stats(server):
    return json.loads(server.get("/stats").text)["apps"]["llm"]


def test_a_folder_names_all_its_models_and_a_crowd_gets_each(server):
    rows = stats(server)["models"]
    assert [r["name"] for r in rows] == [*NAMES, "huge", "odd"]
    alone = {name: text_of(complete(server, name)) for name in NAMES}
    assert len(set(alone.values())) == len(NAMES)
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        asked = NAMES * 6
        for name, reply in zip(asked, crowd.map(lambda n: complete(server, n), asked)):
            assert text_of(reply) == alone[name]
    said = stats(server)
    assert 0 < said["used_bytes"] <= said["budget_bytes"] == 1 << 20
    ready = [r for r in said["models"] if r["state"] == "ready"]
    assert len(ready) == 2 and all(r["load_seconds"] > 0 for r in ready)
    assert wait_until(lambda: all(r["holders"] == 0 for r in stats(server)["models"]))


def test_a_model_over_the_budget_is_refused_with_both_numbers(server):
    reply = complete(server, "huge")
    assert reply.status >= 400
    said = json.loads(reply.text)["error"]["message"]
    assert "its weights take" in said and "may take 1 MB in all" in said, said


def test_a_broken_model_says_why_and_is_taken_when_it_is_mended(server, top):
    reply = complete(server, "odd")
    said = json.loads(reply.text)["error"]["message"]
    assert reply.status >= 400 and "martian" in said and str(top) not in said
    row = stats(server)["models"][-1]
    assert row["state"] == "broken" and "martian" in row["why"] and str(top) not in row["why"]
    (top / "odd/config.json").write_text((top / "a/config.json").read_text())
    assert wait_until(lambda: complete(server, "odd").status == 200)


def test_metrics_have_each_model(server):
    text = server.get("/metrics").text
    for name in NAMES:
        assert f'parallelopedia_llm_model_ready{{model="{name}"}} ' in text
    drops = [x for x in text.splitlines() if x.startswith("parallelopedia_llm_drops_total ")]
    assert len(drops) == 1 and int(drops[0].split()[1]) >= 2


@pytest.mark.parametrize("asked, has", [(100, 100), (1 << 20, hub_model.CONTEXT), (0, hub_model.CONTEXT)])
def test_the_operator_says_how_long_texts_may_be(tmp_path, asked, has):
    folder = hub_model.make(tmp_path / "tiny")
    with Server("--model", folder, "--context", str(asked), "--no-calibrate", "--threads", "1") as s:
        r = json.loads(complete(s, "tiny").text)
        assert r["usage"]["completion_tokens"] > 0
        assert json.loads(s.get("/v1/models/tiny").text)["context_window"] == has
        body = json.dumps({"prompt": [5] * (has + 1), "max_tokens": 1})
        r = s.request("POST", "/v1/completions", {}, body)
        error = json.loads(r.text)["error"]
        assert r.status == 400 and error["code"] == "context_length_exceeded" and str(has) in error["message"]
