"""One loop over time for every reference, and its gradient by autograd."""

import autograd.builtins as ab
import autograd.numpy as np
import numpy
from autograd import make_vjp
from autograd.tracer import getval


def unroll(step, params, x, state, mask, reverse=False, given=None, resets=None):
    """Run `step(params, x_t, state) -> y, state, gates` over a sequence.

    x (B, T, I), state {name: (B, n)}, mask (B, T) booleans: where it is false the output is zero and the state stays.
    Where `resets` (B, T) is true the state is zero before the step. The step gets those of the arrays `given`
    {name: (T, ...) or (1, ...)} at its time, as an option of that name.
    Returns outputs (B, T, n), final state {name: (B, n)}, states {name: (B, T, n)}, gates {name: (B, T, n)}.
    """
    steps = x.shape[1]
    outputs, states, gates = [None] * steps, [None] * steps, [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        if resets is not None:
            state = {name: np.where(resets[:, t, None], 0.0, array) for name, array in state.items()}
        now = {"given": {name: array[t % len(array)] for name, array in given.items()}} if given else {}
        y, new, gates[t] = step(params, x[:, t], state, **now)
        valid = mask[:, t, None]
        outputs[t] = np.where(valid, y, 0.0)
        state = states[t] = {name: np.where(valid, new[name], old) for name, old in state.items()}
    return np.stack(outputs, axis=1), state, _over_time(states), _over_time(gates)


def _over_time(records):
    """Values alone, of which nobody takes a gradient: autograd's for a stack of T arrays takes time with T squared."""
    return {name: np.stack([getval(record[name]) for record in records], axis=1) for name in records[0]}


def vjp_of(run, params, x, state):
    """The gradient of `run(params, x, state)` as `(d_outputs, d_state) -> {"params": ..., "x": ..., "state": ...}`,
    without "x" where that is integers."""
    inputs = {"params": params, "state": state} | ({"x": x} if x.dtype.kind == "f" else {})

    def results(inputs):
        outputs, final, _, _ = run(inputs["params"], inputs.get("x", x), inputs["state"])
        return ab.tuple((outputs, *final.values()))

    vjp, _ = make_vjp(results)(inputs)

    def gradient(d_outputs, d_state):
        # autograd divides by cosh(x)**2 in the gradient of tanh: where that overflows, the gradient is zero, as it is
        with numpy.errstate(over="ignore"):
            return vjp((d_outputs, *d_state.values()))

    return gradient
