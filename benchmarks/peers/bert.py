#!/usr/bin/env python3
"""Trains BERT's masked language model with PyTorch, as a peer for our own training: the same network, batch, share of
masks and update on the same token ids."""
import argparse
import array

import torch
from torch import nn
from torch.nn import functional as F

from timed_training import add_options, report
from transformer import NOT_COUNTED, Block


class Bert(nn.Module):
    def __init__(self, vocabulary, layers, heads, width, context, dropout):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.types = nn.Embedding(2, width)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, 4 * width, activation=F.gelu, dropout=dropout, attention_dropout=dropout)
            for _ in range(layers)
        )
        self.transform, self.transform_norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0, 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]] + self.types.weight[0]
        x = self.dropout(self.norm(x))
        for block in self.blocks:
            x = block(x, mask=None)  # rows are full
        masked = targets != NOT_COUNTED
        x = self.transform_norm(F.gelu(self.transform(x[masked])).float())  # autocast leaves the norm to us
        return F.cross_entropy(F.linear(x, self.tokens.weight, self.bias), targets[masked])


def main():
    parser = argparse.ArgumentParser()
    add_options(parser, steps=40, rate=5e-4)
    parser.add_argument("--ids", required=True, help="a file of token ids, 16 bits each")
    parser.add_argument("--share", type=float, default=0.15, help="of tokens to predict")
    parser.add_argument("--dropout", type=float, default=0.1)
    numbers = {"vocabulary": 10000, "layers": 6, "heads": 4, "width": 256, "context": 128, "batch": 32, "begin": 2,
               "end": 3, "mask": 4}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()

    with open(args.ids, "rb") as file:
        text = torch.tensor(array.array("H", file.read()), dtype=torch.long)
    length = args.context - 2  # of a row's text, between the tokens of its begin and end

    def build():
        return Bert(args.vocabulary, args.layers, args.heads, args.width, args.context, args.dropout)

    def draw():
        """Of the tokens to predict, 80 % are masked, 10 % are others at random (Devlin et al. 2019)."""
        at = torch.randint(len(text) - length, (args.batch,))
        ids = torch.stack([text[i : i + length] for i in at])
        chosen, kind = torch.rand(ids.shape) < args.share, torch.rand(ids.shape)
        targets = torch.where(chosen, ids, NOT_COUNTED)
        ids = torch.where(chosen & (kind < 0.8), args.mask, ids)
        others = torch.randint(args.vocabulary, ids.shape)
        ids = torch.where(chosen & (kind >= 0.9), others, ids)
        ids = F.pad(F.pad(ids, (1, 0), value=args.begin), (0, 1), value=args.end)
        return ids, F.pad(targets, (1, 1), value=NOT_COUNTED)

    report(args, build, draw, args.batch * length)


if __name__ == "__main__":
    main()
