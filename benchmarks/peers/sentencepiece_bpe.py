#!/usr/bin/env python3
"""Learns a BPE vocabulary of 4,096 with sentencepiece, or tokenizes with it, as a peer for ours: sentencepiece_bpe.py train|encode TEXT.

Prints one JSON line: bytes of text a second (median of five) and the peak resident memory in MiB.
"""
import io
import json
import os
import resource
import statistics
import sys
import time

import sentencepiece

VOCABULARY = 4096
REPEATS = 5


def train(path):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_writer=model, model_type="bpe", vocab_size=VOCABULARY, byte_fallback=True,
        num_threads=os.cpu_count(), minloglevel=2, max_sentence_length=1 << 20)
    return model.getvalue()


def main():
    mode, path = sys.argv[1:]
    if mode == "train":
        def work():
            return train(path)
    else:
        processor = sentencepiece.SentencePieceProcessor(model_proto=train(path))
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")

        def work():
            return processor.encode(lines, num_threads=os.cpu_count())
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "value": os.path.getsize(path) / statistics.median(seconds),
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))


if __name__ == "__main__":
    main()
