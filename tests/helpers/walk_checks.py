"""What the tests of walks in one launch have in common."""

import numpy as np

from helpers.gridsim import all_blocks_at_once
from helpers.problems import Problem, assert_exact
from numbarnn.engines.cuda.preactivations import constant_slots
from numbarnn.engines.cuda.simulated_device import as_numpy

BOUND = 1e-5


def check(cell, T, B, I, **options):
    """Compares everything with the plain engine in float64; `lengths` and `mask`: whether to use those of the problem,
    `resets`: their share."""
    problem = Problem(cell, T, B, I, "float32")
    if "resets" in options:
        options["reset_mask"] = np.random.default_rng(2).random((B, T)) < options.pop("resets")
    for name in {"lengths", "mask"} & options.keys():
        options[name] = getattr(problem, name)
    with all_blocks_at_once():
        results = problem.results(device="cuda", **options)
        assert_exact(problem, results, BOUND, "cuda", **options)
    return results


def with_garbage(forward):
    """The walk, with NaN wherever it should not read before it has written."""

    def walk(tape, plan):
        as_numpy(tape.z)[:] = np.nan
        vectors = as_numpy(tape.vectors)
        for slot in set(range(len(vectors))) - set(constant_slots(tape.cell)):
            vectors[slot] = np.nan
        forward(tape, plan)

    return walk


def goes_wrong(cell, forgotten=()):
    """Whether outputs are wrong, from whichever end threads start; a race that is there may need another try."""
    problem = Problem(cell, 4, 3, 2, "float32")
    truth = problem.in_float64().run(device="numpy").outputs
    for last_first in (False, True) * 3:
        with all_blocks_at_once(forgotten, last_first):
            if not np.allclose(problem.run(device="cuda").outputs, truth, atol=BOUND):
                return True
    return False
