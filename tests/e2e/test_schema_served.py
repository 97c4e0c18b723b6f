"""Documents that a random model writes at temperature 1.5 under random schemas: all of them validate,
by a judge that is not ours. SCHEMAS=1000 for a proof.
"""
import concurrent.futures
import json
import os
import random
import string
import subprocess

import hub_model
from conftest import PATIENCE_S, Server
from test_openai_clients import CLIENTS, need

N = int(os.environ.get("SCHEMAS", "40"))
SEED = int(os.environ.get("SEED", "7"))
TRIES = 8


def word(rng, most=6):
    return "".join(rng.choice(string.ascii_letters + "é\"\\ 漢") for _ in range(rng.randint(1, most)))


def string_schema(rng):
    return rng.choice([
        lambda: {"type": "string", "maxLength": rng.randint(0, 9)},
        lambda: {"type": "string", "minLength": 2, "maxLength": 2 + rng.randint(0, 4)},
        lambda: {"type": "string", "pattern": rng.choice(
            ["^[a-z]{1,4}$", "^(ab|c)+d$", "^[0-9]{2}-[A-F]$", "^x?y{2}$"]), "maxLength": 12},
        lambda: {"type": "string", "enum": [word(rng) for _ in range(rng.randint(1, 4))]},
        lambda: {"type": "string", "format": rng.choice(["date", "time", "uuid", "ipv4"])},
    ])()


def number_schema(rng):
    low = rng.randint(-50, 50)
    return rng.choice([
        lambda: {"type": "integer", "minimum": low, "maximum": low + rng.randint(0, 400)},
        lambda: {"type": "integer", "exclusiveMinimum": low, "maximum": low + 1 + rng.randint(0, 9)},
        lambda: {"type": "number", "minimum": low, "maximum": low + rng.randint(1, 9)},
        lambda: {"enum": [1, 2.5, -3, None, True, "x"]},
        lambda: {"const": rng.choice([None, False, 7, "c", [1, {"a": 2}]])},
        lambda: {"type": "boolean"},
        lambda: {"type": ["null", "integer"], "minimum": 0, "maximum": 9},
    ])()


def object_schema(rng, depth):
    names = list({word(rng) for _ in range(rng.randint(0, 4))})
    return {"type": "object", "properties": {n: schema(rng, depth - 1) for n in names},
            "required": [n for n in names if rng.random() < 0.6], "additionalProperties": False}


def array_schema(rng, depth):
    least = rng.randint(0, 2)
    return {"type": "array", "items": schema(rng, depth - 1), "minItems": least,
            "maxItems": least + rng.randint(0, 2)}


def schema(rng, depth):
    leaves = [lambda: string_schema(rng), lambda: number_schema(rng)]
    inner = [lambda: object_schema(rng, depth), lambda: array_schema(rng, depth),
             lambda: {"anyOf": [schema(rng, depth - 1) for _ in range(rng.randint(1, 3))]}]
    return rng.choice(leaves + 2 * inner if depth > 0 else leaves)()


def referring(rng):
    """A tree that refers to itself."""
    return {"type": "object", "required": ["v"], "additionalProperties": False,
            "properties": {"v": {"$ref": "#/$defs/leaf"},
                           "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
            "$defs": {"leaf": string_schema(rng)}}


# In a process of its own: this one has other versions of what jsonschema is made of.
JUDGE = """
import json, sys
from jsonschema import Draft202012Validator, validate
for line in sys.stdin:
    one, text = json.loads(line)
    validate(json.loads(text), one, cls=Draft202012Validator)
"""


def judge(pairs):
    done = subprocess.run([CLIENTS / "py/bin/python", "-c", JUDGE], text=True, capture_output=True,
                          input="".join(json.dumps(p) + "\n" for p in pairs), timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-4000:]


def test_documents_validate(tmp_path):
    need(CLIENTS / ".stamp")
    folder = hub_model.make(tmp_path / "tiny")
    rng = random.Random(SEED)
    schemas = [referring(rng) if i % 10 == 9 else schema(rng, 3) for i in range(N)]

    with Server("--model", folder, "--no-calibrate", "--threads", "1") as s:
        def document(i):
            """A document that came to its end; numbers and strings may go on beyond any bound, so seeds are
            tried until one does."""
            for seed in range(i, i + TRIES * N, N):
                body = {"messages": [{"role": "user", "content": "Write it"}], "seed": seed,
                        "temperature": 1.5, "max_tokens": 3500,
                        "response_format": {"type": "json_schema",
                                            "json_schema": {"schema": schemas[i]}}}
                r = s.request("POST", "/v1/chat/completions", {}, json.dumps(body))
                assert r.status == 200, (schemas[i], r.text)
                choice = json.loads(r.text)["choices"][0]
                if choice["finish_reason"] == "stop":
                    return schemas[i], choice["message"]["content"], seed // N
                assert choice["finish_reason"] == "length"
            raise AssertionError(f"no end with {TRIES} seeds: {schemas[i]}")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            written = list(pool.map(document, range(N)))

    judge([(one, text) for one, text, _ in written])
    print(f"{N} documents, all valid; {sum(cut for _, _, cut in written)} others were cut by length")
