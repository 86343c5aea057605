"""Hidden Markov models of characters by pomegranate 0.14 (Debian's python3-pomegranate): hmm_pomegranate.py WORK STATES TEXT.

WORK is em (Baum-Welch iterations), viterbi or sample. Prints one JSON line: symbols a second, peak memory, nats a symbol.
"""
import json
import resource
import sys
import time

import numpy as np
from pomegranate import DiscreteDistribution, HiddenMarkovModel

work, states, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
text = open(path, encoding="utf-8").read()[:400_000]
names = sorted(set(text))
number = {c: i for i, c in enumerate(names)}
length = {"em": 400_000 if states <= 8 else 100_000, "viterbi": 400_000 if states <= 8 else 100_000, "sample": 50_000}[work]
symbols = np.array([number[c] for c in text[:length]])
random = np.random.default_rng(1)
transitions = random.random((states, states)) + 0.5
transitions /= transitions.sum(axis=1, keepdims=True)
counts = np.bincount(symbols, minlength=len(names)) + 0.01
emissions = counts * (0.1 + random.random((states, len(names))))
emissions /= emissions.sum(axis=1, keepdims=True)
model = HiddenMarkovModel.from_matrix(
    transitions, [DiscreteDistribution({i: p for i, p in enumerate(row)}) for row in emissions], np.full(states, 1 / states))
loss = None
start = time.perf_counter()
if work == "em":
    iterations = 2
    model.fit([symbols], max_iterations=iterations, stop_threshold=-1e300, n_jobs=1)
    done = iterations * length
elif work == "viterbi":
    logp, _ = model.viterbi(symbols)
    loss = -logp / length
    done = length
else:
    model.sample(n=1, length=length)
    done = length
seconds = time.perf_counter() - start
print(json.dumps({"value": done / seconds, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": loss}))
