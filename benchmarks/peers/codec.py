#!/usr/bin/env python3
"""Trains an audio codec without discriminators with PyTorch, or codes and decodes with it, as a peer for our own: the same
networks, residual vector quantisation, losses and update. The sounds are noise, which costs what others cost.

Prints one JSON line: clips (training) or seconds of sound (coding) a second, the median over timed steps, the mean loss of
the last tenth of the steps, and the peak resident memory in MiB.
"""
import argparse
import contextlib
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Unit(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.linear = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        return x + self.linear(F.silu(self.conv(F.silu(x))))


def encoder(channels, strides, size):
    layers, inputs = [], 1
    for outputs, stride in zip(channels, strides):
        layers += [nn.Conv1d(inputs, outputs, 2 * stride, stride, stride // 2 + stride % 2), Unit(outputs, 1), Unit(outputs, 3)]
        inputs = outputs
    return nn.Sequential(*layers, nn.SiLU(), nn.Conv1d(inputs, size, 3, padding=1))


def decoder(channels, strides, size):
    layers = [nn.Conv1d(size, channels[-1], 3, padding=1)]
    for level in reversed(range(len(channels))):
        outputs, stride = channels[level - 1] if level > 0 else 1, strides[level]
        layers += [Unit(channels[level], 1), Unit(channels[level], 3), nn.SiLU(),
                   nn.ConvTranspose1d(channels[level], outputs, 2 * stride, stride, stride // 2 + stride % 2, stride % 2)]
    return nn.Sequential(*layers)


class Quantizer(nn.Module):
    """Codebooks that follow the vectors by moving averages; codes that die are moved to vectors of the batch."""

    def __init__(self, books, codes, size, decay=0.99):
        super().__init__()
        self.decay = decay
        self.register_buffer("codes", torch.zeros(books, codes, size))
        self.register_buffer("counts", torch.zeros(books, codes))
        self.register_buffer("sums", torch.zeros(books, codes, size))

    def nearest(self, book, vectors):
        codes = self.codes[book]
        return (codes.square().sum(1) - 2 * vectors @ codes.T).argmin(1)

    @torch.no_grad()
    def follow(self, book, vectors):
        at = self.nearest(book, vectors)
        counts = torch.zeros_like(self.counts[book]).index_add_(0, at, torch.ones(len(at)))
        sums = torch.zeros_like(self.sums[book]).index_add_(0, at, vectors)
        self.counts[book].lerp_(counts, 1 - self.decay)
        self.sums[book].lerp_(sums, 1 - self.decay)
        share = len(vectors) / self.counts.shape[1]
        dead = (self.counts[book] < 0.02 * share).nonzero().flatten()
        if len(dead):
            self.counts[book][dead] = share
            self.sums[book][dead] = vectors[torch.randint(len(vectors), (len(dead),))] * share
        self.codes[book] = self.sums[book] / self.counts[book][:, None]

    def forward(self, vectors, counts=None):
        residual, total, commitment = vectors, torch.zeros_like(vectors), 0
        for book in range(len(self.codes)):
            if self.training:
                self.follow(book, residual.detach())
            found = self.codes[book][self.nearest(book, residual.detach())]
            residual = residual - found
            distance = residual.square().mean(1, keepdim=True)
            if counts is not None:
                kept = (counts >= book + 1).float()[:, None]
                found, distance = found * kept, distance * kept
            total, commitment = total + found, commitment + distance.mean()
        size = vectors.detach().square().mean() + 1e-8
        return vectors + (total - vectors).detach(), commitment / len(self.codes) / size


class Levels(nn.Module):
    """Levels of mel bands in bels."""

    def __init__(self, rate, window, bands):
        super().__init__()
        self.window, self.hop = window, window // 4
        self.register_buffer("shape", torch.hann_window(window) * 4 / window)
        points = torch.linspace(0, rate / 2, bands + 2)  # any filters cost the same
        bins = torch.linspace(0, rate / 2, window // 2 + 1)
        rise = (bins[:, None] - points[:-2]) / (points[1:-1] - points[:-2])
        fall = (points[2:] - bins[:, None]) / (points[2:] - points[1:-1])
        self.register_buffer("filters", torch.minimum(rise, fall).clamp(min=0))

    def forward(self, x):
        spectrum = torch.stft(x.float(), self.window, self.hop, window=self.shape, pad_mode="constant", return_complex=True)
        return (spectrum.abs().square().transpose(1, 2) @ self.filters + 1e-8).log10()


class Codec(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.books, self.dropout = args.books, 0.5
        self.encode, self.decode = encoder(args.channels, args.strides, 64), decoder(args.channels, args.strides, 64)
        self.quantizer = Quantizer(args.books, 1024, 64)
        self.levels = nn.ModuleList(Levels(args.rate, window, bands) for window, bands in args.scales)

    def forward(self, x, autocast):
        with autocast:
            vectors = self.encode(x).float()
        batch, size, frames = vectors.shape
        counts = torch.where(torch.rand(batch) < self.dropout, torch.randint(1, self.books + 1, (batch,)), self.books).float()
        through, commitment = self.quantizer(vectors.transpose(1, 2).flatten(0, 1), counts.repeat_interleave(frames))
        with autocast:
            again = self.decode(through.view(batch, frames, size).transpose(1, 2)).float()
        original, coded = x[:, 0], again[:, 0, : x.shape[2]]
        spectral = sum((scale(original) - scale(coded)).abs().mean() for scale in self.levels) / len(self.levels)
        waveform = (coded - original).abs().mean() / (original.abs().mean() + 1e-6)
        return 15 * spectral + 2 * waveform + commitment


def train(model, args, autocast):
    parameters = list(model.encode.parameters()) + list(model.decode.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-3, betas=(0.8, 0.99), foreach=True)
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        loss = model(torch.randn(args.batch, 1, args.samples) * 0.1, autocast)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 10.0)
        optimizer.step()
        losses.append(loss.detach())
        seconds.append(time.perf_counter() - start)
    timed = seconds[args.steps // 3 :]
    return args.batch / statistics.median(timed), torch.stack(losses[-max(1, args.steps // 10) :]).mean().item()


@torch.inference_mode()
def code(model, args, autocast):
    model.eval()
    seconds = []
    for _ in range(args.steps):
        x = torch.randn(1, 1, args.seconds * args.rate) * 0.1
        start = time.perf_counter()
        with autocast:
            vectors = model.encode(x).float()
            found, _ = model.quantizer(vectors[0].T)
            model.decode(found.T[None])
        seconds.append(time.perf_counter() - start)
    return args.seconds / statistics.median(seconds[1:]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "code"])
    parser.add_argument("--rate", type=int, default=8000)
    parser.add_argument("--samples", type=int, default=4000, help="of a clip")
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--strides", type=int, nargs="+", default=[8, 5, 4])
    parser.add_argument("--books", type=int, default=6)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=30, help="of the sound that is coded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    args = parser.parse_args()
    args.scales = [(64, 14), (128, 28), (256, 56), (512, 80)]
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    model = Codec(args)
    autocast = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    value, loss = (train if args.work == "train" else code)(model, args, autocast)
    print(json.dumps({"value": value, "loss": loss, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
