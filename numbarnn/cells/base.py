"""What a cell is: its equations, and what feeds them."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from .. import initializers
from ..errors import InputError
from ..maths import ACTIVATIONS
from .contract import RNNCell


class Equations(NamedTuple):
    """A cell's scalar formulas, all pure functions of tuples of numbers.

    `forward(z, s) -> s1, saved`: from the pre-activations z and the states s to the new states (s1[0] is the
    output) and the values that the gradient needs. `backward(saved, s, s1, ds1) -> dz, ds`: from the gradient of
    the new states to those of z and, by the direct path only, of s; what flows back through the products is the
    engine's business.

    A cell whose second product multiplies something computed within the step (the GRU's r * h) is cut there.
    `feedback(z, s) -> q, carried` runs first, on the pre-activations that are known by then; `carried`, one number
    for each of them, stands in their place in the z of `forward`. `backward` gives gradients for z in the same way, and
    whatever `feedback_backward(carried, s, dq) -> dz, ds` needs in the places of those that came first.
    """

    forward: Callable
    backward: Callable
    feedback: Callable | None = None
    feedback_backward: Callable | None = None


@cache
def state_type(names):
    return namedtuple("State", names)


@dataclass(frozen=True)
class Cell(RNNCell):
    """A plain recurrent cell of `units` units.

    Class attributes declare it. `inputs` names each pre-activation, in the order of the blocks of the parameters, and
    says what feeds it: "x" (the input), "h" (the previous output), "q" (what `feedback` computes), or two of them.
    `states` names the states, the output first; `saved` the values kept for the gradient, one of them or more a gate.
    """

    units: int

    inputs: ClassVar[dict]
    states: ClassVar[tuple] = ("h",)
    saved: ClassVar[tuple] = ()

    def __post_init__(self):
        if isinstance(self.units, bool) or not isinstance(self.units, int | np.integer) or self.units < 1:
            raise InputError(f"{type(self).__name__}: expected units to be a positive integer, got {self.units!r}")
        for option in ("activation", "recurrent_activation"):
            name = getattr(self, option, "linear")
            if name not in ACTIVATIONS:
                raise InputError(f"{type(self).__name__}: no {option} {name!r}; there are {', '.join(ACTIVATIONS)}")

    @property
    def equations(self):
        """The cell's `Equations` under its options."""
        raise NotImplementedError(f"{type(self).__name__} declares no equations")

    @property
    def offsets(self):
        """Constants added to pre-activations, by name (the forget bias of an LSTM)."""
        return {}

    @property
    def State(self):
        """The named tuple type of the states."""
        return state_type(self.states)

    @property
    def output_size(self):
        return self.units

    @property
    def state_size(self):
        """Width of each state."""
        return self.State(*(self.units,) * len(self.states))

    def fed_by(self, sources):
        """Names of the pre-activations that one of `sources` feeds, in order."""
        return tuple(name for name, fed in self.inputs.items() if set(fed) & set(sources))

    def param_shapes(self, input_size):
        """Names and shapes of the parameters for inputs of `input_size` features."""
        H = self.units
        shapes = {
            "kernel": (input_size, len(self.fed_by("x")) * H),
            "recurrent_kernel": (H, len(self.fed_by("hq")) * H),
            "bias": (len(self.inputs) * H,),
        }
        if not self.use_bias:
            del shapes["bias"]
        return shapes

    def init_params(self, input_size, rng=0, dtype="float32"):
        """Fresh parameters {name: array}: kernel glorot uniform, recurrent_kernel orthogonal, each on the packed matrix
        (spec of Keras); bias zero but for `initial_bias`. `rng`: a seed or a NumPy Generator."""
        rng = np.random.default_rng(rng)
        makers = {"kernel": initializers.glorot_uniform, "recurrent_kernel": initializers.orthogonal}
        params = {}
        for name, shape in self.param_shapes(input_size).items():
            params[name] = makers.get(name, initializers.zeros)(shape, rng, dtype)
        if self.use_bias:
            blocks = params["bias"].reshape(-1, self.units)
            for block, name in zip(blocks, self.inputs, strict=True):
                block[:] = self.initial_bias.get(name, 0)
        return params

    @property
    def initial_bias(self):
        """Initial bias of the pre-activations for which it is not zero."""
        return {}

    def unroll(self, params, x, state, mask, how):
        from ..engines import run

        return run(self, params, x, state, mask, how)
