"""The reference's values and gradients in float64, and a check of these gradients by central differences."""

import autograd.numpy as np
from autograd.test_util import make_numerical_jvp

from . import truncated
from .quantities import forward_values, gradient_values
from .unrolled import vjp_of

MANY = 4  # states
LEAST = 1e-12  # derivatives below it are compared absolutely


def values(problem):
    """{"forward" or name of a cotangent: {(quantity, gate): array}}."""
    p = problem
    outputs, state, states, gates = p.reference(p.params, p.x, p.state)
    gates = {name: np.where(p.mask[:, :, None], gate, 0.0) for name, gate in gates.items()}  # zero where masked
    first = p.first_step()
    output, after, _, _ = first.reference(first.params, first.x, first.state)
    found = {"forward": forward_values(p, outputs, state, states, gates, (output[:, 0], after))}

    vjp = truncated.gradient_of(p) if p.call.truncate else vjp_of(p.reference, p.params, p.x, p.state)
    dy, ds = p.cotangents["all"]
    for name, (d_outputs, d_state) in p.cotangents.items():
        d_outputs = np.zeros_like(dy) if d_outputs is None else d_outputs
        d_state = {state: np.zeros_like(ds[state]) if d is None else d for state, d in d_state.items()}
        d = vjp(d_outputs, d_state)
        found[name] = gradient_values(p, d["params"], d.get("x"), d["state"])
    return found


def central_difference_errors(problem, rng):
    """{quantity: difference} of autograd's and the numerical derivative along one random direction, relative to the
    gradient's size."""
    p = problem
    dy, ds = p.cotangents["all"]
    exact = vjp_of(p.reference, p.params, p.x, p.state)(dy, ds)
    exact |= {"x": {"x": exact["x"]}} if "x" in exact else {}
    point = {"params": p.params, "x": {"x": p.x}, "state": p.state}
    errors = {}
    for group, name, values in _parts(exact):

        def objective(moved, group=group):
            inputs = point | {group: point[group] | moved}
            outputs, final, _, _ = p.reference(inputs["params"], inputs["x"]["x"], inputs["state"])
            return np.sum(dy * outputs) + sum(np.sum(ds[state] * final[state]) for state in ds)

        direction = {key: rng.standard_normal(array.shape) for key, array in values.items()}
        at = {key: point[group][key] for key in values}
        numeric = make_numerical_jvp(objective, at)(direction)
        analytic = sum(np.sum(values[key] * direction[key]) for key in values)
        size = np.sqrt(sum(np.sum(array**2) for array in values.values()))  # usual along such a direction
        errors[name] = float(abs(numeric - analytic) / max(abs(analytic), size, LEAST))
    return errors


def _parts(gradients):
    """(group, quantity, {name: gradient}), one name at a time but for states, if there are many."""
    for name, gradient in gradients["params"].items():
        yield "params", f"d_{name}", {name: gradient}
    if "x" in gradients:
        yield "x", "d_inputs", gradients["x"]
    if len(gradients["state"]) >= MANY:
        yield "state", "d_initial_state", gradients["state"]
        return
    for name, gradient in gradients["state"].items():
        yield "state", f"d_initial_state.{name}", {name: gradient}
