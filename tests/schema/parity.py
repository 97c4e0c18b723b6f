"""Random schemas: what our automata let through validates, and what validates is let through.

    python3 tests/schema/parity.py build/tools/schema_texts [SCHEMAS] [SEED] [TEXTS]

For each schema: random texts out of the automaton (byte by byte, and by masks over a vocabulary)
are read by json and judged by jsonschema with its format checks; then documents made from the
schema by other means, in the order of its properties, are written in three spacings and must be
accepted. Needs python3-jsonschema.
"""
import datetime
import json
import random
import re
import subprocess
import sys

import jsonschema

TOOL = sys.argv[1]
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 7
TEXTS = int(sys.argv[4]) if len(sys.argv) > 4 else 20
rng = random.Random(SEED)
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER

NAMES = ["id", "name", "age", "a", "ab", "abc", "type", "x-1", "tags", "é", "quote\"d", "日本", "n"]
PATTERNS = [  # and what matches
    (r"^[a-z]{2,5}$", lambda: "".join(rng.choices("abcxyz", k=rng.randint(2, 5)))),
    (r"\d{3}", lambda: rng.choice(["", "a", "日"]) + str(rng.randint(100, 999)) + rng.choice(["", "z"])),
    (r"^(foo|bar)+$", lambda: "".join(rng.choices(["foo", "bar"], k=rng.randint(1, 3)))),
    (r"^[^\s]+@[^\s]+$", lambda: "a@b"),
    (r"^[A-Z][a-z]*( [A-Z][a-z]*)?$", lambda: rng.choice(["Ada", "Ada Lovelace", "X Y"])),
    (r"\.json$", lambda: rng.choice(["a", "b/c", ""]) + ".json"),
    (r"^(?:[01]\d|2[0-3]):[0-5]\d$", lambda: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"),
    (r"^.{1,3}$", lambda: rng.choice(["a", "ab\"", "\\é日"])),
    (r"^\u00e9+[^a-c]$", lambda: "é" * rng.randint(1, 3) + "z"),
]
FORMATS = {
    "date": lambda: datetime.date(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28)).isoformat(),
    "time": lambda: "12:30:01Z",
    "date-time": lambda: "2024-02-29T12:30:01.25+02:00",
    "email": lambda: "some.one@example.org",
    "uuid": lambda: "123e4567-e89b-12d3-a456-426614174000",
    "ipv4": lambda: ".".join(str(rng.randint(0, 255)) for _ in range(4)),
    "ipv6": lambda: rng.choice(["::1", "fe80::a:b", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"]),
    "hostname": lambda: "www.example-1.org",
    "uri": lambda: rng.choice(["https://example.org/a?b=c#d", "urn:x:y", "mailto:a@b"]),
    "duration": lambda: rng.choice(["P3D", "PT5M", "P1Y2M3DT4H5M6S", "P4W"]),
    "json-pointer": lambda: rng.choice(["", "/a~1b/0"]),
}
SCALARS = ["red", "green", "x\"y", "é", "", 1, -5, 2.5, True, False, None, 1e-3, 100, "tab\t"]


class Made:
    """A schema and how to make values of it."""

    def __init__(self, schema, value):
        self.schema, self.value = schema, value


def string():
    kind = rng.randrange(5)
    if kind == 0:
        return Made({"type": "string"}, lambda: rng.choice(["", "abc", "é日😀", "q\"b\\\n\x01/"]))
    if kind == 1:
        lo = rng.randint(0, 4)
        hi = lo + rng.randint(0, 6)
        return Made({"type": "string", "minLength": lo, "maxLength": hi},
                    lambda: "".join(rng.choices("aé日😀\"\n", k=rng.randint(lo, hi))))
    if kind == 2:
        pattern, value = rng.choice(PATTERNS)
        return Made({"type": "string", "pattern": pattern}, value)
    if kind == 3:
        name = rng.choice(list(FORMATS))
        return Made({"type": "string", "format": name}, FORMATS[name])
    pattern, value = rng.choice(PATTERNS)
    texts = [value() for _ in range(4)]
    hi = max(map(len, texts)) + rng.randint(0, 2)
    return Made({"type": "string", "pattern": pattern, "maxLength": hi}, lambda: rng.choice(texts))


def integer():
    kind = rng.randrange(5)
    if kind == 0:
        return Made({"type": "integer"}, lambda: rng.choice([0, -1, 7, 123456789012, -10**14]))
    lo = rng.choice([-10**6, -100, -17, -1, 0, 1, 5, 99, 1000])
    hi = lo + rng.choice([0, 1, 9, 10, 57, 1000, 12345678])
    if kind == 1:
        return Made({"type": "integer", "minimum": lo, "maximum": hi}, lambda: rng.randint(lo, hi))
    if kind == 2:
        return Made({"type": "integer", "exclusiveMinimum": lo, "exclusiveMaximum": hi + 2},
                    lambda: rng.randint(lo + 1, hi + 1))
    m = rng.choice([2, 3, 5, 7, 10, 12, 25, 100])
    if kind == 3:
        return Made({"type": "integer", "multipleOf": m}, lambda: m * rng.randint(-1000, 1000))
    hi = lo + 10 * m
    return Made({"type": "integer", "multipleOf": m, "minimum": lo, "maximum": hi},
                lambda: m * rng.randint(-(-lo // m), hi // m))


def number():
    if rng.random() < 0.3:
        return Made({"type": "number"}, lambda: rng.choice([0, -1.5, 3e10, 2.25e-7, 100]))
    lo = rng.choice([-100, -1.5, -0.25, 0, 0.1, 0.30000000000000004, 1, 2.75, 1000.125, 0.001])
    hi = lo + rng.choice([0.5, 1, 2.125, 10, 100.0625])
    is_open = rng.random() < 0.5
    names = ("exclusiveMinimum", "exclusiveMaximum") if is_open else ("minimum", "maximum")
    schema = {"type": "number"}
    which = rng.randrange(3)
    if which != 1:
        schema[names[0]] = lo
    if which != 2:
        schema[names[1]] = hi

    def value():
        v = round(rng.uniform(lo, hi), rng.randint(1, 6))
        fits = lo < v < hi if is_open else lo <= v <= hi
        return v if fits and "e" not in repr(v) else round(lo + (hi - lo) / 2, 8)

    return Made(schema, value)


def enumeration():
    if rng.random() < 0.3:
        one = rng.choice([1, "x", None, {"a": [1, {"b": "c"}], "d": 2.5}, [1, "two", []], -0.5])
        return Made({"const": one}, lambda: one)
    values = rng.sample(SCALARS, rng.randint(1, 6))
    if rng.random() < 0.2:
        values.append({"k": [1, 2]})
    return Made({"enum": values}, lambda: rng.choice(values))


def array(depth):
    item = make(depth - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return Made({"type": "array", "items": item.schema},
                    lambda: [item.value() for _ in range(rng.randint(0, 3))])
    if kind == 1:
        lo = rng.randint(0, 2)
        hi = lo + rng.randint(0, 2)
        return Made({"type": "array", "items": item.schema, "minItems": lo, "maxItems": hi},
                    lambda: [item.value() for _ in range(rng.randint(lo, hi))])
    firsts = [make(depth - 1) for _ in range(rng.randint(1, 3))]
    schema = {"type": "array", "prefixItems": [f.schema for f in firsts]}
    if kind == 2:
        schema["items"] = False
        return Made(schema, lambda: [f.value() for f in firsts[:rng.randint(0, len(firsts))]])
    schema["items"] = item.schema
    schema["minItems"] = len(firsts) + 1
    return Made(schema, lambda: [f.value() for f in firsts] +
                [item.value() for _ in range(rng.randint(1, 3))])


def obj(depth):
    names = rng.sample(NAMES, rng.randint(0, 5))
    props = {n: make(depth - 1) for n in names}
    required = [n for n in names if rng.random() < 0.5]
    schema = {"type": "object", "properties": {n: p.schema for n, p in props.items()}}
    if required or rng.random() < 0.5:
        schema["required"] = required
    added = None
    kind = rng.randrange(5)
    if kind < 2:
        schema["additionalProperties"] = False
    elif kind == 2:
        added = make(depth - 1)
        schema["additionalProperties"] = added.schema
    elif kind == 3:
        added = make(depth - 1)
        schema["patternProperties"] = {"^z[0-9]": added.schema}
        schema["additionalProperties"] = False
    least = 0
    if rng.random() < 0.2:
        least = rng.randint(0, len(names) + (2 if added else 0))
        schema["minProperties"] = least
    most = 99
    if rng.random() < 0.2:
        most = max(len(required), least, rng.randint(0, 6))
        schema["maxProperties"] = most

    def value():
        optional = [n for n in names if n not in required]
        rng.shuffle(optional)
        n = rng.randint(0, len(optional))
        n = max(min(n, most - len(required)), min(len(optional), least - len(required)))
        chosen = set(required) | set(optional[:max(n, 0)])
        out = {k: props[k].value() for k in names if k in chosen}
        i = 0
        while added and (len(out) < least or (len(out) < most and rng.random() < 0.4)):
            out[f"z{i}x"] = added.value()
            i += 1
        return out

    return Made(schema, value)


def union(depth):
    some = [make(depth - 1) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:  # told apart by a constant
        some = []
        for i in range(rng.randint(2, 3)):
            o = make(depth - 1)
            some.append(Made(
                {"type": "object", "properties": {"kind": {"const": f"k{i}"}, "v": o.schema},
                 "required": ["kind", "v"], "additionalProperties": False},
                lambda i=i, o=o: {"kind": f"k{i}", "v": o.value()}))
        return Made({rng.choice(["oneOf", "anyOf"]): [s.schema for s in some]},
                    lambda: rng.choice(some).value())
    return Made({"anyOf": [s.schema for s in some]}, lambda: rng.choice(some).value())


def both(depth):
    """A property from each of two schemas; a union beside other keywords."""
    a, b = make(depth - 1), make(depth - 1)
    if rng.random() < 0.5:
        return Made({"allOf": [
            {"type": "object", "properties": {"p": a.schema}, "required": ["p"]},
            {"type": "object", "properties": {"q": b.schema}, "required": ["q"]}]},
            lambda: {"p": a.value(), "q": b.value()})
    return Made({"type": "object", "properties": {"p": a.schema, "q": b.schema},
                 "additionalProperties": False,
                 "anyOf": [{"required": ["p"]}, {"required": ["q"]}]},
                lambda: rng.choice([{"p": a.value()}, {"q": b.value()},
                                    {"p": a.value(), "q": b.value()}]))


def plain():
    return rng.choice([
        Made({"type": "boolean"}, lambda: rng.random() < 0.5),
        Made({"type": "null"}, lambda: None),
        Made({"type": ["string", "null"], "maxLength": 3}, lambda: rng.choice([None, "ab"])),
        Made({"type": ["integer", "boolean"]}, lambda: rng.choice([1, True])),
        Made({}, lambda: rng.choice([1, "a", None, [1, {"b": 2}], {"c": []}])),
        Made(True, lambda: rng.choice([1, "a", None, [1, {"b": 2}], {"c": []}])),
        Made({"type": "object"}, lambda: rng.choice([{}, {"a": {"b": [1]}}])),
        Made({"type": "array"}, lambda: rng.choice([[], [1, "a", [None]]])),
    ])


def make(depth):
    if depth <= 0:
        return rng.choice([string, integer, number, enumeration, plain])()
    kind = rng.randrange(10)
    if kind < 3:
        return obj(depth)
    if kind < 5:
        return array(depth)
    if kind == 5:
        return union(depth)
    if kind == 6:
        return both(depth)
    return rng.choice([string, integer, number, enumeration, plain])()


def tree():
    """A schema that holds itself."""
    leaf = make(0)

    def value(depth=3):
        kids = [value(depth - 1) for _ in range(rng.randint(0, 2))] if depth else []
        return {"leaf": leaf.value(), "kids": kids}

    return Made({"$ref": "#/$defs/tree", "$defs": {"tree": {
        "type": "object", "properties": {
            "leaf": leaf.schema, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "required": ["leaf", "kids"], "additionalProperties": False}}}, value)


def ask(args, lines):
    data = "\n".join(json.dumps(x) for x in lines) + "\n"
    run = subprocess.run([TOOL, *args], input=data, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{TOOL} {' '.join(args)}: {run.returncode}\n{run.stderr}")
    return [json.loads(x) for x in run.stdout.splitlines()]


def unique(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key comes twice")
    return dict(pairs)


made = [tree() if i % 25 == 0 else make(3) for i in range(COUNT)]
n_texts = n_values = n_bad = n_refused = 0


def complain(what, schema, text, why):
    global n_bad
    n_bad += 1
    if n_bad <= 10:
        print(f"{what}: {why}\n  schema {json.dumps(schema)}\n  text {text!r}")


reasons = {}
for m, out in zip(made, ask(["walk", str(TEXTS), str(SEED)], [m.schema for m in made])):
    if "error" in out:
        n_refused += 1
        what = re.sub(r"^[^:]*/", "", out["error"])[:80]
        reasons[what] = reasons.get(what, 0) + 1
        continue
    validator = jsonschema.Draft202012Validator(m.schema, format_checker=checker)
    for text in out["texts"]:
        n_texts += 1
        try:
            validator.validate(json.loads(text, object_pairs_hook=unique))
        except Exception as why:
            complain("does not validate", m.schema, text, str(why)[:300])

docs = []
for m in made:
    validator = jsonschema.Draft202012Validator(m.schema, format_checker=checker)
    texts = []
    for _ in range(6):
        value = m.value()
        if not validator.is_valid(value):
            continue
        texts += [json.dumps(value, ensure_ascii=False, separators=(",", ":")),
                  json.dumps(value, ensure_ascii=False),
                  json.dumps(value, ensure_ascii=False, indent=2)]
    docs.append({"schema": m.schema, "texts": texts})
for m, doc, out in zip(made, docs, ask(["accept"], docs)):
    if "error" in out:
        continue
    for text, ok in zip(doc["texts"], out["accepts"]):
        n_values += 1
        if not ok:
            complain("is refused", m.schema, text, "it validates")

print(f"{COUNT} schemas ({n_refused} refused): {n_texts} texts of ours, {n_values} of theirs, "
      f"{n_bad} wrong")
for what, n in sorted(reasons.items(), key=lambda x: -x[1])[:8]:
    print(f"  {n} x {what}")
sys.exit(n_bad > 0)
