"""What is run: every cell, option, shape and way to call `nr.forward`."""

from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple
from zlib import crc32

import numpy as np

from . import options as chosen
from . import references
from .activations import KINKS
from .node import Node


class Shape(NamedTuple):
    """Steps, batch rows, input features, units."""

    T: int
    B: int
    I: int
    H: int


@dataclass(frozen=True)
class Call:
    """How `nr.forward` is called, and `Run.backward`. `nan_padding`: NaN stands in x and in the gradient of the outputs
    at masked steps; `resets`: of states inside the sequences; `truncate`: (k1, k2) of truncated BPTT."""

    initial_state: bool = False
    masking: str = "none"  # or "lengths" or "mask"
    reverse: bool = False
    time_major: bool = False
    save: str = "all"
    nan_padding: bool = False
    training: bool = False
    resets: bool = False
    truncate: tuple | None = None
    loss_scope: str = "new"

    @property
    def in_steps(self):
        """Whether it makes sense only where time is read in one direction."""
        return self.resets or self.truncate is not None


@dataclass(frozen=True)
class Case:
    """One sequence run and its gradients.

    `kinks`: pre-activations stand exactly where a derivative jumps. `arguments`: those of the constructor by position,
    None for the units alone.
    """

    cell: str
    options: dict
    shape: Shape
    call: Call = field(default_factory=Call)
    kinks: bool = False
    arguments: tuple | None = None

    @property
    def node(self):
        return Node(self.cell, (self.shape.H,) if self.arguments is None else self.arguments, self.options)

    @property
    def seed(self):
        return crc32(f"{self.node} {self.described}".encode())

    @property
    def described(self):
        """Sizes, and what the call does beside the defaults."""
        call = {name: value for name, value in asdict(self.call).items() if value != getattr(Call, name)}
        kinks = {"kinks": True} if self.kinks else {}
        return self.shape._asdict() | call | kinks | ({"of": str(self.node)} if self.arguments else {})


SHAPES = (
    Shape(5, 3, 4, 7),
    Shape(1, 4, 3, 5),  # one step
    Shape(6, 1, 5, 3),  # one row
    Shape(4, 3, 1, 6),  # one feature
    Shape(5, 2, 3, 1),  # one unit
    Shape(1, 1, 1, 1),
    Shape(3, 5, 2, 37),  # more units than two vectors hold, and a rest
    Shape(4, 13, 19, 50),
    Shape(23, 2, 3, 17),
    Shape(12, 29, 37, 66),  # enough work for several threads
    Shape(60, 3, 2, 5),  # long
    Shape(50, 64, 6, 11),  # long sums in the gradients of the weights
)
SMALL = SHAPES[0]
QUICK_SHAPES = (SMALL, Shape(1, 1, 1, 1), Shape(3, 5, 2, 37), Shape(12, 29, 37, 66))

CALLS = (
    Call(),
    Call(initial_state=True),
    Call(initial_state=True, masking="lengths"),
    Call(initial_state=True, masking="mask"),
    Call(initial_state=True, reverse=True),
    Call(initial_state=True, masking="lengths", reverse=True),
    Call(masking="mask", reverse=True, time_major=True),
    Call(initial_state=True, time_major=True),
    Call(initial_state=True, masking="lengths", nan_padding=True),
    Call(initial_state=True, masking="mask", nan_padding=True, reverse=True),
    Call(initial_state=True, masking="lengths", save="minimal"),
)
CUT = (  # where the gradient is cut off
    (SMALL, Call(initial_state=True, masking="mask", truncate=(2, 3), resets=True)),
    (SMALL, Call(initial_state=True, masking="lengths", truncate=(1, 3), reverse=True, time_major=True)),
    (Shape(9, 2, 3, 17), Call(initial_state=True, truncate=(2, 4), loss_scope="window")),
    (SMALL, Call(initial_state=True, masking="lengths", resets=True, time_major=True, save="minimal")),
)
QUICK_CALLS = (
    Call(initial_state=True),
    Call(initial_state=True, masking="mask", nan_padding=True, reverse=True),
    Call(initial_state=True, masking="lengths"),
)
SHORT = Shape(8, 2, 2, 3)
SHORT_CALLS = (
    Call(initial_state=True, masking="mask", resets=True),
    Call(initial_state=True, masking="lengths", reverse=True, time_major=True),
    Call(),
)
OPTION_SHAPES = (SMALL, Shape(6, 4, 3, 18), Shape(3, 5, 2, 37))
WAYS = 2  # to call with each shape, for cells that are not THOROUGH


def cases_of(name, quick=False):
    """All cases of the cell of this name, the default options with shapes and calls first."""
    module = references.load()[name]
    calls = QUICK_CALLS if quick else CALLS[1:]
    cases = [case for shape, call in shapes_and_calls(module, quick) for case in fitted(module, {}, shape, call)[:1]]
    cases += [case for call in calls for case in fitted(module, {}, SMALL, call)[1:]]
    cases += [case for shape, call in CUT[: 1 if quick else None] for case in fitted(module, {}, shape, call)]
    for options in chosen.quick(module) if quick else (*chosen.alone(module), *chosen.combined(module)):
        cases += with_options(module, options, calls, OPTION_SHAPES[: 1 if quick else None])
    return cases + [case for options in getattr(module, "KINKS", ()) for case in at_kinks(module, options)]


def with_options(module, options, calls, shapes):
    """One call, drawn at random, with each shape; on kinks; and in training, if that is another matter."""
    rng = np.random.default_rng(crc32(repr((module.CELL, sorted(options))).encode()))
    drawn = [(shape, calls[rng.integers(len(calls))]) for shape in shapes]
    cases = [case for shape, call in drawn for case in fitted(module, options, shape, call)[:1]]
    if hasattr(module, "masks"):
        training = [(shape, replace(call, training=True)) for shape, call in drawn]
        training.append((CUT[0][0], replace(CUT[0][1], training=True)))
        cases += [case for shape, call in training for case in fitted(module, options, shape, call)]
    biased = options.get("use_bias", True) and getattr(module, "PLANTED", True)
    if biased and KINKS.keys() & set(map(str, options.values())):
        cases += at_kinks(module, options)  # the bias puts pre-activations there
    return cases


def short(name, quick=False):
    """Cases of a plain cell for real-time recurrent learning, whose work grows with the square of the parameters."""
    module = references.load()[name]
    if hasattr(module, "examples"):
        return []
    found = [case for call in SHORT_CALLS for case in fitted(module, {}, SHORT, call)]
    alone = chosen.quick(module) if quick else [*chosen.alone(module), *chosen.combined(module)]
    return found + [case for options in alone for case in fitted(module, options, SHORT, SHORT_CALLS[0])]


def is_tiny(case):
    """Whether a simulated GPU runs it in a second."""
    T, B, _, H = case.shape
    return T * B * H <= 200


def shapes_and_calls(module, quick=False):
    """For the default options: all pairs where the module is THOROUGH, else all calls once and all shapes twice."""
    if quick:
        return [(shape, QUICK_CALLS[i % len(QUICK_CALLS)]) for i, shape in enumerate((SMALL, SMALL, *QUICK_SHAPES))]
    if getattr(module, "THOROUGH", False):
        return [(shape, call) for shape in SHAPES for call in CALLS]
    turns = [(shape, CALLS[(WAYS * i + k) % len(CALLS)]) for i, shape in enumerate(SHAPES[1:]) for k in range(WAYS)]
    return [(SHAPES[0], call) for call in CALLS] + turns


def fitted(module, options, shape, call, **more):
    """The nearest case of which there is a cell; of a composite cell one for each example."""
    shape, options = getattr(module, "fit", lambda *same: same)(shape, options)
    examples = getattr(module, "examples", lambda shape: [None])(shape)
    exists = getattr(module, "exists", lambda arguments, options: True)
    cases = [Case(module.CELL, options, shape, call, arguments=arguments, **more) for arguments in examples]
    cases = [case for case in cases if exists(case.arguments, options)]
    return [case for case in cases if case.node.steps or not call.in_steps]


def at_kinks(module, options):
    """The case of a plain cell whose vectors and states stand on kinks."""
    plain = not hasattr(module, "examples")
    return fitted(module, options, SMALL, Call(initial_state=True), kinks=True) if plain else []


def differentiable(module, quick=False):
    """The options under which the reference's gradient is that of its values: the default, and each alone."""
    options = chosen.quick(module) if quick else chosen.alone(module)
    return filter(getattr(module, "exact", lambda options: True), [{}, *options])


def central(module, options):
    """The case whose reference is checked by central differences."""
    return fitted(module, options, SMALL, Call(initial_state=True, masking="mask"))[0]
