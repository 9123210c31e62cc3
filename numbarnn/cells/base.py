"""What a plain cell is: its equations, and what feeds them."""

import math
import re
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import numpy as np

from .. import activations, initializers
from ..autodiff import derived
from ..autodiff.equations import Equations
from ..engines import dispatch
from ..engines.interface import RunOptions
from ..errors import InputError
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from ..utils.lazy import cached_property
from . import _initializer
from .rnn_cell import RNNCell


def glorot_vectors(shape, rng, dtype="float32"):
    """Fill vectors Glorot uniformly: fan in and fan out are the length of a vector, as in TensorFlow 1."""
    bound = math.sqrt(3 / shape[-1])
    return initializers.uniform(-bound, bound)(shape, rng, dtype)


def glorot_packed(cell, shapes):
    """Make kernel and recurrent_kernel Glorot uniform as one matrix, which multiplies [x, h] in TensorFlow 1."""
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

SOURCE = re.compile(r"x|h|xh|x?q\d?|=\d?|m|u|")  # what may feed a pre-activation: see `Cell`
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
    """Declare a plain recurrent cell: the scalar equations of one unit, and what feeds them.

    A subclass is a frozen dataclass whose fields are its options. It declares the attributes below and defines
    ``forward``; the gradient is derived.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or its name, as in TensorFlow 1: it sees the matrices of x and of
        h as one. A dictionary {parameter: initialiser} is for these parameters alone.

    Attributes
    ----------
    inputs : dict of str to str
        Names of the pre-activations, in the order of the blocks of the parameters, and what feeds each: see the table.
    states : tuple of str
        Names of the states. The output is the first one.
    saved : tuple of str
        Names of the gates: the values, besides the new states, that ``forward`` returns and ``run.gates`` shows.
    use_bias : bool
        Whether each pre-activation with a product has a bias.
    norms : tuple of tuple of str
        Groups of pre-activations with layer norm; a group is normalised as one row.
    norm_epsilon : float
        A constant that layer norm adds to each variance.
    num_proj : int or None
        Width of the output if it is a projection of the first state: the state times projection_kernel (H, num_proj).
    proj_clip : float or None
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    carries_output : bool
        Whether the equations read the first state of the step before. With a projection, that is a state of its own.
    last_is_output : bool
        Whether the output is the last state. The first one is fed back all the same.

    Notes
    -----
    What feeds a pre-activation is written in letters:

    ======  =====================================================================  ===================================
    letter  the pre-activation gets                                                example
    ======  =====================================================================  ===================================
    x       the product of the input and a block of kernel                         g of `SRUCell`
    h       the product of the last output and a block of recurrent_kernel         m of `ResetAfterGRUCell`
    q       the product of what ``feedback`` computes and such a block;            n of `GRUCell`
            q0, q1 ... with several numbers
    =       what ``feedback`` computes, without a product; =0, =1 ...              c of `LayerNormLSTMCell`
    m       a random mask or another array that ``draw`` makes                     keep of `LayerNormBasicLSTMCell`
    u       for each unit a number of its own, from the last H inputs              x of `IntersectionRNNCell`
    (none)  nothing: it is a vector parameter, see ``vectors``                     pi of `LSTMCell` with peepholes
    ======  =====================================================================  ===================================

    Two letters are a sum of products: "xh" is x W + h R, as z of `SimpleRNNCell`.

    Fresh parameters: kernel and projection_kernel are Glorot uniform and recurrent_kernel is orthogonal, each as one
    packed matrix, as in Keras. Peepholes are Glorot uniform, norm_scale is one, all others are zero. A cell that
    differs says so.
    """

    units: int
    initializer: Any = field(default=None, repr=False, kw_only=True)

    inputs: ClassVar[dict[str, str]]
    states: ClassVar[tuple[str, ...]] = ("h",)
    saved: ClassVar[tuple[str, ...]] = ()
    use_bias: ClassVar[bool] = True
    norms: ClassVar[tuple[tuple[str, ...], ...]] = ()
    norm_epsilon: ClassVar[float] = 1e-5
    num_proj = None
    proj_clip = None
    carries_output: ClassVar[bool] = False
    last_is_output: ClassVar[bool] = False
    feedback: ClassVar[Any] = None  # or a method: see `forward`

    def __post_init__(self):
        self.check_positive("units", "integer")
        object.__setattr__(self, "initializer", _initializer.checked(type(self).__name__, self.initializer))
        for option in ("activation", "recurrent_activation"):
            if hasattr(self, option):
                activations.check(type(self).__name__, option, getattr(self, option))
        if getattr(self, "output_activation", None) is not None:
            activations.check(type(self).__name__, "output_activation", self.output_activation)
        if self.num_proj is not None:
            self.check_positive("num_proj", "integer")
        for option in ("cell_clip", "proj_clip", "preactivation_clip"):
            if getattr(self, option, None) is not None:
                self.check_positive(option, "number")
        if self.proj_clip is not None and self.num_proj is None:
            raise InputError(f"{type(self).__name__}: expected num_proj where there is proj_clip, got None")
        self.check_declaration()

    def check_declaration(self) -> None:
        """Check that ``inputs`` name sources that exist, and ``output_states`` states; else raise `InputError`."""
        caller, outputs = type(self).__name__, self.output_states
        for name, fed in self.inputs.items():
            if not SOURCE.fullmatch(fed):
                raise InputError(f"{caller}: no source {fed!r} for the pre-activation {name}; there are {SOURCES}")
        if not outputs or any(i not in range(len(self.states)) for i in outputs):
            raise InputError(f"{caller}: expected output_states to be places in {self.states}, got {outputs}")
        if self.num_proj is not None and outputs != (0,):
            raise InputError(f"{caller}: expected output_states (0,) with num_proj, got {outputs}")

    def check_feedback(self) -> None:
        """Check that there is ``feedback`` exactly if it feeds a pre-activation; else raise `InputError`."""
        fed, has = self.fed_by("q="), self.equations.feedback is not None
        if bool(fed) != has:
            expected = (
                "a pre-activation fed by q or =, as there is feedback" if has else f"feedback, which feeds {fed[0]}"
            )
            raise InputError(f"{type(self).__name__}: expected {expected}, got none")

    def check_positive(self, option: str, kind: str) -> None:
        """Check that an option is positive.

        Parameters
        ----------
        option : str
            Name of the option.
        kind : {"integer", "number"}
            What it has to be.

        Raises
        ------
        InputError
            If it is something else.
        """
        value, types = getattr(self, option), {"integer": int | np.integer, "number": int | float | np.number}[kind]
        if isinstance(value, bool) or not isinstance(value, types) or not value > 0:
            raise InputError(f"{type(self).__name__}: expected {option} to be a positive {kind}, got {value!r}")

    def check_choice(self, option: str, choices: Any) -> None:
        """Check that an option is one of several names.

        Parameters
        ----------
        option : str
            Name of the option.
        choices : collection of str
            The names that it may be.

        Raises
        ------
        InputError
            If it is none of them.
        """
        value = getattr(self, option)
        if not isinstance(value, str) or value not in choices:
            raise InputError(f"{type(self).__name__}: no {option} {value!r}; there are {', '.join(choices)}")

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        """Compute one step of one unit, from numbers.

        The formulas may use + - * / ** and the functions of `numbarnn.maths` and NumPy that have a derivative; there is
        no ``if``, but ``where_less(a, b, x, y)``. A cell that multiplies something computed within the step also
        defines ``feedback(z, s) -> q, z``, which runs first, on the pre-activations that are known by then: q is a
        number or a tuple of numbers, and the z that it returns take the place of those in ``forward``.

        Parameters
        ----------
        z : tuple
            The pre-activations, in the order of ``inputs``.
        s : tuple
            The states before the step, in the order of ``states``.

        Returns
        -------
        s1 : tuple
            The new states.
        gates : tuple
            The gates, in the order of ``saved``.
        """
        raise NotImplementedError(f"{type(self).__name__} declares neither equations nor forward")

    @property
    def equations(self) -> Equations:
        """The cell's forward and backward equations under its options, derived from ``forward`` and ``feedback``."""
        return derived(self)

    @property
    def offsets(self) -> dict[str, float]:
        """Constants that are added to pre-activations, by name, such as the forget bias of an LSTM."""
        return {}

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        """The vector parameters: {parameter: the pre-activations to which it adds one vector each}."""
        fed = tuple(name for name, source in self.inputs.items() if set(source) & set("xhq"))
        return {"bias": fed} if self.use_bias else {}

    def draw(self, shape: tuple[int, int, int], dtype: np.dtype, options: RunOptions) -> dict[str, np.ndarray]:
        """Make the arrays for the pre-activations that are fed by "m".

        Parameters
        ----------
        shape : tuple of int
            (T, B, H).
        dtype : numpy.dtype
            float32 or float64.
        options : RunOptions
            Says whether this is training, and holds the seed.

        Returns
        -------
        dict of str to ndarray
            An array of ``dtype`` for each name, which broadcasts to ``shape``.
        """
        return {}

    @cached_property
    def State(self) -> Any:
        """The named tuple type of the states.

        With a projection the output comes first; the unprojected state follows as "s" if the equations carry it.
        """
        first = self.states[:1] if self.num_proj is None or not self.carries_output else (self.states[0], "s")
        return state_type(first + self.states[1:])

    @property
    def output_states(self) -> tuple[int, ...]:
        """Places of the states that are the output, side by side."""
        return (len(self.states) - 1,) if self.last_is_output else (0,)

    @property
    def state_width(self) -> int:
        """Width of the first state, which is fed back; it is that of each output as well."""
        return self.num_proj or self.units

    @property
    def output_size(self) -> int:
        return len(self.output_states) * self.state_width

    @cached_property
    def state_size(self) -> Any:
        """Width of each state, a ``State``."""
        names = self.State._fields
        return self.State(self.state_width, *(self.units,) * (len(names) - 1))

    def fed_by(self, sources: str) -> tuple[str, ...]:
        """Find pre-activations by what feeds them.

        Parameters
        ----------
        sources : str
            Letters of the table, such as "hq".

        Returns
        -------
        tuple of str
            Names of the pre-activations that one of the letters feeds, in order.
        """
        return tuple(name for name, fed in self.inputs.items() if set(fed) & set(sources))

    @property
    def normed(self) -> tuple[str, ...]:
        """Names of all normalised pre-activations, in the order of norm_scale and norm_shift."""
        return tuple(name for group in self.norms for name in group)

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return self.engine_shapes(input_size)

    def engine_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters as engines read them.

        A cell whose own parameters have other shapes overrides `param_shapes`, `engine_params` and `own_gradients`.

        Parameters
        ----------
        input_size : int
            Number of input features I.

        Returns
        -------
        dict of str to tuple of int
            The shapes, by name.
        """
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

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        shapes = self.param_shapes(input_size)
        makers = USUAL | self.initial(shapes)
        params = {name: makers.get(name, initializers.zeros)(shape, rng, dtype) for name, shape in shapes.items()}
        if "bias" in params:
            blocks = params["bias"].reshape(-1, self.units)
            for block, name in zip(blocks, self.vectors["bias"], strict=True):
                block[:] = self.initial_bias.get(name, 0)
        _initializer.draw(self, params, rng, dtype)
        return params

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        """Choose initialisers for the parameters that are not initialised as usual.

        Parameters
        ----------
        shapes : dict of str to tuple of int
            Shapes of all parameters, by name.

        Returns
        -------
        dict of str to Initializer
            Initialisers, by name of the parameter.
        """
        return {}

    @property
    def initial_bias(self) -> dict[str, float]:
        """Values of a fresh bias, by pre-activation; zero for all others."""
        return {}

    def engine_params(self, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Convert the cell's parameters to those that engines read; this is a linear function.

        Parameters
        ----------
        params : dict of str to ndarray
            Parameters of the shapes of `param_shapes`.

        Returns
        -------
        dict of str to ndarray
            Parameters of the shapes of `engine_shapes`.
        """
        return params

    def own_gradients(self, d_params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Convert gradients of what engines read to those of the cell's parameters: `engine_params` transposed.

        Parameters
        ----------
        d_params : dict of str to ndarray
            Gradients of the shapes of `engine_shapes`.

        Returns
        -------
        dict of str to ndarray
            Gradients of the shapes of `param_shapes`.
        """
        return d_params

    unroll = dispatch.unroll

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        if type(self).unroll is not Cell.unroll or "m" in self.inputs.values():
            return super().plan_memory(memory, inputs, options)
        return dispatch.plan_memory(self, memory, inputs, options)
