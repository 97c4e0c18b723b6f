#!/usr/bin/python3
"""How much of MediaWiki's parser test suite the renderer passes; `make conformance`.

    parsertests.py RENDERER DIR [--only FILE] [--show NAME] [--failures FILE] [--table]

RENDERER reads a line of JSON for each test from stdin and answers a line of JSON:
    {"title": "Parser test", "articles": {"Template:X": "..."}, "options": {"subpage": ""},
     "wikitext": "..."}                    ->  {"html": "..."}
("articles" only when they differ from the last line's.) The suite is GPL and is never copied here.

Three scores: strict (equal bytes but for the end), DOM (parsed; attributes sorted, space between
elements dropped), relaxed (also without class, rel, title, id and edit links, hrefs decoded). Two
pools: all eligible tests, and the pure-text ones, which want neither files nor test hooks.
--failures FILE: a list of tests that may fail; it may only shrink, others fail the run.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

import html5lib

SKIP = {"pst", "msg", "comment", "preload", "section", "replace", "disabled", "nohtml", "annotations",
        "htmlvariantlanguage"}  # fmt: skip
EXPECTED = ("html/php", "html/*", "html")  # the legacy parser's, as RemexHtml tidied it
FILES = re.compile(r"\[\[ *(?:file|image|media) *:|<gallery", re.I)
HOOKS = re.compile(r"<(?:tag|statictag|asidetag|sealtag|pwraptest|spantag|divtag|divtagpf|embedhtml)\b|{{#(?:formatdate|func)", re.I)


class Test:
    def __init__(self, file, sections, articles):
        self.file, self.articles = file, articles
        self.name = sections["test"].strip().split("\n")[0]
        self.wikitext = sections.get("wikitext", sections.get("input", ""))
        self.expected = next((sections[k] for k in EXPECTED if k in sections), None)
        self.options = parse_options(sections.get("options", ""))
        self.has_config = "config" in sections
        self.has_files = bool(FILES.search(self.wikitext)) or any(
            FILES.search(articles.get(t, "")) for t in used_templates(self.wikitext)
        )
        self.has_hooks = bool(HOOKS.search(self.wikitext))

    def eligible(self):
        return (
            self.expected is not None
            and "wikitext" in self.__dict__
            and not SKIP & set(self.options)
            and self.options.get("language", "en") == "en"
            and not self.has_config
        )

    def pure(self):
        return not self.has_files and not self.has_hooks


def used_templates(text):
    return ["Template:" + name.strip()[:1].upper() + name.strip()[1:] for name in re.findall(r"{{([^{}|#]+)", text)]


def parse_options(text):
    """Words, key=value and key=[[value]]; nested JSON values are kept as text."""
    found = {}
    for key, _, value in re.findall(r'([\w-]+)(\s*=\s*((?:"[^"]*"|\[\[[^\]]*\]\]|{(?:[^{}]|{[^{}]*})*}|\S+)))?', text):
        found[key.lower()] = re.findall(r'=\s*"?(.*?)"?$', _, re.S)[0].strip('"') if _ else ""
    return found


def read_suite(path):
    """The tests of a file, each with the articles that stand before it."""
    articles, tests, sections, name = {}, [], None, None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        mark = re.match(r"^!!\s*(\S+)(.*)$", line)
        word = mark.group(1).lower() if mark else None
        if word in ("test", "article", "hooks", "functionhooks", "transparenthooks"):
            sections, name = {word: ""}, word
        elif word in ("end", "endarticle", "endhooks", "endfunctionhooks", "endtransparenthooks"):
            if sections and "article" in sections:
                title = sections["article"].strip()
                articles[title] = sections.get("text", "").rstrip("\n")
            elif sections and "test" in sections and ("wikitext" in sections or "input" in sections):
                tests.append(sections)
            sections = name = None
        elif mark and sections is not None:
            name = word
            sections[name] = ""
        elif sections is not None and name:
            sections[name] += line
    return [Test(path.name, t, articles) for t in tests]


# --- Normal forms ---------------------------------------------------------------------------------

BLOCKS = {"p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "tbody", "tr", "td", "th", "caption", "h1",
          "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "figure", "figcaption", "center", "thead", "tfoot",
          "colgroup", "col", "section", "pre", "br"}  # fmt: skip
DROPPED = {"class", "rel", "title", "id"}
html_namespace = "{http://www.w3.org/1999/xhtml}"


def attribute(name, value, relaxed):
    if relaxed and name in ("href", "src"):
        value = urllib.parse.unquote(value)
    if name == "style":
        value = re.sub(r"\s*([:;])\s*", r"\1", value).strip(" ;")
    return f'{name}="{value}"'


def put(node, out, relaxed, in_pre):
    tag = node.tag.replace(html_namespace, "") if isinstance(node.tag, str) else None
    if tag is None:
        return
    if relaxed and "mw-editsection" in node.get("class", "").split():
        return
    names = sorted(k for k in node.attrib if not (relaxed and k in DROPPED))
    out.append("<" + " ".join([tag] + [attribute(k, node.attrib[k], relaxed) for k in names]) + ">")
    put_children(node, out, relaxed, in_pre or tag == "pre")
    out.append(f"</{tag}>")


def put_text(text, out, in_pre):
    out.append(text if in_pre else re.sub(r"\s+", " ", text))


def put_children(node, out, relaxed, in_pre):
    put_text(node.text or "", out, in_pre)
    for child in node:
        put(child, out, relaxed, in_pre)
        put_text(child.tail or "", out, in_pre)


def dom(html, relaxed):
    tree = html5lib.parseFragment(html, container="div")
    out = []
    put_children(tree, out, relaxed, False)
    text = "".join(out)
    names = "|".join(sorted(BLOCKS, key=len, reverse=True))
    text = re.sub(rf" *(</?(?:{names})(?: [^<>]*)?>) *", r"\1", text)
    return text.strip()


def scores(expected, got):
    strict = expected.rstrip() == got.rstrip()
    same_dom = strict or dom(expected, False) == dom(got, False)
    relaxed = same_dom or dom(expected, True) == dom(got, True)
    return strict, same_dom, relaxed


# --- The run --------------------------------------------------------------------------------------


class Renderer:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.last = None

    def render(self, test):
        request = {
            "title": test.options.get("title", "Parser test").strip("[]"),
            "options": test.options,
            "wikitext": test.wikitext.rstrip("\n"),
        }
        if test.articles is not self.last:
            request["articles"] = self.last = test.articles
        self.process.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the renderer ended at {test.file}: {test.name} ({self.process.wait()})")
        return json.loads(answer)["html"]


def line_of(label, rows):
    n = len(rows)
    counts = [sum(r[i] for r in rows) for i in range(3)]
    parts = [f"{name} {c}/{n} ({100 * c / n if n else 0:.1f} %)" for name, c in zip(("strict", "dom", "relaxed"), counts)]
    return f"{label:34} " + "  ".join(parts)


def row_of(label, rows):
    """A line of docs/CONFORMANCE.md."""
    return f"| {label} | {len(rows)} | " + " | ".join(str(sum(r[i] for r in rows)) for i in range(3)) + " |"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("renderer")
    options.add_argument("directory", type=pathlib.Path)
    options.add_argument("--only", default="")
    options.add_argument("--show", help="print what tests of this name wanted and got")
    options.add_argument("--failing", action="store_true", help="print what failing tests wanted and got")
    options.add_argument("--failures", type=pathlib.Path)
    options.add_argument("--table", action="store_true", help="rows for docs/CONFORMANCE.md")
    o = options.parse_args()
    put = row_of if o.table else line_of
    renderer, results, failed = Renderer([o.renderer]), [], set()
    for path in sorted(o.directory.glob("*.txt")):
        if path.name == "COPYING.txt" or o.only not in path.name:
            continue
        rows = []
        for test in filter(Test.eligible, read_suite(path)):
            got = renderer.render(test)
            score = scores(test.expected, got)
            rows.append((*score, test.pure()))
            if not score[2]:
                failed.add(f"{test.file}: {test.name}")
            if (o.show and o.show in test.name) or (o.failing and not score[0]):
                print(f"--- {test.name}\n{test.wikitext}\n--- wanted\n{test.expected}\n--- got {score}\n{got}")
        if rows:
            print(put(path.name, rows))
        results += rows
    print(put("all eligible", results))
    pure = [r for r in results if r[3]]
    if o.table:
        print(put("pure text", pure))
    strict, same_dom, relaxed = (sum(r[i] for r in pure) for i in range(3))
    status = 0
    if o.failures:
        allowed = set(o.failures.read_text().splitlines()) if o.failures.exists() else set()
        new = sorted(failed - allowed)
        print(*(f"fails now: {name}" for name in new), sep="\n")
        status = 1 if new else 0
    print(f"strict {strict}/{len(pure)} dom {same_dom}/{len(pure)} relaxed {relaxed}/{len(pure)}")
    sys.exit(status)


main()
