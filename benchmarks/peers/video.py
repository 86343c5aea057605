#!/usr/bin/env python3
"""Trains a U-Net with factorised space-time layers by flow matching on clips with PyTorch, or draws from it, as a peer for
our own: the same network, batch, update and sampler. The clips are noise, which costs what others cost.

Prints one JSON line: clips a second (median over timed steps), the mean loss of the last tenth of the steps, and the peak
resident memory in MiB.
"""
import argparse
import contextlib
import json
import math
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from diffusion import Block, Norm, drawn, heun


def positions(frames, width):
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(frames)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)


class Time(nn.Module):
    """Attention over time at each place."""

    def __init__(self, channels, heads, frames):
        super().__init__()
        self.heads, self.frames, self.norm = heads, frames, Norm(channels)
        self.qkv, self.out = drawn(nn.Linear(channels, 3 * channels)), drawn(nn.Linear(channels, channels), gain=0)
        self.register_buffer("places", positions(frames, channels))

    def forward(self, x):
        n, c, h, w = x.shape
        tokens = self.norm(x).view(-1, self.frames, c, h * w).permute(0, 3, 1, 2).reshape(-1, self.frames, c)
        q, k, v = (
            part.view(-1, self.frames, self.heads, c // self.heads).transpose(1, 2)
            for part in self.qkv(tokens + self.places.to(tokens.dtype)).chunk(3, -1)
        )
        weights = (q * (c // self.heads) ** -0.5 @ k.transpose(2, 3)).softmax(-1).to(v.dtype)
        mixed = self.out((weights @ v).transpose(1, 2).reshape(-1, self.frames, c))
        return x + mixed.view(-1, h * w, self.frames, c).permute(0, 2, 3, 1).reshape(n, c, h, w).to(x.dtype)


class VideoUNet(nn.Module):
    waves = 64

    def __init__(self, args):
        super().__init__()
        self.patch, self.classes, self.frames, told = args.patch, args.classes, args.frames, 4 * args.channels[0]
        values = args.patch * args.patch
        self.time = nn.Sequential(drawn(nn.Linear(2 * self.waves, told)), nn.SiLU(), drawn(nn.Linear(told, told)))
        self.labels = nn.Embedding(args.classes + 1, told)
        nn.init.normal_(self.labels.weight, 0, 0.5)
        self.first = drawn(nn.Conv2d(4 * values, args.channels[0], 3, padding=1))
        self.down, self.up, self.down_time, self.up_time, self.halve, self.doubled = (nn.ModuleList() for _ in range(6))
        c, kept = args.channels[0], []
        for level, width in enumerate(args.channels):
            self.down.append(Block(c, width, told))
            self.down_time.append(Time(width, args.heads, args.frames))
            c = width
            kept.append(c)
            if level + 1 < len(args.channels):
                self.halve.append(drawn(nn.Conv2d(c, c, 3, 2, 1)))
        self.middle, self.middle_time, self.middle_last = Block(c, c, told), Time(c, args.heads, args.frames), Block(c, c, told)
        for level in reversed(range(len(args.channels))):
            self.up.append(Block(c + kept.pop(), args.channels[level], told))
            c = args.channels[level]
            self.up_time.append(Time(c, args.heads, args.frames))
            if level > 0:
                self.doubled.append(drawn(nn.Conv2d(c, 4 * args.channels[level - 1], 1)))
                c = args.channels[level - 1]
        self.norm = Norm(c)
        self.last = drawn(nn.Conv2d(c, 3 * values, 3, padding=1), gain=0)

    def forward(self, x, given, times, labels):
        """x is [batch, frames, 3, height, width], given is 1 at given frames and 0 at others, [batch, frames]."""
        batch = len(x)
        rates = torch.exp(torch.arange(self.waves) * (-math.log(10_000) / self.waves))
        angles = (times[:, None] * (1 - given)).flatten()[:, None] * 1000 * rates
        each = labels[:, None].expand(batch, self.frames).flatten()
        told = F.silu(self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.labels(each))
        mark = given[:, :, None, None, None].expand(-1, -1, 1, *x.shape[3:])
        x = self.first(F.pixel_unshuffle(torch.cat([x, mark], 2).flatten(0, 1), self.patch))
        twins = []
        for level, block in enumerate(self.down):
            x = self.down_time[level](block(x, told))
            twins.append(x)
            if level < len(self.halve):
                x = self.halve[level](x)
        x = self.middle_last(self.middle_time(self.middle(x, told)), told)
        for level, block in enumerate(self.up):
            x = self.up_time[level](block(torch.cat([x, twins.pop()], 1), told))
            if level < len(self.doubled):
                x = F.pixel_shuffle(self.doubled[level](x), 2)
        return F.pixel_shuffle(self.last(F.silu(self.norm(x))).float(), self.patch).view(batch, self.frames, 3, 32, 32)


def train(model, args, autocast):
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.99), weight_decay=0, foreach=True)
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        x = torch.rand(args.batch, args.frames, 3, 32, 32) * 2 - 1
        labels = torch.randint(args.classes, (args.batch,)).masked_fill(torch.rand(args.batch) < 0.1, args.classes)
        given = (torch.arange(args.frames) < torch.randint(0, args.frames // 2, (args.batch, 1))).float()
        mask = given[:, :, None, None, None]
        times, noise = torch.randn(args.batch).sigmoid(), torch.randn_like(x)
        t = times[:, None, None, None, None]
        noisy = torch.lerp((1 - t) * x + t * noise, x, mask)
        with autocast:
            predicted = model(noisy, given, times, labels)
        loss = ((predicted - (noise - x)).square() * (1 - mask)).sum() / ((1 - mask).sum() * 3 * 32 * 32)
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


@torch.inference_mode()
def sample(model, args, autocast):
    given = torch.zeros(args.batch, args.frames)

    def velocity(x, t, labels):
        with autocast:
            return model(x, given, torch.full((len(x),), t), labels)

    seconds = []
    for _ in range(args.steps):
        start = time.perf_counter()
        labels = torch.randint(args.classes, (args.batch,))
        x = torch.randn(args.batch, args.frames, 3, 32, 32)
        x = heun(lambda x, t: velocity(x, t, labels), x, args.looks)
        ((x.clamp(-1, 1) + 1) * 127.5).round().byte()
        seconds.append(time.perf_counter() - start)
    return args.batch / statistics.median(seconds[1:]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "sample"])
    parser.add_argument("--patch", type=int, default=2)
    parser.add_argument("--channels", type=int, nargs="+", default=[32, 64, 96])
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--classes", type=int, default=9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--looks", type=int, default=10, help="steps of the sampler")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--layout", choices=["first", "last"], default="first")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    model = VideoUNet(args)
    if args.layout == "last":
        model = model.to(memory_format=torch.channels_last)
    autocast = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    value, loss = (train if args.work == "train" else sample)(model, args, autocast)
    print(json.dumps({"value": value, "loss": loss, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
