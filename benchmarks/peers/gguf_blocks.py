"""Writes tests/Atelier.Tests/Golden/gguf-blocks.json: blocks of GGUF's types, as llama.cpp's own library reads them.

Usage: python3 gguf_blocks.py FOLDER > tests/Atelier.Tests/Golden/gguf-blocks.json

FOLDER contains libggml-base.so, for example of the package LLamaSharp.Backend.Cpu. For each type: blocks of normal
random weights and blocks of random bytes, and the single-precision numbers that llama.cpp reads from them, in base64.
"""
import base64
import ctypes
import json
import os
import random
import struct
import sys

TYPES = {
    # number, name in functions, bytes and elements of a block, places of half-precision scales
    "Q4_1": (3, "q4_1", 20, 32, [0, 2]), "Q5_0": (6, "q5_0", 22, 32, [0]), "Q5_1": (7, "q5_1", 24, 32, [0, 2]),
    "Q2_K": (10, "q2_K", 84, 256, [80, 82]), "Q3_K": (11, "q3_K", 110, 256, [108]),
    "Q4_K": (12, "q4_K", 144, 256, [0, 2]), "Q5_K": (13, "q5_K", 176, 256, [0, 2]),
    "Q6_K": (14, "q6_K", 210, 256, [208]), "IQ4_NL": (20, "iq4_nl", 18, 32, [0]),
    "IQ4_XS": (23, "iq4_xs", 136, 256, [0]),
}
COUNT = 256

library = ctypes.CDLL(os.path.join(sys.argv[1], "libggml-base.so"))
library.ggml_quantize_chunk.restype = ctypes.c_size_t
library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                        ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
random.seed(20)
weights = (ctypes.c_float * COUNT)(*[random.gauss(0.1, 1) for _ in range(COUNT)])


def base64_of(data):
    return base64.b64encode(bytes(data)).decode()


golden = []
for name, (number, suffix, size, elements, scales) in TYPES.items():
    total = COUNT // elements * size
    blocks = ctypes.create_string_buffer(2 * total)
    written = library.ggml_quantize_chunk(number, weights, blocks, 0, 1, COUNT, None)
    assert written == total, (name, written, total)
    blocks[total:] = random.randbytes(total)
    for block in range(total, 2 * total, size):
        for place in scales:
            blocks[block + place:block + place + 2] = struct.pack("<e", random.gauss(0, 1))
    numbers = (ctypes.c_float * (2 * COUNT))()
    read = getattr(library, f"dequantize_row_{suffix}")
    read.restype, read.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    read(blocks, numbers, 2 * COUNT)
    golden.append({"type": name, "blocks": base64_of(blocks), "numbers": base64_of(numbers)})
json.dump({"weights": base64_of(weights), "golden": golden}, sys.stdout, indent=1)
print()
