#!/usr/bin/env python3
"""Trains a small U-Net by flow matching on MNIST with PyTorch, or draws from it, as a peer for our own: the same network,
batch, update and sampler.

Prints one JSON line: pictures a second (median over timed steps), the mean loss of the last tenth of the steps, and the
peak resident memory in MiB.
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


def drawn(layer, gain=1.0):
    """A layer whose weights are drawn as ours are, so that both begin alike."""
    nn.init.normal_(layer.weight, 0, gain * layer.weight[0].numel() ** -0.5)
    nn.init.zeros_(layer.bias)
    return layer


class Norm(nn.GroupNorm):
    """Group normalisation in the type of its input, which autocast leaves to us."""

    def __init__(self, channels):
        super().__init__(8, channels)

    def forward(self, x):
        return F.group_norm(x, 8, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Block(nn.Module):
    def __init__(self, inputs, outputs, told):
        super().__init__()
        self.norm1, self.norm2 = Norm(inputs), Norm(outputs)
        self.conv1 = drawn(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.conv2 = drawn(nn.Conv2d(outputs, outputs, 3, padding=1), gain=0)
        self.told = drawn(nn.Linear(told, 2 * outputs), gain=0.1)
        self.skip = nn.Identity() if inputs == outputs else drawn(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x, told):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.told(told).to(h.dtype)[:, :, None, None].chunk(2, 1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.conv2(F.silu(h)) + self.skip(x)


class UNet(nn.Module):
    waves = 64

    def __init__(self, patch, channels, blocks, classes):
        super().__init__()
        self.patch, self.classes, values, told = patch, classes, patch * patch, 4 * channels[0]
        self.time = nn.Sequential(drawn(nn.Linear(2 * self.waves, told)), nn.SiLU(), drawn(nn.Linear(told, told)))
        self.labels = nn.Embedding(classes + 1, told)
        nn.init.normal_(self.labels.weight, 0, 0.5)
        self.first = drawn(nn.Conv2d(values, channels[0], 3, padding=1))
        self.down, self.up, self.halve, self.doubled = (nn.ModuleList() for _ in range(4))
        c, kept = channels[0], []
        for level, width in enumerate(channels):
            self.down.append(nn.ModuleList())
            for _ in range(blocks):
                self.down[-1].append(Block(c, width, told))
                c = width
                kept.append(c)
            if level + 1 < len(channels):
                self.halve.append(drawn(nn.Conv2d(c, c, 3, 2, 1)))
        self.middle = Block(c, c, told)
        for level in reversed(range(len(channels))):
            self.up.append(nn.ModuleList())
            for _ in range(blocks):
                self.up[-1].append(Block(c + kept.pop(), channels[level], told))
                c = channels[level]
            if level > 0:
                self.doubled.append(drawn(nn.Conv2d(c, 4 * channels[level - 1], 1)))
                c = channels[level - 1]
        self.norm = Norm(c)
        self.last = drawn(nn.Conv2d(c, values, 3, padding=1), gain=0)

    def forward(self, x, times, labels):
        rates = torch.exp(torch.arange(self.waves) * (-math.log(10_000) / self.waves))
        angles = times[:, None] * 1000 * rates
        told = F.silu(self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.labels(labels))
        x = self.first(F.pixel_unshuffle(x, self.patch))
        twins = []
        for level, blocks in enumerate(self.down):
            for block in blocks:
                x = block(x, told)
                twins.append(x)
            if level < len(self.halve):
                x = self.halve[level](x)
        x = self.middle(x, told)
        for level, blocks in enumerate(self.up):
            for block in blocks:
                x = block(torch.cat([x, twins.pop()], 1), told)
            if level < len(self.doubled):
                x = F.pixel_shuffle(self.doubled[level](x), 2)
        return F.pixel_shuffle(self.last(F.silu(self.norm(x))).float(), self.patch)


def read(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    dims = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return torch.frombuffer(bytearray(data[4 + 4 * len(dims) :]), dtype=torch.uint8).view(dims)


def train(model, args, autocast):
    pictures, labels = read(f"{args.data}/train-images-idx3-ubyte.gz"), read(f"{args.data}/train-labels-idx1-ubyte.gz").long()
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.99), weight_decay=0, foreach=True)
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        at = torch.randint(len(pictures), (args.batch,))
        x = pictures[at].float()[:, None] / 127.5 - 1
        told = labels[at].masked_fill(torch.rand(args.batch) < 0.1, model.classes)
        times, noise = torch.randn(args.batch).sigmoid(), torch.randn_like(x)
        t = times[:, None, None, None]
        noisy = (1 - t) * x + t * noise
        if args.layout == "last":
            noisy = noisy.contiguous(memory_format=torch.channels_last)
        with autocast:
            predicted = model(noisy, times, told)
        loss = F.mse_loss(predicted, noise - x)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(average, 0.998)
            torch._foreach_add_(average, [p.detach() for p in parameters], alpha=0.002)
        losses.append(loss.detach())
        seconds.append(time.perf_counter() - start)
    timed = seconds[args.steps // 3 :]
    return args.batch / statistics.median(timed), torch.stack(losses[-max(1, args.steps // 10) :]).mean().item()


def heun(velocity, x, steps):
    """Follows a velocity from noise by Heun's steps, the last one Euler's."""
    for i in range(steps):
        t, s = 1 - i / steps, 1 - (i + 1) / steps
        slope = velocity(x, t)
        ahead = x + (s - t) * slope
        x = ahead if s <= 0 else x + (s - t) / 2 * (slope + velocity(ahead, s))
    return x


@torch.inference_mode()
def sample(model, args, autocast):
    def velocity(x, t, labels):
        with autocast:
            return model(x, torch.full((len(x),), t), labels)

    seconds = []
    for _ in range(args.steps):
        start = time.perf_counter()
        labels = torch.randint(model.classes, (args.batch,))
        x = torch.randn(args.batch, 1, 28, 28)
        if args.layout == "last":
            x = x.contiguous(memory_format=torch.channels_last)
        x = heun(lambda x, t: velocity(x, t, labels), x, args.looks)
        ((x.clamp(-1, 1) + 1) * 127.5).round().byte()
        seconds.append(time.perf_counter() - start)
    return args.batch / statistics.median(seconds[1:]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "sample"])
    parser.add_argument("--data", required=True, help="the folder of MNIST's four files")
    parser.add_argument("--patch", type=int, default=2)
    parser.add_argument("--channels", type=int, nargs="+", default=[48, 96])
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--looks", type=int, default=10, help="steps of the sampler")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--layout", choices=["first", "last"], default="first")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    model = UNet(args.patch, args.channels, args.blocks, 10)
    if args.layout == "last":
        model = model.to(memory_format=torch.channels_last)
    autocast = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    value, loss = (train if args.work == "train" else sample)(model, args, autocast)
    print(json.dumps({"value": value, "loss": loss, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
