"""Vectors for integers in front of a cell (EmbeddingWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..cells.base import Cell
from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult, RunOptions, check_finite
from ..ops import embedding, linear
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from .base import ParametrisedWrapper, check_floats, check_sizes, part, zero_masked

# Cost model, in multiply-adds of the three products of a training step; measured at 65 to 30,000 rows, 8 to 256
# numbers each, and 32 to 1,024 columns.

# a number of a token's vector: gathered, its gradient added to the table's
VECTOR = 160
# a number of a product of a row of the table with the kernel: packed, its gradient unpacked
PRODUCT = 330
# a number of a product for a token: read, and dz added to its gradient
READ = 12


@dataclass(frozen=True)
class EmbeddingWrapper(ParametrisedWrapper):
    """Look integers up in a table of vectors, which a cell reads.

    Inputs are integers (B, T) below `embedding_classes`; they have no gradient. The states are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    embedding_classes : int
        Rows of the table.
    embedding_size : int
        Features of each vector.

    Raises
    ------
    InputError
        For sizes that are not positive integers, or an inner cell that takes integers itself.

    Notes
    -----
    Parameters: embedding (embedding_classes, embedding_size), fresh ones U(-sqrt 3, sqrt 3), of variance 1; those of
    `cell` are called "cell/...". The gradient of the table is summed in one order, whatever the number of threads.

    References
    ----------
    ``tf.contrib.rnn.EmbeddingWrapper`` of TensorFlow 1.
    """

    embedding_classes: int
    embedding_size: int

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, embedding_classes=self.embedding_classes, embedding_size=self.embedding_size)
        check_floats(self, "the embedding")

    @property
    def takes_integers(self) -> bool:
        return True

    def own_shapes(self, input_size: int | None) -> dict[str, tuple[int, ...]]:
        return {"embedding": (self.embedding_classes, self.embedding_size)}

    def init_own(self, input_size: int | None, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, np.ndarray]:
        (shape,) = self.own_shapes(input_size).values()
        return {"embedding": initializers.uniform(-sqrt(3), sqrt(3))(shape, rng, dtype)}

    def inner_size(self, input_size: int | None) -> int:
        return self.embedding_size

    def init_params(
        self, input_size: int | None = None, rng: int | np.random.Generator = 0, dtype: DTypeLike = "float32"
    ) -> dict[str, np.ndarray]:
        """Draw fresh parameters; there is no input size."""
        return super().init_params(input_size, rng, dtype)  # pyright: ignore[reportArgumentType]

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        table = params["embedding"]
        if multiplies_table(self.cell, part("cell", params), table, x.size, options.device):
            return self._unroll_products(params, x, state, mask, options)
        vectors = embedding.forward(type(self).__name__, table, x)
        run = self.unroll_inner(params, zero_masked(vectors, mask), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, d_vectors, d_initial = run.backward(d_outputs, d_state, cut)
            return {"embedding": embedding.backward(table, x, d_vectors)} | d_params, None, d_initial

        return replace(run, backward=backward)

    def _unroll_products(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        """Compute the same with fewer products, by x W = (table W)[tokens].

        The table is multiplied by the cell's kernel, instead of the vector of each token.

        Parameters
        ----------
        params : dict
            {name: array}, checked.
        x : array (steps, batch)
            Integers.
        state : tuple
            Initial states, nested like `state_size`; None for zeros.
        mask : array (steps, batch), optional
            Booleans, true at valid steps.
        options : RunOptions
            Options of `nr.forward`.

        Returns
        -------
        CellResult
            Outputs, states and gradients, as `unroll` returns them.

        Raises
        ------
        InputError
            A parameter is not finite, or an integer is out of range.
        """
        table, kernel = params["embedding"], params["cell/kernel"]
        embedding.check(type(self).__name__, table, x)
        check_finite(type(self).__name__, {"embedding": table, "cell/kernel": kernel})
        product_backward, _, products = linear.forward(table, kernel, None, "linear")
        run = self.unroll_inner(params | {"cell/kernel": products}, x.astype(np.int64), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, _, d_initial = run.backward(d_outputs, d_state, cut)
            d_table, d_kernel, _ = product_backward(d_params["cell/kernel"])
            return {"embedding": d_table} | d_params | {"cell/kernel": d_kernel}, None, d_initial

        return replace(run, backward=backward)

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        rows, size, tokens = self.embedding_classes, self.embedding_size, inputs.steps * inputs.batch
        of_cell = memory.part("cell")
        if reads_products(self.cell, options.device):
            columns = self.cell.param_shapes(size)["kernel"][1]
            if products_pay(tokens, rows, size, columns):
                backward_of_products = linear.plan_memory(memory, rows, size, columns, "linear", inputs.dtype)
                looked_up = inputs._replace(features=rows, tokens=True)
                backward_of_cell = self.cell.plan_memory(of_cell, looked_up, options)

                def backward_through_products():
                    backward_of_cell()
                    backward_of_products()

                return backward_through_products
        vectors = inputs._replace(features=size, tokens=False)
        gathered = vectors.array(memory, "inputs", size)
        if inputs.masked:
            vectors.array(memory, "inputs", size)
            memory.release(gathered)
        backward_of_vectors = self.cell.plan_memory(of_cell, vectors, options)

        def backward():
            backward_of_vectors()
            embedding.plan_backward(memory, tokens, rows, size, inputs.dtype)

        return backward


def multiplies_table(cell: RNNCell, params: dict[str, np.ndarray], table: np.ndarray, tokens: int, device: str) -> bool:
    """Say whether a cell reads so many tokens as products of the table with its kernel."""
    rows, size = table.shape
    return reads_products(cell, device) and products_pay(tokens, rows, size, params["kernel"].shape[1])


def reads_products(cell: RNNCell, device: str) -> bool:
    """Say whether the cell only multiplies its inputs by its kernel, on an engine that can look products up."""
    if device not in ("cpu", "numpy", "njit") or not isinstance(cell, Cell):
        return False
    return type(cell).unroll is Cell.unroll and "u" not in cell.inputs.values()


def products_pay(tokens: int, rows: int, size: int, columns: int) -> bool:
    """Say whether multiplying the whole table by the kernel is faster than multiplying the vector of each token.

    The table is (rows, size), the kernel (size, columns).
    """
    return tokens * size * (VECTOR + columns) > rows * columns * (PRODUCT + size) + tokens * columns * READ
