#!/usr/bin/env python3
"""Trains a convolutional VAE with PyTorch, or draws from it, as a peer for our own: the same network, batch and update.

Prints one JSON line: pictures a second (median over timed steps), the mean loss of the last tenth of the steps in nats a
picture, and the peak resident memory in MiB.
"""
import argparse
import contextlib
import gzip
import json
import math
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


class GroupNorm(nn.GroupNorm):
    """Takes bf16 too, which autocast leaves alone."""

    def __init__(self, channels):
        super().__init__(8, channels)

    def forward(self, x):
        return F.group_norm(x, 8, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Residual(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x))))))."""

    def __init__(self, channels):
        super().__init__()
        self.norm1, self.norm2 = GroupNorm(channels), GroupNorm(channels)
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels)

    def forward(self, x):
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class Vae(nn.Module):
    def __init__(self, side, channels, latent, blocks, classes):
        super().__init__()
        self.side, self.top = side >> len(channels), channels[-1]
        features = self.top * self.side**2
        self.down, inputs = nn.ModuleList(), 1
        for outputs in channels:
            self.down.append(conv(inputs, outputs, 2))
            self.down.extend(Residual(outputs) for _ in range(blocks))
            inputs = outputs
        self.norm_in = GroupNorm(self.top)
        self.head = nn.Linear(features, 2 * latent)
        self.first = nn.Linear(latent, features)
        self.told_in = nn.Embedding(classes, 2 * latent) if classes else None
        self.told_out = nn.Embedding(classes, features) if classes else None
        self.up = nn.ModuleList()
        for level in reversed(range(len(channels))):
            self.up.extend(Residual(channels[level]) for _ in range(blocks))
            if level:
                self.up.append(nn.Sequential(nn.Upsample(scale_factor=2), conv(channels[level], channels[level - 1])))
        self.norm_out = GroupNorm(channels[0])
        self.last = conv(channels[0], 4)
        self.log_variance = nn.Parameter(torch.zeros(()))

    def encode(self, x, y):
        for layer in self.down:
            x = layer(x)
        h = self.head(F.silu(self.norm_in(x)).flatten(1))
        h = h.float() if self.told_in is None else h.float() + self.told_in(y)
        return h.chunk(2, 1)

    def decode(self, z, y):
        h = self.first(z)
        h = h if self.told_out is None else h + self.told_out(y)
        h = h.view(-1, self.top, self.side, self.side)
        for layer in self.up:
            h = layer(h)
        return torch.tanh(F.pixel_shuffle(self.last(F.silu(self.norm_out(h))).float(), 2))

    def forward(self, x, y, beta=1.0):
        """The negative evidence lower bound with one variance for all values, in nats a picture."""
        mean, log_variance = self.encode(x, y)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        squares = (x - self.decode(z, y)).square().sum((1, 2, 3))
        size = x[0].numel()
        surprise = 0.5 * (squares / self.log_variance.exp() + size * (self.log_variance + math.log(2 * math.pi)))
        return (surprise + beta * divergence).mean()


def read(path):
    with gzip.open(path) as file:
        data = file.read()
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def train(model, args, autocast):
    """Pictures a second and the mean loss, AdamW and a moving average of the weights among the work."""
    pictures = read(f"{args.data}/train-images-idx3-ubyte.gz")[16:].view(-1, 1, 28, 28)
    labels = read(f"{args.data}/train-labels-idx1-ubyte.gz")[8:].long()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0, foreach=True)
    weights = list(model.parameters())
    averages = [w.detach().clone() for w in weights]
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        at = torch.randint(len(pictures), (args.batch,))
        x = pictures[at].float() / 127.5 - 1
        if args.layout == "last":
            x = x.contiguous(memory_format=torch.channels_last)
        with autocast:
            loss = model(x, labels[at])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(averages, 0.998)
            torch._foreach_add_(averages, [w.detach() for w in weights], alpha=0.002)
        losses.append(loss.detach())
        seconds.append(time.perf_counter() - start)
    loss = torch.stack(losses[-max(1, args.steps // 10) :]).mean().item()
    return args.batch / statistics.median(seconds[args.steps // 3 :]), loss


def sample(model, args, autocast):
    """Pictures a second from the standard normal prior, as bytes."""
    seconds = []
    for _ in range(args.steps):
        start = time.perf_counter()
        with autocast, torch.inference_mode():
            drawn = model.decode(torch.randn(args.batch, args.latent), torch.randint(10, (args.batch,)))
            drawn.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        seconds.append(time.perf_counter() - start)
    return args.batch / statistics.median(seconds[1:]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "sample"])
    parser.add_argument("--data", required=True, help="the folder of MNIST's four files")
    parser.add_argument("--channels", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--latent", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--layout", choices=["first", "last"], default="first")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    model = Vae(28, args.channels, args.latent, args.blocks, 10)
    if args.layout == "last":
        model = model.to(memory_format=torch.channels_last)
    autocast = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    value, loss = (train if args.work == "train" else sample)(model, args, autocast)
    print(json.dumps({"value": value, "loss": loss, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
