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
    output) and the values that the gradient needs: those that the cell names, then `hidden` others. `backward(saved,
    s, s1, ds1) -> dz, ds`: from the gradient of the new states to those of z and, by the direct path only, of s; what
    flows back through the products is the engine's business.

    A cell that multiplies something computed within the step (the GRU's r * h) is cut there. `feedback(z, s) -> q,
    carried` runs first, on the pre-activations that are known by then; q is a number or a tuple of them; `carried`,
    one number for each of those pre-activations, stands in their place in the z of `forward`. `backward` gives
    gradients for z in the same way, and whatever `feedback_backward(carried, s, dq) -> dz, ds` needs in the places of
    those that came first, and in `extra` places behind all others.
    """

    forward: Callable
    backward: Callable
    feedback: Callable | None = None
    feedback_backward: Callable | None = None
    hidden: int = 0
    extra: int = 0


USUAL = {
    "kernel": initializers.glorot_uniform,
    "recurrent_kernel": initializers.orthogonal,
    "projection_kernel": initializers.glorot_uniform,
    "norm_scale": initializers.ones,
}


@cache
def state_type(names):
    return namedtuple("State", names)


@dataclass(frozen=True)
class Cell(RNNCell):
    """A plain recurrent cell of `units` units.

    Attributes declare it. `inputs` names each pre-activation, in the order of the blocks of the parameters, and says
    what feeds it: "x" (the input), "h" (the previous output), "q" (what `feedback` computes; "q1" is its second
    number), or two of them by way of a product; or else "=" (q itself), "m" (`draw` gives it: random masks) or ""
    (nothing: it is a vector parameter, such as a peephole). `states` names the states, the output first; `saved` the
    values kept for the gradient that have a name, one of them or more a gate.
    """

    units: int

    inputs: ClassVar[dict]
    states: ClassVar[tuple] = ("h",)
    saved: ClassVar[tuple] = ()
    initial: ClassVar[dict] = {}  # {parameter: initialiser}, where it is not the usual one
    norms: ClassVar[tuple] = ()  # groups of pre-activations that are normalised, each group as one (layer norm)
    norm_epsilon: ClassVar[float] = 1e-5
    num_proj: ClassVar[int | None] = None  # width of the output, where it is a projection of the first state ...
    proj_clip: ClassVar[float | None] = None  # ... clipped to +- this
    carries_output: ClassVar[bool] = False  # whether the equations use the first state of the step before

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
    def vectors(self):
        """{parameter: the pre-activations to which it adds a vector each}."""
        fed = tuple(name for name, source in self.inputs.items() if set(source) & set("xhq"))
        return {"bias": fed} if self.use_bias else {}

    def draw(self, shape, dtype, how):
        """{name: array that broadcasts to (T, B, H)} for the inputs fed by "m"; `shape` is (T, B, H)."""
        return {}

    @property
    def State(self):
        """The named tuple type of the states; a projected output comes first, the first state as "s" only where the
        equations carry it."""
        first = self.states[:1] if self.num_proj is None or not self.carries_output else (self.states[0], "s")
        return state_type(first + self.states[1:])

    @property
    def output_size(self):
        return self.num_proj or self.units

    @property
    def state_size(self):
        """Width of each state."""
        names = self.State._fields
        return self.State(self.output_size, *(self.units,) * (len(names) - 1))

    def fed_by(self, sources):
        """Names of the pre-activations that one of `sources` feeds, in order."""
        return tuple(name for name, fed in self.inputs.items() if set(fed) & set(sources))

    @property
    def normed(self):
        """Names of all normalised pre-activations, in the order of norm_scale and norm_shift."""
        return tuple(name for group in self.norms for name in group)

    def param_shapes(self, input_size):
        """Names and shapes of the parameters for inputs of `input_size` features."""
        H = self.units
        shapes = {"kernel": (input_size, len(self.fed_by("x")) * H)}
        if self.num_proj is None or not self.fed_by("q"):
            recurrent = {"recurrent_kernel": "hq"}
        else:  # what is fed back has one width, q another
            recurrent = {"recurrent_kernel": "h", "feedback_kernel": "q"}
        for name, sources in recurrent.items():
            if fed := self.fed_by(sources):
                shapes[name] = (H if sources == "q" else self.output_size, len(fed) * H)
        for name, blocks in self.vectors.items():
            shapes[name] = (len(blocks) * H,) if name == "bias" or len(blocks) == 1 else (len(blocks), H)
        if self.norms:
            shapes |= {"norm_scale": (len(self.normed), H), "norm_shift": (len(self.normed), H)}
        if self.num_proj is not None:
            shapes["projection_kernel"] = (H, self.num_proj)
        return shapes

    def init_params(self, input_size, rng=0, dtype="float32"):
        """Fresh parameters {name: array}. `rng`: a seed or a NumPy Generator.

        kernel and projection_kernel glorot uniform, recurrent_kernel orthogonal, each on the packed matrix (as Keras);
        norm_scale one, all others zero, but for what `initial` and `initial_bias` say.
        """
        rng = np.random.default_rng(rng)
        makers = USUAL | self.initial
        params = {}
        for name, shape in self.param_shapes(input_size).items():
            params[name] = makers.get(name, initializers.zeros)(shape, rng, dtype)
        if "bias" in params:
            blocks = params["bias"].reshape(-1, self.units)
            for block, name in zip(blocks, self.vectors["bias"], strict=True):
                block[:] = self.initial_bias.get(name, 0)
        return params

    @property
    def initial_bias(self):
        """Initial bias of the pre-activations for which it is not zero."""
        return {}

    def unroll(self, params, x, state, mask, how):
        from ..engines import run

        return run(self, params, x, state, mask, how)
