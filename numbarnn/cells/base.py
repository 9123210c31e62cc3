"""What a cell is: its equations, and what feeds them."""

import math
import re
from collections import namedtuple
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from .. import initializers
from ..autodiff import derived
from ..engines import dispatch
from ..errors import InputError
from ..maths import ACTIVATIONS
from ..utils.lazy import cached_property
from .rnn_cell import RNNCell


def glorot_vectors(shape, rng, dtype="float32"):
    """Glorot uniform for a vector or each of several: fan in and fan out are its length, as in TensorFlow 1."""
    bound = math.sqrt(3 / shape[-1])
    return initializers.uniform(-bound, bound)(shape, rng, dtype)


def glorot_packed(cell, shapes):
    """kernel and recurrent_kernel glorot uniform as the one matrix that multiplies [x, h] in TensorFlow 1."""
    (inputs, columns), (outputs, _) = shapes["kernel"], shapes["recurrent_kernel"]
    bound = math.sqrt(6 / (inputs + outputs + columns))
    return dict.fromkeys(("kernel", "recurrent_kernel"), initializers.uniform(-bound, bound))


USUAL = {
    "kernel": initializers.glorot_uniform,
    "recurrent_kernel": initializers.orthogonal,
    "projection_kernel": initializers.glorot_uniform,
    "peephole": glorot_vectors,
    "norm_scale": initializers.ones,
}

SOURCE = re.compile(r"x|h|xh|x?q\d*|=\d*|m|u|")  # what may feed a pre-activation; see `Cell`
SOURCES = "x, h, xh, q, xq and = (also with a number: q1), m, u and ''"


@cache
def state_type(names):
    """Make the named tuple type of states with these names; its values are pickled with the names."""
    State = namedtuple("State", names)
    State.__reduce__ = lambda self: (_state_of, (names, tuple(self)))
    return State


def _state_of(names, values):
    return state_type(names)(*values)


@dataclass(frozen=True)
class Cell(RNNCell):
    """A plain recurrent cell of `units` units.

    Attributes declare it. `inputs` names each pre-activation, in the order of the blocks of the parameters, and says
    what feeds it: "x" (the input), "h" (the previous output), "q" (what `feedback` computes; "q1" is its second
    number), or two of them by way of a product; or else "=" (q itself), "m" (`draw` gives it: random masks), "u" (each
    unit reads a number of its own, of the last `units` inputs) or "" (nothing: it is a vector parameter, such as a
    peephole). `states` names the states, the output first; `saved` the
    values kept for the gradient that have a name, one of them or more a gate.
    """

    units: int

    inputs: ClassVar[dict]
    states: ClassVar[tuple] = ("h",)
    saved: ClassVar[tuple] = ()
    use_bias: ClassVar[bool] = True
    norms: ClassVar[tuple] = ()  # groups of pre-activations that are normalised, each group as one (layer norm)
    norm_epsilon: ClassVar[float] = 1e-5
    num_proj = None  # width of the output, where it is a projection of the first state ...
    proj_clip = None  # ... clipped to +- this
    carries_output: ClassVar[bool] = False  # whether the equations use the first state of the step before
    last_is_output: ClassVar[bool] = (
        False  # whether the output is the last state; the first one is fed back all the same
    )

    def __post_init__(self):
        self.check_positive("units", "integer")
        for option in ("activation", "recurrent_activation"):
            if hasattr(self, option):
                self.check_choice(option, ACTIVATIONS)
        if self.num_proj is not None:
            self.check_positive("num_proj", "integer")
        for option in ("cell_clip", "proj_clip"):
            if getattr(self, option, None) is not None:
                self.check_positive(option, "number")
        if self.proj_clip is not None and self.num_proj is None:
            raise InputError(f"{type(self).__name__}: expected num_proj where there is proj_clip, got None")
        self.check_declaration()

    def check_declaration(self):
        """Raises `InputError` unless `inputs` name sources that there are, and `output_states` states."""
        caller, outputs = type(self).__name__, self.output_states
        for name, fed in self.inputs.items():
            if not SOURCE.fullmatch(fed):
                raise InputError(f"{caller}: no source {fed!r} for the pre-activation {name}; there are {SOURCES}")
        if not outputs or any(i not in range(len(self.states)) for i in outputs):
            raise InputError(f"{caller}: expected output_states to be places in {self.states}, got {outputs}")
        if self.num_proj is not None and outputs != (0,):
            raise InputError(f"{caller}: expected output_states (0,) with num_proj, got {outputs}")

    def check_feedback(self):
        """Raises `InputError` unless there is `feedback` exactly where a pre-activation is fed by it."""
        fed, has = self.fed_by("q="), self.equations.feedback is not None
        if bool(fed) != has:
            expected = (
                "a pre-activation fed by q or =, as there is feedback" if has else f"feedback, which feeds {fed[0]}"
            )
            raise InputError(f"{type(self).__name__}: expected {expected}, got none")

    def check_positive(self, option, kind):
        """Raises `InputError` unless the option is positive and an "integer" or a "number"."""
        value, types = getattr(self, option), {"integer": int | np.integer, "number": int | float | np.number}[kind]
        if isinstance(value, bool) or not isinstance(value, types) or not value > 0:
            raise InputError(f"{type(self).__name__}: expected {option} to be a positive {kind}, got {value!r}")

    def check_choice(self, option, choices):
        """Raises `InputError` unless the option is one of these names."""
        value = getattr(self, option)
        if not isinstance(value, str) or value not in choices:
            raise InputError(f"{type(self).__name__}: no {option} {value!r}; there are {', '.join(choices)}")

    @property
    def equations(self):
        """The cell's `Equations` under its options; where a cell declares none, they are derived from its methods
        `forward(z, s)` and, where it has one, `feedback(z, s)`: see `derive`."""
        return derived(self)

    @property
    def offsets(self):
        """Constants added to pre-activations, by name (the forget bias of an LSTM)."""
        return {}

    @property
    def vectors(self):
        """{parameter: the pre-activations to which it adds a vector each}."""
        fed = tuple(name for name, source in self.inputs.items() if set(source) & set("xhq"))
        return {"bias": fed} if self.use_bias else {}

    def draw(self, shape, dtype, options):
        """{name: array that broadcasts to (T, B, H)} for the inputs fed by "m"; `shape` is (T, B, H)."""
        return {}

    @cached_property
    def State(self):
        """The named tuple type of the states; a projected output comes first, the first state as "s" only where the
        equations carry it."""
        first = self.states[:1] if self.num_proj is None or not self.carries_output else (self.states[0], "s")
        return state_type(first + self.states[1:])

    @property
    def output_states(self):
        """Places of the states whose values are the outputs, side by side."""
        return (len(self.states) - 1,) if self.last_is_output else (0,)

    @property
    def state_width(self):
        """Width of the first state, which is fed back; it is that of each output as well."""
        return self.num_proj or self.units

    @property
    def output_size(self):
        return len(self.output_states) * self.state_width

    @cached_property
    def state_size(self):
        """Width of each state."""
        names = self.State._fields
        return self.State(self.state_width, *(self.units,) * (len(names) - 1))

    def fed_by(self, sources):
        """Names of the pre-activations that one of `sources` feeds, in order."""
        return tuple(name for name, fed in self.inputs.items() if set(fed) & set(sources))

    @property
    def normed(self):
        """Names of all normalised pre-activations, in the order of norm_scale and norm_shift."""
        return tuple(name for group in self.norms for name in group)

    def param_shapes(self, input_size):
        """Names and shapes of the parameters for inputs of `input_size` features."""
        return self.engine_shapes(input_size)

    def engine_shapes(self, input_size):
        """Those of the parameters as engines read them. A cell whose own ones are others says so in `param_shapes`,
        `engine_params` and `own_gradients`."""
        self.check_feedback()
        H = self.units
        shapes = {"kernel": (input_size, len(self.fed_by("x")) * H)}
        if self.num_proj is None or not self.fed_by("q"):
            recurrent = {"recurrent_kernel": "hq"}
        else:  # what is fed back has one width, q another
            recurrent = {"recurrent_kernel": "h", "feedback_kernel": "q"}
        for name, sources in recurrent.items():
            if fed := self.fed_by(sources):
                shapes[name] = (H if sources == "q" else self.state_width, len(fed) * H)
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
        peepholes glorot uniform, norm_scale one, all others zero, but for what `initial` and `initial_bias` say.
        """
        rng, shapes = np.random.default_rng(rng), self.param_shapes(input_size)
        makers = USUAL | self.initial(shapes)
        params = {name: makers.get(name, initializers.zeros)(shape, rng, dtype) for name, shape in shapes.items()}
        if "bias" in params:
            blocks = params["bias"].reshape(-1, self.units)
            for block, name in zip(blocks, self.vectors["bias"], strict=True):
                block[:] = self.initial_bias.get(name, 0)
        return params

    def initial(self, shapes):
        """{parameter: initialiser} where it is not the usual one, for parameters of these shapes."""
        return {}

    @property
    def initial_bias(self):
        """Initial bias of the pre-activations for which it is not zero."""
        return {}

    def engine_params(self, params):
        """The parameters as engines read them, a linear function of the cell's own."""
        return params

    def own_gradients(self, d_params):
        """Its transpose: gradients of the cell's own parameters."""
        return d_params

    unroll = dispatch.unroll
