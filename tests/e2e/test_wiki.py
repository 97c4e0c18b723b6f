"""The wiki routes over small dumps whose right answers are plain to see, and over real ones."""
import bz2
import hashlib
import html.parser
import json
import re
import shutil
import urllib.parse
import xml.sax.saxutils

import pytest

from conftest import Server, need_data, run


def sha1_base36(text):
    n, out = int(hashlib.sha1(text.encode()).hexdigest(), 16), ""
    while n:
        n, digit = divmod(n, 36)
        out = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + out
    return out.rjust(31, "0")


def page(title, text, ident, ns=0, redirect=None, sha1=None):
    escape = lambda s: xml.sax.saxutils.escape(s, {'"': "&quot;"})
    target = f'    <redirect title="{escape(redirect)}" />\n' if redirect else ""
    return (f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{ns}</ns>\n    <id>{ident}</id>\n"
            f"{target}    <revision>\n      <id>{ident + 1000}</id>\n"
            f"      <timestamp>2026-01-01T00:00:00Z</timestamp>\n"
            f"      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
            f'      <text bytes="{len(text.encode())}" xml:space="preserve">{escape(text)}</text>\n'
            f"      <sha1>{sha1 or sha1_base36(text)}</sha1>\n    </revision>\n  </page>\n")


SITEINFO = """  <siteinfo>
    <sitename>Testpedia</sitename>
    <dbname>testwiki</dbname>
    <base>http://localhost/Main_Page</base>
    <generator>MediaWiki 1.46</generator>
    <case>first-letter</case>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="10" case="first-letter">Template</namespace>
      <namespace key="14" case="first-letter">Category</namespace>
    </namespaces>
  </siteinfo>
"""
HEAD = ('<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
        'xml:lang="en">\n')

PAGES = [
    ("Ant", "An '''ant''' lives with [[Bee]]s & co.", None),
    ("Antarctica", "Cold.", None),
    ("AntArt", "Art.", None),
    ("AT&T", "A company. [[Missing page]]", None),
    ("Bee", "A bee.", None),
    ("Ápple café", "Unicode everywhere: žluťoučký 日本語.", None),
    ("日本", "Japan.", None),
    ("Insect ant", "#REDIRECT [[Ant]]", "Ant"),
    ("Loop A", "#REDIRECT [[Loop B]]", "Loop B"),
    ("Loop B", "#REDIRECT [[Loop A]]", "Loop A"),
    ('"Quoted" title', "Quotes.", None),
    ("Zebra", "<script>alert(1)</script> [javascript:alert(1) x] The last page.", None),
]


def dump_bytes(pages=PAGES):
    body = "".join(page(t, w, i + 1, redirect=r) for i, (t, w, r) in enumerate(pages))
    return (HEAD + SITEINFO + body + "</mediawiki>\n").encode()


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    path = tmp_path_factory.mktemp("wiki") / "test.xml"
    path.write_bytes(dump_bytes())
    code, out, errors = run("index", path)
    assert code == 0, errors
    return path


@pytest.fixture(scope="module")
def wiki(dump):
    with Server("--wiki", dump) as s:
        yield s
        assert s.is_alive()


RANGE = "{}-{}"


def offsets(wiki, name, query=""):
    r = wiki.get("/wiki/offsets/" + urllib.parse.quote(name, safe="") + query)
    assert r.status == 200, r.text
    assert r.headers["Content-Type"] == "application/json; charset=UTF-8"
    return json.loads(r.text), r


def test_offsets_have_the_original_shape_and_arithmetic(wiki, dump):
    data = dump.read_bytes()
    rows, r = offsets(wiki, "Ant")
    assert [row[0] for row in rows] == ["Ant", "AntArt", "Antarctica"]  # code-point order
    assert r.headers["X-Total-Count"] == "3"
    assert r.text.startswith('[["Ant", ')  # json.dumps spacing
    for title, first, last in rows:
        piece = data[first:last + 1]
        assert piece.startswith(b"<page>") and piece.endswith(b"</page>")
        assert f"<title>{title}</title>".encode() in piece


def test_offsets_query_form_is_the_path_form(wiki):
    assert wiki.get("/wiki/offsets?name=Ant").body == wiki.get("/wiki/offsets/Ant").body


def test_W01_no_hit_is_an_empty_list(wiki):
    assert wiki.get("/wiki/offsets/Xyzzy").text == "[]"


def test_lower_case_prefix_is_case_blind_and_mixed_case_is_exact(wiki):
    assert [r[0] for r in offsets(wiki, "anta")[0]] == ["AntArt", "Antarctica"]
    assert [r[0] for r in offsets(wiki, "Anta")[0]] == ["Antarctica"]
    assert offsets(wiki, "aNT")[0] == []


def test_W09_limit_and_paging(wiki):
    rows, r = offsets(wiki, "Ant", "?limit=1&offset=1")
    assert [row[0] for row in rows] == ["AntArt"] and r.headers["X-Total-Count"] == "3"
    assert wiki.get("/wiki/offsets/Ant?limit=abc").status == 400
    assert wiki.get("/wiki/offsets/Ant?limit=-1").status == 400


def test_short_and_missing_names(wiki):
    r = wiki.get("/wiki/offsets/An")
    assert r.status == 400 and "Name too short (&lt; 3 chars)" in r.text
    assert "Missing name" in wiki.get("/wiki/offsets").text
    assert wiki.get("/wiki/offsets?foo=1").status == 400
    assert wiki.get("/wiki/wiki").status == 400


@pytest.mark.parametrize("title", [t for t, _, _ in PAGES])
def test_every_title_is_found_by_every_route(wiki, dump, title):
    quoted = urllib.parse.quote(title, safe="")
    for route in ("/wiki/wiki_xml/", "/wiki/wiki_raw/"):
        r = wiki.get(route + quoted)
        assert r.status == 200 and r.headers["Content-Type"] == "text/xml; charset=utf-8"
        first, last = map(int, r.headers["X-Range"].split("-"))
        assert r.body == dump.read_bytes()[first:last + 1]
        assert int(r.headers["Content-Length"]) == len(r.body)
    assert wiki.get("/wiki/wiki_xml?name=" + quoted).body == wiki.get(route + quoted).body


def test_W05_entities_in_titles_both_ways(wiki):
    assert wiki.get("/wiki/wiki/AT%26T").status == 200
    assert wiki.get("/wiki/wiki/AT%26amp%3BT").status == 200
    assert wiki.get("/wiki/wiki?name=%22Quoted%22_title").status == 200


def test_W08_titles_are_normalised(wiki):
    for name in ("zebra", "Insect_ant", "insect%20ant", "%C3%A1pple_caf%C3%A9", "_Zebra_"):
        assert wiki.get("/wiki/wiki/" + name).status == 200, name


def test_W04_non_ascii(wiki):
    r = wiki.get("/wiki/wiki/" + urllib.parse.quote("Ápple café"))
    assert r.status == 200 and "žluťoučký 日本語" in r.text
    assert int(r.headers["Content-Length"]) == len(r.body)  # W11: bytes, not characters
    assert wiki.get("/wiki/offsets/" + urllib.parse.quote("Ápp")).text.startswith(
        '[["\\u00c1pple caf\\u00e9", ')
    assert wiki.get("/wiki/wiki/" + urllib.parse.quote("日本")).status == 200


def test_W06_redirects_are_followed_and_said(wiki):
    r = wiki.get("/wiki/wiki/Insect_ant")
    assert r.headers["X-Title"] == "Ant" and r.headers["X-Redirected-From"] == "Insect%20ant"
    assert "<b>ant</b>" in r.text
    r = wiki.get("/wiki/wiki/Insect_ant?redirect=no")
    assert r.headers["X-Title"] == "Insect%20ant" and "X-Redirected-From" not in r.headers


def test_redirect_loops_end(wiki):
    assert wiki.get("/wiki/wiki/Loop_A").status == 200


def test_W03_the_last_page_and_W14_nothing_runs(wiki):
    r = wiki.get("/wiki/wiki/Zebra")
    assert "The last page." in r.text
    assert "<script" not in r.text
    found = []

    class Links(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(v for k, v in attrs if k == "href")

    Links().feed(r.text)
    assert not any(h.startswith("javascript") for h in found)


def test_links_point_at_us_and_missing_ones_are_marked(wiki):
    assert 'href="/wiki/wiki/Bee"' in wiki.get("/wiki/wiki/Ant").text
    assert 'class="new"' in wiki.get("/wiki/wiki/AT%26T").text


def test_missing_page_is_404(wiki):
    r = wiki.get("/wiki/wiki/No_such_page")
    assert r.status == 404 and "<p>Error code: 404</p>" in r.text


def test_title_route(wiki, dump):
    rows = json.loads(wiki.get("/wiki/title/Ant").text)
    assert [r[0] for r in rows] == ["Ant", "AntArt", "Antarctica"]
    at = rows[0][1][0]
    assert dump.read_bytes()[at:].startswith(b"    <title>Ant</title>")
    assert wiki.get("/wiki/title/Anx").status == 404


def test_random_is_an_article(wiki, dump):
    redirects = {t for t, _, r in PAGES if r}
    for _ in range(20):
        title, first, last = json.loads(wiki.get("/wiki/random").text)
        assert title not in redirects
        assert f"<title>".encode() in dump.read_bytes()[first:last + 1]


def test_xml_by_range(wiki, dump):
    data = dump.read_bytes()
    (_, first, last), = offsets(wiki, "Zebra")[0]
    for r in (wiki.get("/wiki/xml", Range=f"bytes={first}-{last}"),
              wiki.get(f"/wiki/xml?range={first}-{last}"),
              wiki.get(f"/wiki/xml?range=bytes={first}-{last}")):
        assert r.status == 206
        assert r.headers["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
        assert r.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert r.body == data[first:last + 1]


def test_xml_range_edges(wiki, dump):
    size = len(dump.read_bytes())
    assert wiki.get("/wiki/xml").status == 400
    assert "Ranged-request required." in wiki.get("/wiki/xml").text
    assert wiki.get("/wiki/xml", Range="bytes=0-0").body == b"<"  # H14
    r = wiki.get("/wiki/xml", Range=f"bytes={size}-")
    assert r.status == 416 and r.headers["Content-Range"] == f"bytes */{size}"  # H13
    assert wiki.get("/wiki/xml", Range="bytes=-0").status == 416
    assert len(wiki.get("/wiki/xml", Range=f"bytes=-{10 * size}").body) == size
    assert wiki.get("/wiki/xml", Range="bytes=0-1,4-5").status == 400


def test_if_range_with_an_old_date_gives_the_whole_dump(wiki, dump):
    r = wiki.get("/wiki/xml", Range="bytes=0-9", If_Range="Mon, 01 Jan 2001 00:00:00 GMT")
    assert r.status == 200 and r.body == dump.read_bytes() and "Content-Range" not in r.headers
    date = r.headers["Last-Modified"]
    assert wiki.get("/wiki/xml", Range="bytes=0-9", If_Range=date).status == 206
    assert wiki.get("/wiki/xml", If_Range=date).status == 400  # no range was asked for


def test_html_by_range(wiki):
    (_, first, last), = offsets(wiki, "Bee")[0]
    r = wiki.get("/wiki/html", Range=f"bytes={first}-{last}")
    assert r.status in (200, 206) and "A bee." in r.text
    bad = wiki.get("/wiki/html", Range=f"bytes={first + 5}-{last}")  # W12
    assert bad.status == 400 and "not one whole page" in bad.text


def test_legacy_names(wiki):
    assert wiki.get("/offsets/Ant").body == wiki.get("/wiki/offsets/Ant").body
    assert wiki.get("/xml?range=0-9").status == 206


def test_H20_routes_match_whole_segments(wiki):
    assert wiki.get("/wiki/offsetsAnt").status == 404
    assert wiki.get("/wiki/wikiAnt").status == 404


def test_not_modified(wiki):
    r = wiki.get("/wiki/wiki/Ant")
    again = wiki.get("/wiki/wiki/Ant", If_Modified_Since=r.headers["Last-Modified"])
    assert again.status == 304 and again.body == b""


# --- Indexing and bad input ------------------------------------------------------------------

def fails(code_out_err, *words):
    code, out, errors = code_out_err
    assert code != 0
    lines = [line for line in errors.splitlines() if line.strip()]
    assert lines and all(w.lower() in lines[-1].lower() for w in words), errors
    return lines


def test_index_reports_bad_sha1(tmp_path):
    path = tmp_path / "bad.xml"
    good = page("Good", "text", 1)
    bad = page("Bad one", "text", 2, sha1="0" * 31)
    path.write_text(HEAD + SITEINFO + good + bad + "</mediawiki>\n")
    code, out, errors = run("index", path)
    assert code == 0 and "Bad one" in errors and "1 " in out + errors
    with Server("--wiki", path) as s:
        assert s.get("/wiki/wiki/Bad_one").headers["X-Sha1"] == "mismatch"
        assert "X-Sha1" not in s.get("/wiki/wiki/Good").headers


def test_index_of_bz2_is_that_of_plain(tmp_path, dump):
    path = tmp_path / "test.xml.bz2"
    path.write_bytes(bz2.compress(dump_bytes()))
    code, _, errors = run("index", path)
    assert code == 0, errors
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["test.xml.bz2", "test.xml.bz2.idx"]  # read in place
    with Server("--wiki", path) as s, Server("--wiki", dump) as plain:
        for target in ("/wiki/wiki/Ant", "/wiki/wiki_xml/Zebra", "/wiki/offsets/Ant",
                       "/wiki/xml?range=10-999", "/wiki/html?range=" + RANGE.format(*offsets(
                           plain, "Bee")[0][0][1:])):
            one, other = s.get(target), plain.get(target)
            assert one.status in (200, 206) and one.status == other.status, target
            assert one.body == other.body, target
        assert s.get("/wiki/xml", Range="bytes=0-").body == dump_bytes()


@pytest.mark.parametrize("cut", [1, 20, 600, 1500, -20])
def test_truncated_dump_is_refused(tmp_path, cut):
    path = tmp_path / "cut.xml"
    path.write_bytes(dump_bytes()[:cut])
    fails(run("index", path), "cut.xml")
    assert not (tmp_path / "cut.xml.idx").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["cut.xml"]  # no temporary left


def test_truncated_bz2_is_refused(tmp_path):
    path = tmp_path / "cut.xml.bz2"
    path.write_bytes(bz2.compress(dump_bytes())[:-40])
    fails(run("index", path), "cut.xml.bz2")
    assert not (tmp_path / "cut.xml").exists()


def test_wrong_files_are_refused(tmp_path):
    for name, data, word in [("empty.xml", b"", "empty"), ("text.xml", b"hello\n" * 50, "mediawiki"),
                             ("html.xml", b"<html><body>x</body></html>", "mediawiki"),
                             ("utf16.xml", dump_bytes().decode().encode("utf-16"), "utf-16")]:
        path = tmp_path / name
        path.write_bytes(data)
        fails(run("index", path), name, word)
    fails(run("index", tmp_path / "missing.xml"), "missing.xml")
    fails(run("index", tmp_path), str(tmp_path))


def test_utf16_fixture_is_refused(tmp_path):
    path = tmp_path / "bg.xml.bz2"
    shutil.copy(need_data("wiki/bgwiki-utf16-negative.xml.bz2"), path)
    fails(run("index", path), "utf-16")


def broken_wiki_serves_the_rest(path, *words):
    with Server("--no-build", "--wiki", path) as s:
        lines = [l for l in s.errors.decode().splitlines() if "ERROR" in l]
        assert len(lines) == 1 and all(w in lines[0] for w in words), s.errors.decode()
        r = s.get("/wiki/wiki/Ant")
        assert r.status == 503 and str(path) not in r.text
        assert s.get("/plaintext").text == "Hello, World!"
        assert s.is_alive()


def test_stale_index_is_said_and_the_rest_serves(tmp_path):
    path = tmp_path / "stale.xml"
    path.write_bytes(dump_bytes())
    assert run("index", path)[0] == 0
    path.write_bytes(dump_bytes(PAGES[:5]))
    broken_wiki_serves_the_rest(path, "stale.xml", "parallelopedia index")


def test_no_index_is_said_and_the_rest_serves(tmp_path):
    path = tmp_path / "new.xml"
    path.write_bytes(dump_bytes())
    broken_wiki_serves_the_rest(path, "new.xml", "parallelopedia index")


def test_corrupt_index_is_said_and_the_rest_serves(tmp_path):
    path = tmp_path / "c.xml"
    path.write_bytes(dump_bytes())
    assert run("index", path)[0] == 0
    idx = tmp_path / "c.xml.idx"
    good = idx.read_bytes()
    for bad in (good[:100], b"X" + good[1:], b"", good[:40] + b"\xff" * 8 + good[48:]):
        idx.write_bytes(bad)
        broken_wiki_serves_the_rest(path, "c.xml.idx")


def test_index_if_stale_does_nothing_when_fresh(tmp_path):
    path = tmp_path / "f.xml"
    path.write_bytes(dump_bytes())
    assert run("index", path)[0] == 0
    index = tmp_path / "f.xml.idx"
    file, good = index.stat().st_ino, index.read_bytes()
    assert run("index", "--if-stale", path)[0] == 0
    assert index.stat().st_ino == file
    path.write_bytes(dump_bytes(PAGES[:3]))
    assert run("index", "--if-stale", path)[0] == 0
    assert index.read_bytes() != good


def test_pages_too_large_to_render_are_refused_and_the_server_lives(tmp_path):
    path = tmp_path / "large.xml"
    quotes = page("Quotes", "x", 1).replace(">x<", ">" + '"' * 15_000_000 + "<")  # one paragraph
    huge = page("Huge", "y" * 17_000_000, 2)
    path.write_text(HEAD + SITEINFO + quotes + huge + page("Small", "z", 3) + "</mediawiki>\n")
    assert run("index", path)[0] == 0
    with Server("--wiki", path) as s:
        quotes = s.get("/wiki/wiki/Quotes")
        assert quotes.status == 200 and len(quotes.body) > 15_000_000
        assert s.get("/wiki/wiki/Huge").status == 413
        assert len(s.get("/wiki/wiki_xml/Huge").body) > 17_000_000
        assert s.get("/wiki/wiki/Small").status == 200


# --- Real dumps ------------------------------------------------------------------------------

@pytest.mark.parametrize("name,pages,bad", [
    ("enwiki-sample.xml.bz2", 206, 0), ("ltgwiki.xml.bz2", 2004, 655),
    ("aawiki-20260101.xml.bz2", 507, 0)])
def test_real_dump(tmp_path, name, pages, bad):
    path = tmp_path / name
    shutil.copy(need_data("wiki/" + name), path)
    code, out, errors = run("index", path)
    assert code == 0, errors
    assert f"{pages} pages" in out, out
    assert f"{bad} sha1 mismatches" in out, out
    xml = bz2.decompress(path.read_bytes())
    with Server("--wiki", path) as s:
        stats = json.loads(s.get("/stats").text)
        assert stats["apps"]["wiki"]["pages"] <= pages
        titles = re.findall(rb"<title>(.*?)</title>", xml)
        for raw in titles[:: max(1, len(titles) // 40)] + titles[-1:]:
            title = xml_unescape(raw.decode())
            r = s.get("/wiki/wiki_xml/" + urllib.parse.quote(title, safe=""))
            assert r.status == 200 and raw in r.body, title
            r = s.get("/wiki/wiki/" + urllib.parse.quote(title, safe=""))
            assert r.status == 200, title


def xml_unescape(text):
    return xml.sax.saxutils.unescape(text, {"&quot;": '"'})
