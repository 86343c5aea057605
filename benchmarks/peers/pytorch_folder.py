"""Writes the golden files of tests/Atelier.Tests/Golden/pytorch: a tiny Llama as older versions of Hugging Face's tools
saved it, in two shards with an index. Each weight follows from its place: see PyTorchFolderTests.

    python3 benchmarks/peers/pytorch_folder.py tests/Atelier.Tests/Golden/pytorch
"""
import collections
import json
import os
import sys

import torch

VOCABULARY, HIDDEN, INNER = 8, 8, 16
SHAPES = [("model.embed_tokens.weight", (VOCABULARY, HIDDEN)), ("model.norm.weight", (HIDDEN,)),
          ("lm_head.weight", (VOCABULARY, HIDDEN)), ("model.layers.0.input_layernorm.weight", (HIDDEN,)),
          ("model.layers.0.post_attention_layernorm.weight", (HIDDEN,))]
SHAPES += [(f"model.layers.0.self_attn.{name}_proj.weight", (HIDDEN, HIDDEN)) for name in "qkvo"]
SHAPES += [(f"model.layers.0.mlp.{name}_proj.weight", (INNER, HIDDEN)) for name in ("gate", "up")]
SHAPES += [("model.layers.0.mlp.down_proj.weight", (HIDDEN, INNER))]
TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
shards = [collections.OrderedDict(), collections.OrderedDict()]
index = {}
for k, (name, shape) in enumerate(SHAPES):
    count = torch.Size(shape).numel()
    values = ((torch.arange(count) + 7 * k) % 13 - 6).double() / 16
    tensor = values.to(TYPES[k % len(TYPES)]).reshape(shape)
    if name.endswith("o_proj.weight"):
        tensor = tensor.t().contiguous().t()  # strides other than those of rows
    shard = k * len(shards) // len(SHAPES)
    shards[shard][name] = tensor
    index[name] = f"pytorch_model-{shard + 1:05}-of-{len(shards):05}.bin"
shards[1]["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(2)
for i, shard in enumerate(shards):
    torch.save(shard, os.path.join(folder, f"pytorch_model-{i + 1:05}-of-{len(shards):05}.bin"))
with open(os.path.join(folder, "pytorch_model.bin.index.json"), "w") as file:
    json.dump({"metadata": {}, "weight_map": index}, file, indent=1)
