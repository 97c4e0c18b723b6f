"""A small model from the hub as a folder: random weights, its own tokenizer and chat template.

What such a model says is babble; what the server makes of it is not. Standard library only, the same
bytes each time.
"""
import array
import json
import math
import random

CONTEXT = 4096
HIDDEN, LAYERS, HEADS, KV_HEADS, FF = 64, 2, 4, 2, 128
SPECIAL = ["<|bos|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
MARKS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]  # added, not special, as Qwen's
HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|call|>"]
# Tokens of several bytes, as pairs to be merged: some of what JSON is made of, some of English.
MERGES = ["t h", "th e", "a n", "i n", "Ġ the", "{ \"", "\" :", "\" ,", "\" }", "t r", "tr u", "tru e",
          "Ġ {", "\": Ġ", "l l", "o u", "Ġ a", "Ã ©"]

TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}
{%- for m in messages %}
{%- if m.role not in ['system', 'user', 'assistant', 'tool'] %}
{{- raise_exception('no such role: ' ~ m.role) }}
{%- endif %}
{{- '<|im_start|>' ~ m.role ~ '\\n' ~ (m.content or '') ~ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking %}{{- '<think>\\n' }}{% endif %}
{%- if reasoning_effort is defined %}{{- 'effort ' ~ reasoning_effort }}{% endif %}
{%- endif %}"""

# Calls in other forms are known by what their templates say.
LLAMA3_TEMPLATE = """\
{%- if tools %}<|im_start|>system
Environment: ipython
Respond with {"name": function name, "parameters": dictionary of argument name and its value}.
{%- for t in tools %}
{{ t | tojson(indent=4) }}
{%- endfor %}<|im_end|>
{% endif %}
{%- for m in messages %}
{%- if m.tool_calls %}
{%- set call = m.tool_calls[0].function %}
{{- '<|im_start|>assistant\\n{"name": "' + call.name + '", "parameters": ' }}{{ call.arguments | tojson }}}<|im_end|>
{% elif m.role == 'tool' %}
{{- '<|im_start|>ipython\\n' ~ (m.content | tojson) ~ '<|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' ~ m.role ~ '\\n' ~ m.content ~ '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{% endif %}"""

MISTRAL_TEMPLATE = """\
{%- if tools %}[AVAILABLE_TOOLS] {{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}
{%- for m in messages %}
{%- if m.tool_calls %}
{{- '[TOOL_CALLS] [' }}
{%- for call in m.tool_calls %}
{%- if call.id is not defined or call.id | length != 9 %}
{{- raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}
{%- endif %}
{{- call.function | tojson }}{% if not loop.last %}, {% endif %}
{%- endfor %}]<|im_end|>
{%- elif m.role == 'tool' %}
{{- '[TOOL_RESULTS] {"content": ' ~ (m.content | tojson) ~ ', "call_id": "' ~ m.tool_call_id ~ '"}[/TOOL_RESULTS]' }}
{%- else %}
{{- '[INST] ' ~ m.content ~ '[/INST]' }}
{%- endif %}
{%- endfor %}"""

HARMONY_TEMPLATE = """\
{%- if tools %}<|start|>developer<|message|># Tools

namespace functions {
{%- for t in tools %}
type {{ t.function.name }} = (_: {{ t.function.parameters | tojson }}) => any;
{%- endfor %}
}<|im_end|>{% endif %}
{%- for m in messages %}
{%- if m.tool_calls %}
{%- set call = m.tool_calls[0].function %}
{{- '<|start|>assistant to=functions.' + call.name + '<|channel|>commentary json<|message|>' }}{{ call.arguments | tojson }}<|call|>
{%- elif m.role == 'tool' %}
{{- '<|start|>functions to=assistant<|channel|>commentary<|message|>' ~ (m.content | tojson) ~ '<|im_end|>' }}
{%- else %}
{{- '<|start|>' ~ m.role ~ '<|message|>' ~ m.content ~ '<|im_end|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start|>assistant' }}{% endif %}"""


def byte_chars():
    """GPT-2's characters for bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    chars, extra = {b: chr(b) for b in plain}, 0
    for b in range(256):
        if b not in chars:
            chars[b] = chr(256 + extra)
            extra += 1
    return chars


def vocabulary():
    tokens = [c for _, c in sorted(byte_chars().items())]
    tokens += [m.replace(" ", "") for m in MERGES]
    return {t: i for i, t in enumerate(tokens)}


def tokenizer_json(marks):
    vocab = vocabulary()
    added = [{"id": len(vocab) + i, "content": t, "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": t in SPECIAL + HARMONY}
             for i, t in enumerate(SPECIAL + marks)]
    bos = added[0]["id"]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                          "use_regex": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<|bos|>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<|bos|>": {"id": "<|bos|>", "ids": [bos], "tokens": ["<|bos|>"]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": MERGES},
    }


def n_vocab(marks=MARKS):
    return len(vocabulary()) + len(SPECIAL) + len(marks)


def token_id(token):
    both = SPECIAL + MARKS
    return len(vocabulary()) + both.index(token) if token in both else vocabulary()[token]


def tensors(marks):
    """(name, shape) in the order of the file."""
    kv = HIDDEN * KV_HEADS // HEADS
    yield "model.embed_tokens.weight", (n_vocab(marks), HIDDEN)
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", (HIDDEN,)
        yield at + "self_attn.q_proj.weight", (HIDDEN, HIDDEN)
        yield at + "self_attn.k_proj.weight", (kv, HIDDEN)
        yield at + "self_attn.v_proj.weight", (kv, HIDDEN)
        yield at + "self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield at + "post_attention_layernorm.weight", (HIDDEN,)
        yield at + "mlp.gate_proj.weight", (FF, HIDDEN)
        yield at + "mlp.up_proj.weight", (FF, HIDDEN)
        yield at + "mlp.down_proj.weight", (HIDDEN, FF)
    yield "model.norm.weight", (HIDDEN,)


def weights(seed, marks):
    rng = random.Random(seed)
    header, data = {"__metadata__": {"format": "pt"}}, bytearray()
    for name, shape in tensors(marks):
        n = math.prod(shape)
        is_gain = len(shape) == 1
        values = array.array("f", [1.0] * n if is_gain else [rng.gauss(0, 0.2) for _ in range(n)])
        header[name] = {"dtype": "F32", "shape": list(shape),
                        "data_offsets": [len(data), len(data) + 4 * n]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(data)


def make(folder, seed=1, template=TEMPLATE, sampling=None, context=CONTEXT, marks=MARKS):
    """Writes the folder and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = [token_id("<|im_end|>"), token_id("<|endoftext|>")]
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": n_vocab(marks),
        "hidden_size": HIDDEN, "intermediate_size": FF, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "hidden_act": "silu",
        "head_dim": HIDDEN // HEADS, "max_position_embeddings": context, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": "float32",
        "bos_token_id": token_id("<|bos|>"), "eos_token_id": ends,
    }
    files = {"config.json": config, "tokenizer.json": tokenizer_json(marks),
             "generation_config.json": {"eos_token_id": ends, **(sampling or {})},
             "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast",
                                       "bos_token": "<|bos|>", "eos_token": "<|im_end|>"}}
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value))
    if template:
        (folder / "chat_template.jinja").write_text(template)
    (folder / "model.safetensors").write_bytes(weights(seed, marks))
    return folder
