"""The embedded page: as files over HTTP, and in a real browser (ui/tests, headless Chromium)."""
import gzip
import os
import re
import subprocess

import pytest

from conftest import CHECKPOINT, PATIENCE_S, ROOT, SLOW, Server, run


def test_index_is_html_with_a_policy(server):
    r = server.get("/")
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in r.headers["Content-Security-Policy"]
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert server.get("/index.html").body == r.body


def test_assets_are_there_and_cacheable(server):
    for path in re.findall(r'(?:src|href)="(/?\.?/?assets/[^"]+)"', server.get("/").text):
        r = server.get("/" + path.lstrip("./"))
        assert r.status == 200 and "immutable" in r.headers["Cache-Control"]


def test_gzip_only_for_those_who_take_it(server):
    plain = server.get("/")
    packed = server.get("/", Accept_Encoding="br, gzip;q=0.8")
    if "Content-Encoding" in packed.headers:
        assert gzip.decompress(packed.body) == plain.body
        assert packed.headers["Vary"] == "Accept-Encoding"
    script = re.search(r'src="\.?/?(assets/[^"]+\.js)"', plain.text).group(1)
    js = server.get("/" + script, Accept_Encoding="gzip")
    assert js.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(js.body) == server.get("/" + script).body
    assert "Content-Encoding" not in server.get("/" + script, Accept_Encoding="gzip;q=0").headers


def test_etag(server):
    r = server.get("/")
    again = server.get("/", If_None_Match=r.headers["ETag"])
    assert again.status == 304 and again.body == b""


def test_H19_nothing_else_is_served(server):
    for path in ("/Makefile", "/../Makefile", "/%2e%2e/Makefile", "/assets/", "/src/", "//etc/passwd"):
        assert server.get(path).status in (400, 404), path


@pytest.fixture(scope="module")
def two_wikis(handbook, tmp_path_factory):
    """The handbook, and as "second" a copy in which one page has another title."""
    path = tmp_path_factory.mktemp("second") / "second.xml"
    path.write_bytes(handbook.read_bytes()
                     .replace(b"<dbname>handbook<", b"<dbname>second<")
                     .replace(b"<title>Architecture<", b"<title>Second architecture<"))
    code, _, errors = run("index", path)
    assert code == 0, errors
    with Server("--wiki", f"handbook={handbook}", "--wiki", f"second={path}",
                "--gpt2", CHECKPOINT, "--gpt2", f"small={CHECKPOINT},f32") as s:
        yield s
        assert s.is_alive(), s.errors.decode()


def test_the_page_in_a_browser(server, two_wikis):
    url = "http://127.0.0.1:{}".format
    done = subprocess.run(
        ["npm", "--silent", "test"], cwd=ROOT / "ui", capture_output=True, text=True,
        timeout=4 * PATIENCE_S, env={**os.environ, "PAGE_SLOW": str(SLOW),
                                 "PAGE_URL": url(server.port), "PAGE_TWO_URL": url(two_wikis.port)})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    # Both servers were named, so no test may have been passed over.
    assert re.search(r"skipped 0\b", done.stdout), done.stdout[-2000:]
