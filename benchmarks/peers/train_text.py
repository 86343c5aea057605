#!/usr/bin/env python3
"""Trains a text model with PyTorch, as a peer for our own training: the same network, batch, update and token ids."""
import argparse
import array
import math

import torch
from torch import nn
from torch.nn import functional as F

from timed_training import add_options, report


class LayerNorm(nn.Module):
    """LayerNorm without bias."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


class Block(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.register_buffer("future", torch.ones(context, context, dtype=torch.bool).triu(1))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(self.norm1(x)).split(c, 2))
        scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(c // self.heads))
        weights = F.softmax(scores.masked_fill(self.future[:t, :t], float("-inf")), dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary, layers, heads, width, context):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, context) for _ in range(layers))
        self.norm = LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, 0, 0.02 / math.sqrt(2 * layers) if residual else 0.02)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


class Gru(nn.Module):
    def __init__(self, vocabulary, embedding, width):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, embedding)
        self.layer = nn.GRU(embedding, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)
        nn.init.normal_(self.head.weight, 0, 1 / math.sqrt(width))
        nn.init.zeros_(self.head.bias)

    def forward(self, ids, targets):
        logits = self.head(self.layer(self.tokens(ids))[0])
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=["gpt", "gru"])
    add_options(parser, steps=150)
    parser.add_argument("--ids", required=True, help="a file of token ids, 16 bits each")
    shape = {"vocabulary": 65, "layers": 4, "heads": 4, "embedding": 256, "width": 128, "context": 64, "batch": 12}
    for name, value in shape.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()

    with open(args.ids, "rb") as file:
        text = torch.tensor(array.array("H", file.read()), dtype=torch.long)

    def build():
        if args.model == "gpt":
            return Gpt(args.vocabulary, args.layers, args.heads, args.width, args.context)
        return Gru(args.vocabulary, args.embedding, args.width)

    def draw():
        at = torch.randint(len(text) - args.context - 1, (args.batch,))
        return [torch.stack([text[i + shift : i + shift + args.context] for i in at]) for shift in (0, 1)]

    report(args, build, draw, args.batch * args.context)


if __name__ == "__main__":
    main()
