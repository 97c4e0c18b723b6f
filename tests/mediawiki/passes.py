#!/usr/bin/python3
"""Our sanitiser, styles, references and tidying beside MediaWiki's own, on random texts; `make judge-passes`.

    passes.py FOLDER [CASES] [SEED]

FOLDER is what setup.sh made. Where MediaWiki 1.39 is older than what we follow, or we are stricter, the texts leave it
out: src( in styles, empty ids, attributes of end tags; "_" and "'" may be written otherwise in attributes.
"""

import json
import os
import random
import subprocess
import sys

BLOCKS = "p|div center|h2|ul li|dl dd dt|blockquote|pre|table tr td|table tbody thead|table caption col colgroup th|hr"
INLINE = "b i u s em|a|span sub q|br|ins del|ruby rt rp|link meta|style|font big tt code|figure figcaption|img wbr input"
GROUPS = [group.split() for group in (BLOCKS + "|" + INLINE).split("|")]
WORDS = ["x", "y z", " ", "\n", "\n\nw", " a < b ", "é", "&amp;", "1 > 0", "\u00a0", "a\u0338"]


def some_html(rng):
    names = [name for group in rng.sample(GROUPS, rng.randint(1, 6)) for name in group]
    parts, opened = [], []
    for _ in range(rng.randint(1, rng.choice([12, 40]))):
        kind = rng.random()
        if kind < 0.4:
            opened.append(rng.choice(names))
            parts.append("<" + opened[-1] + rng.choice(["", "", "", ' id="x"', ' class="a"']) + ">")
        elif kind < 0.6 and opened:
            parts.append(f"</{opened.pop(rng.randrange(len(opened)))}>")
        elif kind < 0.7:
            parts.append(f"</{rng.choice(names)}>")
        else:
            parts.append(rng.choice(WORDS))
    return "".join(parts)


TEXTS = """x| |\n|<!-- c -->|<!--|-->|<|  <!--q-->  |\n<!--r-->\n|&amp;|&nbsp;|&foo;|{{|[[a]]|__|''|http://x|RFC 1|ISBN|"|'|>|
</b>|</div >|<br/>|<br />|</br>|<hr>|<li/>|<span/>|<script>|<s.foo>|<B>|<meta itemprop=a content=b>|<wbr/>|</p/>|<td/>|
<link itemprop=a href=//x>|<link itemprop=a href='javascript:x'>|<abbr\ntitle=x>""".replace("|\n", "|").split("|")
ATTRIBUTES = """class=x|style='color:red'|id="a b"|title="a>b"|title='q&quot;'|onclick=x|data-x=1|data-mw-y=1|data-parsoid=2
xmlns:a=b|xmlns:a='javascript:x'|CLASS=Y|class|class = z|=x|a=b=c|lang="en|tabindex=0|tabindex=1|role=button|itemscope
aria-label='http://x'|itemtype=x|itemprop='javascript:x'|align=left|width=50%|nowrap|bgcolor=#fff|style="b:url(x)"
style='a:b/*c*/'|title="&#x41;&#0;"|title='  a  b\t'|cite=x|dir=rtl|é=1|data-é=1|summary=x|reversed start=3|value=2|rel=x
/|datetime=x|//x""".replace("\n", "|").split("|")
TAGS = """b i div span p td tr table caption li ol ul dl q ins del font hr br pre blockquote time data th mark ruby rt bdo
bdi center u em""".split()


def some_wikitext(rng):
    out = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        if kind < 0.5:
            out.append(rng.choice(TEXTS))
        elif kind < 0.6:
            out.append(f"</{rng.choice(TAGS)}{rng.choice(['>', ' >', '/>'])}")
        else:
            attributes = " ".join(rng.sample(ATTRIBUTES, rng.randint(0, 4)))
            out.append(f"<{rng.choice(TAGS)} {attributes}{rng.choice(['>', '>', ' />', '/>', ''])}")
    return "".join(out)


STYLES = ["color:red", "/*", "*/", "/**/", "\\", "\\75 rl(", "url(", "u\\rl(", "expression", "expr/**/ession", "&#x41;",
          "&amp;#65;", "\n", "\r\n", "\\\n", " ", "-o-link:", "attr(x url", "attr(", "image(", "image-set (",
          "accelerator :", '"', "'", "\\22", "\\0", "é", "\\é", "\x0b", "\\b", "\ufffd", "/*msg*/", ";", "a"]  # fmt: skip
REFERENCES = """&amp; & &#65; &#x41; &#X41; &#0; &#128; &#xD800; &#x110000; &#99999999999; &nbsp; &nbsp &foo; &AMP; &acE;
&hellip; &#; &#x; x ; é &é; &lt; &gt; &quot; &apos; &#39; &#039; &#13; &#9; &#127; &#xFFFE; &rlm; &Bcy; &fjlig;""".split()


def pick(words):
    return lambda rng: "".join(rng.choice(words) for _ in range(rng.randint(1, 6)))


KINDS = {"tidy": some_html, "sanitize": some_wikitext, "css": pick(STYLES), "charrefs": pick(REFERENCES),
         "decode": pick(REFERENCES)}  # fmt: skip


class Peer:
    def __init__(self, command, **env):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env}
        )

    def run(self, name, text):
        self.process.stdin.write(json.dumps({"pass": name, "text": text}).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["text"]


def normal(text):
    return text.replace("&#95;", "_").replace("&#039;", "&#39;")


def main():
    folder, cases, seed = sys.argv[1], int((sys.argv[2:] or ["4000"])[0]), int((sys.argv[3:] or ["1"])[0])
    here = os.path.dirname(os.path.abspath(__file__))
    ours = Peer([os.path.join(here, "../../build/tools/html_passes")])
    theirs = Peer(["php", os.path.join(here, "passes.php"), "--conf", f"{folder}/conf/LocalSettings.php"],
                  MW_INSTALL_PATH=f"{folder}/mediawiki")  # fmt: skip
    total = 0
    for name, make in KINDS.items():
        rng, wrong = random.Random(seed), []
        for _ in range(cases):
            text = make(rng)
            rows = text, theirs.run(name, text), ours.run(name, text)
            if rows[1] is not None and normal(rows[1]) != normal(rows[2]):
                wrong.append(rows)
        print(f"{name:10} {cases - len(wrong)} of {cases} as MediaWiki's")
        for rows in sorted(wrong, key=lambda r: len(r[0]))[:3]:
            print("\n".join(f"    {label:8} {row!r}" for label, row in zip(("text", "theirs", "ours"), rows)))
        total += len(wrong)
    sys.exit(total > 0)


main()
