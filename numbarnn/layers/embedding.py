"""The embedding of integers as vectors."""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..initializers import Initializer
from ..ops import embedding as lookup
from ..regularizers import Regularizer
from ..runtime.planned_memory import PlannedMemory
from ..utils.arrays import plain_array
from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Embedding(Layer):
    """Look integers up in a table of vectors.

    Parameters
    ----------
    input_dim : int
        Number of rows of the table; integers are below it.
    output_dim : int
        Width of the vectors.
    embeddings_initializer : str or Initializer
        Initial values of the table.
    embeddings_regularizer : str or Regularizer, optional
        Penalty on the table.
    embeddings_constraint : str or callable, optional
        Constraint on the table.
    mask_zero : bool, default False
        Whether the integer 0 is padding: the mask of the output is false there.

    Notes
    -----
    Input: integers (batch, ...). Output: (batch, ..., output_dim). Weights: embeddings (input_dim, output_dim); its
    gradient is summed in the same order on any number of threads.
    """

    input_dim: int
    output_dim: int
    _: KW_ONLY
    embeddings_initializer: str | Initializer = "uniform"
    embeddings_regularizer: str | Regularizer | None = None
    embeddings_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    mask_zero: bool = False

    takes_integers = True
    makes_mask = True

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(input_dim=self.input_dim, output_dim=self.output_dim)
        self._regularize_and_constrain(embeddings=(self.embeddings_regularizer, self.embeddings_constraint))
        self.initializer = initializers.get(self.embeddings_initializer)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return (*input_shape, self.output_dim)

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        shape = self.input_dim, self.output_dim
        return {"embeddings": initializers.draw(self.name, self.initializer, shape, rng, dtype)}

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        tokens = self._tokens(x)
        return self.params["embeddings"][tokens], tokens

    def rows(self, x: Any) -> tuple[lookup.DeferredLookup, np.ndarray]:
        """Defer the look-up of `forward`: a recurrent layer multiplies the table by its kernel first.

        Parameters
        ----------
        x : array (batch, ...)
            Integers.

        Returns
        -------
        rows : DeferredLookup
            The table and the integers.
        tokens : array (batch, ...)
            What `backward` needs.

        Raises
        ------
        InputError
            Integers are out of range.
        """
        tokens = self._tokens(x)
        return lookup.DeferredLookup(self.params["embeddings"], tokens), tokens

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        if isinstance(d_output, lookup.LookupGradient):
            return None, {"embeddings": d_output.table}
        return None, {"embeddings": lookup.backward(self.params["embeddings"], saved, d_output)}

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        rows, size = self.input_dim, self.output_dim
        output = x._replace(shape=(*x.shape, size), dtype=self.dtype, masked=x.masked or self.mask_zero)
        output = output._replace(held=output.hold(memory, "outputs"))
        tokens = math.prod(x.shape)
        return output, lambda: lookup.plan_backward(memory, tokens, rows, size, self.dtype)

    def _tokens(self, x):
        x = plain_array(self.name, "inputs", x)
        self._expect_inputs(x.dtype.kind in "iu", "integer", "inputs", x)
        lookup.check(self.name, self.params["embeddings"], x)
        return x

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return np.asarray(x) != 0 if self.mask_zero else None
