"""Several wikis in one server, the JSON API, kiwix-serve's routes, OpenSearch, hostile questions."""
import bz2
import json
import random
import re
import time
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

from conftest import DATA, PATIENCE_S, Server, need_data, run, wait_until
from test_wiki import HEAD, SITEINFO, page, xml_unescape

EN = [
    ("Ant", "An '''ant'''. See [[ltg:Skudra]] and [[:LTGWIKI:Bite#Dzeive|bees]], [[Bee]], [[Bee]].\n"
            "== Life & death ==\nText.\n=== Nest ===\n== Life & death ==\n[[Category:Insects]]", 0, None),
    ("Bee", "A bee. [[Ant]] [[Category:Insects]]", 0, None),
    ("Insect ant", "#REDIRECT [[Ant]]", 0, "Ant"),
    ("Mercury", "'''Mercury''' may be: [[Mercury (planet)]]. {{disambiguation}}", 0, None),
    ("Mercury (element)", "Hg.", 0, None),
    ("Mercury (planet)", "A planet. [[Ant]]", 0, None),
    ("Mercurial", "Quick. [[Category:Help: how]]", 0, None),
    ("AC/DC", "A band.", 0, None),
    ("Template:Box", "A box.", 10, None),
    ("Category:Insects", "Six legs.", 14, None),
    ("Ünï <b>\"&", "Odd.", 0, None),
]
LTG = [("Skudra", "Skudra. [[en:Ant]] [[:enwiki:Bee]]", 0, None), ("Bite", "Bite.", 0, None)]


def dump_of(pages, lang="en", dbname="enwiki", first_id=1):
    body = "".join(page(t, w, first_id + i, ns=ns, redirect=r)
                   for i, (t, w, ns, r) in enumerate(pages))
    info = SITEINFO.replace("testwiki", dbname).replace("Testpedia", "Pedia " + lang)
    return (HEAD.replace('"en"', f'"{lang}"') + info + body + "</mediawiki>\n").encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("wikis")
    (path / "en.xml").write_bytes(dump_of(EN))
    (path / "ltg.xml.bz2").write_bytes(bz2.compress(dump_of(LTG, "ltg", "ltgwiki")))
    for name in ("en.xml", "ltg.xml.bz2"):
        code, _, errors = run("index", path / name)
        assert code == 0, errors
    return path


@pytest.fixture(scope="module")
def two(folder):
    with Server("--wiki", f"enwiki={folder}/en.xml", "--wiki", f"ltgwiki={folder}/ltg.xml.bz2") as s:
        yield s
        assert s.is_alive()


def ask(server, target, status=200):
    r = server.get(target)
    assert r.status == status, f"{target}: {r.status} {r.text}"
    if status == 200:
        assert r.headers["Content-Type"].startswith("application/json")
        assert r.headers["Access-Control-Allow-Origin"] == "*"
        return json.loads(r.text)
    return r.text


def quote(text):
    return urllib.parse.quote(text, safe="")


# --- Several wikis ---------------------------------------------------------------------------

def test_hosted_wikis_are_listed(two):
    rows = ask(two, "/api/wiki")
    assert [(r["name"], r["sitename"], r["lang"], r["pages"], r["building"]) for r in rows] == [
        ("enwiki", "Pedia en", "en", len(EN), False), ("ltgwiki", "Pedia ltg", "ltg", 2, False)]
    assert ask(two, "/api/wiki/ltgwiki")["dbname"] == "ltgwiki"
    stats = ask(two, "/stats")["apps"]["wiki"]
    assert stats["pages"] == len(EN) and [w["name"] for w in stats["wikis"]] == ["enwiki", "ltgwiki"]


def test_unknown_wiki_names_the_hosted_ones(two):
    for target in ("/api/wiki/nowiki", "/api/wiki/nowiki/suggest?q=a", "/w/nowiki/wiki/Ant",
                   "/suggest?content=nowiki&term=a", "/w/%3Cb%3E/random"):
        text = ask(two, target, 404)
        assert "enwiki" in text and "ltgwiki" in text and "<b>" not in text


@pytest.mark.parametrize("rest", ["wiki/Ant", "wiki_xml/Ant", "wiki_raw/Ant", "offsets/Ant",
                                  "title/Ant", "xml?range=0-99", "wiki/Insect_ant?redirect=no"])
def test_w_routes_are_the_old_ones(two, rest):
    old, new = two.get("/wiki/" + rest), two.get("/w/enwiki/" + rest)
    assert old.status == new.status and old.status in (200, 206)
    assert old.body.replace(b"/wiki/wiki/", b"/w/enwiki/wiki/") == new.body


def test_each_wiki_has_its_own_pages(two):
    assert two.get("/w/ltgwiki/wiki/Skudra").status == 200
    assert two.get("/wiki/wiki/Skudra").status == 404
    assert two.get("/w/ltgwiki/wiki/Ant").status == 404
    assert json.loads(two.get("/w/ltgwiki/random").text)[0] in ("Skudra", "Bite")
    assert two.get("/w/ltgwiki/xml", Range="bytes=0-").body == dump_of(LTG, "ltg", "ltgwiki")


def test_interwiki_links_between_hosted_wikis(two):
    html = two.get("/wiki/wiki/Ant").text
    assert 'href="/w/ltgwiki/wiki/Skudra"' in html
    assert 'href="/w/ltgwiki/wiki/Bite#Dzeive"' in html and ">bees</a>" in html
    html = two.get("/w/ltgwiki/wiki/Skudra").text
    assert 'href="/w/enwiki/wiki/Ant"' in html and 'href="/w/enwiki/wiki/Bee"' in html


def test_a_broken_wiki_does_not_take_the_others_along(folder, tmp_path):
    (tmp_path / "bad.xml").write_text("no dump")
    with Server("--no-build", "--wiki", f"en={folder}/en.xml", "--wiki",
                f"bad={tmp_path}/bad.xml") as s:
        assert s.get("/w/en/wiki/Ant").status == 200
        assert s.get("/w/bad/wiki/Ant").status == 503
        assert [r["available"] for r in ask(s, "/api/wiki")] == [True, False]
        assert str(tmp_path) not in s.get("/w/bad/wiki/Ant").text


def test_two_unnamed_wikis_take_their_dbnames(folder):
    with Server("--wiki", folder / "en.xml", "--wiki", folder / "ltg.xml.bz2") as s:
        assert [r["name"] for r in ask(s, "/api/wiki")] == ["enwiki", "ltgwiki"]


# --- Updates ---------------------------------------------------------------------------------

def test_an_update_lies_over_the_base(folder, tmp_path):
    news = [("Bee", "A newer bee.", 0, None), ("Wasp", "A wasp.", 0, None)]
    (tmp_path / "new.xml").write_bytes(dump_of(news, first_id=2))
    assert run("index", tmp_path / "new.xml")[0] == 0
    with Server("--wiki", f"enwiki={folder}/en.xml", "--wiki", f"enwiki={tmp_path}/new.xml") as s:
        assert len(ask(s, "/api/wiki")) == 1
        assert "A newer bee." in s.get("/wiki/wiki/Bee").text
        assert s.get("/wiki/wiki/Wasp").status == 200 and s.get("/wiki/wiki/Ant").status == 200
        whole = dump_of(EN) + dump_of(news, first_id=2)
        for name in ("Bee", "Wasp", "Ant"):
            (title, first, last), = json.loads(s.get(f"/wiki/offsets/{name}").text)
            assert f"<title>{name}</title>".encode() in whole[first:last + 1]
            r = s.get("/wiki/xml", Range=f"bytes={first}-{last}")
            assert r.body == whole[first:last + 1]
            assert r.headers["Content-Range"].endswith(f"/{len(whole)}")
        edge = len(dump_of(EN))
        assert s.get("/wiki/xml", Range=f"bytes={edge - 5}-{edge + 5}").status == 400
        assert [r["title"] for r in ask(s, "/api/wiki/enwiki/suggest?q=bee")["results"]] == ["Bee"]


# --- API -------------------------------------------------------------------------------------

def test_suggest(two):
    found = ask(two, "/api/wiki/enwiki/suggest?q=ant")
    assert found["query"] == "ant" and found["wiki"] == "enwiki" and found["total"] >= 1
    assert found["results"][0]["title"] == "Ant"
    row = found["results"][0]
    assert set(row) == {"title", "score", "ns"} and row["ns"] == 0
    (redirect,) = ask(two, "/api/wiki/enwiki/suggest?q=insect%20a")["results"]
    assert redirect["title"] == "Insect ant" and redirect["redirect_to"] == "Ant"
    assert ask(two, "/api/wiki/enwiki/suggest?q=xyzzy") == {
        "query": "xyzzy", "total": 0, "wiki": "enwiki", "results": []}


def test_suggest_groups_what_differs_in_a_parenthesis(two):
    rows = ask(two, "/api/wiki/enwiki/suggest?q=mercur")["results"]
    groups = [r.get("group") for r in rows]
    assert sorted(r["title"] for r in rows) == sorted(t for t, *_ in EN if t.startswith("Mercur"))
    at = [i for i, g in enumerate(groups) if g == "Mercury"]
    assert len(at) == 3 and at == list(range(at[0], at[0] + 3))  # they stand together
    assert next(r for r in rows if r["title"] == "Mercurial").get("group") is None


def test_suggest_from_the_first_letter_and_by_namespace(two):
    assert ask(two, "/api/wiki/enwiki/suggest?q=m&limit=1")["total"] >= 4
    assert len(ask(two, "/api/wiki/enwiki/suggest?q=m&limit=1")["results"]) == 1
    rows = ask(two, "/api/wiki/enwiki/suggest?q=&ns=14")["results"]
    assert [r["title"] for r in rows] == ["Category:Insects"]


def test_titles_are_paged(two):
    got, offset = [], 0
    while offset is not None:
        one = ask(two, f"/api/wiki/enwiki/titles?prefix=&limit=3&offset={offset}")
        assert one["total"] == len(EN) and len(one["results"]) <= 3 and one["offset"] == offset
        got += [t["title"] for t in one["results"]]
        offset = one["next"]
    assert got == sorted(t for t, *_ in EN)
    assert ask(two, "/api/wiki/enwiki/titles?prefix=mercury&limit=0")["total"] == 3


def test_search(two):
    found = ask(two, "/api/wiki/enwiki/search?q=planet")
    assert [r["title"] for r in found["results"]] == ["Mercury (planet)"]
    assert found["is_cut"] is False and found["fuzzy"] is False
    assert ask(two, "/api/wiki/enwiki/search?q=qqqqqq")["results"] == []


def test_title(two, folder):
    data = (folder / "en.xml").read_bytes()
    t = ask(two, "/api/wiki/enwiki/title/insect_ant")
    assert t["title"] == "Insect ant" and t["redirect"] and t["target"] == "Ant"
    assert t["id"] == 3 and t["ns"] == 0 and t["sha1"] == "ok"
    piece = data[t["offset"]:t["offset"] + t["length"]]
    assert piece.startswith(b"<page>") and piece.endswith(b"</page>") and b"Insect ant" in piece
    ask(two, "/api/wiki/enwiki/title/Nothing", 404)
    ask(two, "/api/wiki/enwiki/title", 400)


def test_neighbours_walk_all_titles(two):
    seen, name = [], min((t for t, *_ in EN), key=lambda t: t.lower())
    while ask(two, "/api/wiki/enwiki/title/" + quote(name))["previous"]:
        name = ask(two, "/api/wiki/enwiki/title/" + quote(name))["previous"]
    while name:
        seen.append(name)
        name = ask(two, "/api/wiki/enwiki/title/" + quote(name))["next"]
    assert sorted(seen) == sorted(t for t, *_ in EN)


def test_page(two):
    p = ask(two, "/api/wiki/enwiki/page/Insect_ant")
    assert p["title"] == "Ant" and p["redirected_from"] == "Insect ant"
    assert [(s["level"], s["title"]) for s in p["sections"]] == [
        (2, "Life & death"), (3, "Nest"), (2, "Life & death")]
    html = two.get("/wiki/wiki/Ant").text
    ids = {xml_unescape(i) for i in re.findall(r'<h\d[^>]* id="([^"]*)"', html)}
    assert {s["anchor"] for s in p["sections"]} == ids and len(ids) == 3
    assert p["categories"] == ["Category:Insects"] and "Bee" in p["links"]
    assert len(p["links"]) == len(set(p["links"])) == p["links_total"]
    assert p["revision"]["timestamp"] == "2026-01-01T00:00:00Z"
    assert p["revision"]["model"] == "wikitext" and p["revision"]["id"] == 1001
    raw = ask(two, "/api/wiki/enwiki/page/Insect_ant?redirect=no")
    assert raw["title"] == "Insect ant" and raw["target"] == "Ant"


def test_graph(two):
    page_ = ask(two, "/api/wiki/enwiki/page/Ant")
    back = ask(two, "/api/wiki/enwiki/backlinks/Ant")
    assert {"Bee", "Mercury (planet)"} <= {r["title"] for r in back["results"]}
    assert back["total"] == page_["backlinks"]
    to = ask(two, "/api/wiki/enwiki/redirects/Ant")
    assert [r["title"] for r in to["results"]] == ["Insect ant"] and page_["redirects"] == 1
    cats = ask(two, "/api/wiki/enwiki/categories?prefix=ins")
    assert cats["categories"] == [{"name": "Insects", "members": 2}] and cats["next"] is None
    for name in ("Insects", "Category:Insects"):
        members = ask(two, "/api/wiki/enwiki/categories/" + name + "?limit=1")
        assert members["category"] == "Insects" and members["total"] == 2
        assert [m["title"] for m in members["results"]] == ["Ant"] and members["next"] == 1
    # A name that looks like a title of another namespace, with or without the category's own.
    for name in ("Help: how", "Category:Help: how"):
        members = ask(two, "/api/wiki/enwiki/categories/" + quote(name))
        assert members["category"] == "Help: how" and members["total"] == 1
    ask(two, "/api/wiki/enwiki/categories/Nothing_of_that_name", 404)


def test_random(two):
    assert ask(two, "/api/wiki/ltgwiki/random")["title"] in ("Skudra", "Bite")


def test_odd_titles_come_through_everywhere(two):
    for title in ("AC/DC", "Ünï <b>\"&"):
        assert ask(two, "/api/wiki/enwiki/title/" + quote(title))["title"] == title
        assert ask(two, "/api/wiki/enwiki/page/" + quote(title))["title"] == title
        assert ask(two, "/api/wiki/enwiki/suggest?q=" + quote(title))["results"][0]["title"] == title


# --- Hostile questions -----------------------------------------------------------------------

@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=99999999999999999999",
                                   "limit=x", "ns=-2", "ns=x"])
def test_suggest_refuses_bad_numbers(two, query):
    ask(two, "/api/wiki/enwiki/suggest?q=a&" + query, 400)


def test_bad_paging_and_missing_parameters(two):
    for rest in ("titles?limit=1001", "titles?offset=-1", "titles?offset=99999999999", "search",
                 "suggest", "search?q=a&limit=0", "categories?limit=x", "backlinks/Ant?limit=x"):
        ask(two, "/api/wiki/enwiki/" + rest, 400)


@pytest.mark.parametrize("text", ["%ff%fe", "a" * 4000, "%e2%82", "%F0%9F%98%80", "%26amp%3B" * 300,
                                  "%EF%BF%BF", "%2f%2f", "%22%3E%3Cscript%3E", "%cc%81" * 1000,
                                  "a%20" * 900, "%0a%0d", "%7f"],
                         ids=lambda text: text[:12])
def test_any_text_is_answered(two, text):
    for target in ("/api/wiki/enwiki/suggest?q=", "/api/wiki/enwiki/search?q=",
                   "/api/wiki/enwiki/titles?prefix=", "/api/wiki/enwiki/categories?prefix=",
                   "/suggest?term=", "/search?pattern=", "/search?format=xml&pattern=",
                   "/opensearch/suggest?q="):
        r = two.get(target + text)
        assert r.status == 200, (target, r.text)
        if "json" in r.headers["Content-Type"]:
            json.loads(r.text)
        else:
            assert "<script" not in r.text
        if "format=xml" in target:
            ET.fromstring(r.text)
    for target in ("title", "page", "categories", "backlinks", "redirects"):
        assert two.get(f"/api/wiki/enwiki/{target}/{text}").status in (200, 404)
    assert two.is_alive()


# Pieces that queries are made of: what parsers, encoders and limits trip over.
PIECES = ["a", "An", "mercury", " ", "+", "%20", "_", "%", "%%", "%zz", "%c3%28", "%ff", "%f0%9f%98%80", "%00",
          "%0d%0a", "%22", "%5c", "%3c", "&amp;", "&", "&&", "=", "==", ";", "q", "q=", "term=", "limit=5",
          "&limit=-1", "&limit=", "&ns=14", "&ns=0x", "&offset=9", "&count=3", "&content=enwiki", "&start=2",
          "&pageLength=0", "&format=xml", "?", "/", "//", "..", ":", "%3a", "Category:", "|", "#", "%e2%80%93",
          "%cc%81" * 40, "x" * 300, "9" * 30]
TARGETS = [("/api/wiki/enwiki/" + path) for path in (
    "suggest?q=", "search?q=", "titles?prefix=", "categories?prefix=", "title/", "page/", "categories/",
    "backlinks/", "redirects/")] + [
    "/api/wiki?", "/api/wiki/", "/suggest?content=ltgwiki&term=", "/suggest?", "/search?", "/search?pattern=",
    "/search?format=xml&pattern=", "/random?", "/random?content=", "/opensearch/suggest?q=",
    "/opensearch.xml?content=", "/catalog/searchdescription.xml?", "/w/"]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_asked_there_is_an_answer(two, seed):
    draw = random.Random(seed)
    with two.connect() as s:
        stream = s.makefile("rb")
        for _ in range(150):
            target = draw.choice(TARGETS) + "".join(draw.choices(PIECES, k=draw.randint(0, 6)))
            s.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".replace("GET  ", "GET ").encode())
            if " " in target:  # no request line: an error, and the end of the connection
                assert stream.readline().split()[1] == b"400", target
                break
            status = int(stream.readline().split()[1])
            headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(stream.readline, b"\r\n"))
            body = stream.read(int(headers["Content-Length"]))
            assert status in (200, 302, 400, 404), (target, status)
            kind = headers["Content-Type"]
            if status == 200 and "json" in kind:
                json.loads(body)
            elif status == 200 and "xml" in kind:
                ET.fromstring(body)
            assert b"<script" not in body
            if headers.get("Connection") == "close":
                break
    assert two.is_alive()


def test_a_kept_answer_is_the_answer(two):
    """Short questions are answered from memory the second time: by number, namespace and letters."""
    for ask_for in ("q=mer", "q=mer&limit=1", "q=mer&ns=14", "q=Mer", "q=m%c3%a9r", "q=", "q=mer&limit=100"):
        first = ask(two, "/api/wiki/enwiki/suggest?" + ask_for)
        for _ in range(3):
            assert ask(two, "/api/wiki/enwiki/suggest?" + ask_for) == first
        assert ask(two, "/api/wiki/ltgwiki/suggest?" + ask_for)["wiki"] == "ltgwiki"
    one, many = (ask(two, f"/api/wiki/enwiki/suggest?q=mer&limit={n}")["results"] for n in (1, 9))
    assert len(one) == 1 and len(many) > 1
    assert ask(two, "/api/wiki/enwiki/suggest?q=mer&ns=14")["results"] == []


# --- kiwix-serve and OpenSearch --------------------------------------------------------------
#
# Compared with kiwix-serve of kiwix-tools 3.x over a ZIM of some pages. The same: status codes, the
# shapes of /suggest (rows of kind "path", then one "pattern") and of /search's RSS, 302 of /random,
# 400 without a pattern, 404 for unknown content, count=0 for the default. Different on purpose:
#   - labels are HTML, and values the plain title; kiwix-serve escapes both once more than its own page
#     needs ("&lt;b&gt;Ant&lt;/b&gt;")
#   - `path` is from the server's root, not from the book's: articles lie below /w/NAME/wiki here
#   - items of /search have no description and wordCount: the search is in titles
#   - numbers that are none are refused; kiwix-serve takes the default
#   - /catalog/searchdescription.xml describes the search in titles: there is no catalogue of books

def test_kiwix_suggest(two):
    assert len(ask(two, "/suggest?content=enwiki&term=mer&count=0")) == 5
    rows = ask(two, "/suggest?content=enwiki&term=mer&count=2")
    assert len(rows) == 3 and all(r["kind"] == "path" for r in rows[:2])
    for r in rows[:2]:
        assert set(r) == {"value", "label", "kind", "path"} and r["label"].startswith("<b>Mer</b>")
        assert two.get("/" + r["path"]).status == 200
    assert rows[2] == {"value": "mer ", "label": "containing &#39;mer&#39;...", "kind": "pattern"}
    assert ask(two, "/suggest?term=bit&content=ltgwiki")[0]["value"] == "Bite"


def test_kiwix_random(two):
    r = two.get("/random?content=ltgwiki")
    assert r.status == 302 and r.headers["Location"].startswith("/w/ltgwiki/wiki/")
    assert two.get(r.headers["Location"]).status == 200


def test_kiwix_search(two):
    html = two.get("/search?pattern=mercury&content=enwiki").text
    assert 'href="/w/enwiki/wiki/Mercury_(planet)"' in html
    r = two.get("/search?pattern=mercury&format=xml&start=2&pageLength=1")
    assert r.headers["Content-Type"].startswith("application/rss+xml")
    root, ns = ET.fromstring(r.text), {"o": "http://a9.com/-/spec/opensearch/1.1/"}
    assert root.findtext(".//o:totalResults", namespaces=ns) == "3"
    assert root.findtext(".//o:startIndex", namespaces=ns) == "2"
    (item,) = root.findall(".//item")
    assert two.get(item.findtext("link")).status == 200
    assert two.get("/search?content=enwiki").status == 400
    assert two.get("/search?pattern=a&pageLength=141").status == 400


def test_opensearch(two):
    for target in ("/opensearch.xml", "/opensearch.xml?content=ltgwiki",
                   "/search/searchdescription.xml", "/catalog/searchdescription.xml"):
        r = two.get(target)
        root = ET.fromstring(r.text)
        assert root.tag == "{http://a9.com/-/spec/opensearch/1.1/}OpenSearchDescription"
        assert r.headers["Content-Type"].startswith("application/opensearchdescription+xml")
        for url in root.findall("{*}Url"):
            template = url.get("template")
            assert template.startswith(f"http://127.0.0.1:{two.port}/")
            target = re.sub(r"\{searchTerms\}", "bee", template.split(str(two.port), 1)[1])
            assert two.get(re.sub(r"&?[\w.]+=\{[^}]*\}", "", target)).status == 200
    r = two.get("/opensearch/suggest?q=mer")
    assert r.headers["Content-Type"].startswith("application/x-suggestions+json")
    query, titles = json.loads(r.text)
    assert query == "mer" and len(titles) == 4


# --- Building while serving -------------------------------------------------------------------

@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """About 200 MB of distinct pages: long enough to be looked at while it is being indexed."""
    path = tmp_path_factory.mktemp("large") / "large.xml"
    filler = "Words and [[Page 7|links]] and more words. " * 80
    with open(path, "wb") as f:
        f.write((HEAD + SITEINFO).encode())
        for i in range(50000):
            f.write(page(f"Page {i}", f"{i} {filler}", i + 1).encode())
        f.write(b"</mediawiki>\n")
    yield path
    path.unlink()


def test_it_answers_while_the_index_is_being_built(large):
    seen, until = set(), time.monotonic() + PATIENCE_S
    with Server("--wiki", f"big={large}", "--memory", "64") as s:
        while time.monotonic() < until:
            r = s.get("/wiki/wiki/Page_1")
            progress = r.headers["X-Index-Progress"]
            seen.add((r.status, progress is not None))
            if r.status == 503:
                assert r.headers["Retry-After"] and progress
            if progress:
                assert re.fullmatch(r"\d+\.\d%; pages=\d+", progress)
                state = ask(s, "/stats")["apps"]["wiki"]["wikis"][0]
                if state["building"]:
                    assert 0 <= state["progress"] <= 1 and "seconds_left" in state
            if (r.status, progress) == (200, None):
                break
            time.sleep(0.05)
        assert (200, False) in seen and any(p for _, p in seen), seen
        assert ask(s, "/api/wiki/big")["pages"] == 50000
        # The finished index is seen a moment before its builder has ended.
        assert wait_until(lambda: ask(s, "/stats")["apps"]["wiki"]["building"] is False)
    assert large.with_name("large.xml.idx").exists()


def test_no_build_refuses(tmp_path):
    (tmp_path / "x.xml").write_bytes(dump_of(EN))
    with Server("--no-build", "--wiki", tmp_path / "x.xml") as s:
        assert s.get("/wiki/wiki/Ant").status == 503
    assert not (tmp_path / "x.xml.idx").exists()


# --- Every real file -------------------------------------------------------------------------

REAL = sorted(str(p.relative_to(DATA / "wiki")) for p in (DATA / "wiki").rglob("*.xml.bz2")
              if "negative" not in p.name and "multistream-index" not in p.name)


def xml_of(path):
    data, out = path.read_bytes(), b""
    while data:
        unpacker = bz2.BZ2Decompressor()
        out += unpacker.decompress(data)
        data = unpacker.unused_data
    return out


@pytest.mark.parametrize("name", REAL)
def test_every_title_of_every_real_file(tmp_path, name):
    path = tmp_path / "x.xml.bz2"
    path.symlink_to(need_data("wiki/" + name))
    code, out, errors = run("index", path)
    assert code == 0, errors
    data = xml_of(path)
    titles = {xml_unescape(t.decode()) for t in re.findall(rb"<title>(.*?)</title>", data)}
    assert titles
    with Server("--wiki", f"x={path}") as s:
        assert ask(s, "/api/wiki/x")["pages"] == len(titles)
        for title in sorted(titles):
            t = ask(s, "/api/wiki/x/title/" + quote(title))
            assert t["title"] == title
        step = max(1, len(titles) // 60)
        for title in sorted(titles)[::step]:
            assert s.get("/wiki/wiki_xml/" + quote(title)).status == 200
            assert s.get("/wiki/wiki/" + quote(title) + "?redirect=no").status == 200
            found = ask(s, "/api/wiki/x/suggest?limit=100&q=" + quote(title))
            # A redirect whose article is offered is left out.
            article = ask(s, "/api/wiki/x/title/" + quote(title)).get("target", title)
            assert {title, article} & {r["title"] for r in found["results"]}


def test_verify_names_bad_pages_and_compares_the_stream_index(tmp_path):
    path = tmp_path / "x.xml"
    good, bad = page("Good", "text", 1), page("Bad one", "text", 2, sha1="0" * 31)
    path.write_text(HEAD + SITEINFO + good + bad + "</mediawiki>\n")
    assert run("index", "--quiet", path)[0] == 0
    code, out, errors = run("index", "--verify", path)
    assert code == 0 and "Bad one" in errors and "1 sha1 mismatches" in out
    index = tmp_path / "lines.txt"
    index.write_text("0:1:Good\n0:2:Bad one\n")
    assert run("index", "--verify", "--stream-index", index, path)[0] == 0
    index.write_text("0:1:Good\n0:3:Absent\n")
    code, out, _ = run("index", "--verify", "--stream-index", index, path)
    assert code == 1 and "1 not in the index" in out


@pytest.mark.parametrize("args", [("--with", "nonsense"), ("--without", "wordz"), ("--memory", "63"),
                                  ("--stream-index", "x"), ("--xml", "y")])
def test_index_refuses_bad_options(folder, args):
    code, _, errors = run("index", *args, folder / "en.xml")
    assert code == 2 and len(errors.strip().splitlines()) <= 2


def test_parts_can_be_left_out(folder, tmp_path):
    path = tmp_path / "en.xml"
    path.write_bytes((folder / "en.xml").read_bytes())
    assert run("index", "--without", "words,links,categories", path)[0] == 0
    with Server("--wiki", path) as s:
        assert ask(s, "/api/wiki/enwiki/backlinks/Ant")["total"] == 0
        assert ask(s, "/api/wiki/enwiki/categories")["total"] == 0
        assert ask(s, "/api/wiki/enwiki/suggest?q=ant")["results"][0]["title"] == "Ant"
        assert s.get("/wiki/wiki/Ant").status == 200
