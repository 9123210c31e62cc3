"""Random calls with arrays of odd layouts: each gives what plain arrays give, or is refused.

    python -m tests.helpers.fuzz [--cases 3000] [--seed 0] [--device cpu] [PART ...]

cells       `nr.forward` and `Run.backward` on a device against `device="numpy"`: outputs, final states and every
            gradient, for lengths, masks, resets, initial states, truncated BPTT, both directions, and wrong arguments,
            which both refuse with the same sentence
losses      values and gradients of losses and metrics, against contiguous copies of the same arrays
optimizers  `apply`, against contiguous copies; what lies between the numbers stays as it was
models      `fit`, `evaluate`, `predict` and `set_weights`, against contiguous copies

Nowhere do arrays of the caller change, but for parameters that are updated, nor do results share their memory. Exit
code 1 when a case failed; its number with the same seed repeats it: --first NUMBER --cases 1.
"""

import argparse
import sys
import time
import traceback

import numpy as np

from . import fuzz_arrays, fuzz_cells, fuzz_models

PARTS = {
    "cells": fuzz_cells.case,
    "losses": fuzz_arrays.loss_case,
    "optimizers": fuzz_arrays.optimizer_case,
    "models": fuzz_models.case,
}
SHARES = {"cells": 1.0, "losses": 1.0, "optimizers": 0.5, "models": 0.3}  # of the cases asked for


def run(part, number, seed, device="cpu"):
    """Run one case; returns a word on what came of it. Raises AssertionError where something is wrong."""
    with np.errstate(all="ignore"):
        return PARTS[part](np.random.default_rng([seed, *part.encode(), number]), device)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--cases", type=int, default=3000, help="calls of cells; the other parts have fewer")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="number of the first case (default: 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="device to compare with numpy (default: cpu)")
    options = parser.parse_args()
    failed = 0
    for part in options.parts or PARTS:
        cases = options.cases if options.parts else int(options.cases * SHARES[part])
        outcomes, start = {}, time.perf_counter()
        for number in range(options.first, options.first + cases):
            try:
                outcome = run(part, number, options.seed, options.device)
            except Exception as error:
                outcome = "wrong"
                where = traceback.extract_tb(error.__traceback__)[-1]
                lines = " ".join(str(error).split())[:300]
                print(f"\n{part} {number}: {type(error).__name__} at {where.name}:{where.lineno}: {lines}")
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            counted = "  ".join(f"{n} {word}" for word, n in sorted(outcomes.items()))
            line = f"{part:<11} {counted}  {time.perf_counter() - start:.0f} s"
            if number % 20 == 0 and sys.stdout.isatty():
                print(f"\r{line}", end="", flush=True)
        print(f"\r{line}" if sys.stdout.isatty() else line, flush=True)
        failed += outcomes.get("wrong", 0)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
