"""What the peers that train have in common: the options, the update, the timing and the line that they print."""
import contextlib
import json
import resource
import statistics
import time

import torch


def add_options(parser, steps, rate=1e-3):
    parser.add_argument("--precision", choices=["fp32", "bf16", "best"], default="best")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--foreach", action="store_true", help="AdamW over lists of tensors")
    parser.add_argument("--rate", type=float, default=rate)


def train(args, precision, build, draw, items):
    """Trains a model whose forward gives the loss of what draw gives; returns the figures."""
    torch.manual_seed(1)
    model = build()
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.99), foreach=args.foreach)
    autocast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    seconds, losses = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        batch = draw()
        with autocast:
            loss = model(*batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
        seconds.append(time.perf_counter() - start)
    return {
        "value": items / statistics.median(seconds[args.steps // 3 :]),
        "loss": torch.stack(losses[-max(1, args.steps // 10) :]).mean().item(),
        "precision": precision,
    }


def report(args, build, draw, items):
    """Trains in the precision asked for, or in both, and prints the figures of the faster training as one JSON line:
    tokens a second (median over timed steps), the mean loss of the last tenth of the steps, and the peak resident
    memory in MiB."""
    torch.set_num_threads(args.threads)
    precisions = ["fp32", "bf16"] if args.precision == "best" else [args.precision]
    best = max((train(args, p, build, draw, items) for p in precisions), key=lambda figures: figures["value"])
    print(json.dumps({**best, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
