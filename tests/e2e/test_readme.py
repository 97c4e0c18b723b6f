"""Every command in README.md is run, as it stands there."""
import os
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest

from conftest import BIN, CHAT, HANDBOOK, PATIENCE_S, ROOT, Server

README = (ROOT / "README.md").read_text()


def commands():
    """Lines of fenced sh blocks and the two of the opening block."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.S):
        yield from (line for line in block.splitlines() if line.strip())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder that looks like the project's root to the commands, and a server on a free port."""
    root = tmp_path_factory.mktemp("readme")
    (root / "build").mkdir()
    (root / "build/parallelopedia").symlink_to(BIN)
    (root / "demo").symlink_to(ROOT / "demo")
    shutil.copy(HANDBOOK, root / "demo-copy.xml")
    subprocess.run([BIN, "index", root / "demo-copy.xml"], check=True, capture_output=True)
    with Server("--wiki", root / "demo-copy.xml", "--gpt2", ROOT / "demo/handbook.pt",
                "--model", CHAT) as s:
        yield root, s


@pytest.mark.parametrize("line", list(commands()))
def test_command(world, line):
    root, server = world
    if " serve " in line and "--help" not in line:  # runs for ever: start it, see it listen, stop it
        args = line.split(" serve ", 1)[1].split()
        args = [str(root / a) if (root / a).exists() else a for a in args]
        with Server(*args) as s:
            assert s.get("/plaintext").status == 200
        return
    line = line.replace("http://127.0.0.1:4444", f"http://127.0.0.1:{server.port}")
    line = line.replace("curl ", "curl -sS --fail ")
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + line], cwd=root,
                          capture_output=True, timeout=PATIENCE_S,
                          env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()})
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout or " index " in line


def test_the_opening_commands_are_make_targets():
    opening = re.search(r"\n    make run +#.*\n    make test +#.*\n", README)
    assert opening, "README must open with `make run` and `make test`"
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^run: deps", makefile, re.M) and re.search(r"^test: deps-test", makefile, re.M)


def variant():
    """The make variables that gave the program under test."""
    name = os.path.basename(os.path.dirname(BIN))
    cc = ["CC=clang"] if name.endswith("-clang") else []
    name = name.removesuffix("-clang")
    if name.startswith("san-"):
        return ["SAN=" + name[4:].replace("-", ",")] + cc
    return (["DEV=1"] if name == "dev" else []) + cc


def test_make_run_serves_the_demo():
    """`make test` is what runs this test; this is the other of the two commands."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    make = subprocess.Popen(["make", "run", "PORT=0", *variant()], cwd=ROOT, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        lines = []
        for line in make.stdout:
            lines.append(line)
            found = re.search(r"^listening on (http://\S+)$", line.strip())
            if found:
                break
        else:
            pytest.fail("make run ended: " + "".join(lines[-20:]))
        with urllib.request.urlopen(found.group(1) + "/wiki/wiki/Main_Page") as r:
            assert b"<p>" in r.read()
        with urllib.request.urlopen(found.group(1) + "/gpt2/generate/Hi?max_length=5") as r:
            assert r.read().startswith(b"Hi")
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.communicate(timeout=PATIENCE_S)


def test_every_source_file_is_named_in_its_rooms_readme():
    missing = []
    for room in sorted((ROOT / "src").iterdir()):
        if not room.is_dir():
            continue
        text = (room / "README.md").read_text()
        missing += [str(f.relative_to(ROOT)) for f in sorted(room.glob("*.c")) if f.name not in text]
    assert not missing


def test_links_in_the_readme_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_api_document_is_fresh():
    done = subprocess.run([BIN, "docs"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and done.stdout == (ROOT / "docs/API.md").read_text()
