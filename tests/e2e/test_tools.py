"""The generators in tools/: what they write is a dump, byte for byte as MediaWiki writes one."""
import bz2
import hashlib
import subprocess
import xml.etree.ElementTree

from conftest import PATIENCE_S, ROOT, need_data

GROW = ROOT / "build/tools/grow_dump"
DUMPS = ["enwiki-sample.xml.bz2", "ltgwiki.xml.bz2", "aawiki-20260101.xml.bz2"]


def grow(*args, dumps=DUMPS):
    paths = [str(need_data("wiki/" + d)) for d in dumps]
    done = subprocess.run([GROW, *map(str, args), *paths], capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def base36(digest):
    n, out = int(digest, 16), ""
    while n:
        n, digit = divmod(n, 36)
        out = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + out
    return out.rjust(31, "0")


def test_every_page_is_whole_and_its_sha1_right(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(grow("--pages", 6000))
    titles, last_id, n_redirects = set(), 0, 0
    for _, page in xml.etree.ElementTree.iterparse(path):
        ns = page.tag[:page.tag.index("}") + 1]
        if page.tag != ns + "page":
            continue
        titles.add(page.find(ns + "title").text)
        assert int(page.find(ns + "id").text) > last_id
        last_id = int(page.find(ns + "id").text)
        n_redirects += page.find(ns + "redirect") is not None
        revision = page.find(ns + "revision")
        text = (revision.find(ns + "text").text or "").encode()
        assert revision.find(ns + "text").get("bytes") == str(len(text))
        assert revision.find(ns + "sha1").text == base36(hashlib.sha1(text).hexdigest())
        page.clear()
    assert len(titles) == 6000 and n_redirects > 600


def test_a_dump_grown_to_its_own_size_is_itself_but_for_ids():
    lines = grow("--schema", "0.10", "--pages", 206, dumps=DUMPS[:1]).splitlines()
    real = bz2.decompress(need_data("wiki/" + DUMPS[0]).read_bytes()).splitlines()
    assert len(lines) == len(real)
    different = [b for a, b in zip(lines, real) if a != b]
    assert all(b.strip().startswith(b"<id>") for b in different) and len(different) <= 2 * 206


def test_packed_forms_hold_the_same_bytes(tmp_path):
    plain = grow("--pages", 4000)
    one, many = tmp_path / "one.xml.bz2", tmp_path / "many.xml.bz2"
    grow("--pages", 4000, "--bz2", "--out", one)
    grow("--pages", 4000, "--multistream", "--out", many)
    single = bz2.BZ2Decompressor()
    assert single.decompress(one.read_bytes()) == plain and single.eof and not single.unused_data
    assert bz2.decompress(many.read_bytes()) == plain


def test_the_multistream_index_names_every_page_and_its_stream(tmp_path):
    path = tmp_path / "m.xml.bz2"
    grow("--pages", 3333, "--multistream", "--out", path)
    packed = path.read_bytes()
    rows = [r.split(":", 2) for r in
            bz2.decompress((tmp_path / "m-index.txt.bz2").read_bytes()).decode().splitlines()]
    assert len(rows) == 3333
    streams = {}
    for off, ident, title in rows:
        streams.setdefault(int(off), []).append((ident, title))
    assert [len(s) for s in streams.values()] == [100] * 33 + [33]
    for off, pages in list(streams.items())[::11]:
        text = bz2.BZ2Decompressor().decompress(packed[off:]).decode()
        at = 0
        for ident, title in pages:
            at = text.index(f"<title>{title}</title>", at)
            assert f"<id>{ident}</id>" in text[at:at + 2000]


def test_seeds():
    assert grow("--pages", 4000) == grow("--pages", 4000)
    assert grow("--pages", 4000) != grow("--pages", 4000, "--seed", 2)
