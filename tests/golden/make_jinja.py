#!/usr/bin/env python3
"""What Python's jinja2 makes of templates, with transformers' settings: the truth for tests/jinja.

    make_jinja.py > tests/golden/jinja.json     the committed cases (needs jinja2 and transformers)
    make_jinja.py check PROGRAM                 all cases through build/tools/jinja_cases
    make_jinja.py random N SEED PROGRAM         N random templates through it

A case is [template, variables or null for the common ones, text or false for an error].
"""
import datetime, json, pathlib, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from jinja_cases import EXPRESSIONS, STATEMENTS, VARS
from jinja_chats import chats

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime.fromtimestamp(1722000000, datetime.timezone.utc)


def render(template, variables):
    """The text, or the exception."""
    from transformers.utils.chat_template_utils import _compile_jinja_template
    try:
        compiled = _compile_jinja_template.__wrapped__(template)
        compiled.globals["strftime_now"] = lambda form: NOW.strftime(form)
        text = compiled.render(**variables)
        text.encode()
        return text
    except Exception as e:  # whatever Python raises is a refusal
        return e


def expressions():
    for line in EXPRESSIONS.strip().split("\n"):
        parts = line.split(" | ")
        # " | " separates cases, and it is the filters' sign too: a case goes on while what follows is a filter.
        cases = []
        for piece in parts:
            if cases and is_filter(piece):
                cases[-1] += " | " + piece
            else:
                cases.append(piece)
        yield from ("{{ " + c + " }}" for c in cases)


FILTERS = set("""abs attr batch capitalize center count default d dictsort e escape filesizeformat first float forceescape
format groupby indent int items join last length list lower map max min pprint reject rejectattr replace reverse round safe
select selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap xmlattr nope""".split())


def is_filter(piece):
    import re
    name = re.match(r"\w*", piece).group()
    rest = piece[len(name):]
    if name not in FILTERS:
        return False
    # "d", "e" and "nope" are variables too
    return not (name in ("d", "e", "nope") and rest and rest[0] in ".[") and not rest.startswith((" or", " ==", " in ", " <", " if ", " and", " ~", "()"))


def templates():
    return {p.name: p.read_text() for p in sorted((HERE / "jinja").glob("*.jinja"))}


def cases():
    return [[t, None] for t in expressions()] + [[t, None] for t in STATEMENTS]


def golden():
    """All of it as JSON: each template once, each set of variables once."""
    result = lambda t, v: (lambda r: False if isinstance(r, Exception) else r)(render(t, v))
    known = [[t, result(t, VARS)] for t, _ in cases() if not beyond(t)]
    given = list(chats())
    texts = {name: [result(t, v) for _, v in given] for name, t in templates().items()}
    return {"vars": VARS, "cases": known, "chats": [v for _, v in given], "templates": texts}


def beyond(template):
    """What we refuse and Python does not: integers of over 64 bits, bytes, what prints an address."""
    return any(t in template for t in BEYOND)


BEYOND = ["{{ 9223372036854775807 + 1 }}", "3037000500 * 3037000500", "{{ 2 ** 63 }}", "{{ d.items }}", "{{ 1.real }}",
          '"x".encode()', "(1).bit_length()", '"%.1000f"']


def refused_on_purpose(ours, theirs):
    """A text that shows an address; a slice of what has none in a constant, which Jinja's compiler lets pass, as it does
    an unknown test or filter behind "false and"; 64 bits."""
    why = ours.get("error", "")
    at = any(k in str(theirs) for k in (" object at 0x", "unhashable type"))
    return at or any(k in why for k in ("has no text", "cannot be sliced", "64 bits", "is not supported", "no test named", "no filter named"))


def compare(pairs, program, variables=None):
    """Runs templates here and there; the number of differences."""
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    bad = 0
    for template, own in pairs:
        given = VARS if own is None else own
        child.stdin.write(json.dumps({"template": template, "vars": given}) + "\n")
        child.stdin.flush()
        ours = json.loads(child.stdout.readline())
        theirs = render(template, given)
        same = "error" in ours if isinstance(theirs, Exception) else ours.get("text") == theirs
        if not same and not refused_on_purpose(ours, theirs):
            bad += 1
            if bad <= 40:
                print(f"{template!r}\n  theirs {theirs!r}\n  ours   {ours}")
    child.stdin.close()
    return bad


def main():
    mode = sys.argv[1:2]
    if mode == ["check"]:
        todo = [c for c in cases() if not beyond(c[0])]
        todo += [[t, v] for t in templates().values() for _, v in chats()]
        bad = compare(todo, sys.argv[2])
    elif mode == ["random"]:
        from jinja_random import random_templates
        todo = [[t, None] for t in random_templates(int(sys.argv[2]), int(sys.argv[3]), VARS)]
        bad = compare(todo, sys.argv[4])
    else:
        json.dump(golden(), sys.stdout, ensure_ascii=False, separators=(",", ":"))
        return
    print(f"{len(todo)} templates, {bad} differ")
    sys.exit(bad != 0)


main()
