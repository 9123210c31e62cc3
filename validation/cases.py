"""What is run: every cell, option, shape and way to call `nr.forward`."""

from dataclasses import asdict, dataclass, field
from itertools import product
from typing import NamedTuple
from zlib import crc32

import numpy as np

from . import references
from .activations import KINKS


class Shape(NamedTuple):
    """Steps, batch rows, input features, units."""

    T: int
    B: int
    I: int
    H: int


@dataclass(frozen=True)
class Call:
    """How `nr.forward` is called. `nan_padding`: NaN stands in x and in the gradient of the outputs at masked steps."""

    initial_state: bool = False
    masking: str = "none"  # or "lengths" or "mask"
    reverse: bool = False
    time_major: bool = False
    save: str = "all"
    nan_padding: bool = False


@dataclass(frozen=True)
class Case:
    """One sequence run and its gradients. `kinks`: pre-activations stand exactly where a derivative jumps."""

    cell: str
    options: dict
    shape: Shape
    call: Call = field(default_factory=Call)
    kinks: bool = False

    @property
    def seed(self):
        return crc32(repr(self).encode())

    @property
    def described(self):
        """Sizes, and what the call does beside the defaults."""
        call = {name: value for name, value in asdict(self.call).items() if value != getattr(Call, name)}
        return self.shape._asdict() | call | ({"kinks": True} if self.kinks else {})


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
QUICK_SHAPES = (SMALL, Shape(1, 1, 1, 1), Shape(3, 5, 2, 37), Shape(12, 29, 37, 66), Shape(50, 64, 6, 11))

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
QUICK_CALLS = (Call(initial_state=True), Call(initial_state=True, masking="mask", nan_padding=True, reverse=True))
OPTION_SHAPES = (SMALL, Shape(6, 4, 3, 18), Shape(3, 5, 2, 37))
COMBINATIONS = 4  # of options drawn at random, for each cell


def cases_of(name, quick=False):
    """All cases of the cell of this name, the default options with every shape and call first."""
    module = references.load()[name]
    shapes, calls = (QUICK_SHAPES, QUICK_CALLS) if quick else (SHAPES, CALLS)
    cases = [Case(name, {}, shape, call) for shape, call in product(shapes, calls)]
    for options in quick_options(module) if quick else (*options_alone(module), *options_combined(module)):
        rng = np.random.default_rng(crc32(repr((name, options)).encode()))
        for shape in OPTION_SHAPES[:1] if quick else OPTION_SHAPES:
            cases.append(Case(name, options, shape, calls[1 + rng.integers(len(calls) - 1)]))
        if options.get("use_bias", True) and KINKS.keys() & options.values():  # the bias puts pre-activations on kinks
            cases.append(Case(name, options, SMALL, Call(initial_state=True), kinks=True))
    return cases


def options_alone(module):
    return [{option: value} for option, values in module.OPTIONS.items() for value in values]


def options_combined(module):
    """Random values for all options at once, the same in every run."""
    rng = np.random.default_rng(crc32(module.CELL.encode()))
    draw = lambda values: values[rng.integers(len(values))]  # noqa: E731
    return [{option: draw(values) for option, values in module.OPTIONS.items()} for _ in range(COMBINATIONS)]


def quick_options(module):
    """Each option alone, but no other activation: those are compiled one by one."""
    return [
        options for options in options_alone(module) if not any(isinstance(value, str) for value in options.values())
    ]
