"""The reference's values and gradients in float64, and a check of these gradients by central differences."""

import autograd.numpy as np
from autograd.test_util import make_numerical_jvp

from .quantities import forward_values, gradient_values
from .unrolled import unroll, vjp_of_unroll

LEAST = 1e-12  # derivatives below it are compared absolutely


def values(problem):
    """{"forward" or name of a cotangent: {(quantity, gate): array}}."""
    p = problem
    outputs, state, states, gates = unroll(p.step, p.params, p.x, p.state, p.mask, p.call.reverse)
    gates = {name: np.where(p.mask[:, :, None], gate, 0.0) for name, gate in gates.items()}  # zero where masked
    found = {"forward": forward_values(outputs, state, states, gates, p.step(p.params, p.x[:, 0], p.state)[:2])}

    vjp = vjp_of_unroll(p.step, p.params, p.x, p.state, p.mask, p.call.reverse)
    dy, ds = p.cotangents["all"]
    for name, (d_outputs, d_state) in p.cotangents.items():
        d_outputs = np.zeros_like(dy) if d_outputs is None else d_outputs
        d_state = {state: np.zeros_like(ds[state]) if d is None else d for state, d in d_state.items()}
        d = vjp(d_outputs, d_state)
        found[name] = gradient_values(p.cell.inputs, d["params"], d["x"], d["state"])
    return found


def central_difference_errors(problem, rng):
    """{quantity: relative difference} of autograd's and the numerical derivative, each along one random direction."""
    p = problem
    dy, ds = p.cotangents["all"]
    exact = vjp_of_unroll(p.step, p.params, p.x, p.state, p.mask, p.call.reverse)(dy, ds)
    point = {"params": p.params, "x": {"x": p.x}, "state": p.state}
    exact["x"] = {"x": exact["x"]}
    errors = {}
    for group, names in point.items():
        for name, at in names.items():

            def objective(value, group=group, name=name):
                inputs = point | {group: point[group] | {name: value}}
                outputs, final, _, _ = unroll(
                    p.step, inputs["params"], inputs["x"]["x"], inputs["state"], p.mask, p.call.reverse
                )
                return np.sum(dy * outputs) + sum(np.sum(ds[state] * final[state]) for state in ds)

            direction = rng.standard_normal(at.shape)
            numeric, analytic = make_numerical_jvp(objective, at)(direction), np.sum(exact[group][name] * direction)
            quantity = {"params": f"d_{name}", "state": f"d_initial_state.{name}", "x": "d_inputs"}[group]
            errors[quantity] = float(abs(numeric - analytic) / max(abs(numeric), abs(analytic), LEAST))
    return errors
