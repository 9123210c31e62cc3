"""What `nr.forward` runs: a cell, plain or made of others."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from zlib import crc32

import numpy as np

from ..errors import Checked, InputError


class How(NamedTuple):
    """How a pass is run; it goes down unchanged to the plain cells that a composite is made of, but for `part`.

    `reverse` walks each row from its last valid step to its first; `keep`: the gradient will be asked for. `seed` is a
    path of integers, empty where the caller gave none: every random number depends on it alone, so a pass can be
    run again and gives the same. `resets` (T, B) booleans or None: before which steps all states of a row become zero.
    """

    reverse: bool = False
    training: bool = False
    seed: tuple = ()
    device: str = "cpu"
    keep: bool = True
    resets: np.ndarray | None = None

    def part(self, name):
        """For one part of a composite: random numbers of its own."""
        return self._replace(seed=(*self.seed, crc32(str(name).encode()))) if self.seed else self

    def cuts(self, cut, shape):
        """(T, B), the shape: where no gradient passes, at these cuts and at resets; None for nowhere."""
        if self.resets is None:
            return None if cut is None else np.broadcast_to(cut, shape)
        return self.resets if cut is None else self.resets | cut

    def random(self, who):
        """A NumPy Generator for this part."""
        if not self.seed:
            raise InputError(f"{who}: draws random numbers in training; expected rng (a seed), got None")
        return np.random.default_rng(self.seed)


@dataclass
class Pass:
    """A cell's run over a batch of sequences, everything time-major.

    `outputs` (T, B, output_size), zero where masked; `state`: final states, as nested as the cell's `state_size`.
    `backward(d_outputs, d_state, cut=None)` gives the gradients (params, x, initial state); d_outputs may be None, and
    so may each array of d_state. `cut` (T, B) or (T, 1) booleans: from which steps no gradient passes to the states
    before them. `states()` and `gates()` are {name: (T, B, n)}.
    """

    outputs: np.ndarray
    state: tuple
    backward: object
    states: object = field(default=dict)
    gates: object = field(default=dict)


class RNNCell(Checked):
    """The contract of all cells; immutable, and without parameters or states of its own.

    `state_size` holds the width of each state, nested as the states are; `output_size` is that of the output. A cell
    that `takes_integers` has inputs (B, T) of integers instead of (B, T, I), and no gradient for them.
    """

    takes_integers = False

    @property
    def state_size(self):
        raise NotImplementedError

    @property
    def output_size(self):
        raise NotImplementedError

    @cached_property
    def no_gradient(self):
        """None for each state, nested like `state_size`."""
        return nested(lambda _: None, self.state_size)

    def param_shapes(self, input_size):
        """Names and shapes of the parameters for inputs of `input_size` features."""
        raise NotImplementedError

    def init_params(self, input_size, rng=0, dtype="float32"):
        """Fresh parameters {name: array}. `rng`: a seed or a NumPy Generator."""
        raise NotImplementedError

    def unroll(self, params, x, state, mask, how):
        """A `Pass` over x (T, B, I), zeros where masked; `state` nested like `state_size`, None for zeros; `mask`
        (T, B) booleans or None. Everything has been checked."""
        raise NotImplementedError

    def zero_state(self, batch, dtype="float32"):
        """States of zeros, (batch, size) arrays nested like `state_size`."""
        return nested(lambda size: np.zeros((batch, size), dtype), self.state_size)

    def step(self, params, x, state=None, **options):
        """One time step: x (B, I) and the state in, the output (B, output_size) and the new state out.

        `options` are those of `forward`.
        """
        from ..sequence import step

        return step(self, params, x, state, **options)


def nested(function, tree, *others):
    """The tree with `function` of its leaves, and of those at the same places of `others`, in their place; named tuples
    keep their names."""
    if not isinstance(tree, tuple | list):
        return function(tree, *others)
    return rebuilt(tree, [nested(function, *parts) for parts in zip(tree, *others, strict=True)])


def rebuilt(tree, parts):
    """The parts in a tuple like the tree."""
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def leaves(tree):
    """The leaves of nested tuples, from left to right."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple | list) else [tree]
