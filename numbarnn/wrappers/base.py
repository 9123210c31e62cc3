"""What cells around a cell have in common."""

from dataclasses import dataclass, replace

import numpy as np

from .. import initializers
from ..cells.rnn_cell import RNNCell
from ..errors import InputError


@dataclass(frozen=True)
class Wrapper(RNNCell):
    """A cell that acts like the one inside it, wherever a subclass does not say otherwise."""

    cell: RNNCell

    def __post_init__(self):
        check_cells(self, self.cell)

    @property
    def takes_integers(self):
        return self.cell.takes_integers

    @property
    def state_size(self):
        return self.cell.state_size

    @property
    def output_size(self):
        return self.cell.output_size

    def param_shapes(self, input_size):
        return self.cell.param_shapes(input_size)

    def init_params(self, input_size, rng=0, dtype="float32"):
        self.param_shapes(input_size)  # refuses what does not fit
        return self.cell.init_params(input_size, rng, dtype)

    def unroll(self, params, x, state, mask, options):
        return self.cell.unroll(params, x, state, mask, options)


class ParametrisedWrapper(Wrapper):
    """A wrapper with parameters of its own, `own_shapes`; everything of the inner cell is called "cell/..."."""

    def own_shapes(self, input_size):
        raise NotImplementedError

    def init_own(self, input_size, rng, dtype):
        """Kernels glorot uniform, everything else zero."""
        return {
            name: (initializers.glorot_uniform if name.endswith("kernel") else initializers.zeros)(shape, rng, dtype)
            for name, shape in self.own_shapes(input_size).items()
        }

    def inner_size(self, input_size):
        """Features of what the inner cell reads."""
        return input_size

    def param_shapes(self, input_size):
        return self.own_shapes(input_size) | prefixed({"cell": self.cell.param_shapes(self.inner_size(input_size))})

    def init_params(self, input_size, rng=0, dtype="float32"):
        rng = np.random.default_rng(rng)
        own = self.init_own(input_size, rng, dtype)
        return own | prefixed({"cell": self.cell.init_params(self.inner_size(input_size), rng, dtype)})

    def run_inner(self, params, x, state, mask, options):
        """The inner cell's `CellResult` under the names of this cell."""
        run = self.cell.unroll(part("cell", params), x, state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, *rest = run.backward(d_outputs, d_state, cut)
            return prefixed({"cell": d_params}), *rest

        states, gates = (lambda: prefixed({"cell": run.states()})), (lambda: prefixed({"cell": run.gates()}))
        return replace(run, backward=backward, states=states, gates=gates)


def check_cells(wrapper, *cells):
    for cell in cells:
        if not isinstance(cell, RNNCell):
            raise InputError(f"{type(wrapper).__name__}: expected a cell such as LSTMCell(units), got {cell!r}")


def check_sizes(wrapper, **sizes):
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise InputError(f"{type(wrapper).__name__}: expected {name} to be a positive integer, got {size!r}")


def check_floats(wrapper, option):
    """Refuse a cell that takes integers, where an option of the wrapper calculates with the inputs."""
    if wrapper.cell.takes_integers:
        inner = type(wrapper.cell).__name__
        raise InputError(f"{type(wrapper).__name__}: {option} needs inputs of floats, and {inner} takes integers")


def check_same_size(wrapper, input_size):
    """Refuse inputs that cannot be added to the inner cell's outputs."""
    if input_size != wrapper.cell.output_size:
        expected = f"inputs of {wrapper.cell.output_size} features, as the output of {type(wrapper.cell).__name__}"
        raise InputError(f"{type(wrapper).__name__}: expected {expected}, got {input_size}")


def prefixed(parts):
    """{"part/name": value} of {part: {name: value}}."""
    return {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}


def part(name, values):
    """The values of one part, under the part's own names."""
    return {key.removeprefix(f"{name}/"): value for key, value in values.items() if key.startswith(f"{name}/")}


def zeroed(array, mask):
    """The array (T, B, n) with zeros where the mask (T, B) says so."""
    return array if mask is None else np.where(mask[:, :, None], array, array.dtype.type(0))
