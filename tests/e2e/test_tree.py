"""Our HTML tree builder beside html5lib's: the same tree for random HTML of the tags we know."""
import json
import os
import random
import subprocess

import html5lib
from conftest import ROOT, SLOW

PASSES = ROOT / "build/tools/html_passes"
CASES = int(os.environ.get("TREE_CASES", 1500)) // SLOW
SEED = int(os.environ.get("TREE_SEED", 1))
NAMESPACE = "{http://www.w3.org/1999/xhtml}"
VOID = {"br", "hr", "img", "wbr", "col", "input", "link", "meta", "source", "track"}
# Every group of tags that the standard treats in its own way. Left out: what html5lib knows in an
# older form (ruby's parts, <dialog>, <menu>), forms and selects, which never come to us.
GROUPS = [
    "b i u s em strong code font small tt".split(), ["a"], ["p"], ["div", "section", "center"],
    ["h2", "h3"], ["ul", "ol", "li"], ["dl", "dt", "dd"], ["blockquote"], ["pre"], ["span", "sub", "q"],
    ["table"], ["tr"], ["td", "th"], ["tbody", "thead", "tfoot"], ["caption"], ["colgroup", "col"],
    ["br", "img", "wbr"], ["hr"], ["style"], ["link", "meta"], ["input"],
]  # fmt: skip
INLINE = set(GROUPS[0] + GROUPS[1] + ["span", "sub", "q"])
ATTRIBUTES = ["", "", "", ' id="x"', " class=a", " class='b'", ' title="a>b"', " hidden", ' type="hidden"',
              " class=c class=d", " TITLE=x/"]  # fmt: skip
TEXTS = ["x", "y z", " ", "\n", "\n\nw", " a < b ", "é", "1 > 0", "< ", "<!-- c -->", "<!d>", "</ >", "<?php ?>"]


class Passes:
    def __init__(self):
        self.process = subprocess.Popen([PASSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, name, text):
        self.process.stdin.write(json.dumps({"pass": name, "text": text}).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["text"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0


def escape(text):
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&#160;")


def put(node, out):
    if not isinstance(node.tag, str):  # a comment
        return
    name = node.tag.replace(NAMESPACE, "")
    attributes = "".join(f' {k}="{escape(v).replace(chr(34), "&quot;")}"' for k, v in node.attrib.items())
    out.append(f"<{name}{attributes}" + (" />" if name in VOID else ">"))
    if name in VOID:
        return
    if name == "pre" and (node.text or "").startswith("\n"):
        out.append("\n")
    put_children(node, out, name == "style")
    out.append(f"</{name}>")


def put_children(node, out, is_raw=False):
    out.append((node.text or "") if is_raw else escape(node.text or ""))
    for child in node:
        put(child, out)
        out.append(escape(child.tail or ""))


def theirs(html):
    out = []
    # A whole document: of a fragment html5lib loses what is fostered in front of a table at the top.
    put_children(html5lib.parse("<!DOCTYPE html><body>" + html).find(NAMESPACE + "body"), out)
    return "".join(out)


def random_names(rng):
    """Few groups at a time: they meet each other more often than many. What html5lib does otherwise
    than the standard is left out: an item that ends another in front of a table, and the newline
    behind a <pre> there."""
    names = [n for g in rng.sample(GROUPS, rng.randint(1, 6)) for n in g]
    if "table" in names:
        return [n for n in names if n not in ("li", "dd", "dt", "pre")], TEXTS + ["<td><ol><li>x<li><p>y<dl><dd>z<dt>"]
    return names, TEXTS


def random_html(rng):
    names, texts = random_names(rng)
    # html5lib's adoption agency stops at three elements, as the standard once said: either few
    # inline elements are opened, or none is closed.
    room = rng.choice([4, None])
    if room is None:
        names = [n for n in names if n != "a"] or ["b"]
    parts, opened = [], []
    for _ in range(rng.randint(1, 30)):
        kind = rng.random()
        if kind < 0.4:
            name = rng.choice(names)
            if name in INLINE and room is not None:
                room -= 1
                if room < 0:
                    continue
            opened.append(name)
            parts.append(f"<{name}{rng.choice(ATTRIBUTES)}{rng.choice(['', '', '', ' /'])}>")
        elif kind < 0.7:
            name = opened.pop(rng.randrange(len(opened))) if opened and kind < 0.6 else rng.choice(names)
            if room is not None or name not in INLINE:
                parts.append(f"</{name}>")
        else:
            text = rng.choice(texts)
            # Only directly behind <pre>: html5lib drops it behind tags that are ignored, too.
            parts.append(text if parts and parts[-1].startswith("<pre") else text.lstrip("\n"))
    return "".join(parts)


def test_random_html_gives_the_tree_of_html5lib():
    rng, passes, wrong = random.Random(SEED), Passes(), []
    for _ in range(CASES):
        html = random_html(rng)
        if theirs(html) != passes.run("tree", html):
            wrong.append((html, theirs(html), passes.run("tree", html)))
    passes.close()
    wrong.sort(key=lambda w: len(w[0]))
    assert not wrong, f"{len(wrong)} of {CASES}:\n" + "\n".join("\n".join(map(repr, w)) for w in wrong[:5])
