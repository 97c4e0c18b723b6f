"""Indexing under violence: killed at any moment, out of disk, of handles, of memory.

A few kills run with every `make test`; `make kill KILLS=1000` is the proof. Moments are drawn from
KILL_SEED (default 1), so that a failure can be repeated. Nothing here depends on how long a
thing takes: a kill that comes after the end is counted as such, and the claims hold all the same.
"""
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import BIN, HANDBOOK, PATIENCE_S, ROOT, Server, run

KILLS = int(os.environ.get("KILLS", "20"))
RANDOM = random.Random(int(os.environ.get("KILL_SEED", "1")))
GROW = ROOT / "build/tools/grow_dump"
TITLES = ROOT / "build/tools/make_titles"
PAGES = 4000
N_TITLES = 1_000_000 if KILLS > 100 else 400_000
MEMORY_MB = 64
# What is held beside the budget: the program itself, stacks, decoders, the allocator's slack.
MEMORY_FIXED_MB = 32


def grow(path, *args):
    subprocess.run([GROW, *map(str, args), "--out", path, HANDBOOK], check=True,
                   stderr=subprocess.DEVNULL)


def index_of(path):
    return path.with_name(path.name + ".idx")


class World:
    """Two versions of a dump with the bytes of their undisturbed indexes, and a place to work."""

    def __init__(self, root, name, *form):
        self.dumps, self.good = [], []
        for seed in (1, 2):
            (root / f"v{seed}").mkdir()
            dump = root / f"v{seed}" / name
            grow(dump, "--pages", PAGES, "--seed", seed, *form)
            start = time.monotonic()
            code, _, errors = run("index", "--quiet", dump)
            assert code == 0, errors
            self.seconds = time.monotonic() - start
            self.dumps.append(dump)
            self.good.append(index_of(dump).read_bytes())
        assert self.good[0] != self.good[1]
        (root / "work").mkdir()
        self.path = root / "work" / name
        self.index = index_of(self.path)

    def put(self, version):
        """Replaces the dump as a person would: a new file under the old name, same time stamp."""
        fresh = self.path.with_name("fresh")
        shutil.copy2(self.dumps[version], fresh)
        os.replace(fresh, self.path)

    def start(self):
        return subprocess.Popen([BIN, "index", "--quiet", str(self.path)], cwd=ROOT,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def build(self):
        code, _, errors = run("index", "--quiet", self.path)
        assert code == 0, errors

    def others(self):
        return sorted(p.name for p in self.path.parent.iterdir()
                      if p not in (self.path, self.index))


@pytest.fixture(scope="module", params=["plain", "packed"])
def world(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("kill-" + request.param)
    if request.param == "plain":
        return World(root, "x.xml")
    return World(root, "x.xml.bz2", "--multistream")


def kill_once(world):
    """Starts a build and kills it somewhere. True when it was killed before it was done."""
    p = world.start()
    try:
        p.wait(RANDOM.random() * world.seconds * 1.1)
    except subprocess.TimeoutExpired:
        p.kill()
    return p.wait() == -signal.SIGKILL


def answers(server, title):
    r = server.get("/wiki/offsets/" + title)
    return r.status == 200 and json.loads(r.text)


def test_killed_while_the_old_index_stands(world):
    """The same dump indexed again: whatever happens, the file holds the one right index."""
    world.put(0)
    world.build()
    assert world.index.read_bytes() == world.good[0]
    n_killed = n_opened = 0
    for i in range(KILLS):
        n_killed += kill_once(world)
        assert world.index.read_bytes() == world.good[0], f"kill {i}"
        if i % 10 == 0:  # and it opens
            with Server("--wiki", world.path, "--app-classes", "wiki") as s:
                assert answers(s, "Tok"), f"kill {i}"
                n_opened += 1
    world.build()
    assert world.index.read_bytes() == world.good[0]
    assert world.others() == []
    print(f"\n{KILLS} starts, {n_killed} killed before the end, {n_opened} times served between")
    assert n_killed > 0


def test_killed_while_a_newer_dump_is_indexed(world):
    """A server that was started on the old dump goes on; the file is the old index or the new."""
    world.put(0)
    world.build()
    n_killed = 0
    with Server("--wiki", world.path, "--app-classes", "wiki") as s:
        before = answers(s, "Tok")
        for i in range(KILLS):
            world.put(1)
            n_killed += kill_once(world)
            assert world.index.read_bytes() in world.good, f"kill {i}"
            assert answers(s, "Tok") == before, f"kill {i}"
            if i % 4 == 3:
                world.build()
                assert world.index.read_bytes() == world.good[1], f"kill {i}"
                assert world.others() == [], f"kill {i}"
                world.put(0)
                world.build()
        assert s.is_alive()
    world.put(1)
    world.build()
    assert world.index.read_bytes() == world.good[1] and world.others() == []
    print(f"\n{KILLS} starts, {n_killed} killed before the end")
    assert n_killed > 0


# --- Resources -------------------------------------------------------------------------------

def limited(world, what, n):
    """`index` under a resource limit: (exit code, what it said)."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(what, (n, n))
    p = subprocess.run([BIN, "index", "--quiet", str(world.path)], cwd=ROOT, capture_output=True,
                       preexec_fn=limit, timeout=PATIENCE_S)
    return p.returncode, p.stderr.decode()


def check_survived(world, code, said, what):
    """Done, and right; or refused in one clear line, with the old index untouched."""
    assert code in (0, 1), f"{what}: {code} {said}"
    assert world.index.read_bytes() == world.good[1 if code == 0 else 0], what
    assert code == 0 or len(said.strip().splitlines()) == 1, f"{what}: {said}"
    assert world.others() == [], what


@pytest.fixture
def aged(world):
    """The newer dump with the index of the older one beside it."""
    world.put(0)
    world.build()
    world.put(1)
    return world


def test_files_may_not_grow(aged):
    whole = len(aged.good[1])
    codes = []
    for n in (1, 4096, 1 << 16, whole // 2, whole - 1):
        code, said = limited(aged, resource.RLIMIT_FSIZE, n)
        check_survived(aged, code, said, f"RLIMIT_FSIZE {n}")
        codes.append(code)
    assert codes == [1] * 5


def test_out_of_handles(aged):
    codes = []
    for n in range(3, 16):
        code, said = limited(aged, resource.RLIMIT_NOFILE, n)
        if code == 127:  # not even its libraries could be opened
            continue
        check_survived(aged, code, said, f"RLIMIT_NOFILE {n}")
        codes.append(code)
        if code == 0:
            aged.put(0)
            aged.build()
            aged.put(1)
    assert 1 in codes


def test_disk_full(aged, tmp_path):
    """A real full disk: a tmpfs that holds the dump and the old index, and little more."""
    place = tmp_path / "disk"
    place.mkdir()
    need = aged.path.stat().st_size + len(aged.good[0]) + (256 << 10)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={need}", "none", place],
                                      capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        for f in (aged.path, aged.index):
            shutil.copy2(f, place)
        dump = place / aged.path.name
        code, _, said = run("index", "--quiet", dump)
        assert code == 1 and len(said.strip().splitlines()) == 1, said
        assert index_of(dump).read_bytes() == aged.good[0]
        assert len(list(place.iterdir())) == 2
    finally:
        subprocess.run(["umount", place], check=True)


def anonymous_kb(pid):
    """Memory that is the process's own, mapped files left out."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))
    except (OSError, AttributeError):
        return 0


@pytest.mark.skipif("san-" in BIN, reason="a sanitizer's shadow is not the program's memory")
def test_memory_stays_in_its_budget(tmp_path):
    """Many titles in 64 MB; the index is the one that plenty of memory gives."""
    dump = tmp_path / "titles.xml"
    with open(dump, "wb") as f:
        subprocess.run([TITLES, "--count", str(N_TITLES), "--seed", "1", "--xml"], stdout=f,
                       check=True)
    code, _, said = run("index", "--quiet", "--memory", "1024", dump)
    assert code == 0, said
    plenty = index_of(dump).read_bytes()
    p = subprocess.Popen([BIN, "index", "--quiet", "--memory", str(MEMORY_MB), str(dump)], cwd=ROOT)
    peak = [0]

    def sample():
        while p.poll() is None:
            peak[0] = max(peak[0], anonymous_kb(p.pid))
            time.sleep(0.005)
    watcher = threading.Thread(target=sample)
    watcher.start()
    assert p.wait(PATIENCE_S) == 0
    watcher.join()
    print(f"\npeak of anonymous memory: {peak[0] / 1024:.1f} MB with --memory {MEMORY_MB}")
    assert index_of(dump).read_bytes() == plenty
    assert peak[0] <= (MEMORY_MB + MEMORY_FIXED_MB) * 1024
