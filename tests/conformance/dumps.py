#!/usr/bin/python3
"""Every page of every dump, rendered and judged by html5lib; `make render-all`.

    dumps.py PARALLELOPEDIA DUMP...

Of each page: html5lib finds no error in it and writes the same tree that it read, tags and attributes are from the lists
below, nothing can run, no marker is left, no limit was passed, and a second run gives the same bytes.
"""

import collections
import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
import time

import html5lib

TAGS = set("""a abbr audio b bdi bdo big blockquote br caption center cite code col colgroup data dd del details dfn div dl dt
    em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li link mark meta meter nav ol p pre q rb rp rt rtc
    ruby s samp section small source span strike strong style sub summary sup table tbody td tfoot th thead time tr track tt u ul
    var video wbr""".split())  # fmt: skip
MATH = set("""math semantics annotation mrow mi mn mo mfrac msup msub msubsup msqrt mroot mover munder munderover mtable mtr mtd
    mtext mspace mstyle menclose mpadded mphantom mmultiscripts mprescripts none merror""".split())  # fmt: skip
ATTRIBUTES = re.compile(
    r"""abbr|about|accent|accentunder|align|alt|alttext|aria-[a-z]+|axis|background|bgcolor|border|cellpadding|cellspacing|char|
    charoff|checked|cite|class|clear|color|cols|colspan|columnalign|columnspacing|columnlines|compact|content|controls|data-[a-z0-9-]+|
    datatype|datetime|decoding|depth|dir|display|displaystyle|encoding|face|fence|for|form|frame|headers|height|href|hreflang|id|
    itemid|itemprop|itemref|itemscope|itemtype|lang|largeop|linethickness|loading|loop|lspace|mathcolor|mathsize|mathvariant|max|
    maxsize|min|minsize|movablelimits|muted|name|notation|nowrap|open|poster|preload|property|rel|resource|reversed|role|rowalign|
    rowlines|rowspacing|rowspan|rspace|rules|scope|scriptlevel|separator|size|span|src|srcset|start|stretchy|style|summary|
    symmetric|tabindex|target|title|type|typeof|valign|value|vocab|voffset|width""".replace("\n", "").replace(" ", "")
)  # fmt: skip
URLS = re.compile(r"(?i)(https?:|ftps?:|ircs?:|mailto:|news:|nntp:|sips?:|sms:|ssh:|svn:|tel:|telnet:|urn:|worldwind:|xmpp:|"
                  r"bitcoin:|geo:|git:|gopher:|magnet:|mms:|redis:|sftp:|matrix:|//|/|#|\.)")  # fmt: skip


def judge(row):
    """What is wrong with a page; None when nothing is."""
    html = row["html"]
    if "\x7f" in html or re.search(r"UNIQ--|QINU", html):
        return "a marker is left"
    parser = html5lib.HTMLParser()
    tree = parser.parseFragment(html, container="div")
    errors = [e for e in parser.errors if e[1] != "invalid-codepoint"]
    if errors:
        (line, column), code, detail = errors[0]
        return f"html5lib: {code} {detail} at {line}:{column}"
    for node in tree.iter():
        if not isinstance(node.tag, str):
            return "a comment"
        tag = node.tag.split("}")[-1]
        if tag not in TAGS and tag not in MATH and tag != "DOCUMENT_FRAGMENT":
            return f"<{tag}>"
        for name, value in node.attrib.items():
            if not ATTRIBUTES.fullmatch(name if isinstance(name, str) else name[1]):
                return f"{name} on <{tag}>"
            if name in ("href", "src", "poster", "cite") and value and not URLS.match(value):
                return f"{name}={value[:60]!r}"
            if name == "style" and re.search(r"(?i)expression|url\s*\(|javascript|-moz-binding|behavior\s*:", value):
                return f"style={value[:60]!r}"
    return None


def lines_of(program, dump, index):
    command = [program, "render", "--wiki", dump, "--index", index, "--all"]
    done = subprocess.run(command, capture_output=True)
    if done.returncode or done.stderr:
        sys.exit(f"{dump}: {done.returncode}\n{done.stderr.decode(errors='replace')[-4000:]}")
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def main():
    program, dumps = sys.argv[1], sys.argv[2:]
    failed = 0
    for dump in dumps:
        start = time.time()
        with tempfile.NamedTemporaryFile(suffix=".idx") as index:
            rows, again = (lines_of(program, dump, index.name) for _ in range(2))
        wrong = collections.Counter()
        for a, b in zip(rows, again):
            if a["html"] != b["html"]:
                wrong["the second run differs"] += 1
                print(f"  {a['title']}: the second run differs")
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            for row, why in zip(rows, pool.map(judge, rows, chunksize=20)):
                if why is None and row["over"]:
                    why = f"over limits {row['over']}"
                if why:
                    wrong[why] += 1
                    print(f"  {row['title']}: {why}")
        times = sorted(row["ms"] for row in rows)
        print(f"{dump}: {len(rows)} pages, {sum(wrong.values())} wrong; p99 {times[len(times) * 99 // 100]:.2f} ms, "
              f"slowest {times[-1]:.2f} ms; {time.time() - start:.0f} s")
        failed += sum(wrong.values())
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
