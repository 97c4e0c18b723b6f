#!/usr/bin/python3
"""How far our articles are MediaWiki's own; `make judge`.

    compare.py THEIRS OURS [--show N] [--page TITLE]

Both files have a line of JSON for each page: title, html, ms, bytes. THEIRS is MediaWiki's (render.php), OURS is
`parallelopedia render --all --no-families`. Compared for each page: the words of the text, in order, and how many
headings, internal and external links, tables and footnotes there are. Left out of both: contents, edit links, styles,
formulas (it shows TeX here, we MathML), and pictures (none is at hand; it shows an upload link). Left out wholly, and counted: pages that call a module.
"""

import argparse
import collections
import difflib
import json
import re
import statistics
import urllib.parse

import html5lib

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
BLOCKS = {"p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "td", "th", "caption", "h1", "h2", "h3", "h4", "h5",
          "h6", "blockquote", "pre", "br", "hr", "figure", "figcaption", "center"}  # fmt: skip
DROPPED_CLASSES = {"mw-editsection", "toc", "thumb", "thumbinner", "thumbcaption", "magnify", "gallery", "gallerybox",
                   "mw-default-size", "mw-file-element", "mw-cite-backlink", "mw-empty-elt"}  # fmt: skip


def tag_of(node):
    return node.tag.replace(NAMESPACE, "") if isinstance(node.tag, str) else None


def is_dropped(node, tag):
    classes = set(node.get("class", "").split())
    return (
        tag in ("style", "link", "meta", "figure", "img", "math")
        or any(c.startswith("mwe-math") for c in classes)
        or classes & DROPPED_CLASSES
        or node.get("id") == "toc"
        or node.get("typeof", "").startswith(("mw:File", "mw:Error"))
        or (tag == "a" and "Special:Upload" in node.get("href", ""))
        or (tag == "a" and "wpDestFile" in node.get("href", ""))
    )


class Page:
    """Words and counts of one rendering."""

    def __init__(self, html):
        self.text, self.counts = [], collections.Counter()
        self.walk(html5lib.parseFragment(html, container="div"))
        self.words = re.findall(r"\w+|[^\w\s]", "".join(self.text))

    def walk(self, node):
        tag = tag_of(node)
        if tag is None:
            return
        if is_dropped(node, tag):
            return
        self.count(node, tag)
        if tag in BLOCKS:
            self.text.append(" ")
        self.text.append(node.text or "")
        for child in node:
            self.walk(child)
            self.text.append(child.tail or "")
        if tag in BLOCKS:
            self.text.append(" ")

    def count(self, node, tag):
        if re.fullmatch("h[1-6]", tag):
            self.counts["headings"] += 1
        elif tag == "table":
            self.counts["tables"] += 1
        elif tag == "li" and node.get("id", "").startswith("cite_note"):
            self.counts["references"] += 1
        elif tag == "a" and (not node.get("href", "#").startswith("#") or "selflink-fragment" in node.get("class", "")):
            self.counts["links"] += 1


def likeness(a, b):
    if a == b:
        return 1.0
    blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return 2 * sum(m.size for m in blocks) / (len(a) + len(b))


def show_difference(a, b):
    for op, i, j, k, n in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op != "equal":
            print(f"    {op}: MediaWiki {' '.join(a[i:j])[:200]!r} ours {' '.join(b[k:n])[:200]!r}")


def read(path):
    with open(path, encoding="utf-8") as lines:
        return {row["title"]: row for row in map(json.loads, lines)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("theirs")
    options.add_argument("ours")
    options.add_argument("--show", type=int, default=10, help="how many of the least alike pages are named")
    options.add_argument("--page", help="print what differs on this page")
    o = options.parse_args()
    theirs, ours = read(o.theirs), read(o.ours)
    modules, missing, rows = 0, [], []
    for title, row in theirs.items():
        if o.page and title != o.page:
            continue
        if "#invoke" in row["html"]:
            modules += 1
            continue
        if title not in ours:
            missing.append(title)
            continue
        a, b = Page(row["html"]), Page(ours[title]["html"])
        kinds = [k for k in ("headings", "links", "tables", "references") if a.counts[k] != b.counts[k]]
        rows.append((likeness(a.words, b.words), kinds, title))
        if o.page:
            show_difference(a.words, b.words)
            print({k: (a.counts[k], b.counts[k]) for k in kinds})
    rows.sort()
    for like, kinds, title in rows[: o.show]:
        print(f"  {100 * like:6.2f} %  {title}  {' '.join(kinds)}")
    differ = collections.Counter(k for _, kinds, _ in rows for k in kinds)
    alike = sum(not kinds for _, kinds, _ in rows)
    n = len(rows)
    print(f"pages {n}, left out for modules {modules}, missing {len(missing)} {missing[:5]}")
    print(f"words: median {100 * statistics.median(r[0] for r in rows):.2f} %, mean {100 * statistics.mean(r[0] for r in rows):.2f} %, "
          f"at least 98 % on {100 * sum(r[0] >= 0.98 for r in rows) / n:.1f} % of pages")
    print(f"counts equal on {100 * alike / n:.1f} % of pages; differing: {dict(differ)}")


main()
