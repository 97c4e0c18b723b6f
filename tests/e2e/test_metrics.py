"""/metrics, read as strictly as Prometheus reads it, and what its figures mean."""
import json
import math
import re

import pytest

from conftest import CHECKPOINT, Server, wait_until

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf)|NaN")


def parse(text):
    """{family: (type, {(name, labels): value})}; fails on anything that the format does not allow."""
    assert text.endswith("\n") and "\r" not in text
    families, family = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert re.fullmatch(NAME, family) and family not in families, line
            assert len(line.split(" ", 3)[3]) > 3
            families[family] = (None, {})
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and families[family] == (None, {}), line
            assert kind in ("counter", "gauge", "histogram")
            families[family] = (kind, {})
        else:
            m = SAMPLE.fullmatch(line)
            assert m and NUMBER.fullmatch(m.groups()[-1]), line
            name, labels, value = m.group(1), m.group(2) or "", float(m.groups()[-1])
            kind, samples = families[family]
            suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert name in [family + s for s in suffixes], line
            pairs = tuple((k, v) for k, v in re.findall(LABEL, labels))
            assert (name, pairs) not in samples, line
            samples[name, pairs] = value
    return families


def check_histogram(name, samples):
    buckets = [(float(dict(pairs)["le"]), v) for (n, pairs), v in samples.items()
               if n == name + "_bucket"]
    bounds, counts = [b for b, _ in buckets], [c for _, c in buckets]
    assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf and len(bounds) > 5
    assert counts == sorted(counts) and all(c == int(c) for c in counts)  # cumulative
    assert counts[-1] == samples[name + "_count", ()]
    assert samples[name + "_sum", ()] >= 0
    return counts[-1]


def metrics(server):
    r = server.get("/metrics")
    assert r.status == 200 and r.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert r.headers["Cache-Control"] == "no-store"
    return parse(r.text)


def value(families, name, **labels):
    return families["parallelopedia_" + name][1]["parallelopedia_" + name, tuple(labels.items())]


def test_the_format_is_kept_to_the_letter(server):
    families = metrics(server)
    assert all(name.startswith("parallelopedia_") for name in families)
    for name, (kind, samples) in families.items():
        assert kind and samples, name
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind != "counter" or all(v >= 0 for v in samples.values()), name
        if kind == "histogram":
            check_histogram(name, samples)


def test_counters_count_what_was_asked(server):
    before = metrics(server)
    r = server.get("/gpt2/generate/The%20server?max_length=40&seed=7", Accept="text/event-stream")
    n = json.loads(r.text.strip().split("\n\n")[-1][len("data: "):])["n"]
    server.get("/nowhere")
    after = before

    def grew(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    def is_sent():  # what is sent is counted after it was
        nonlocal after
        after = metrics(server)
        return grew("http_sent_bytes_total") > len(r.text)

    assert wait_until(is_sent)
    assert grew("lm_streams_total") >= 1 and grew("lm_steps_total") >= n
    assert grew("lm_generated_tokens_total") >= n > 0
    assert grew("http_requests_total") >= 3
    assert grew("http_replies_total", **{"class": "4xx"}) >= 1
    assert grew("lm_weight_read_bytes_total") > 0 and grew("lm_flops_total") > 0
    family = "parallelopedia_http_reply_seconds"
    replies = sum(after["parallelopedia_http_replies_total"][1].values())
    assert check_histogram(family, after[family][1]) == replies
    for name, least in (("first_token", 1), ("between_tokens", n - 1), ("queue_wait", 1)):
        family = f"parallelopedia_lm_{name}_seconds"
        assert check_histogram(family, after[family][1]) - \
            check_histogram(family, before[family][1]) >= least


def test_what_stats_say_too(server):
    families, stats = metrics(server), json.loads(server.get("/stats").text)
    assert value(families, "build_info", version=stats["version"]) == 1
    assert value(families, "cores") == stats["cores"]
    assert value(families, "resident_bytes") > 1 << 20
    assert value(families, "cpu_seconds_total") > 0 and value(families, "uptime_seconds") > 0
    wiki = stats["apps"]["wiki"]["wikis"][0]
    assert value(families, "wiki_pages", wiki=wiki["name"]) == wiki["pages"] > 0
    assert value(families, "wiki_xml_bytes", wiki=wiki["name"]) == wiki["xml_bytes"]
    model = stats["apps"]["gpt2"]["models"][0]
    assert value(families, "lm_model_bytes", model="gpt2") == model["bytes"]
    assert value(families, "app_available", app="gpt2") == 1


def test_achieved_beside_what_the_machine_can_do(server):
    server.get("/gpt2/generate/The%20server?max_length=100&seed=7")
    families = metrics(server)
    for what, limit in (("read_bytes", "machine_read_bytes"), ("flops", "machine_f32_flops")):
        achieved = value(families, f"lm_{what}_per_second")
        most = value(families, f"{limit}_per_second")
        share = value(families, "lm_read_fraction" if what == "read_bytes" else "lm_flops_fraction")
        assert achieved > 0 and most > 0 and share == pytest.approx(achieved / most, rel=1e-6)
    assert value(families, "machine_int8_ops_per_second") > 0
    assert value(families, "lm_pages") >= value(families, "lm_pages_used") >= 0


def test_without_measuring_there_are_no_limits():
    with Server("--gpt2", CHECKPOINT, "--no-calibrate") as s:
        s.get("/gpt2/generate/Hi?max_length=5")
        families = metrics(s)
        assert value(families, "machine_read_bytes_per_second") == 0
        assert value(families, "lm_read_fraction") == 0


def test_names_of_models_are_escaped():
    with Server("--gpt2", f'a"b\\c={CHECKPOINT}', "--no-calibrate") as s:
        assert value(metrics(s), "lm_model_bytes", model='a\\"b\\\\c') > 0


def test_a_server_with_nothing_has_metrics_too():
    with Server("--app-classes", "plaintext") as s:
        families = metrics(s)
        assert "parallelopedia_http_requests_total" in families
        assert not any("_lm_" in name or "_wiki_" in name for name in families)
