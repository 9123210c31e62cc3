"""What truncated BPTT must be equal to: windows that reach back to the first step cut nothing off."""

import numpy as np

import numbarnn as nr

from . import cases, references
from .compare import GRADIENT, Result, errors
from .problem import draw
from .quantities import gradient_values
from .states import by_name, nest

STEPS = 8
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


def bias(name, steps=64, windows=(1, 2, 4, 8, 16, 32, 64)):
    """{k2: relative error of the gradient of truncated BPTT} of a cell with k1 = 1; float64."""
    cell, rng = getattr(nr, name)(16), np.random.default_rng(0)
    params = cell.init_params(8, rng=0, dtype="float64")
    run = nr.forward(cell, params, rng.standard_normal((16, steps, 8)), device="numpy")
    found = nr.truncation_bias(run, rng.standard_normal(run.outputs.shape), truncates=[(1, k) for k in windows])
    return {of_pair.truncate[1]: of_pair.relative_error["all parameters"] for of_pair in found}
