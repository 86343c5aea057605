"""Hidden Markov models of characters by hmmlearn, scaled: hmm_hmmlearn.py em|viterbi|sample STATES TEXT.

HMMLEARN names the folder that holds the package hmmlearn where Python does not find it itself.
Prints one JSON line: symbols a second, the most memory held, nats a symbol.
"""
import json
import os
import resource
import sys
import time

if os.environ.get("HMMLEARN"):
    sys.path.insert(0, os.environ["HMMLEARN"])

import numpy as np

try:
    from hmmlearn.hmm import CategoricalHMM
except ImportError as error:
    sys.exit(f"{error}: set HMMLEARN to a folder that holds the package hmmlearn")

ITERATIONS = 5
work, states, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, encoding="utf-8") as file:
    text = file.read()[:400_000]
names = sorted(set(text))
number = {c: i for i, c in enumerate(names)}
symbols = np.array([number[c] for c in text]).reshape(-1, 1)
random = np.random.default_rng(1)
transitions = random.random((states, states)) + 0.5
counts = np.bincount(symbols[:, 0], minlength=len(names)) + 0.01
emissions = counts * (0.1 + random.random((states, len(names))))
model = CategoricalHMM(n_components=states, implementation="scaling", init_params="", n_iter=ITERATIONS, tol=-np.inf, random_state=1)
model.startprob_ = np.full(states, 1 / states)
model.transmat_ = transitions / transitions.sum(axis=1, keepdims=True)
model.emissionprob_ = emissions / emissions.sum(axis=1, keepdims=True)
model.n_features = len(names)
loss = None
length = len(symbols)
if work == "sample":
    length = 100_000
start = time.perf_counter()
if work == "em":
    model.fit(symbols)
    done = ITERATIONS * length
    loss = -model.monitor_.history[-1] / length
elif work == "viterbi":
    logp, _ = model.decode(symbols)
    done = length
    loss = -logp / length
else:
    model.sample(length)
    done = length
seconds = time.perf_counter() - start
print(json.dumps({"value": done / seconds, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": loss}))
