"""The numbers of a case: the same in every run, equal in float32 and float64, and away from kinks unless asked for."""

from dataclasses import dataclass, replace

import numpy as np

from . import references
from .activations import FUNCTIONS, KINKS, watched
from .catalogue import build
from .masks import Sizes
from .states import by_name

MARGIN = 2e-5  # least distance of a pre-activation from a kink: more than float32 rounding can move it
LARGEST = 10.0  # least upper bound of states under which rounding errors stay small, with gates that are not bounded
ATTEMPTS = 500
MANY = 4  # states: their gradients come together then


@dataclass(frozen=True)
class Problem:
    """Batch-major, whatever the layout of the call.

    `cotangents`: {name: (d_outputs, {state: d_state})}, None where there is no gradient.
    """

    cell: object
    node: object  # the cell in words
    call: object
    params: dict
    x: np.ndarray
    state: dict
    lengths: np.ndarray | None
    mask: np.ndarray
    cotangents: dict
    masks: dict  # random ones of a training run, time-major
    resets: np.ndarray | None

    def reference(self, params, x, state, f=FUNCTIONS):
        """The reference over the sequence: outputs, final states, states and gates."""
        given = {"given": self.masks} if self.masks else {}
        given |= {} if self.resets is None else {"resets": self.resets}
        return self.node.run(f)(params, x, state, self.mask, self.call.reverse, **given)

    def first_step(self):
        """The problem with the first step alone, which counts in all rows."""
        return replace(self.window(0, 1), mask=np.ones_like(self.mask[:, :1]), resets=None)

    def window(self, first, end):
        """The problem with the steps first..end alone."""
        masks = {name: array if len(array) == 1 else array[first:end] for name, array in self.masks.items()}
        resets = None if self.resets is None else self.resets[:, first:end]
        return replace(self, x=self.x[:, first:end], mask=self.mask[:, first:end], masks=masks, resets=resets)

    def as_type(self, dtype):
        cast = lambda a: a if a is None or a.dtype.kind != "f" else a.astype(dtype)  # noqa: E731
        each = lambda arrays: {name: cast(a) for name, a in arrays.items()}  # noqa: E731
        return replace(
            self,
            params=each(self.params),
            x=cast(self.x),
            state=each(self.state),
            masks=each(self.masks),
            cotangents={name: (cast(dy), each(ds)) for name, (dy, ds) in self.cotangents.items()},
        )


def draw(case, number=0, margin=MARGIN):
    """The problem of a case, float64 numbers that float32 holds exactly; each `number` gives others.

    They are drawn again until they stand as asked, and a little smaller while a state explodes.
    """
    size = 1.0
    for attempt in range(ATTEMPTS):
        problem = _draw(case, np.random.default_rng([case.seed, number, attempt]), size)
        distances, tame = examined(problem)
        if tame and _stands(distances, case.kinks, margin):
            return problem
        size *= 1.0 if tame else 0.95
    raise RuntimeError(f"{case}: {ATTEMPTS} draws, each with states that explode, or not as it should be to kinks")


def _stands(distances, kinks, margin):
    """Whether something is on a kink; or, without `kinks`, nothing near one. Exactly on one it may be: that is no
    chance (a product with a zero), and the derivative there is promised."""
    return not np.all(distances) or not distances.size if kinks else not np.any((distances > 0) & (distances <= margin))


def examined(problem):
    """How far from kinks the arguments of the functions are, and whether all states stay small."""
    distances = []
    _, _, states, _ = problem.reference(problem.params, problem.x, problem.state, watched(distances))
    tame = all(np.abs(array).max(initial=0.0) < LARGEST for array in states.values())
    return np.concatenate([np.ravel(d) for d in distances]) if distances else np.empty(0), tame


def _draw(case, rng, size):
    T, B, I, _ = case.shape
    cell = build(case.node)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32).astype(np.float64)  # noqa: E731
    sizes = by_name(cell.state_size)
    places = _kinks(case.options) if case.kinks else []
    params = {name: _parameter(rng, name, shape, places, size) for name, shape in cell.param_shapes(I).items()}
    scale = 1.0 if case.call.initial_state else 0.0
    state = {name: scale * normal(B, size) for name, size in sizes.items()}
    if case.kinks:
        state = {name: rng.integers(-1, 2, array.shape).astype(float) for name, array in state.items()}
    lengths, mask = _masking(rng, case.call.masking, B, T)
    dy, ds = normal(B, T, cell.output_size), {name: normal(B, size) for name, size in sizes.items()}
    cotangents = {"all": (dy, ds), "outputs": (dy, dict.fromkeys(ds))}
    alone = {f"state.{name}": dict.fromkeys(ds) | {name: ds[name]} for name in ds} if len(ds) < MANY else {"state": ds}
    cotangents |= {name: (None, of_states) for name, of_states in alone.items()}
    x = rng.integers(0, _classes(params), (B, T)) if cell.takes_integers else normal(B, T, I)
    masks = {}
    if case.call.training:
        shapes = {name: array.shape for name, array in params.items()}
        masks = references.load()[case.cell].masks(Sizes(T, B, I, cell.output_size, sizes, shapes), case.options)
    resets = rng.random((B, T)) < 0.3 if case.call.resets else None
    return Problem(cell, case.node, case.call, params, x, state, lengths, mask, cotangents, masks, resets)


def _classes(params):
    """Rows of the first embedding, which integers choose from."""
    return next(len(array) for name, array in params.items() if name.endswith("embedding"))


def _kinks(options):
    """Zero, the kinks of the activations, and the bounds of a projection and of pre-activations."""
    bounds = [options.get(option) or 0.0 for option in ("proj_clip", "preactivation_clip")]
    kinks = (KINKS.get(str(value), ()) for value in options.values())
    return sorted({0.0, *bounds, *(-bound for bound in bounds)}.union(*kinks))


def _parameter(rng, name, shape, places, size):
    """Random numbers; `size` 1 keeps pre-activations near 1.

    With `places` the bias decides alone, and takes them; a projection then picks single units.
    """
    if places:
        matrix = np.eye(*shape) if name == "projection_kernel" else np.zeros(shape)
        return rng.choice(places, shape) if len(shape) == 1 or name == "norm_shift" else matrix
    scale = 0.5 if len(shape) == 1 else 0.8 / np.sqrt(shape[-2])
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
