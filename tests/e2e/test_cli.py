"""The command line: help, options from three places, exit codes, signals, bad input."""
import json
import os
import pathlib
import re
import signal
import socket

import pytest

from conftest import CHECKPOINT, PATIENCE_S, Server, run, wait_until

COMMANDS = ["serve", "index", "generate", "chat", "bench", "tokenize", "version"]


def test_version():
    code, out, errors = run("version")
    assert code == 0 and errors == ""
    assert re.match(r"parallelopedia \d+\.\d+\.\d+\b", out)


def test_help_lists_every_command():
    for args in ((), ("--help",), ("help",)):
        code, out, errors = run(*args)
        assert all(c in out + errors for c in COMMANDS)
        assert code == (0 if args else 2)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    code, out, errors = run(command, "--help")
    assert code == 0 and errors == "" and f"parallelopedia {command}" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_the_originals_serve_options_are_there():
    out = run("serve", "--help")[1]
    for option in ("--ip", "--port", "--threads", "--log-level", "--app-classes",
                   "--listen-backlog", "--wiki", "--gpt2"):
        assert option in out


@pytest.mark.parametrize("args", [
    ("nonsense",), ("serve", "--nonsense"), ("serve", "--port", "abc"), ("serve", "--port", "70000"),
    ("serve", "--threads", "-1"), ("serve", "--streams", "97"),
    ("serve", "--queue", "0"), ("serve", "--queue-client", "-1"), ("serve", "--log-level", "LOUD"), ("serve", "--port"),
    ("serve", "--app-classes", "nope"), ("serve", "--app-classes", "wiki"), ("index",),
    ("serve", "--ip", "999.1.1.1"), ("serve", "--config", "/nonexistent.conf")])
def test_bad_arguments_are_one_clear_line(args):
    code, out, errors = run(*args)
    assert code in (1, 2) and out == ""
    assert len(errors.strip().splitlines()) <= 2, errors
    assert str(args[-1]).lstrip("-") in errors or "index" in errors


def test_a_mistyped_option_is_suggested():
    assert "--port" in run("serve", "--prot", "1")[2]


def test_default_address_is_loopback_4444():
    out = run("serve", "--help")[1]
    assert "127.0.0.1" in out and "4444" in out


def test_options_from_environment_and_config(tmp_path):
    config = tmp_path / "p.conf"
    config.write_text("# comment\nthreads = 1\napp-classes = plaintext\n")
    with Server("--config", config) as s:
        assert list(json.loads(s.get("/stats").text)["apps"]) == ["plaintext"]
        assert s.get("/wiki/random").status == 404
    with Server(env={"PARALLELOPEDIA_APP_CLASSES": "plaintext gpt2",
                     "PARALLELOPEDIA_GPT2": str(CHECKPOINT)}) as s:
        assert set(json.loads(s.get("/stats").text)["apps"]) == {"plaintext", "gpt2"}
    # The command line wins over the environment, which wins over the file.
    with Server("--config", config, "--app-classes", "gpt2", "--gpt2", CHECKPOINT,
                env={"PARALLELOPEDIA_APP_CLASSES": "plaintext"}) as s:
        assert list(json.loads(s.get("/stats").text)["apps"]) == ["gpt2"]


def test_config_errors_name_file_and_line(tmp_path):
    config = tmp_path / "bad.conf"
    config.write_text("threads = 1\nnonsense = 2\n")
    code, _, errors = run("serve", "--config", config)
    assert code != 0 and "bad.conf:2" in errors and "nonsense" in errors


def test_the_originals_class_names(handbook):
    with Server("--wiki", handbook, "--app-classes", "parallelopedia.http.server.PlaintextApp",
                "parallelopedia.wiki.WikiApp") as s:
        assert set(json.loads(s.get("/stats").text)["apps"]) == {"plaintext", "wiki"}


def test_all_apps_whose_data_is_present(handbook):
    with Server("--wiki", handbook) as s:
        assert set(json.loads(s.get("/stats").text)["apps"]) == {"plaintext", "wiki"}
        assert s.get("/gpt2/generate/Hi").status == 404


def test_the_originals_environment_names(handbook):
    env = {"PARALLELOPEDIA_DATA_DIR": str(handbook.parent),
           "PARALLELOPEDIA_WIKI_XML_NAME": handbook.name}
    with Server(env=env) as s:
        assert "wiki" in json.loads(s.get("/stats").text)["apps"]


def test_H32_defaults_just_work():
    with Server() as s:
        assert s.get("/plaintext").text == "Hello, World!"
        assert s.get("/").status == 200


def test_port_in_use_is_one_clear_line():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        code, _, errors = run("serve", "--port", port)
        lines = [l for l in errors.splitlines() if str(port) in l]
        assert code == 1 and len(lines) == 1 and "in use" in lines[0]


def test_a_second_server_cannot_take_the_port():
    """SO_REUSEPORT must not let a stranger's server share ours silently."""
    with Server() as s:
        code, _, errors = run("serve", "--port", s.port)
        assert code == 1 and "in use" in errors


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(how):
    s = Server()
    assert s.stop(how) == 0


def test_graceful_stop_finishes_the_reply_in_flight(handbook):
    s = Server("--gpt2", CHECKPOINT)
    c = s.connect()
    c.sendall(b"GET /gpt2/generate/Hello?max_length=200&seed=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    first = c.recv(65536)
    s.process.send_signal(signal.SIGTERM)
    raw = first
    while chunk := c.recv(65536):
        raw += chunk
    assert raw.endswith(b"0\r\n\r\n")
    assert s.process.wait(PATIENCE_S) == 0
    s.stop()


def test_threads_are_what_was_asked():
    with Server("--threads", "3", "--app-classes", "plaintext") as s:
        tasks = f"/proc/{s.process.pid}/task"

        def name(task):
            try:
                return pathlib.Path(tasks, task, "comm").read_text().strip()
            except OSError:  # it has ended since it was listed
                return None

        def loops():  # a thread names itself when it first runs
            return [name(t) for t in os.listdir(tasks)].count("loop")

        assert wait_until(lambda: loops() >= 3)
        assert s.get("/plaintext").status == 200
        assert loops() == 3


# --- tokenize and generate -------------------------------------------------------------------

def test_tokenize_prints_ids_on_one_line():
    code, out, _ = run("tokenize", stdin=b"The quick brown fox")
    assert code == 0 and out == "464 2068 7586 21831\n"
    assert run("tokenize", stdin=b"")[1] == "\n"


def test_tokenize_any_bytes():
    code, out, _ = run("tokenize", stdin=bytes(range(256)))
    assert code == 0 and len(out.split()) >= 1


def test_generate_is_the_servers_text(server):
    code, out, errors = run("generate", "--model", CHECKPOINT, "--prompt", "The quick brown fox",
                            "--max-length", "30", "--seed", "42")
    assert code == 0
    text = server.get("/gpt2/generate/The%20quick%20brown%20fox?max_length=30&seed=42").text
    assert out == text + "\n"
    assert "tok/s" in errors


def test_generate_bad_input():
    code, _, errors = run("generate", "--model", "/nonexistent.pt", "--prompt", "x")
    assert code == 1 and "/nonexistent.pt" in errors
    code, _, errors = run("generate", "--model", CHECKPOINT, "--prompt", "word " * 2000)
    assert code == 1 and "context" in errors


def texts_of(out):
    """{seed: text} of several on stdout."""
    parts = re.split(r"^--- seed (\d+)\n", out, flags=re.M)
    return {int(seed): text for seed, text in zip(parts[1::2], parts[2::2])}


def test_generate_many_seeds_in_parallel(server):
    code, out, errors = run("generate", "--model", CHECKPOINT, "--prompt", "The server", "--parallel", "8",
                            "--seeds", "0-7", "--max-length", "40")
    assert code == 0
    texts = texts_of(out)
    assert list(texts) == list(range(8))
    for seed, text in texts.items():
        assert text == server.get(f"/gpt2/generate/The%20server?max_length=40&seed={seed}").text + "\n"
        assert re.search(rf"^\d+ tokens, .* tok/s, seed {seed}, ended by", errors, re.M)
        assert re.search(rf"^{seed}\| \S", errors, re.M)  # it was followed
    assert re.search(r"^8 texts: \d+ tokens in [\d.]+ s, [\d.]+ tok/s together$", errors, re.M)


def test_generate_does_not_depend_on_how_many_run():
    outs = {run("generate", "--model", CHECKPOINT, "--prompt", "An index", "--seeds", "3,0-2,9",
                "--parallel", n, "--threads", t)[1] for n in (1, 2, 5) for t in (1, 2)}
    assert len(outs) == 1 and list(texts_of(outs.pop())) == [3, 0, 1, 2, 9]


def test_generate_parallel_without_seeds_counts_from_the_seed():
    out = run("generate", "--model", CHECKPOINT, "--parallel", "3", "--seed", "40", "--max-length", "20")[1]
    assert list(texts_of(out)) == [40, 41, 42]


def test_generate_json():
    code, out, errors = run("generate", "--model", CHECKPOINT, "--prompt", "The server", "--seeds", "0-2",
                            "--max-length", "20", "--logprobs", "2", "--json")
    assert code == 0 and errors == ""
    *texts, whole = [json.loads(line) for line in out.splitlines()]
    assert [t["seed"] for t in texts] == [0, 1, 2]
    assert whole["texts"] == 3 and whole["n"] == sum(t["n"] for t in texts) and whole["tok_s"] > 0
    for t in texts:
        assert t["prompt"] == "The server" and t["reason"] in ("length", "end of text")
        assert len(t["logprobs"]) == t["n"] and all(len(p["top"]) == 2 for p in t["logprobs"])
        assert "".join(p["token"] for p in t["logprobs"]) == t["text"]


def test_generate_takes_every_sampling_option(server):
    """One of each, and the same over HTTP."""
    told = {"temperature": "0.8", "top_k": "30", "top_p": "0.9", "min_p": "0.02", "seed": "11",
            "repetition_penalty": "1.1", "frequency_penalty": "0.2", "presence_penalty": "-0.1",
            "logit_bias": "198:-100,383:2", "rng": "cuda", "max_length": "50", "stop": "zebra"}
    args = [a for k, v in told.items() for a in ("--" + k.replace("_", "-"), v)]
    code, out, _ = run("generate", "--model", CHECKPOINT, "--prompt", "The server", *args)
    query = "&".join(f"{k}={v}" for k, v in told.items())
    assert code == 0 and out == server.get("/gpt2/generate/The%20server?" + query).text + "\n"


def test_generate_stops_before_a_text():
    args = ("generate", "--model", CHECKPOINT, "--prompt", "The server", "--seed", "42", "--max-length", "60")
    text = run(*args)[1]
    stop = text[40:44]
    code, out, errors = run(*args, "--stop", stop, "never there")
    assert code == 0 and out == text[:text.index(stop)] + "\n" and "stop string" in errors


@pytest.mark.parametrize("args,word", [
    (("--temperature", "hot"), "temperature"), (("--temperature", "-1"), "temperature"),
    (("--top-k", "1025"), "top_k"), (("--top-p", "0"), "top_p"), (("--top-p", "nan"), "top_p"),
    (("--min-p", "2"), "min_p"), (("--repetition-penalty", "0"), "repetition_penalty"),
    (("--frequency-penalty", "3"), "frequency_penalty"), (("--presence-penalty", "-3"), "presence_penalty"),
    (("--logit-bias", "x"), "logit_bias"), (("--logprobs", "21", "--json"), "logprobs"),
    (("--logprobs", "2"), "--json"), (("--seed", "x"), "seed"), (("--seeds", "7-0"), "--seeds"),
    (("--seeds", "a"), "--seeds"), (("--seeds", "0-"), "--seeds"), (("--seeds", "0-99999"), "--seeds"),
    (("--parallel", "0"), "--parallel"), (("--parallel", "97"), "--parallel"), (("--rng", "dice"), "rng"),
    (("--max-length", "x"), "max_length"), (("--stop", "x" * 257), "stop")])
def test_generate_bad_values_are_usage(args, word):
    code, out, errors = run("generate", "--model", CHECKPOINT, *args)
    assert code == 2 and out == "" and word in errors and len(errors.splitlines()) == 1, errors


def test_generate_without_a_model_or_with_a_type_that_is_none():
    assert run("generate")[0] == 2
    code, _, errors = run("generate", "--model", f"{CHECKPOINT},int7")
    assert code == 2 and "int7" in errors and "int8" in errors


# --- bench -----------------------------------------------------------------------------------

def test_bench_json():
    code, out, errors = run("bench", "--model", CHECKPOINT, "--streams", "1,4", "--rounds", "1", "--json")
    assert code == 0 and errors == "", errors
    b = json.loads(out)
    assert b["read_bytes_per_s"] > 0 and b["f32_flops"] > 0 and b["int8_ops"] > 0 and b["type"] == "f16"
    assert [d["streams"] for d in b["decode"]] == [1, 4]
    for d in [*b["decode"], b["prefill"]]:
        assert d["tok_s"] > 0 and d["limited_by"] in ("memory", "arithmetic")
        assert d["fraction"] == pytest.approx(d["tok_s"] / d["limit_tok_s"], abs=1e-3)
    assert b["load_s"] > 0 and b["first_token_ms"] > 0 and b["prefill"]["tokens"] == 255
    assert b["resident_bytes_64"] > 1 << 20 and b["resident_bytes_1"] > 1 << 20


def test_bench_for_people():
    code, out, _ = run("bench", "--model", CHECKPOINT, "--type", "int8", "--threads", "1", "--streams", "2",
                       "--rounds", "2")
    assert code == 0
    for line in ("GB/s", "GFLOP/s", "load", "decode, 2 streams", "prefill 255", "first token", "memory, 64"):
        assert line in out
    assert "int8" in out and "1 thread" in out and out.count("%") == 2


@pytest.mark.parametrize("args,word", [
    ((), "--model"), (("--model", CHECKPOINT, "--type", "f64"), "f64"),
    (("--model", CHECKPOINT, "--streams", "0"), "--streams"),
    (("--model", CHECKPOINT, "--streams", "97"), "--streams"),
    (("--model", CHECKPOINT, "--streams", "a"), "--streams"),
    (("--model", CHECKPOINT, "--rounds", "0"), "--rounds"),
    (("--model", CHECKPOINT, "--threads", "x"), "--threads")])
def test_bench_bad_values_are_usage(args, word):
    code, out, errors = run("bench", *args)
    assert code == 2 and out == "" and word in errors


def test_bench_of_what_is_no_model(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"no checkpoint")
    code, out, errors = run("bench", "--model", tmp_path / "x.pt")
    assert code == 1 and out == "" and "x.pt" in errors
