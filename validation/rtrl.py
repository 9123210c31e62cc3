"""Real-time recurrent learning (Williams and Zipser 1989): exact gradients without going back in time.

It carries the derivatives of the states along every parameter, input and initial state from step to step, and adds up
those of the outputs times their cotangents. It goes through the references' `step` in forward mode, keeps nothing of
the past, and so shares neither a backward pass nor the order of its sums with BPTT, here or in autograd.
"""

import numpy as np

from . import measured
from .activations import FUNCTIONS
from .compare import GRADIENT, Result, errors
from .duals import Dual, where
from .problem import draw
from .quantities import gradient_values


def results(same, device):
    """Gradients of numbarnn, by BPTT, against those of each of these cases."""
    for case in same:
        problem = draw(case)
        found = measured.values(problem, device)
        for cotangent, true in values(problem).items():
            for (quantity, gate), error in errors(found[cotangent], true).items():
                where = (case.cell, case.options, "float64", device, case.described | {"cotangent": cotangent}, "RTRL")
                yield Result(*where, quantity, gate, error, GRADIENT["float64"], case.seed)


def values(problem):
    """{name of a cotangent: {(quantity, gate): array}} of a problem without truncation."""
    return {
        name: gradient_values(problem, d["params"], d["x"]["x"], d["state"])
        for name, d in gradients_of(problem, problem.cotangents).items()
    }


def straight_through(x, bound):
    """Its derivative is 1 by definition, and not that of its values."""
    return Dual(np.clip(x.value, -bound, bound), x.along)


def gradients_of(problem, cotangents):
    """{name of a cotangent: {"params": {name: array}, "x": {"x": array}, "state": {name: array}}}."""
    p, step = problem, problem.node.step(FUNCTIONS | {"straight_through": straight_through})
    inputs = {("params", name): array for name, array in p.params.items()}
    inputs |= {("x", "x"): p.x} | {("state", name): array for name, array in p.state.items()}
    given = units(inputs)
    params = {name: given["params", name] for name in p.params}
    state = {name: given["state", name] for name in p.state}
    sums, steps = dict.fromkeys(cotangents, 0.0), p.x.shape[1]
    for t in reversed(range(steps)) if p.call.reverse else range(steps):
        if p.resets is not None:
            state = {name: where(p.resets[:, t, None], 0.0, s) for name, s in state.items()}
        y, new, _ = step(params, given["x", "x"][:, t], state)
        valid = p.mask[:, t, None]
        state = {name: where(valid, new[name], s) for name, s in state.items()}
        for name, (dy, _) in cotangents.items():
            if dy is not None:
                sums[name] = sums[name] + along(np.where(valid, dy[:, t], 0.0), y)
    for name, (_, ds) in cotangents.items():
        sums[name] = sums[name] + sum(along(ds[s], state[s]) for s in ds if ds[s] is not None)
    return {name: arrays_like(inputs, total) for name, total in sums.items()}


def units(inputs):
    """{key: Dual}: each number of all arrays has a direction of its own."""
    count, first, found = sum(array.size for array in inputs.values()), 0, {}
    for key, array in inputs.items():
        directions = np.zeros((count, array.size))
        directions[np.arange(first, first + array.size), np.arange(array.size)] = 1.0
        found[key] = Dual(array, directions.reshape(count, *array.shape))
        first += array.size
    return found


def along(cotangent, y):
    """The derivative of <cotangent, y> along each direction."""
    return y.along.reshape(len(y.along), -1) @ cotangent.ravel()


def arrays_like(inputs, total):
    """{group: {name: array}} of the derivatives along all numbers."""
    found, first = {}, 0
    for (group, name), array in inputs.items():
        found.setdefault(group, {})[name] = total[first : first + array.size].reshape(array.shape)
        first += array.size
    return found
