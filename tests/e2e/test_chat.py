"""parallelopedia chat: in scripts, and on a terminal of its own."""
import json
import os
import pty
import select
import time

import pytest

import hub_model
from conftest import BIN, PATIENCE_S, ROOT, run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return hub_model.make(tmp_path_factory.mktemp("chat") / "tiny")


def chat(model, lines, *args, code=0):
    """(stdout, stderr) of a conversation of lines."""
    stdin = "".join(line + "\n" for line in lines).encode()
    got, out, errors = run("chat", "--model", model, "--max-tokens", 12, *args, stdin=stdin)
    assert got == code, errors
    return out, errors


def chat_json(model, lines, *args):
    return [json.loads(line) for line in chat(model, lines, "--json", *args)[0].splitlines()]


# --- Scripts -------------------------------------------------------------------------------------

def test_each_line_is_answered(tiny):
    answers = chat_json(tiny, ["Hello", "", "And then?"], "--seed", 5)
    assert len(answers) == 2
    first, second = answers
    assert 0 < first["tokens"] <= 12 and first["finish_reason"] in ("stop", "length")
    assert first["cached_tokens"] == 0 and first["prompt_tokens"] < second["prompt_tokens"]
    assert second["cached_tokens"] >= first["prompt_tokens"] // 16 * 16 > 0


def test_same_seed_same_answers_and_the_text_is_the_jsons(tiny):
    a = chat_json(tiny, ["Hello", "More"], "--seed", 7)
    assert [x["content"] for x in chat_json(tiny, ["Hello", "More"], "--seed", 7)] == [
        x["content"] for x in a]
    assert chat_json(tiny, ["Hello"], "--seed", 8)[0]["content"] != a[0]["content"]
    plain, errors = chat(tiny, ["Hello"], "--seed", 7)
    assert plain.rstrip("\n") == a[0]["content"].lstrip(" \n").rstrip("\n")
    assert errors == ""


def test_a_line_with_a_backslash_goes_on_and_commands_work(tiny, tmp_path):
    saved = tmp_path / "saved.json"
    chat(tiny, ["one\\", "two", "/regenerate", "/system Be brief", "//slash", f"/save {saved}",
                "/quit", "never"], "--seed", 2)
    said = json.loads(saved.read_text())
    assert said["model"] == "tiny"
    assert [m["role"] for m in said["messages"]] == ["system"] + ["user", "assistant"] * 2
    assert [m["content"] for m in said["messages"] if m["role"] != "assistant"] == [
        "Be brief", "one\ntwo", "/slash"]


def test_regenerate_has_another_seed_and_clear_forgets(tiny, tmp_path):
    a, again, b = chat_json(tiny, ["Hello", "/regenerate", "/clear", "Hello"], "--seed", 3)
    assert a["prompt_tokens"] == again["prompt_tokens"] == b["prompt_tokens"]
    assert len({a["content"], again["content"], b["content"]}) == 3
    greedy = chat_json(tiny, ["Hello", "/regenerate"], "--temperature", 0)
    assert greedy[0]["content"] == greedy[1]["content"]


def test_options_reach_the_template(tiny):
    def prompt(*args):
        return chat_json(tiny, ["Hi"], *args)[0]["prompt_tokens"]

    assert prompt("--system", "Be brief") > prompt()
    assert prompt("--reasoning-effort", "high") > prompt()
    assert prompt("--quantize", "int8") == prompt("--no-think") == prompt()


def test_thoughts_are_no_part_of_an_answer(tmp_path):
    thinker = hub_model.make(tmp_path / "thinker",
                             template=hub_model.TEMPLATE + "{{- '<think>\\n' }}")
    answer = chat_json(thinker, ["Hi"], "--seed", 1, "--top-k", 20)[0]
    assert answer["reasoning"] and answer["content"] == ""
    assert chat(thinker, ["Hi"], "--seed", 1, "--top-k", 20)[0].strip() == ""


@pytest.mark.parametrize("args,code,says", [
    ((), 2, "say which model: --model"),
    (("--model", "TINY", "--temperature", "hot"), 2, "temperature must be"),
    (("--model", "TINY", "--quantize", "int5"), 2, "neither int8 nor int4"),
    (("--model", "/nowhere/x"), 1, "x: its path does not exist"),
    (("--model", "ALL"), 2, "models, name one of them"),
    (("--model", "BARE"), 1, "bare has no chat template"),
    (("--model", "ODD"), 1, "martian"),
])
def test_what_is_wrong_is_one_line(tmp_path, args, code, says):
    names = {"TINY": hub_model.make(tmp_path / "tiny"), "ALL": tmp_path,
             "BARE": hub_model.make(tmp_path / "bare", template=None),
             "ODD": hub_model.make(tmp_path / "odd")}
    (tmp_path / "odd/config.json").write_text('{"model_type": "martian"}')
    got, out, errors = run("chat", *(names.get(a, a) for a in args), stdin=b"Hi\n")
    assert (got, out) == (code, "") and says in errors, errors
    assert errors.count("\n") == 1 and errors.startswith("parallelopedia: chat: ")


def test_a_full_context_is_told_and_the_conversation_goes_on(tmp_path):
    small = hub_model.make(tmp_path / "small", context=64)
    out, errors = chat(small, ["Hi", "word " * 40, "/clear", "Hi"], "--json", "--seed", 1, code=1)
    assert "the model's context is 64: /clear begins a new one" in errors
    assert len(out.splitlines()) == 2
    assert "there is no /nonsense" in chat(small, ["/nonsense"], code=1)[1]
    assert "nothing to answer anew" in chat(small, ["/regenerate"], code=1)[1]


# --- A terminal ----------------------------------------------------------------------------------

class Terminal:
    def __init__(self, *args):
        self.text, self.at = b"", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execv(BIN, [BIN, *map(str, args)])

    def read(self):
        if not select.select([self.fd], [], [], 0.5)[0]:
            return True
        try:
            more = os.read(self.fd, 1 << 16)
        except OSError:  # its other end is closed
            more = b""
        self.text += more
        return bool(more)

    def wait(self, mark):
        """Until `mark` comes, behind what was waited for before."""
        until = time.monotonic() + PATIENCE_S
        while mark not in self.text[self.at:]:
            assert time.monotonic() < until and self.read(), self.text[-500:]
        self.at = self.text.index(mark, self.at) + len(mark)

    def send(self, data):
        os.write(self.fd, data)

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """A model that never ends a text by itself."""
    folder = hub_model.make(tmp_path_factory.mktemp("chat") / "endless", context=200_000)
    config = json.loads((folder / "config.json").read_text())
    config["eos_token_id"] = None
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text("{}")
    return folder


def test_ctrl_c_ends_an_answer_and_then_the_conversation(endless, tmp_path):
    saved = tmp_path / "saved.json"
    t = Terminal("chat", "--model", endless, "--seed", 1)
    t.wait(b"/help lists commands")
    t.wait(b"> ")
    t.send(b"Hello\n")
    t.wait(b"Hello\r\n")
    seen = len(t.text)
    while len(t.text) < seen + 100:  # it speaks
        assert t.read()
    t.send(b"\x03")
    t.wait(b"cancelled")
    t.wait(b"> ")
    t.send(b"/save %s\n" % str(saved).encode())
    t.wait(b"Saved.")
    t.wait(b"> ")
    t.send(b"\x03")
    t.wait(b"(Ctrl-C again ends it")
    t.wait(b"> ")
    t.send(b"/help\n")  # not at once: it takes two in a row
    t.wait(b"/regenerate")
    t.wait(b"> ")
    t.send(b"\x03")
    t.wait(b"(Ctrl-C again ends it")
    t.wait(b"> ")
    t.send(b"\x03")
    assert t.end() == 0
    said = json.loads(saved.read_text())["messages"]
    assert [m["role"] for m in said] == ["user", "assistant"] and said[1]["content"]


def test_a_paste_is_one_message_and_figures_follow(tiny, tmp_path):
    saved = tmp_path / "saved.json"
    t = Terminal("chat", "--model", tiny, "--seed", 1, "--max-tokens", 5)
    t.wait(b"> ")
    t.send(b"\x1b[200~line one\nline two\n\x1b[201~ end\n")
    t.wait(b"tok/s")
    t.wait(b"prompt tokens known")
    t.wait(b"> ")
    t.send(b"/save %s\n" % str(saved).encode())
    t.wait(b"Saved.")
    t.wait(b"> ")
    t.send(b"\x04")
    assert t.end() == 0
    assert json.loads(saved.read_text())["messages"][0]["content"] == "line one\nline two\n end"
    assert t.text.count(b"\x1b[?2004h") == t.text.count(b"\x1b[?2004l") == 1


def test_a_thought_is_dim(tmp_path):
    thinker = hub_model.make(tmp_path / "thinker",
                             template=hub_model.TEMPLATE + "{{- '<think>\\n' }}")
    t = Terminal("chat", "--model", thinker, "--seed", 1, "--max-tokens", 5, "--top-k", 20)
    t.wait(b"> ")
    t.send(b"Hi\n")
    t.wait(b"\x1b[2m")
    t.wait(b"\x1b[0m")
    t.wait(b"> ")
    t.send(b"/quit\n")
    assert t.end() == 0
