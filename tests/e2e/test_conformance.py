"""MediaWiki's parser tests, where the suite is at hand: what passed before passes."""
import subprocess

import pytest

from conftest import ROOT

SUITE = ROOT.parent / "shared/conformance/parsertests"
KNOWN = ROOT / "tests/conformance/known-failures.txt"


def conformance(*more):
    tool = ROOT / "build/tools/render_tests"
    if not SUITE.is_dir():
        pytest.skip(f"no suite at {SUITE}")
    if not tool.exists():
        pytest.skip("build/tools/render_tests is not built")
    pytest.importorskip("html5lib")
    return subprocess.run(["/usr/bin/python3", ROOT / "tests/conformance/parsertests.py", tool, SUITE, *more],
                          capture_output=True, text=True)


def test_no_parser_test_fails_that_passed_before():
    done = conformance("--failures", KNOWN)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_the_list_of_failures_only_shrinks():
    """A test that passes now is taken off the list."""
    done = conformance("--failures", "/dev/null")
    failing = {line.removeprefix("fails now: ") for line in done.stdout.splitlines() if line.startswith("fails now: ")}
    assert set(KNOWN.read_text().splitlines()) <= failing
