#!/usr/bin/env python3
"""Translates token ids by beam search with PyTorch, keys and values cached, as a peer for our own: the same network,
from a folder in Marian's files, the same sources and the same search.

Prints one JSON line: translations a second, the mean negative log probability of the translations' tokens, and the peak
resident memory in MiB.
"""
import argparse
import contextlib
import heapq
import json
import os
import resource
import time

import torch
from torch.nn import functional as F

from transformer import Transformer, padded

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "swish": F.silu, "silu": F.silu}


def read_tensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    start = 8 + int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            kind, size = {"F32": (torch.float32, 4), "BF16": (torch.bfloat16, 2)}[entry["dtype"]]
            first, last = entry["data_offsets"]
            values = torch.frombuffer(data, dtype=kind, count=(last - first) // size, offset=start + first)
            yield name, values.float().view(entry["shape"])


def read_model(folder):
    """The network and its configuration, from files in Marian's layout with one embedding for all."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    model = Transformer(config["vocab_size"], config["encoder_layers"], config["encoder_attention_heads"],
                        config["d_model"], config["encoder_ffn_dim"], config["max_position_embeddings"],
                        activation=ACTIVATIONS[config["activation_function"]]).eval()
    tensors = dict(read_tensors(os.path.join(folder, "model.safetensors")))
    model.tokens.weight.data = tensors["model.shared.weight"]
    if "final_logits_bias" in tensors:
        model.bias = tensors["final_logits_bias"].view(-1)

    def fill(module, prefix, *names):
        for kind in ("weight", "bias"):
            getattr(module, kind).data = torch.cat([tensors[f"{prefix}{name}.{kind}"] for name in names])

    for side, blocks in (("encoder", model.encoder), ("decoder", model.decoder)):
        for i, block in enumerate(blocks):
            prefix = f"model.{side}.layers.{i}."
            for name, attention, norm in (("self_attn", block.attention, 0), ("encoder_attn", block.cross, 1)):
                if attention is not None:
                    fill(attention.qkv, prefix, *(f"{name}.{part}_proj" for part in "qkv"))
                    fill(attention.out, prefix, f"{name}.out_proj")
                    fill(block.norms[norm], prefix, f"{name}_layer_norm")
            fill(block.up, prefix, "fc1")
            fill(block.down, prefix, "fc2")
            fill(block.norms[-1], prefix, "final_layer_norm")
    return model, config


class Beams:
    """The unfinished translations of a batch, width of them for each source, with the keys and values of each block."""

    def __init__(self, model, config, sources, width):
        self.model, self.width = model, width
        self.banned = [config["pad_token_id"]] if config["pad_token_id"] != config["eos_token_id"] else []
        source = padded(sources, config["pad_token_id"])
        padding = padded([[False] * len(row) for row in sources], True)[:, None, None, :]
        encoded = model.encode(source, padding)
        self.sources = torch.arange(len(sources))
        self.padding = padding
        self.cross = [block.cross.project(encoded, 1, 3) for block in model.decoder]  # [source, head, span, size]
        self.past = [None] * len(model.decoder)  # [source · width, head, time, size]
        self.last = torch.full((len(sources) * width, 1), config["decoder_start_token_id"])
        self.scores = torch.full((len(sources), width), float("-inf"))
        self.scores[:, 0] = 0
        self.ids = torch.empty(len(sources), width, 0, dtype=torch.long)

    def extend(self):
        """The sums of log probabilities of each beam with each token next, [source, width · vocabulary]."""
        count = len(self.sources)
        x = self.model.embed(self.last, self.ids.shape[2])
        for i, block in enumerate(self.model.decoder):
            q, k, v = block.attention.project(x, 0, 3)
            if self.past[i] is not None:
                k, v = torch.cat([self.past[i][0], k], 2), torch.cat([self.past[i][1], v], 2)
            self.past[i] = k, v
            x = block.norms[0](x + block.attention.mix(q, k, v, None)).view(count, self.width, -1)
            q, = block.cross.project(x, 0, 1)  # the beams of a source see the same keys
            x = block.norms[1](x + block.cross.mix(q, *self.cross[i], self.padding))
            x = block.feed_forward(x).view(count * self.width, 1, -1)
        logits = self.model.logits(x[:, 0]).float()
        logits[:, self.banned] = float("-inf")
        return (self.scores.view(-1, 1) + F.log_softmax(logits, -1)).view(count, -1)

    def keep(self, rows, origins, tokens, scores):
        """Goes on with some sources' beams: which they come from, and their tokens and scores, each [source, width]."""
        at = (rows.view(-1, 1) * self.width + origins).view(-1)
        self.past = [(k.index_select(0, at), v.index_select(0, at)) for k, v in self.past]
        if len(rows) < len(self.sources):
            self.cross = [(k.index_select(0, rows), v.index_select(0, rows)) for k, v in self.cross]
            self.padding, self.sources = self.padding[rows], self.sources[rows]
        self.ids = torch.cat([self.ids.flatten(0, 1)[at].view(*tokens.shape, -1), tokens[:, :, None]], 2)
        self.last, self.scores = tokens.reshape(-1, 1), scores


def search(model, config, sources, width, penalty, longest, early):
    """The best translation of each source by sum of log probabilities / length ^ penalty: (score, sum, ids). The search
    for a source ends with as many translations as beams, or only when no beam may become better than they are."""
    beams, end = Beams(model, config, sources, width), config["eos_token_id"]
    vocabulary = config["vocab_size"]
    found = [[] for _ in sources]

    def finish(source, total, ids):
        heapq.heappush(found[source], (total / (len(ids) ** penalty), total, ids))
        if len(found[source]) > width:
            heapq.heappop(found[source])

    for length in range(1, longest + 1):
        totals, at = beams.extend().topk(2 * width)
        origins, tokens = at // vocabulary, at % vocabulary
        ended = tokens == end
        for row, rank in ended[:, :width].nonzero().tolist():
            ids = beams.ids[row, origins[row, rank]].tolist() + [end]
            finish(beams.sources[row].item(), totals[row, rank].item(), ids)
        running, ranks = totals.masked_fill(ended, float("-inf")).topk(width)
        best = (running[:, 0] / length**penalty).tolist()
        rows = [row for row, source in enumerate(beams.sources.tolist())
                if len(found[source]) < width or (not early and found[source][0][0] < best[row])]
        if not rows:
            break
        rows = torch.tensor(rows)
        beams.keep(rows, origins.gather(1, ranks)[rows], tokens.gather(1, ranks)[rows], running[rows])
    else:
        for row, source in enumerate(beams.sources.tolist()):
            for total, ids in zip(beams.scores[row].tolist(), beams.ids[row].tolist()):
                finish(source, total, ids)
    return [max(hypotheses) for hypotheses in found]


@torch.inference_mode()
def translate(args, precision, model, config, sources):
    """Translates all sources, those of like length together, after some to warm up."""
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]), reverse=True)
    batches = [order[i : i + args.batch] for i in range(0, len(order), args.batch)]
    autocast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    results = [None] * len(sources)

    def run(batch):
        with autocast:
            found = search(model, config, [sources[i] for i in batch], args.beam, args.penalty, args.longest,
                           args.early)
        for i, result in zip(batch, found):
            results[i] = result

    run(batches[len(batches) // 2])
    start = time.perf_counter()
    for batch in batches:
        run(batch)
    seconds = time.perf_counter() - start
    tokens = sum(len(ids) for *_, ids in results)
    figures = {"value": len(sources) / seconds, "loss": -sum(total for _, total, _ in results) / tokens,
               "precision": precision}
    return figures, results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, help="a folder with config.json and model.safetensors")
    parser.add_argument("--sources", required=True, help="a text file: each line the ids of a source, without its end")
    parser.add_argument("--out", help="a file for the ids of the translations")
    parser.add_argument("--precision", choices=["fp32", "bf16", "best"], default="best")
    parser.add_argument("--early", action="store_true", help="end a search with as many translations as beams")
    parser.add_argument("--penalty", type=float, default=1.0, help="exponent of the length")
    for name, value in {"threads": 2, "beam": 5, "batch": 32, "longest": 128}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    model, config = read_model(args.model)
    with open(args.sources, encoding="ascii") as file:
        sources = [[int(i) for i in line.split()] + [config["eos_token_id"]] for line in file]
    precisions = ["fp32", "bf16"] if args.precision == "best" else [args.precision]
    ways = [translate(args, precision, model, config, sources) for precision in precisions]
    figures, results = max(ways, key=lambda way: way[0]["value"])
    if args.out:
        with open(args.out, "w", encoding="ascii") as file:
            file.writelines(" ".join(map(str, ids)) + "\n" for *_, ids in results)
    print(json.dumps({**figures, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
