# Conversations that every chat template of tests/golden/jinja is rendered with: what transformers'
# apply_chat_template passes to a template.

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Weather of a city", "strict": True,
        "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "A city's name, e.g. \"Oslo\""},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": ["integer", "null"], "description": "How many"},
            "tags": {"type": "array", "items": {"type": "string"}}}}}},
    {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {
        "name": "search", "description": "Finds <articles> & more – überall", "parameters": {"type": "object", "required": ["query"], "properties": {
            "query": {"type": "string"}, "limit": {"type": "number", "default": 5}, "exact": {"type": "boolean"},
            "filter": {"type": "object", "properties": {"lang": {"type": "string", "nullable": True}}},
            "either": {"oneOf": [{"type": "string"}, {"type": "number"}]}}}}},
]


def call(name, arguments, ident="call_1abcdefg"):
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}


def msg(role, content, **more):
    return {"role": role, "content": content, **more}


S, U, A = (lambda c: msg("system", c)), (lambda c: msg("user", c)), (lambda c, **m: msg("assistant", c, **m))
T = lambda c, **m: msg("tool", c, **m)

TALKS = {
    "one": [U("Hello, who are you?")],
    "system": [S("You are terse.\n"), U("Hi"), A("Hello."), U("  Again, “quoted”  ")],
    "long": [S("Be kind.")] + [m for i in range(4) for m in (U(f"Question {i}?"), A(f"Answer {i}.\n"))] + [U("Last")],
    "assistant_last": [U("Hi"), A("Hello.")],
    "two_users": [U("a"), U("b")],
    "assistant_first": [A("I begin."), U("ok")],
    "empty": [U("")],
    "thoughts": [U("2+2?"), A("<think>\nIt is four.\n</think>\n\n4"), U("3+3?"), A("<think>six</think>6"), U("thanks")],
    "reasoning": [U("2+2?"), A("4", reasoning_content="It is four."), U("more")],
    "call": [S("Use tools."), U("Weather in Oslo?"), A("", tool_calls=[call("get_weather", {"city": "Oslo", "days": 2})]),
             T("{\"temp\": 3}", name="get_weather", tool_call_id="call_1abcdefg"), A("3 degrees."), U("Thanks")],
    "calls": [U("Two things"), A("Let me look.", tool_calls=[call("get_weather", {"city": "Köln", "tags": ["a", "b"]}, "aaaaaaaaa"), call("now", {}, "bbbbbbbbb")]),
              T("cold", name="get_weather", tool_call_id="aaaaaaaaa"), T("12:00", name="now", tool_call_id="bbbbbbbbb"), A("Done.")],
    "call_last": [U("Weather?"), A("", tool_calls=[call("get_weather", {"city": "Rome"})])],
    "result_last": [U("Weather?"), A("", tool_calls=[call("get_weather", {"city": "Rome"})], thinking="Need the weather."), T("hot", name="get_weather", tool_call_id="call_1abcdefg")],
    "null_content": [U("x"), A(None, tool_calls=[call("now", {})]), T("1", tool_call_id="call_1abcdefg", name="now")],
    "no_content_key": [U("x"), {"role": "assistant", "tool_calls": [call("now", {})]}, T("1", tool_call_id="call_1abcdefg", name="now")],
    "developer": [msg("developer", "Speak Norwegian."), U("Hi")],
    "unicode": [U("naïve 你好 😀 \u2028 <|im_end|> </s> [INST] {{ x }}"), A("ok ✓"), U("\t tabs\r\n")],
    "unknown_role": [U("x"), msg("critic", "no")],
}
COMMON = {"bos_token": "<s>", "eos_token": "</s>", "documents": None}
EXTRAS = [{}, {"enable_thinking": False}, {"enable_thinking": True, "reasoning_effort": "high"}]


def chats():
    for name, messages in TALKS.items():
        for tools in (None, TOOLS):
            for add in (True, False):
                yield name, {**COMMON, "messages": messages, "tools": tools, "add_generation_prompt": add}
    for name in ("one", "call", "calls", "thoughts", "system"):
        for extra in EXTRAS[1:]:
            yield name, {**COMMON, **extra, "messages": TALKS[name], "tools": TOOLS, "add_generation_prompt": True}
    parts = [msg("user", [{"type": "text", "text": "Part one. "}, {"type": "text", "text": "Part two."}]), A("ok"), U("go")]
    yield "parts", {**COMMON, "messages": parts, "tools": None, "add_generation_prompt": True}
