"""The embedding of integers as vectors."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from ..ops import embedding as lookup
from .base import Layer


@dataclass(eq=False)
class Embedding(Layer):
    """Row x of a table: integers (batch, ...) below ``input_dim`` in, vectors (batch, ..., output_dim) out.

    With ``mask_zero`` the integer 0 is padding: the output's mask is false there.
    Parameter: embeddings (input_dim, output_dim). Its gradient adds up in the same order on any number of threads.
    """

    input_dim: int
    output_dim: int
    _: KW_ONLY
    embeddings_initializer: object = "uniform"
    embeddings_regularizer: object = None
    embeddings_constraint: object = None
    mask_zero: bool = False

    takes_integers = True
    makes_mask = True

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(input_dim=self.input_dim, output_dim=self.output_dim)
        self._regularize_and_constrain(embeddings=(self.embeddings_regularizer, self.embeddings_constraint))
        self.initializer = initializers.get(self.embeddings_initializer)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def init_params(self, input_shape, rng, dtype):
        return {"embeddings": self.initializer((self.input_dim, self.output_dim), rng, dtype)}

    def forward(self, x, training=False, rng=None, mask=None):
        tokens = self._tokens(x)
        return self.params["embeddings"][tokens], tokens

    def rows(self, x):
        """`forward`, but vectors stay `Rows`."""
        tokens = self._tokens(x)
        return lookup.Rows(self.params["embeddings"], tokens), tokens

    def backward(self, saved, d_output):
        if isinstance(d_output, lookup.RowsGradient):
            return None, {"embeddings": d_output.table}
        return None, {"embeddings": lookup.backward(self.params["embeddings"], saved, d_output)}

    def _tokens(self, x):
        x = np.asarray(x)
        self._expect_inputs(x.dtype.kind in "iu", "integer", "inputs", x)
        lookup.check(self.name, self.params["embeddings"], x)
        return x

    def compute_mask(self, x, mask=None):
        return np.asarray(x) != 0 if self.mask_zero else None
