#!/usr/bin/python3
"""Our preprocessor and expansion beside MediaWiki's own, on random texts; `make judge-trees`.

    trees.py FOLDER [CASES] [SEED]

FOLDER is what setup.sh made. Comments that take their line with them are one node here, several there: taken together.
Space at the end of a text is left out, as MediaWiki drops it when it saves a page. Templates have no headings: when
rendering these carry marks, which this mode has not.
"""

import json
import os
import random
import subprocess
import sys

SETS = {
    "braces": ["{", "}", "{{", "}}", "{{{", "}}}", "[[", "]]", "-{", "}-", "-", "|", "=", "\n", "a", "[", "]", "}}"],
    "headings": ["=", "==", "===", "\n", "\n", "a", " ", "\t", "<!--c-->", "<!-- -->", "[[", "]]", "{{", "}}", "|", "\n="],
    "trees": ["{", "}", "{{", "}}", "{{{", "}}}", "[[", "]]", "[", "]", "|", "=", "==", "\n", "\n==", " ", "a", "<!--",
              "-->", "<!-- c -->", "\n<!-- c -->\n", "<nowiki>", "</nowiki>", "<ref>", "</ref>", "<ref a/>", "<noinclude>",
              "</noinclude>", "<includeonly>", "</includeonly>", "<onlyinclude>", "</onlyinclude>", "-{", "}-", "<", ">",
              "/", "<b>", "<REF>", "</Ref >", "\t", "<includeonly/>"],
    "expansion": ["{{A}}", "{{A|", "{{B|", "{{c|", "{{C}}", "{{d|", "}}", "}}", "}}", "}}", "}}}", "}}}", "{{{1|", "{{{x}}}",
                  "{{{1}}}", "{{{y|", "|", "|", "|", "x=", "1=", "2=", " ", "\n", "a", "z", "*", "#", ";", ":", "{|", "|}",
                  "[[", "]]", "<noinclude>", "</noinclude>", "<includeonly>", "</includeonly>", "<onlyinclude>",
                  "</onlyinclude>", "<!-- c -->", "{{subst:", "{{safesubst:", "{{msg:", "{{raw:", "{{msgnw:", "{{#if:",
                  "{{#ifeq:a|", "{{#switch:a|", "{{lc:", "{{ucfirst:x", "{{ ", "{{", "{{{", "-{", "}-", "1", "="],
}  # fmt: skip


def text(rng, words, most):
    return "".join(rng.choice(words) for _ in range(rng.randint(1, most))).rstrip()


def request(rng, kind):
    words, made = SETS[kind], {"included": False}
    if kind != "expansion":
        return {"included": rng.random() < 0.5, "text": text(rng, words, 16), "A": "", "B": "", "C": ""}
    made["text"] = text(rng, words, 16)
    for name in "ABC":
        made[name] = text(rng, words, 8)
    return made


class Peer:
    def __init__(self, command, **env):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env}
        )

    def ask(self, made):
        self.process.stdin.write(json.dumps(made).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def normal(answer, kind):
    tree = answer["tree"].replace(")!(", "")
    return (tree, answer["flat"].rstrip()) if kind == "expansion" else tree


def main():
    folder, cases, seed = sys.argv[1], int((sys.argv[2:] or ["3000"])[0]), int((sys.argv[3:] or ["1"])[0])
    here = os.path.dirname(os.path.abspath(__file__))
    ours = Peer([os.path.join(here, "../../build/tools/pp_trees")])
    theirs = Peer(["php", os.path.join(here, "trees.php"), "--conf", f"{folder}/conf/LocalSettings.php"],
                  MW_INSTALL_PATH=f"{folder}/mediawiki")  # fmt: skip
    total = 0
    for kind in SETS:
        rng, wrong = random.Random(seed), []
        for _ in range(cases):
            made = request(rng, kind)
            answers = normal(theirs.ask(made), kind), normal(ours.ask(made), kind)
            if answers[0] != answers[1]:
                wrong.append((made, *answers))
        print(f"{kind:10} {cases - len(wrong)} of {cases} as MediaWiki's")
        for rows in sorted(wrong, key=lambda row: len(str(row[0])))[:3]:
            print("\n".join(f"    {label:8} {row!r}" for label, row in zip(("text", "theirs", "ours"), rows)))
        total += len(wrong)
    sys.exit(total > 0)


main()
