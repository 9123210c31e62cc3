"""What truncated BPTT must be equal to, since windows that reach back to the first step cut nothing off; and its bias
where windows are shorter."""

from dataclasses import replace

import numpy as np

import numbarnn as nr

from . import cases, references, rtrl
from .compare import GRADIENT, Result, errors
from .problem import draw
from .quantities import gradient_values
from .states import by_name, nest

STEPS = 8
LONG = cases.Shape(64, 4, 4, 8)
WINDOWS = 1, 2, 4, 8, 16, 32, 64  # steps back, where the bias is measured
CALL = cases.Call(initial_state=True, masking="mask")
IDENTITIES = {  # {name: ((k1, k2), loss_scope, those of the gradient that it equals, None for full BPTT)}
    "one window": ((STEPS, STEPS), "new", None),
    "a pass after every step, each back to the first": ((1, STEPS), "new", None),
    "passes of unequal length": ((3, STEPS + 1), "new", None),
    "one window of all losses": ((STEPS, STEPS), "window", None),
    "windows side by side": ((2, 2), "window", ((2, 2), "new")),
}


def cases_of(name):
    """One case of each composition of the cell that goes through time step by step."""
    module = references.load()[name]
    found = cases.fitted(module, {}, cases.Shape(STEPS, 3, 4, 7), CALL)
    return [case for case in found if case.node.steps]


def results(case, device, dtypes):
    """A `Result` for each identity and gradient."""
    for dtype in dtypes:
        problem = draw(case).as_type(dtype)
        backward = gradient(problem, device)
        for name, (truncate, scope, same) in IDENTITIES.items():
            other = backward() if same is None else backward(truncate=same[0], loss_scope=same[1])
            against = "full BPTT" if same is None else "the other loss_scope"
            shape = case.described | {"truncate": truncate, "loss_scope": scope, "identity": name}
            for (quantity, gate), error in errors(backward(truncate=truncate, loss_scope=scope), other).items():
                where = (case.cell, case.options, dtype, device, shape, against, quantity, gate)
                yield Result(*where, error, GRADIENT[dtype], case.seed)


def gradient(p, device):
    """The gradients of a run as a function of the truncation."""
    nested = lambda state: nest(p.cell.state_size, state)  # noqa: E731
    run = nr.forward(p.cell, p.params, p.x, initial_state=nested(p.state), mask=p.mask, device=device)
    d_outputs, d_state = p.cotangents["all"]

    def backward(**options):
        grads = run.backward(d_outputs, nested(d_state), **options)
        return gradient_values(p, grads.params, grads.inputs, by_name(grads.initial_state))

    return backward


def bias_cases(name, quick=False):
    """The case of a plain cell in which the bias of truncated BPTT is measured."""
    module = references.load()[name]
    if hasattr(module, "examples") or (quick and not getattr(module, "THOROUGH", False)):
        return []
    return cases.fitted(module, {}, LONG, cases.Call())


def bias_results(case, device):
    """How far truncated BPTT with a pass after every step is from the full gradient, which RTRL gives going forwards.

    Errors are of all parameters as one vector, relative to its length. Only that of a window of all steps has a bound.
    """
    problem = draw(case)
    problem = replace(problem, params=problem.cell.init_params(case.shape.I, rng=case.seed, dtype="float64"))
    d_outputs, _ = problem.cotangents["outputs"]
    full = joined(rtrl.gradients_of(problem, {"outputs": (d_outputs, {})})["outputs"]["params"])
    run = nr.forward(problem.cell, problem.params, problem.x, device=device)
    for window in WINDOWS:
        truncated = joined(run.backward(d_outputs, truncate=(1, window)).params)
        error = float(np.linalg.norm(truncated - full) / np.linalg.norm(full))
        shape = case.described | {"truncate": (1, window)}
        bound = GRADIENT["float64"] if window == case.shape.T else np.inf
        where = (case.cell, case.options, "float64", device, shape, "RTRL", "d_parameters", None)
        yield Result(*where, error, bound, case.seed)


def joined(arrays):
    return np.concatenate([arrays[name].ravel() for name in sorted(arrays)])
