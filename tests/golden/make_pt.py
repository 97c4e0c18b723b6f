"""Small checkpoints as torch.save writes them, without torch: seeds for fuzz/corpus/pickle and
inputs for tests/tensor/test_pt.c.

    /usr/bin/python3 tests/golden/make_pt.py fuzz/corpus/pickle

The names that torch's pickles hold ("torch FloatStorage", "torch._utils _rebuild_tensor_v2") come
from stand-in modules; __main__.GPTConfig is build-nanogpt's dataclass.
"""
import collections
import dataclasses
import io
import pickle
import struct
import sys
import types
import zipfile

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


def _rebuild_tensor_v2(*args):
    raise AssertionError("never called")


_rebuild_tensor_v2.__module__ = "torch._utils"
utils._rebuild_tensor_v2 = _rebuild_tensor_v2
for name in ("FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage"):
    setattr(torch, name, type(name, (), {"__module__": "torch"}))


@dataclasses.dataclass
class GPTConfig:
    block_size: int = 8
    vocab_size: int = 3
    n_layer: int = 1
    n_head: int = 2
    n_embd: int = 4


class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.args = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.args


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", getattr(torch, obj.kind), obj.key, "cpu", obj.count)
        return None


def save(path, top, storages, protocol, prefix):
    out = io.BytesIO()
    Pickler(out, protocol).dump(top)
    with zipfile.ZipFile(path, "w") as z:
        entries = {"data.pkl": out.getvalue(), "byteorder": b"little"}
        entries.update({"data/" + k: v for k, v in storages.items()})
        entries["version"] = b"3\n"
        for name, data in entries.items():
            info = zipfile.ZipInfo(f"{prefix}/{name}")
            at = z.fp.tell() + 30 + len(info.filename) + 4
            pad = -at % 64  # torch aligns every entry with a padding field
            info.extra = b"FB" + struct.pack("<H", pad) + b"Z" * pad
            z.writestr(info, data)


def floats(*v):
    return struct.pack(f"<{len(v)}f", *v)


def model(wrap=""):
    wte = Storage("FloatStorage", "0", 12)
    half = Storage("HalfStorage", "1", 4)
    bf16 = Storage("BFloat16Storage", "2", 4)
    long = Storage("LongStorage", "3", 2)
    tensors = collections.OrderedDict()
    tensors[wrap + "transformer.wte.weight"] = Tensor(wte, 0, (3, 4), (4, 1))
    tensors[wrap + "half"] = Tensor(half, 1, (3,), (1,))
    tensors[wrap + "bf16"] = Tensor(bf16, 0, (2, 2), (2, 1))
    tensors[wrap + "steps"] = Tensor(long, 0, (2,), (1,))
    tensors[wrap + "scalar"] = Tensor(wte, 11, (), ())
    tensors[wrap + "lm_head.weight"] = Tensor(wte, 0, (3, 4), (4, 1))
    return tensors


STORAGES = {
    "0": floats(*[i / 2 for i in range(12)]),
    "1": struct.pack("<4e", 9.0, 1.0, -0.5, 2.0**-24),
    "2": struct.pack("<4H", 0x3F80, 0xC000, 0x0000, 0x7F80),  # 1 -2 0 inf
    "3": struct.pack("<2q", 7, -7),
}

if __name__ == "__main__":
    to = sys.argv[1]
    plain = dataclasses.asdict(GPTConfig())
    extra = {"step": 1148, "val_loss": 7.5, "big": 2**80, "neg": -5, "flag": True, "seen": {1, 2}}
    for p in (2, 3, 4, 5):
        top = {"model": model("_orig_mod."), "config": GPTConfig(), **extra}
        save(f"{to}/dataclass_p{p}.pt", top, STORAGES, p, f"model_p{p}")
    save(f"{to}/dict.pt", {"model": model(), "config": plain, **extra}, STORAGES, 2, "archive")
    save(f"{to}/bare.pt", model("module."), STORAGES, 2, "a/b")
