"""Writes tests/Atelier.Tests/Golden/integrated-gradients.json: attributions of a small GPT-2 by PyTorch.

Usage: python3 integrated_gradients.py tests/Atelier.Tests/Golden/integrated-gradients.json

The network is written here with torch alone. Attributions interpolate the embeddings themselves, from the mean
embedding of the vocabulary to those of the text, by a fine midpoint rule in double precision.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT, MIDPOINTS = 11, 8, 2, 2, 12, 20000
SCALE = 4  # of the weights, so that the effects are large
IDS, FIXED, TOKEN = [3, 7, 1, 9, 4, 2, 7], 1, 5  # the first token stays, as a start token does


def shapes():
    yield "transformer.wte.weight", (VOCABULARY, WIDTH)
    yield "transformer.wpe.weight", (CONTEXT, WIDTH)
    for layer in range(LAYERS):
        block = f"transformer.h.{layer}."
        for name, (rows, columns) in {"attn.c_attn": (WIDTH, 3 * WIDTH), "attn.c_proj": (WIDTH, WIDTH),
                                      "mlp.c_fc": (WIDTH, 4 * WIDTH), "mlp.c_proj": (4 * WIDTH, WIDTH)}.items():
            yield f"{block}{name}.weight", (rows, columns)
            yield f"{block}{name}.bias", (columns,)
        for name in ("ln_1", "ln_2"):
            yield f"{block}{name}.weight", (WIDTH,)
            yield f"{block}{name}.bias", (WIDTH,)
    yield "transformer.ln_f.weight", (WIDTH,)
    yield "transformer.ln_f.bias", (WIDTH,)


def weights(name, shape):
    """The formula of the golden files: a wave whose phase depends on the name."""
    phase = sum((k + 1) * ord(c) for k, c in enumerate(name)) % 1000 / 100
    count = math.prod(shape)
    values = [0.3 * math.sin(0.37 * i + 0.001 * i * i + phase) for i in range(count)]
    return SCALE * torch.tensor(values, dtype=torch.float32).double().view(shape)


def log_probability(w, x):
    """log p(TOKEN) after embeddings x, [points, time, width]."""
    time = x.shape[1]
    x = x + w["transformer.wpe.weight"][:time]
    hidden = torch.ones(time, time, dtype=torch.bool).triu(1)
    for layer in range(LAYERS):
        block = f"transformer.h.{layer}."

        def linear(name, v, block=block):
            return v @ w[block + name + ".weight"] + w[block + name + ".bias"]

        def norm(name, v, block=block):
            return F.layer_norm(v, (WIDTH,), w[block + name + ".weight"], w[block + name + ".bias"], 1e-5)

        q, k, v = (t.view(-1, time, HEADS, WIDTH // HEADS).transpose(1, 2)
                   for t in linear("attn.c_attn", norm("ln_1", x)).split(WIDTH, -1))
        scores = (q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS)).masked_fill(hidden, -math.inf)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, time, WIDTH)
        x = x + linear("attn.c_proj", mixed)
        up = linear("mlp.c_fc", norm("ln_2", x))
        up = 0.5 * up * (1 + torch.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up ** 3)))
        x = x + linear("mlp.c_proj", up)
    x = F.layer_norm(x[:, -1], (WIDTH,), w["transformer.ln_f.weight"], w["transformer.ln_f.bias"], 1e-5)
    return (x @ w["transformer.wte.weight"].T).log_softmax(-1)[:, TOKEN]


def gradients(w, points, text, start):
    x = (start + points.view(-1, 1, 1) * (text - start)).requires_grad_()
    value = log_probability(w, x)
    return value.detach(), torch.autograd.grad(value.sum(), x)[0]


def main(path):
    tensors = dict(shapes())
    w = {name: weights(name, shape) for name, shape in tensors.items()}
    text = w["transformer.wte.weight"][IDS]  # [time, width]
    start = w["transformer.wte.weight"].mean(0).expand_as(text).clone()
    start[:FIXED] = text[:FIXED]
    points = (torch.arange(MIDPOINTS, dtype=torch.float64) + 0.5) / MIDPOINTS
    sums = sum(gradients(w, part, text, start)[1].sum(0) for part in points.split(1000))
    ends, slope = gradients(w, torch.tensor([0.0, 1.0], dtype=torch.float64), text, start)
    integrated = ((text - start) * sums / MIDPOINTS).sum(-1)
    result = {
        "made": f"benchmarks/peers/integrated_gradients.py on torch {torch.__version__}, in double precision. The "
                "weights come from the formula of t5.json, without its rule for norms, times the scale.",
        "config": {"model_type": "gpt2", "vocab_size": VOCABULARY, "n_embd": WIDTH, "n_head": HEADS,
                   "n_layer": LAYERS, "n_positions": CONTEXT, "activation_function": "gelu_new"},
        "tensors": tensors,
        "inputs": {"ids": [IDS]},
        "fixed": FIXED,
        "token": TOKEN,
        "scale": SCALE,
        "outputs": {"ends": ends.tolist(), "integrated_gradients": integrated[FIXED:].tolist(),
                    "gradient_times_input": (text * slope[1]).sum(-1)[FIXED:].tolist()},
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


main(sys.argv[1])
