"""The same quantities as numbarnn computes them."""

import numpy as np

import numbarnn as nr

from .quantities import forward_values, gradient_values


def values(problem, device):
    """{"forward" or name of a cotangent: {(quantity, gate): array}}; the problem's dtype decides numbarnn's."""
    p, State = problem, problem.cell.State
    turn = (lambda array: array.swapaxes(0, 1)) if p.call.time_major else (lambda array: array)  # its own inverse
    turned = lambda arrays: {name: turn(array) for name, array in arrays.items()}  # noqa: E731

    run = nr.forward(
        p.cell,
        p.params,
        turn(_pad(p, p.x)),
        initial_state=State(**p.state) if p.call.initial_state else None,
        lengths=p.lengths,
        mask=turn(p.mask) if p.call.masking == "mask" else None,
        time_major=p.call.time_major,
        reverse=p.call.reverse,
        save=p.call.save,
        device=device,
    )
    output, after = p.cell.step(p.params, p.x[:, 0], State(**p.state), device=device)
    state, states, gates = run.state._asdict(), turned(run.states), turned(run.gates)
    found = {"forward": forward_values(turn(run.outputs), state, states, gates, (output, after._asdict()))}

    for name, (d_outputs, d_state) in p.cotangents.items():
        grads = run.backward(None if d_outputs is None else turn(_pad(p, d_outputs)), State(**d_state))
        state = grads.initial_state._asdict()
        found[name] = gradient_values(p.cell.inputs, grads.params, turn(grads.inputs), state)
    return found


def _pad(problem, array):
    return np.where(problem.mask[:, :, None], array, array.dtype.type(np.nan)) if problem.call.nan_padding else array
