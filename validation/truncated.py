"""Truncated BPTT by its definition (Williams and Peng 1990; Sutskever 2013): each backward pass by autograd of its own
window of steps, from a state that is a constant."""

from dataclasses import replace

import numpy as np

from .unrolled import vjp_of


def gradient_of(problem):
    """Like `unrolled.vjp_of` of the problem's reference, for the `truncate` of its call."""
    if not problem.call.reverse:
        return lambda d_outputs, d_state: _gradient(problem, d_outputs, d_state)
    masks = {name: array[::-1] for name, array in problem.masks.items()}
    call = replace(problem.call, reverse=False)
    turned = replace(problem, x=problem.x[:, ::-1], mask=problem.mask[:, ::-1], masks=masks, call=call)

    def backward(d_outputs, d_state):
        d = _gradient(turned, d_outputs[:, ::-1], d_state)
        return d | ({"x": d["x"][:, ::-1]} if "x" in d else {})

    return backward


def _gradient(p, d_outputs, d_state):
    """The sum over a pass after every k1 steps, and after the last one."""
    k1, k2 = p.call.truncate
    steps = p.mask.shape[1]
    _, _, states, _ = p.reference(p.params, p.x, p.state)
    total = {"params": _zeros(p.params), "state": _zeros(p.state)}
    total |= {"x": np.zeros_like(p.x)} if p.x.dtype.kind == "f" else {}
    since = 0
    for end in range(1, steps + 1):
        if end % k1 and end < steps:
            continue
        start = max(0, end - k2)
        before = {name: array[:, start - 1] for name, array in states.items()} if start else p.state
        losses = np.array(d_outputs[:, start:end])
        if p.call.loss_scope == "new":
            losses[:, : since - start] = 0
        since = end
        window = p.window(start, end)
        vjp = vjp_of(window.reference, p.params, window.x, before)
        d = vjp(losses, d_state if end == steps else _zeros(p.state))
        _add(total["params"], d["params"])
        if "x" in total:
            total["x"][:, start:end] += d["x"]
        if start == 0:
            _add(total["state"], d["state"])
    return total


def _zeros(arrays):
    return {name: np.zeros_like(array) for name, array in arrays.items()}


def _add(totals, arrays):
    for name, array in arrays.items():
        totals[name] = totals[name] + array
