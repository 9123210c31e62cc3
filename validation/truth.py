"""The reference's values and gradients in float64, and a check of these gradients by central differences."""

from dataclasses import replace

import autograd.numpy as np
from autograd.test_util import make_numerical_jvp

from .quantities import forward_values, gradient_values
from .unrolled import vjp_of

LEAST = 1e-12  # derivatives below it are compared absolutely


def values(problem):
    """{"forward" or name of a cotangent: {(quantity, gate): array}}."""
    p = problem
    outputs, state, states, gates = p.reference(p.params, p.x, p.state)
    gates = {name: np.where(p.mask[:, :, None], gate, 0.0) for name, gate in gates.items()}  # zero where masked
    step = replace(p, mask=np.ones_like(p.mask[:, :1])).reference(p.params, p.x[:, :1], p.state)[:2]
    found = {"forward": forward_values(p.cell, outputs, state, states, gates, (step[0][:, 0], step[1]))}

    vjp = vjp_of(p.reference, p.params, p.x, p.state)
    dy, ds = p.cotangents["all"]
    for name, (d_outputs, d_state) in p.cotangents.items():
        d_outputs = np.zeros_like(dy) if d_outputs is None else d_outputs
        d_state = {state: np.zeros_like(ds[state]) if d is None else d for state, d in d_state.items()}
        d = vjp(d_outputs, d_state)
        found[name] = gradient_values(p.cell, d["params"], d.get("x"), d["state"])
    return found


def central_difference_errors(problem, rng):
    """{quantity: difference} of autograd's and the numerical derivative along one random direction, relative to the
    gradient's size."""
    p = problem
    dy, ds = p.cotangents["all"]
    exact = vjp_of(p.reference, p.params, p.x, p.state)(dy, ds)
    point = {"params": p.params, "x": {"x": p.x}, "state": p.state}
    exact["x"] = {"x": exact.get("x")}
    errors = {}
    for group, names in point.items():
        for name, at in names.items():
            if at.dtype.kind != "f":
                continue

            def objective(value, group=group, name=name):
                inputs = point | {group: point[group] | {name: value}}
                outputs, final, _, _ = p.reference(inputs["params"], inputs["x"]["x"], inputs["state"])
                return np.sum(dy * outputs) + sum(np.sum(ds[state] * final[state]) for state in ds)

            direction = rng.standard_normal(at.shape)
            numeric, analytic = make_numerical_jvp(objective, at)(direction), np.sum(exact[group][name] * direction)
            quantity = {"params": f"d_{name}", "state": f"d_initial_state.{name}", "x": "d_inputs"}[group]
            usual = max(abs(analytic), float(np.linalg.norm(exact[group][name])), LEAST)  # size along such a direction
            errors[quantity] = float(abs(numeric - analytic) / usual)
    return errors
