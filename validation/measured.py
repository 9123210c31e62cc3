"""The same quantities as numbarnn computes them."""

import numpy as np

import numbarnn as nr

from .masks import SEED
from .quantities import forward_values, gradient_values
from .states import by_name, nest


def values(problem, device):
    """{"forward" or name of a cotangent: {(quantity, gate): array}}; the problem's dtype decides numbarnn's."""
    p, how, turn, run = problem, options(problem, device), turn_of(problem), forward(problem, device)
    nested = lambda state: nest(p.cell.state_size, state)  # noqa: E731
    turned = lambda arrays: {name: turn(array) for name, array in arrays.items()}  # noqa: E731
    output, after = p.cell.step(p.params, p.x[:, 0], nested(p.state), **how)
    state, states, gates = by_name(run.state), turned(run.states), turned(run.gates)
    found = {"forward": forward_values(p, turn(run.outputs), state, states, gates, (output, by_name(after)))}

    truncate = {"truncate": p.call.truncate, "loss_scope": p.call.loss_scope} if p.call.truncate else {}
    for name, (d_outputs, d_state) in p.cotangents.items():
        grads = run.backward(None if d_outputs is None else turn(_pad(p, d_outputs)), nested(d_state), **truncate)
        found[name] = gradient_values(
            p, grads.params, None if grads.inputs is None else turn(grads.inputs), by_name(grads.initial_state)
        )
    return found


def forward(problem, device):
    """The run of a problem."""
    p, turn = problem, turn_of(problem)
    return nr.forward(
        p.cell,
        p.params,
        turn(_pad(p, p.x)),
        initial_state=nest(p.cell.state_size, p.state) if p.call.initial_state else None,
        lengths=p.lengths,
        mask=turn(p.mask) if p.call.masking == "mask" else None,
        reset_mask=None if p.resets is None else turn(p.resets),
        time_major=p.call.time_major,
        reverse=p.call.reverse,
        save=p.call.save,
        **options(problem, device),
    )


def turn_of(problem):
    """A function between the layout of a problem and that of its call, its own inverse."""
    return (lambda array: array.swapaxes(0, 1)) if problem.call.time_major else (lambda array: array)


def options(problem, device):
    return {"device": device, "training": problem.call.training, "rng": SEED}


def _pad(problem, array):
    """With NaN where masked, -1 among integers, if the call wants it."""
    padding = array.dtype.type(-1 if array.dtype.kind == "i" else np.nan)
    mask = problem.mask.reshape(problem.mask.shape + (1,) * (array.ndim - 2))
    return np.where(mask, array, padding) if problem.call.nan_padding else array
