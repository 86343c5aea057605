"""The ALARM network by pgmpy: drawing rows, learning a structure, answering queries.

pgmpy_network.py draw|structure|query BIF CSV QUESTIONS
pgmpy_network.py distance RECIPE CSV [ROWS]: how far hill climbing ends from the recipe's compareWith

PGMPY names the folder that holds the packages pgmpy and opt_einsum where Python does not find them itself.
Prints one JSON line: the work's rate, the most memory held, and a figure that shows that the work was the same.
"""
import gzip
import json
import os
import re
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
if os.environ.get("PGMPY"):
    sys.path.insert(0, os.environ["PGMPY"])

import logging

import pandas as pd

try:
    from pgmpy.readwrite import BIFReader
except ImportError as error:
    sys.exit(f"{error}: set PGMPY to a folder that holds the packages pgmpy and opt_einsum")

logging.disable(logging.WARNING)
ROWS = 10_000
SECONDS = 3.0


def rate(work, least=3):
    """Calls the work for a while and gives the median of calls a second."""
    work()
    times = []
    begin = time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1 / sorted(times)[len(times) // 2]


def distance(recipe, csv, rows=None):
    """Learns from the first rows of a table and compares edge by edge; of equal moves another run may take others."""
    from pgmpy.estimators import BicScore, HillClimbSearch

    with open(recipe) as file:
        true = set(re.findall(r"(\w+)->(\w+)", file.read()))
    data = pd.read_csv(csv, dtype=str, keep_default_na=False, nrows=rows)
    model = HillClimbSearch(data).estimate(scoring_method=BicScore(data), show_progress=False)
    learned = set(model.edges())
    right = len(learned & true)
    turned = len({(child, parent) for parent, child in learned} & true)
    print(
        f"{right} of {len(true)} edges with the right direction among {len(learned)}; "
        f"distance {len(true) + len(learned) - 2 * right - turned}, BIC {BicScore(data).score(model):.3f}"
    )


def main():
    work, bif, csv, questions = sys.argv[1:5]
    with gzip.open(bif, "rt") as file:
        model = BIFReader(string=file.read()).get_model()
    figure = None
    if work == "draw":
        value = ROWS * rate(lambda: model.simulate(n_samples=ROWS, show_progress=False))
    elif work == "structure":
        from pgmpy.estimators import BicScore, HillClimbSearch

        data = pd.read_csv(csv, dtype=str, keep_default_na=False)

        def learn():
            # A new score each time: its cache would answer otherwise.
            return HillClimbSearch(data).estimate(scoring_method=BicScore(data), show_progress=False)

        value = rate(learn, least=2)
        figure = BicScore(data).score(learn())
        true = set(model.edges())
        learned = list(learn().edges())
        print(f"{sum(e in true for e in learned)} of {len(true)} edges right among {len(learned)}", file=sys.stderr)
    else:
        from pgmpy.inference import VariableElimination

        with open(questions) as file:
            asked = json.load(file)
        inference = VariableElimination(model)

        def answer():
            return sum(
                inference.query([q["target"]], evidence=q["evidence"], show_progress=False)
                .get_value(**{q["target"]: q["state"]})
                for q in asked
            )

        value = len(asked) * rate(answer)
        figure = answer() / len(asked)
    print(json.dumps({"value": value, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": figure}))


if sys.argv[1] == "distance":
    distance(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else None)
else:
    main()
