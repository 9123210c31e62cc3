"""How far from the truth the reference itself is in float32: some problems leave it few digits."""

from dataclasses import replace

import numpy as np

from . import truth
from .compare import errors

DRAWS = 4
ULP = np.finfo("float32").eps


def of(problem, true):
    """{group: {(quantity, gate): largest error}} of the reference in float32, on the problem with every number off by
    up to one unit in the last place; over a few draws, for of a single number the error may be none by chance."""
    largest = {}
    for draw in range(DRAWS):
        moved = truth.values(_moved(problem, np.random.default_rng(draw)))
        for group, values in moved.items():
            for key, change in errors({key: values[key] for key in true[group]}, true[group]).items():
                of_group = largest.setdefault(group, {})
                of_group[key] = max(change, of_group.get(key, 0.0))
    return largest


def _moved(problem, rng):
    p = problem
    move = lambda a: a * (1 + ULP * rng.uniform(-1, 1, a.shape)) if a.dtype.kind == "f" else a  # noqa: E731
    each = lambda arrays: {name: move(a) for name, a in arrays.items()}  # noqa: E731
    return replace(p, params=each(p.params), x=move(p.x), state=each(p.state)).as_type("float32")
