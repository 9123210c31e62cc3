"""What threads gain that share units instead of rows, simulated for more of them than this machine has.

    python -m benchmarks.teams [--quick] [--rounds N] [--json FILE]

The share of the last thread of an LSTM's forward pass and training step is run alone; its barriers say that the rest
of its team is always there. So a figure has the thread's products, equations and own cache, and neither waiting nor
rivals for the shared cache: an upper bound of the gain. The ratio is the time with rows of its own over that in a team
of the size; "rule" is the size that numbarnn chooses on this processor.
"""

import argparse
import ctypes
import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

import numbarnn as nr
from numbarnn.engines.cpu import engine
from numbarnn.engines.cpu.barrier import BARRIER, STEPS, WORD
from numbarnn.engines.cpu.kernel_arguments import POSITION

from . import report
from .timing import alternate

SHAPES = {"mid": (50, 64, 512, 512), "narrow": (50, 64, 128, 128), "few rows": (50, 4, 512, 512)}
THREADS = 2, 4, 16, 64
ALWAYS = 1 << 40  # arrivals of a team in its steps: nobody ever waits

planning = import_module("numbarnn.engines.cpu.plan")
run, threads_for, rule = engine.run, engine.threads_for, planning.team_of


def last_thread(kernel, stages, shards, here):
    """Run the stages of a kernel as the last of its threads, which has the most rows."""
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(kernel)
    arguments = np.ctypeslib.as_array((ctypes.c_int64 * len(POSITION)).from_address(here))
    at, team, blocks = (int(arguments[POSITION[name]]) for name in ("barriers", "team", "step_blocks"))
    if at:
        integers = (ctypes.c_int64 * (BARRIER * (shards // team) * (blocks + 1))).from_address(at)
        barriers = np.ctypeslib.as_array(integers).reshape(-1, BARRIER)
        barriers[:, 0], barriers[:, STEPS // WORD] = team - 1, ALWAYS
    arguments[POSITION["stealing"]] = 0
    for stage in range(stages):
        call(stage, shards - 1, shards, here)


def share_of(shape, threads, team, train):
    """Return a call: what the last of so many threads does, in teams of a size."""
    T, B, I, H = shape
    cell, rng = nr.LSTMCell(H), np.random.default_rng(0)
    params, x = cell.init_params(I, rng=0), rng.standard_normal((B, T, I), dtype="float32")
    d_outputs = rng.standard_normal((B, T, H), dtype="float32")

    def call():
        planning.team_of = lambda *sizes: team
        planning.plan.cache_clear()
        engine.threads_for = lambda multiply_adds: threads
        result = nr.forward(cell, params, x)
        if train:
            result.backward(d_outputs)

    return call


def chosen(shape, threads):
    """Return the size of teams that numbarnn chooses."""
    T, B, I, H = shape
    return planning.plan(nr.LSTMCell(H), np.dtype("float32"), T, B, I, True, False, threads).schedule.team


def ratios_of(shape, threads, team_sizes, train, rounds, seconds):
    """Measure {team: time with rows of its own over that in a team of the size, one a round} of the last thread."""
    engine.run = last_thread
    try:
        calls = {team: share_of(shape, threads, team, train) for team in (1, *team_sizes)}
        times = alternate(calls, rounds, seconds)
    finally:
        engine.run, engine.threads_for, planning.team_of = run, threads_for, rule
        planning.plan.cache_clear()
    return {team: times[1] / times[team] for team in team_sizes}


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teams", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round, of one shape and two threads")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args(texts)
    shapes, numbers = (["few rows"], [2]) if options.quick else ([*SHAPES], THREADS)
    rounds, seconds = (1, 0.05) if options.quick else (options.rounds, 0.1)
    rows = []
    print(f"{'shape':<10}{'threads':>8}{'team':>6}{'rule':>6}{'forward':>10}{'range':>14}{'train':>8}{'range':>14}")
    for name in shapes:
        shape = SHAPES[name]
        for threads in numbers:
            team_sizes = [team for team in (2, 4, 8, 16, 32) if team <= threads <= team * shape[1]]
            found = {
                kind: ratios_of(shape, threads, team_sizes, kind == "train", rounds, seconds)
                for kind in ("forward", "train")
            }
            for team in team_sizes:
                row = {"shape": name, "threads": threads, "team": team, "rule": chosen(shape, threads)}
                text = f"{name:<10}{threads:>8}{team:>6}{row['rule']:>6}"
                for kind, ratios in found.items():
                    low, middle, high = np.quantile(ratios[team], (0, 0.5, 1))
                    row |= {kind: float(middle), f"{kind}_min": float(low), f"{kind}_max": float(high)}
                    text += f"{middle:>{10 if kind == 'forward' else 8}.2f}{f'{low:.2f} to {high:.2f}':>14}"
                rows.append(row)
                print(text, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"environment": report.about([], None), "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
