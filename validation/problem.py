"""The numbers of a case: the same in every run, equal in float32 and float64, and away from kinks unless asked for."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import numbarnn as nr

from . import references
from .activations import ACTIVATIONS, KINKS, watched
from .unrolled import unroll

MARGIN = 2e-5  # least distance of a pre-activation from a kink: more than float32 rounding can move it
LARGEST = 10.0  # least upper bound of states under which rounding errors stay small, with gates that are not bounded
ATTEMPTS = 100


@dataclass(frozen=True)
class Problem:
    """Batch-major, whatever the layout of the call.

    `cotangents`: {name: (d_outputs, {state: d_state})}, None where there is no gradient.
    """

    cell: object
    step: object  # of the reference: step(params, x_t, state) -> output, state, gates
    call: object
    params: dict
    x: np.ndarray
    state: dict
    lengths: np.ndarray | None
    mask: np.ndarray
    cotangents: dict

    def as_type(self, dtype):
        cast = lambda a: None if a is None else a.astype(dtype)  # noqa: E731
        each = lambda arrays: {name: cast(a) for name, a in arrays.items()}  # noqa: E731
        return replace(
            self,
            params=each(self.params),
            x=cast(self.x),
            state=each(self.state),
            cotangents={name: (cast(dy), each(ds)) for name, (dy, ds) in self.cotangents.items()},
        )


def draw(case, number=0, margin=MARGIN):
    """The problem of a case, float64 numbers that float32 holds exactly; each `number` gives others.

    They are drawn again, a little smaller, until no state explodes and no pre-activation is within `margin` of a kink.
    """
    for attempt in range(ATTEMPTS):
        problem, distance, tame = _draw(case, np.random.default_rng([case.seed, number, attempt]), size=0.95**attempt)
        if tame and (case.kinks or distance > margin):
            return problem
    raise RuntimeError(
        f"{case}: {ATTEMPTS} draws, each with states that explode or a pre-activation within {margin} of a kink"
    )


def _draw(case, rng, size):
    T, B, I, H = case.shape
    cell, step = getattr(nr, case.cell)(H, **case.options), partial(references.load()[case.cell].step, **case.options)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32).astype(np.float64)  # noqa: E731
    sizes = dict(zip(cell.State._fields, cell.state_size, strict=True))
    places = sorted({0.0}.union(*(KINKS.get(value, ()) for value in case.options.values()))) if case.kinks else []
    params = {name: _parameter(rng, shape, places, size) for name, shape in cell.param_shapes(I).items()}
    scale = 1.0 if case.call.initial_state else 0.0
    state = {name: scale * normal(B, size) for name, size in sizes.items()}
    if case.kinks:
        state = {name: array * rng.integers(2, size=array.shape) for name, array in state.items()}
    lengths, mask = _masking(rng, case.call.masking, B, T)
    dy, ds = normal(B, T, cell.output_size), {name: normal(B, size) for name, size in sizes.items()}
    cotangents = {"all": (dy, ds), "outputs": (dy, dict.fromkeys(ds))}
    cotangents |= {f"state.{name}": (None, dict.fromkeys(ds) | {name: ds[name]}) for name in ds}
    x = normal(B, T, I)

    distances = [np.inf]
    _, _, states, _ = unroll(partial(step, f=watched(distances)), params, x, state, mask, case.call.reverse)
    tame = max(np.abs(array).max() for array in states.values()) < LARGEST
    step = partial(step, f=ACTIVATIONS)
    problem = Problem(cell, step, case.call, params, x, state, lengths, mask, cotangents)
    return problem, min(distances), tame


def _parameter(rng, shape, places, size):
    """Random numbers; `size` 1 keeps pre-activations near 1. With `places` the bias decides alone, and takes them."""
    if places:
        return rng.choice(places, shape) if len(shape) == 1 else np.zeros(shape)
    scale = 0.5 if len(shape) == 1 else 0.8 / np.sqrt(shape[0])
    return (size * scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64)


def _masking(rng, masking, batch, steps):
    """lengths (B,) or None, and the mask (B, T); several rows hold a full, an empty and partly filled ones."""
    if masking == "lengths":
        lengths = rng.integers(0, steps + 1, batch)
        lengths[1:2], lengths[2:3] = steps, 0
        return lengths, np.arange(steps) < lengths[:, None]
    if masking == "mask":
        mask = rng.random((batch, steps)) < 0.6
        mask[1:2], mask[2:3] = True, False
        return None, mask
    return None, np.ones((batch, steps), bool)
