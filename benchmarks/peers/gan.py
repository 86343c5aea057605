#!/usr/bin/env python3
"""Trains a conditional DCGAN (hinge loss, spectral norm, projection) on MNIST with PyTorch, or draws from its generator, as
a peer for our own: the same networks, batch and updates.

Prints one JSON line: pictures a second (median over timed steps), the discriminator's mean loss of the last tenth of the
steps, and the peak resident memory in MiB.
"""
import argparse
import contextlib
import gzip
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm


def drawn(layer, deviation):
    """A layer whose weights are drawn as ours are, so that both begin alike."""
    nn.init.normal_(layer.weight, 0, deviation)
    if getattr(layer, "bias", None) is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Norm(nn.GroupNorm):
    """Group normalisation in the type of its input, which autocast leaves to us."""

    def __init__(self, channels):
        super().__init__(8, channels)

    def forward(self, x):
        return F.group_norm(x, 8, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Generator(nn.Module):
    def __init__(self, noise, channels, classes):
        super().__init__()
        self.noise, self.channels, self.side = noise, channels, 28 >> len(channels)
        self.labels = nn.Embedding(classes, noise)
        self.first = drawn(nn.Linear(2 * noise, channels[0] * self.side**2), (2 * noise) ** -0.5)
        self.norms = nn.ModuleList(Norm(c) for c in channels)
        self.doublings = nn.ModuleList(
            drawn(nn.ConvTranspose2d(a, b, 4, 2, 1), (4 * a) ** -0.5) for a, b in zip(channels, channels[1:] + [1])
        )

    def forward(self, z, labels):
        x = self.first(torch.cat([z, self.labels(labels)], 1)).view(-1, self.channels[0], self.side, self.side)
        for norm, doubling in zip(self.norms, self.doublings):
            x = doubling(F.relu(norm(x)))
        return x.float().tanh()


class Discriminator(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        widths = [1] + channels[::-1]
        self.halvings = nn.ModuleList(
            spectral_norm(drawn(nn.Conv2d(a, b, 4, 2, 1), (2 / (16 * a)) ** 0.5)) for a, b in zip(widths, widths[1:])
        )
        features = channels[0] * (28 >> len(channels)) ** 2
        self.logit = spectral_norm(drawn(nn.Linear(features, 1), features**-0.5))
        self.labels = spectral_norm(drawn(nn.Embedding(classes, features), features**-0.5))

    def forward(self, x, labels):
        for halving in self.halvings:
            x = F.leaky_relu(halving(x), 0.1)
        x = x.float().flatten(1)
        return self.logit(x).squeeze(1) + (x * self.labels(labels)).sum(1)


def read(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    dims = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return torch.frombuffer(bytearray(data[4 + 4 * len(dims) :]), dtype=torch.uint8).view(dims)


def train(generator, discriminator, args, autocast):
    pictures, labels = read(f"{args.data}/train-images-idx3-ubyte.gz"), read(f"{args.data}/train-labels-idx1-ubyte.gz").long()
    players = [list(discriminator.parameters()), list(generator.parameters())]
    optimizers = [torch.optim.Adam(p, lr=4e-4, betas=(0.5, 0.99), foreach=True) for p in players]
    with torch.no_grad():
        for _ in range(20):  # power iterations before the first step
            discriminator(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.long))
    everything = players[0] + players[1]
    average = [p.detach().clone() for p in everything]
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        at = torch.randint(len(pictures), (args.batch,))
        real, told = pictures[at].float()[:, None] / 127.5 - 1, labels[at]
        if args.layout == "last":
            real = real.contiguous(memory_format=torch.channels_last)

        discriminator.train()
        for p in players[0]:
            p.requires_grad_(True)
        with torch.no_grad(), autocast:
            made = generator(torch.randn(args.batch, generator.noise), told)
        with autocast:
            logits = discriminator(torch.cat([real, made]), torch.cat([told, told]))
        loss = F.relu(1 - logits[: args.batch]).mean() + F.relu(1 + logits[args.batch :]).mean()
        optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[0].step()
        losses.append(loss.detach())

        discriminator.eval()  # one power iteration a step
        for p in players[0]:
            p.requires_grad_(False)
        with autocast:
            made = generator(torch.randn(args.batch, generator.noise), told)
            logits = discriminator(made, told)
        optimizers[1].zero_grad(set_to_none=True)
        (-logits.mean()).backward()
        optimizers[1].step()
        with torch.no_grad():
            torch._foreach_mul_(average, 0.999)
            torch._foreach_add_(average, [p.detach() for p in everything], alpha=0.001)
        seconds.append(time.perf_counter() - start)
    timed = seconds[args.steps // 3 :]
    return args.batch / statistics.median(timed), torch.stack(losses[-max(1, args.steps // 10) :]).mean().item()


@torch.inference_mode()
def sample(generator, args, autocast):
    seconds = []
    for _ in range(args.steps):
        start = time.perf_counter()
        z, told = torch.randn(args.batch, generator.noise), torch.randint(10, (args.batch,))
        with autocast:
            made = generator(z, told)
        ((made + 1) * 127.5).round().byte()
        seconds.append(time.perf_counter() - start)
    return args.batch / statistics.median(seconds[args.steps // 3 :]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "sample"])
    parser.add_argument("--data", required=True, help="the folder of MNIST's four files")
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 32])
    parser.add_argument("--noise", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--layout", choices=["first", "last"], default="first")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    generator, discriminator = Generator(args.noise, args.channels, 10), Discriminator(args.channels, 10)
    if args.layout == "last":
        generator, discriminator = (m.to(memory_format=torch.channels_last) for m in (generator, discriminator))
    autocast = torch.autocast("cpu", torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    value, loss = train(generator, discriminator, args, autocast) if args.work == "train" else sample(generator, args, autocast)
    print(json.dumps({"value": value, "loss": loss, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
