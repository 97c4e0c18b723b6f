"""Rows of blocks and what they mean, by the reference's own code (PyPI: gguf 0.19.0, numpy).

    python3 tests/golden/make_rows.py > tests/golden/rows.bin

For each format in the order below: ROWS blocks of random bytes with finite scales, then their
values as f32. Last comes gpt-oss' own layout of MXFP4 (16 bytes of pairs, then the scale), by the
arithmetic of transformers' integrations/mxfp4.py.
"""
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type, quants

ROWS = 3
FORMATS = [(Type.Q8_0, 34, [1]), (Type.Q4_0, 18, [1]), (Type.Q4_K, 144, [1, 3]),
           (Type.Q6_K, 210, [209]), (Type.MXFP4, 17, [])]

rng = np.random.default_rng(5)
out = sys.stdout.buffer
for kind, size, highs in FORMATS:
    blocks = rng.integers(0, 256, (ROWS, size), dtype=np.uint8)
    for at in highs:  # a half's exponent below 16: finite
        blocks[:, at] &= 0xBF
    if kind == Type.MXFP4:
        blocks[:, 0] = [0, 1, 120]
    out.write(blocks.tobytes() + quants.dequantize(blocks, kind).astype("<f4").tobytes())

values = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)
pairs = rng.integers(0, 256, (ROWS, 16), dtype=np.uint8)
scales = np.array([[3], [127], [250]], np.uint8)
wide = np.empty((ROWS, 32), np.float32)
wide[:, 0::2] = np.ldexp(values[pairs & 15], scales.astype(np.int32) - 127)
wide[:, 1::2] = np.ldexp(values[pairs >> 4], scales.astype(np.int32) - 127)
out.write(np.concatenate([pairs, scales], 1).tobytes() + wide.tobytes())
