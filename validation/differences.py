"""Central differences of the kernels: their gradients against nothing but their own values."""

from dataclasses import replace

import numpy as np

from . import measured, references
from .compare import Result
from .problem import draw
from .states import by_name

STEP = 1e-5  # along a direction of length one
BOUND = 1e-6
QUANTITIES = 3  # drawn for each case


def has(case):
    """Whether the gradient of a case is that of its values, and smooth there."""
    return not case.kinks and case.call.truncate is None and exact(case.node)


def exact(node):
    of_module = getattr(references.load()[node.cell], "exact", lambda options: True)
    return of_module(node.options) and all(map(exact, node.parts))


def results(same, device):
    """A few quantities of each case, each along one random direction."""
    for case in same:
        problem = draw(case)
        found = measured.values(problem, device)["all"]
        rng = np.random.default_rng(case.seed)
        at = places(problem)
        for quantity in rng.permutation(sorted(at))[:QUANTITIES]:
            group, name = at[quantity]
            array = getattr(problem, group) if name is None else getattr(problem, group)[name]
            direction = rng.standard_normal(array.shape)
            if quantity == "d_inputs":
                direction *= problem.mask[:, :, None]  # elsewhere the call may have NaN
            direction /= max(np.linalg.norm(direction), 1e-300)
            numeric = slope(problem, device, group, name, array, direction)
            gradient = joined(found, quantity, array.shape)
            usual = np.linalg.norm(gradient) / np.sqrt(array.size)  # along such a direction
            analytic = np.sum(gradient * direction)
            error = abs(numeric - analytic) / max(abs(analytic), usual, 1e-2)
            where = (case.cell, case.options, "float64", device, case.described, "differences of itself")
            yield Result(*where, str(quantity), None, float(error), BOUND, case.seed)


def places(problem):
    """{quantity: (attribute of the problem, name in it)} of what a gradient is taken of."""
    found = {f"d_{name}": ("params", name) for name in problem.params}
    found |= {"d_inputs": ("x", None)} if problem.x.dtype.kind == "f" else {}
    states = problem.state if problem.call.initial_state else {}
    return found | {f"d_initial_state.{name}": ("state", name) for name in states}


def slope(problem, device, group, name, array, direction):
    """The derivative of the loss along a direction."""

    def moved(sign):
        value = array + sign * STEP * direction
        return loss(
            replace(problem, **{group: value if name is None else getattr(problem, group) | {name: value}}), device
        )

    return (moved(1) - moved(-1)) / (2 * STEP)


def loss(problem, device):
    """Outputs and final states times their cotangents."""
    run, (dy, ds) = measured.forward(problem, device), problem.cotangents["all"]
    final = by_name(run.state)
    return np.sum(dy * measured.turn_of(problem)(run.outputs)) + sum(np.sum(ds[s] * final[s]) for s in ds)


def joined(found, quantity, shape):
    """A gradient out of its blocks, which follow each other in one of the axes."""
    parts = [array for (name, _), array in found.items() if name == quantity]
    if len(parts) == 1:
        return parts[0]
    axis = next(i for i, n in enumerate(shape) if n != parts[0].shape[i]) if parts[0].shape != shape else 0
    return np.concatenate(parts, axis)
