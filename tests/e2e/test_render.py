"""Rendered articles: routes and their caches, the reading view, pictures, pages that explode, the command line."""
import hashlib
import json
import os
import re
import struct
import threading
import urllib.parse

import pytest

from conftest import HANDBOOK, Server, run, wait_until
from test_wiki import HEAD, SITEINFO, page

INFO = SITEINFO.replace(
    '<namespace key="14"', '<namespace key="6" case="first-letter">File</namespace>\n'
    '      <namespace key="828" case="first-letter">Module</namespace>\n      <namespace key="14"')

BOMB = 24  # templates, each twice the next: 16 million words
PAGES = [
    ("Ant", "An '''ant''' lives with [[Bee]]s.{{note|<i>small</i>}} See [[Nowhere]], [[:second:Wasp]], "
            "[[Insect ant]].<ref>Ants, p. 3.</ref>\n\n== Life ==\nLong.\n=== Nest ===\nDeep.\n"
            "== Notes ==\n<references />\n[[Category:Insects]]\n[[second:Wasp]]\n[[fr:Fourmi]]\n"
            "<indicator name=\"star\">&#9733;</indicator>", 0, None),
    ("Bee", "A bee. <script>alert(1)</script><b onclick=\"alert(2)\">x</b>", 0, None),
    ("Insect ant", "#REDIRECT [[Ant]]", 0, "Ant"),
    ("Template:Note", "(a {{{1}}} note)", 10, None),
    ("Template:Note/styles.css", ".note { color: red }", 10, None),
    ("Module:Answer", "return { answer = function() return '<b>42</b>' end }", 828, None),
    ("Clock", "Now {{CURRENTTIMESTAMP}}.", 0, None),
    ("Slow", "".join(f"{{{{note|{i}}}}} '''[[Ant|{i}]]'''\n\n" for i in range(3000)), 0, None),
    ("Bomb", "{{b0}}", 0, None),
    *((f"Template:B{i}", "{{b%d}}{{b%d}}" % (i + 1, i + 1), 10, None) for i in range(BOMB)),
    (f"Template:B{BOMB}", "boom ", 10, None),
    ("Deep", "{{note|" * 3000 + "x" + "}}" * 3000, 0, None),
    ("Loop", "{{:Loop}}", 0, None),
    ("Brackets", "[[" * 20000 + "{{" * 20000 + "{|\n" * 3000, 0, None),
    ("Picture", "[[File:Red dot.png|thumb|A dot]] [[File:Deep.svg|30px]] [[File:Gone.png|thumb|Not here]]\n"
                "[[File:../secret.png]]", 0, None),
    ("مقال", "هذا مقال باللغة العربية.\n== قسم ==\nنص.", 0, None),
]


def dump(pages, dbname="testwiki", models={}):
    body = "".join(page(t, w, i + 1, ns=ns, redirect=r).replace(
        "<model>wikitext<", f"<model>{models.get(t, 'wikitext')}<") for i, (t, w, ns, r) in enumerate(pages))
    return (HEAD + INFO.replace("testwiki", dbname) + body + "</mediawiki>\n").encode()


def png(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\2\0\0\0" + b"p" * 90


SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 60 30'><script>1</script></svg>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("render")
    (path / "wiki.xml").write_bytes(dump(PAGES, models={
        "Template:Note/styles.css": "sanitized-css", "Module:Answer": "Scribunto"}))
    (path / "second.xml").write_bytes(dump([("Wasp", "A wasp. [[testwiki:Ant]]", 0, None)], "second"))
    for name in ("wiki.xml", "second.xml"):
        code, _, errors = run("index", path / name)
        assert code == 0, errors
    pictures = path / "pictures"
    pictures.mkdir()
    (pictures / "Red dot.png").write_bytes(png(640, 480))
    one = hashlib.md5(b"Deep.svg").hexdigest()
    (pictures / one[0] / one[:2]).mkdir(parents=True)
    (pictures / one[0] / one[:2] / "Deep.svg").write_bytes(SVG)
    (path / "secret.png").write_bytes(png(1, 1))
    os.symlink(path / "secret.png", pictures / "Link.png")
    os.symlink(path, pictures / "Folder.png")
    os.mkfifo(pictures / "Pipe.png")
    (pictures / "notes.txt").write_text("not a picture")
    (pictures / ".hidden.png").write_bytes(png(1, 1))
    return path


@pytest.fixture(scope="module")
def wiki(folder):
    with Server("--wiki", f"testwiki={folder}/wiki.xml", "--wiki", f"second={folder}/second.xml",
                "--images", folder / "pictures") as s:
        yield s
        assert s.is_alive(), s.errors.decode()
    assert s.process.returncode == 0, s.errors.decode()


def get(server, target, status=200, **headers):
    r = server.get(urllib.parse.quote(target, safe="/?=&%:"), **headers)
    assert r.status == status, f"{target}: {r.status} {r.text[:300]}"
    return r


def figures(server):
    return json.loads(get(server, "/stats").text)["apps"]["wiki"]["rendering"]


# --- Routes ----------------------------------------------------------------------------------

ROUTES = ["/wiki/wiki/Ant", "/w/testwiki/wiki/Ant", "/api/wiki/testwiki/html/Ant",
          "/api/wiki/testwiki/text/Ant", "/api/wiki/testwiki/sections/Ant", "/read/Ant", "/w/testwiki/read/Ant"]


@pytest.mark.parametrize("route", ROUTES)
def test_every_form_has_a_strong_etag_and_answers_304_and_head(wiki, route):
    r = get(wiki, route)
    tag = r.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{16}"', tag)
    again = get(wiki, route, 304, If_None_Match=tag)
    assert again.body == b"" and again.headers["ETag"] == tag
    assert get(wiki, route, If_None_Match='"other"').body == r.body
    head = wiki.request("HEAD", route)
    assert head.status == 200 and head.body == b"" and head.headers["ETag"] == tag
    assert int(head.headers["Content-Length"]) == len(r.body)


def test_fragment(wiki):
    html = get(wiki, "/wiki/wiki/Ant").text
    assert "<b>ant</b>" in html and "(a <i>small</i> note)" in html
    assert re.search(r'<a href="/wiki/wiki/Bee"[^>]*>Bees</a>', html)
    assert re.search(r'<a href="/wiki/wiki/Nowhere" class="new"', html)
    assert re.search(r'<a href="/wiki/wiki/Insect_ant" class="mw-redirect"', html)
    assert re.search(r'<a href="/w/second/wiki/Wasp"[^>]*>second:Wasp</a>', html)
    assert '<h2 id="Life">' in html and 'id="cite_note-1"' in html
    assert get(wiki, "/api/wiki/testwiki/html/Ant").text.replace("/w/testwiki/wiki/", "/wiki/wiki/") == html


def test_text(wiki):
    r = get(wiki, "/api/wiki/testwiki/text/Ant")
    assert r.headers["Content-Type"].startswith("text/plain")
    assert r.text.startswith("An ant lives with Bees.(a small note) See Nowhere")
    assert "Life\n" in r.text and "<" not in r.text


def test_sections(wiki):
    got = json.loads(get(wiki, "/api/wiki/testwiki/sections/Ant").text)
    assert got["title"] == "Ant"
    assert [(s["level"], s["number"], s["title"], s["anchor"]) for s in got["sections"]] == [
        (0, "", "", ""), (2, "1", "Life", "Life"), (3, "1.1", "Nest", "Nest"), (2, "2", "Notes", "Notes")]
    assert got["sections"][2]["text"].endswith("Deep.")
    assert "".join(s["html"] for s in got["sections"]) == get(wiki, "/api/wiki/testwiki/html/Ant").text


def test_redirects_are_followed_unless_told_not_to(wiki):
    r = get(wiki, "/wiki/wiki/Insect ant")
    assert r.headers["X-Title"] == "Ant" and r.headers["X-Redirected-From"] == "Insect%20ant"
    assert r.body == get(wiki, "/wiki/wiki/Ant").body
    for route in ("/wiki/wiki/Insect ant", "/api/wiki/testwiki/html/Insect ant"):
        own = get(wiki, route + "?redirect=no")
        assert own.headers["X-Title"] == "Insect%20ant" and "Ant" in own.text
    assert "X-Redirected-From" not in own.headers


def test_html_by_range_is_the_same_page(wiki):
    r = get(wiki, "/wiki/wiki/Ant")
    by_range = get(wiki, "/wiki/html", Range="bytes=" + r.headers["X-Range"])
    assert by_range.status == 200 and by_range.body == r.body
    assert by_range.headers["ETag"] == r.headers["ETag"]


def test_what_is_missing_is_404_everywhere(wiki):
    for route in ROUTES:
        get(wiki, route.replace("Ant", "Nowhere at all"), 404)
    get(wiki, "/api/wiki/nowiki/html/Ant", 404)


def test_scripts_do_not_pass(wiki):
    for route in ("/wiki/wiki/Bee", "/read/Bee"):
        html = get(wiki, route).text
        assert "<script" not in html and "onclick" not in html and "&lt;script&gt;" in html


def test_other_models_are_shown_as_source(wiki):
    css = get(wiki, "/wiki/wiki/Template:Note/styles.css").text
    assert 'data-model="sanitized-css"' in css and ".note { color: red }" in css
    lua = get(wiki, "/read/Module:Answer").text
    assert 'data-model="Scribunto"' in lua and "&lt;b&gt;42&lt;/b&gt;" in lua


# --- The reading view --------------------------------------------------------------------------

def test_reading_view(wiki):
    r = get(wiki, "/read/Ant")
    html = r.text
    policy = r.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert html.startswith("<!doctype html>") and html.rstrip().endswith("</html>")
    assert "{{" not in html and "<script" not in html and " onclick" not in html
    assert '<html lang="en" dir="ltr">' in html and "<title>Ant – Testpedia</title>" in html
    assert "<h1>Ant</h1>" in html and "&#9733;" in html or "★" in html
    assert [*re.findall(r'<li class="toc-(\d)"><a href="#([^"]*)">', html)] == [
        ("1", "Life"), ("2", "Nest"), ("1", "Notes")]
    assert re.search(r'<a href="/read/Bee"', html) and 'href="/wiki/wiki/Bee"' not in html
    assert re.search(r'<a href="/w/second/read/Wasp"[^>]*>second:Wasp', html)
    assert '<a href="/read/Category:Insects" dir="auto">Insects</a>' in html
    assert 'href="https://fr.wikipedia.org/wiki/Fourmi"' in html
    assert 'href="/w/testwiki/wiki_xml/Ant"' in html and 'href="/#/w/testwiki/Ant"' in html
    assert '<time datetime="2026-01-01"' in html
    sheet = re.search(r'<link rel="stylesheet"[^>]* href="(/assets/[^"]+\.css)"', html).group(1)
    assert "mw-parser-output" in get(wiki, sheet).text
    assert get(wiki, "/w/testwiki/wiki_xml/Ant").status == 200


def test_reading_view_leaves_out_what_a_page_has_not(wiki):
    html = get(wiki, "/read/Bee").text
    for absent in ("Contents", "Categories", "Languages", "Redirected from"):
        assert absent not in html, absent
    assert "has-no-contents" in html


def test_reading_view_of_a_redirect_says_so(wiki):
    r = get(wiki, "/read/Insect ant")
    assert 'Redirected from <a href="/read/Insect_ant?redirect=no"' in r.text
    assert r.headers["ETag"] != get(wiki, "/read/Ant").headers["ETag"]


def test_text_from_right_to_left(wiki):
    assert 'dir="rtl"' in get(wiki, "/read/مقال").text.split(">", 2)[1]


def test_reading_views_search_leads_to_reading_views(wiki):
    r = wiki.get("/search?content=testwiki&links=read&pattern=bee")
    assert r.status == 302 and r.headers["Location"] == "/w/testwiki/read/Bee"
    found = get(wiki, "/search?content=testwiki&links=read&pattern=an").text
    assert 'href="/w/testwiki/read/Ant"' in found and 'rel="stylesheet"' in found
    plain = get(wiki, "/search?content=testwiki&pattern=bee").text
    assert 'href="/w/testwiki/wiki/Bee"' in plain and "stylesheet" not in plain


# --- One page, many requests -------------------------------------------------------------------

def parallel(n, task):
    results = [None] * n

    def work(i):
        results[i] = task(i)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def test_a_page_is_rendered_once_for_all_who_ask(wiki):
    before = figures(wiki)
    replies = parallel(24, lambda i: wiki.get("/wiki/wiki/Slow"))
    assert {r.status for r in replies} == {200} and len({r.body for r in replies}) == 1
    after = figures(wiki)
    assert after["pages"] - before["pages"] == 1 and after["misses"] - before["misses"] == 1
    assert after["hits"] - before["hits"] == 23
    metrics = get(wiki, "/metrics").text
    assert re.search(r"^parallelopedia_wiki_pages_rendered_total \d+$", metrics, re.M)
    assert re.search(r"^parallelopedia_wiki_tree_hits_total [1-9]\d*$", metrics, re.M)


def test_clients_that_leave_do_not_take_the_page_along(wiki):
    for _ in range(8):
        with wiki.connect() as s:
            s.sendall(b"GET /w/testwiki/wiki/Slow HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"2999" in get(wiki, "/w/testwiki/wiki/Slow").body


@pytest.mark.parametrize("title", ["Bomb", "Deep", "Loop", "Brackets"])
def test_a_page_that_explodes_ends_in_a_note_and_others_are_served(wiki, title):
    done = threading.Event()
    reply = []

    def ask():
        reply.append(wiki.get(f"/wiki/wiki/{title}"))
        done.set()
    thread = threading.Thread(target=ask)
    thread.start()
    served = 0
    while not done.is_set() or served == 0:
        assert "<b>ant</b>" in get(wiki, "/wiki/wiki/Ant").text
        served += 1
    thread.join()
    assert reply[0].status == 200
    note = {"Bomb": "wt-limits", "Deep": "wt-limits", "Loop": "Template loop detected", "Brackets": ""}
    assert note[title] in reply[0].text
    assert len(reply[0].body) < 32 << 20


def test_limits_are_counted(wiki):
    get(wiki, "/wiki/wiki/Bomb")
    assert figures(wiki)["over_limits"] >= 1


def test_kept_pages_have_a_limit(tmp_path):
    path = tmp_path / "wiki.xml"
    words = "word " * 60000
    path.write_bytes(dump([(f"P{i}", f"{i} {words}", 0, None) for i in range(12)]))
    assert run("index", path)[0] == 0
    with Server("--wiki", path, "--page-cache", "1") as s:
        sizes = [len(get(s, f"/wiki/wiki/P{i}").body) for i in range(12)]
        assert min(sizes) > 300_000

        # What was made a moment ago stays for those who waited for it, whatever its size.
        def fits():
            get(s, "/wiki/wiki/P0")
            return figures(s)["bytes"] <= figures(s)["limit"] == 1 << 20
        assert wait_until(fits)
        assert 1 <= figures(s)["entries"] <= 3
        assert [len(get(s, f"/wiki/wiki/P{i}").body) for i in range(12)] == sizes
        assert figures(s)["pages"] > 12


def test_the_clock_does_not_keep_a_page_from_being_served(wiki):
    assert re.search(r"Now 20\d{12}\.", get(wiki, "/wiki/wiki/Clock").text)


# --- Pictures --------------------------------------------------------------------------------

def test_pictures_stand_in_their_boxes(wiki):
    html = get(wiki, "/read/Picture").text
    assert re.search(r'<img [^>]*src="/images/Red_dot.png"[^>]* width="220" height="165"', html)
    assert re.search(r'<img [^>]*src="/images/Deep.svg"[^>]* width="30" height="15"', html)
    assert "mw-broken-media" in html and "Not here" in html and "Gone.png" in html
    assert "/images/Gone" not in html and "secret" not in re.findall(r'src="([^"]*)"', html)


def test_a_picture_is_sent_whole_in_parts_and_not_again(wiki):
    r = get(wiki, "/images/Red_dot.png")
    assert r.body == png(640, 480) and r.headers["Content-Type"] == "image/png"
    assert r.headers["X-Content-Type-Options"] == "nosniff" and "Last-Modified" in r.headers
    assert get(wiki, "/images/Red dot.png").body == r.body
    tag = r.headers["ETag"]
    assert get(wiki, "/images/Red_dot.png", 304, If_None_Match=tag).body == b""
    part = get(wiki, "/images/Red_dot.png", 206, Range="bytes=1-3", If_Range=tag)
    assert part.body == b"PNG" and part.headers["Content-Range"] == f"bytes 1-3/{len(r.body)}"
    get(wiki, "/images/Red_dot.png", 416, Range="bytes=9999-")
    assert wiki.request("HEAD", "/images/Red_dot.png").headers["Content-Length"] == str(len(r.body))


def test_a_drawing_cannot_run_scripts(wiki):
    r = get(wiki, "/images/Deep.svg")
    assert r.body == SVG and r.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in r.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", [
    "Gone.png", "Link.png", "Folder.png", "Folder.png/secret.png", "Pipe.png", "notes.txt", ".hidden.png",
    "../secret.png", "..%2Fsecret.png", "%2e%2e/secret.png", "a/../../secret.png", "/etc/passwd", "", ".", "..",
    "Red_dot.png%00.png", "%00", "x" * 300 + ".png", "%ff%fe.png"])
def test_nothing_else_is_sent(wiki, name):
    r = wiki.get("/images/" + name)
    assert r.status in (400, 404), name
    assert not r.body.startswith(b"\x89PNG")


def test_without_a_folder_there_are_boxes(folder):
    with Server("--wiki", folder / "wiki.xml") as s:
        assert "<img" not in get(s, "/read/Picture").text
        get(s, "/images/Red_dot.png", 404)
    with Server("--wiki", folder / "wiki.xml", "--images", folder / "nowhere") as s:
        assert b"cannot open the folder of pictures" in s.errors
        assert "<img" not in get(s, "/read/Picture").text


# --- The command line --------------------------------------------------------------------------

def render(*args, stdin=b""):
    code, out, errors = run("render", *args, stdin=stdin)
    assert code == 0, errors
    return out, errors


def test_render_a_title(folder, wiki):
    dump_of = ("--wiki", folder / "wiki.xml")
    html, _ = render(*dump_of, "--title", "Insect ant", "--links", "/wiki/wiki/")
    assert "<b>ant</b>" in html and "(a <i>small</i> note)" in html
    assert re.search(r'href="/wiki/wiki/Nowhere" class="new"', html)
    text, _ = render(*dump_of, "--title", "Ant", "--format", "text")
    assert text.startswith("An ant lives")
    picture, _ = render(*dump_of, "--title", "Picture", "--images", folder / "pictures")
    assert 'src="/images/Red_dot.png"' in picture


def test_render_a_file_and_stdin(tmp_path, folder):
    path = tmp_path / "x.wiki"
    path.write_text("'''b''' {{PAGENAME}} {{note|1}}")
    html, _ = render(path, "--title", "Own")
    assert html.startswith("<p><b>b</b> Own ")
    assert render(stdin=path.read_bytes())[0] == html.replace("Own", "Page")
    assert render("-", "--title", "Own", stdin=path.read_bytes())[0] == html
    with_dump, _ = render(path, "--title", "Own", "--wiki", folder / "wiki.xml")
    assert "(a 1 note)" in with_dump


def test_render_a_tree(folder):
    tree, _ = render("--format", "tree", stdin=b"a {{b|c=[[d]]}}")
    assert "b" in tree and "c" in tree and "<p>" not in tree


def test_explain_names_what_a_page_cost(folder):
    _, errors = render("--wiki", folder / "wiki.xml", "--title", "Slow", "--explain")
    assert re.search(r"^[\d.]+ ms; nodes \d+, expanded \d+ bytes", errors)
    assert re.search(r"^ +[\d.]+ +3000 +\d+  .*[Nn]ote$", errors, re.M)
    _, errors = render("--wiki", folder / "wiki.xml", "--title", "Bomb", "--explain")
    assert "over the limit: " in errors


def test_render_all(folder):
    out, _ = render("--wiki", folder / "wiki.xml", "--all")
    rows = [json.loads(line) for line in out.splitlines()]
    assert sorted(r["title"] for r in rows) == sorted(t for t, *_ in PAGES)
    by = {r["title"]: r for r in rows}
    assert by["Bomb"]["over"] and not by["Ant"]["over"] and by["Module:Answer"]["model"] == "Scribunto"
    assert by["Ant"]["bytes"] == len(PAGES[0][1].encode()) and "<b>ant</b>" in by["Ant"]["html"]


def test_render_refuses_what_it_cannot_do(tmp_path, folder):
    for args, why in (
            (("--title", "X"), "needs --wiki"), (("--all",), "needs --wiki"),
            (("--format", "pdf"), "html, text or tree"), ((tmp_path / "none.wiki",), "none.wiki"),
            (("--wiki", folder / "wiki.xml", "--title", "Nowhere"), 'no page "Nowhere"'),
            (("--wiki", tmp_path / "none.xml", "--all"), "none.xml"),
            (("--wiki", folder / "wiki.xml", "--title", "Ant", "--images", tmp_path / "none"), "pictures")):
        code, out, errors = run("render", *args)
        assert code != 0 and why in errors and out == "", (args, errors)


def test_the_handbook_renders_whole():
    out, _ = render("--wiki", HANDBOOK, "--all")
    for row in map(json.loads, out.splitlines()):
        assert row["over"] == 0 and "\x7f" not in row["html"] and row["html"].strip(), row["title"]
