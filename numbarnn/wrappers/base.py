"""The base classes of wrappers, and the checks of their options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..cells.base import Cell
from ..cells.rnn_cell import RNNCell
from ..engines.fixed_params import FixedParams
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError


@dataclass(frozen=True)
class Wrapper(RNNCell):
    """Pass everything on to the inner cell; a subclass overrides what it changes.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    """

    cell: RNNCell

    def __post_init__(self):
        check_cells(self, self.cell)

    @property
    def takes_integers(self) -> bool:
        return self.cell.takes_integers

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> int:
        return self.cell.output_size

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return self.cell.param_shapes(input_size)

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        # raises on an input size that does not fit
        self.param_shapes(input_size)
        return self.cell.init_params(input_size, rng, dtype)

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        return self.cell.unroll(params, x, state, mask, options)


class ParametrisedWrapper(Wrapper):
    """Add parameters, of `own_shapes`, to those of the inner cell, which are called "cell/..."."""

    def own_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of the wrapper's own parameters for inputs of `input_size` features."""
        raise NotImplementedError

    def init_own(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, np.ndarray]:
        """Draw the wrapper's own parameters: kernels glorot uniform, everything else zero."""
        return {
            name: (initializers.glorot_uniform if name.endswith("kernel") else initializers.zeros)(shape, rng, dtype)
            for name, shape in self.own_shapes(input_size).items()
        }

    def inner_size(self, input_size: int) -> int:
        """Return the number of features that the inner cell reads."""
        return input_size

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return self.own_shapes(input_size) | prefixed({"cell": self.cell.param_shapes(self.inner_size(input_size))})

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        own = self.init_own(input_size, rng, dtype)
        return own | prefixed({"cell": self.cell.init_params(self.inner_size(input_size), rng, dtype)})

    def unroll_inner(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        """Run the inner cell and name its gradients, states and gates "cell/..."."""
        run = self.cell.unroll(part("cell", params), x, state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, *rest = run.backward(d_outputs, d_state, cut)
            return prefixed({"cell": d_params}), *rest

        states, gates = (lambda: prefixed({"cell": run.states()})), (lambda: prefixed({"cell": run.gates()}))
        return replace(run, backward=backward, states=states, gates=gates)


def check_cells(wrapper: RNNCell, *cells: Any) -> None:
    """Raise `InputError` unless all of these are cells."""
    for cell in cells:
        if not isinstance(cell, RNNCell):
            raise InputError(f"{type(wrapper).__name__}: expected a cell such as LSTMCell(units), got {cell!r}")


def check_plain(wrapper: RNNCell, cell: RNNCell) -> None:
    """Raise `InputError` unless the cell is a plain one."""
    if not isinstance(cell, Cell):
        caller, inner = type(wrapper).__name__, type(cell).__name__
        raise InputError(
            f"{caller}: expected a plain cell such as LSTMCell(units), got a {inner}; wrap the cells in it"
        )


def check_sizes(wrapper: RNNCell, **sizes: int) -> None:
    """Raise `InputError` unless each size is positive."""
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{type(wrapper).__name__}: expected {name} to be a positive integer, got {size!r}")


def check_rates(wrapper: RNNCell, **rates: float) -> None:
    """Raise `InputError` unless each rate is in [0, 1)."""
    for name, rate in rates.items():
        if not 0 <= rate < 1:
            raise InputError(f"{type(wrapper).__name__}: expected {name} in [0, 1), got {rate!r}")


def check_floats(wrapper: Wrapper, option: str) -> None:
    """Raise `InputError` if the inner cell takes integers, on which the wrapper's `option` cannot compute."""
    if wrapper.cell.takes_integers:
        inner = type(wrapper.cell).__name__
        raise InputError(f"{type(wrapper).__name__}: {option} needs inputs of floats, and {inner} takes integers")


def check_same_size(wrapper: Wrapper, input_size: int) -> None:
    """Raise `InputError` unless inputs have as many features as the outputs of the inner cell."""
    if input_size != wrapper.cell.output_size:
        expected = f"inputs of {wrapper.cell.output_size} features, as the output of {type(wrapper.cell).__name__}"
        raise InputError(f"{type(wrapper).__name__}: expected {expected}, got {input_size}")


def prefixed(parts: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    """Flatten {part: {name: value}} to {"part/name": value}."""
    return {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}


def part(name: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Select the values of one part of {"part/name": value}, under the names that they have in the part."""
    if isinstance(values, FixedParams):
        return values.once(("part", name), lambda: FixedParams(part(name, dict(values))))
    return {key.removeprefix(f"{name}/"): value for key, value in values.items() if key.startswith(f"{name}/")}


def zero_masked(array: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Set the masked steps of an array (T, B, n) to zero; `mask` (T, B) is true at valid steps."""
    return array if mask is None else np.where(mask[:, :, None], array, array.dtype.type(0))
