#!/usr/bin/env python3
"""Trains an encoder-decoder Transformer with PyTorch, as a peer for our own training: the same network, batches,
padding, loss and update on the same token ids."""
import argparse
import math
import random

import torch
from torch import nn
from torch.nn import functional as F

from timed_training import add_options, report

NOT_COUNTED = -100


class Attention(nn.Module):
    """Multi-head attention; queries, keys and values are computed by one weight, each from a third of its rows."""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def project(self, x, first, last):
        """[batch, time, width] to the thirds from first to last, each [batch, heads, time, width / heads]."""
        width = x.shape[2]
        rows = slice(first * width, last * width)
        y = F.linear(x, self.qkv.weight[rows], self.qkv.bias[rows])
        return y.view(*x.shape[:2], last - first, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def mix(self, q, k, v, mask):
        """Attends; mask is true where a query does not see a key, or None for all keys."""
        scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        weights = F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)
        return self.out((weights @ v).transpose(1, 2).flatten(2))

    def forward(self, x, source=None, mask=None):
        if source is None:
            return self.mix(*self.project(x, 0, 3), mask)
        return self.mix(*self.project(x, 0, 1), *self.project(source, 1, 3), mask)


class Block(nn.Module):
    """A block with the normalisation after each sum (Vaswani et al. 2017); with cross-attention where it decodes."""

    def __init__(self, width, heads, inner, decodes=False, activation=F.relu, dropout=0.0, attention_dropout=0.0):
        super().__init__()
        self.activation, self.dropout = activation, nn.Dropout(dropout)
        self.attention = Attention(width, heads, attention_dropout)
        self.cross = Attention(width, heads, attention_dropout) if decodes else None
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if decodes else 2))

    def forward(self, x, mask, source=None, source_mask=None):
        x = self.norms[0](x + self.dropout(self.attention(x, mask=mask)))
        if source is not None:
            x = self.norms[1](x + self.dropout(self.cross(x, source, source_mask)))
        return self.feed_forward(x)

    def feed_forward(self, x):
        return self.norms[-1](x + self.dropout(self.down(self.activation(self.up(x)))))


class Transformer(nn.Module):
    """Encoder and decoder with one embedding for sources, targets and output, and sinusoidal positions."""

    def __init__(self, vocabulary, layers, heads, width, inner, context, dropout=0.0, smoothing=0.0, activation=F.relu):
        super().__init__()
        self.smoothing, self.dropout = smoothing, nn.Dropout(dropout)
        self.tokens = nn.Embedding(vocabulary, width)

        def blocks(decodes):
            return nn.ModuleList(
                Block(width, heads, inner, decodes, activation, dropout=dropout) for _ in range(layers)
            )

        self.encoder, self.decoder = blocks(False), blocks(True)
        angles = torch.arange(context).view(-1, 1) / 10000 ** (torch.arange(0, width, 2).double() / width)
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], 1).float())
        self.register_buffer("future", torch.ones(context, context, dtype=torch.bool).triu(1))
        self.register_buffer("bias", torch.zeros(vocabulary))  # of the output; training leaves it at 0
        for name, parameter in self.named_parameters():
            if "qkv" in name or "tokens" in name:
                nn.init.normal_(parameter, 0, width**-0.5 if parameter.dim() == 2 else 0)
            elif parameter.dim() == 2:
                nn.init.xavier_normal_(parameter)
            elif "norm" not in name:
                nn.init.zeros_(parameter)

    def embed(self, ids, start=0):
        x = self.tokens(ids) * math.sqrt(self.tokens.embedding_dim) + self.positions[start : start + ids.shape[1]]
        return self.dropout(x)

    def encode(self, source, padding):
        x = self.embed(source)
        for block in self.encoder:
            x = block(x, padding)
        return x

    def decode(self, inputs, source, padding):
        x, future = self.embed(inputs), self.future[: inputs.shape[1], : inputs.shape[1]]
        for block in self.decoder:
            x = block(x, future, source, padding)
        return x

    def logits(self, x):
        return F.linear(x, self.tokens.weight, self.bias)

    def forward(self, source, padding, inputs, targets):
        x = self.decode(inputs, self.encode(source, padding), padding)
        counted = targets != NOT_COUNTED  # the products of padding with the vocabulary are saved
        return F.cross_entropy(self.logits(x[counted]), targets[counted], label_smoothing=self.smoothing)


def padded(rows, filler):
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def read_pairs(path):
    """Lines of a source's ids, a tab and a target's ids, each id parted from the next by a space."""
    with open(path, encoding="ascii") as file:
        return [tuple([int(i) for i in side.split()] for side in line.split("\t")) for line in file]


def gather(pairs, tokens, start, end, pad):
    """Batches of pairs of like length: rows times the longest sequence of either side are at most tokens."""
    pairs = [(source + [end], target + [end]) for source, target in pairs]

    def key(pair):
        longest, difference = max(map(len, pair)), len(pair[0]) - len(pair[1])
        return longest, difference if longest % 2 == 0 else -difference

    groups, rows = [], []
    for pair in sorted(pairs, key=key):
        if rows and (len(rows) + 1) * max(map(len, pair)) > tokens:
            groups.append(rows)
            rows = []
        rows.append(pair)
    groups.append(rows)
    for group in groups:
        sources, targets = zip(*group)
        source = padded(sources, pad)
        padding = padded([[False] * len(row) for row in sources], True)[:, None, None, :]
        yield source, padding, padded([[start] + row[:-1] for row in targets], pad), padded(targets, NOT_COUNTED)


def main():
    parser = argparse.ArgumentParser()
    add_options(parser, steps=60)
    parser.add_argument("--ids", required=True, help="a text file: ids of a source, a tab, ids of its target")
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--smoothing", type=float, default=0.1)
    numbers = {"vocabulary": 10000, "layers": 4, "heads": 4, "width": 128, "inner": 256, "context": 256,
               "tokens": 4096, "pad": 0, "start": 1, "end": 2}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()

    batches = list(gather(read_pairs(args.ids), args.tokens, args.start, args.end, args.pad))
    counted = sum((targets != NOT_COUNTED).sum().item() for *_, targets in batches)

    def build():
        random.seed(1)
        return Transformer(args.vocabulary, args.layers, args.heads, args.width, args.inner, args.context, args.dropout,
                           args.smoothing)

    report(args, build, lambda: random.choice(batches), counted / len(batches))


if __name__ == "__main__":
    main()
