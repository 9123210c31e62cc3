"""The embedding of integers as vectors."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from .base import Layer


@dataclass(eq=False)
class Embedding(Layer):
    """Row x of a table: integers (batch, ...) below ``input_dim`` in, vectors (batch, ..., output_dim) out.

    Parameter: embeddings (input_dim, output_dim). Its gradient adds up in the order of the tokens.
    """

    input_dim: int
    output_dim: int
    _: KW_ONLY
    embeddings_initializer: object = "uniform"

    takes_integers = True

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(input_dim=self.input_dim, output_dim=self.output_dim)
        self.initializer = initializers.get(self.embeddings_initializer)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def init_params(self, input_shape, rng, dtype):
        return {"embeddings": self.initializer((self.input_dim, self.output_dim), rng, dtype)}

    def forward(self, x, training=False, rng=None):
        x = np.asarray(x)
        self._expect(x.dtype.kind in "iu", "integer inputs", f"{x.dtype} of shape {x.shape}")
        if x.size:
            low, high = x.min(), x.max()
            good = 0 <= low <= high < self.input_dim
            self._expect(good, f"integers from 0 to {self.input_dim - 1}", f"{low} to {high}")
        return self.params["embeddings"][x], x

    def backward(self, saved, d_output):
        # The product with a sparse one-hot matrix, column by column, is the scatter-add in token order.
        from scipy.sparse import csc_array

        tokens = saved.ravel().astype(np.int32)
        one_hot = (np.ones(tokens.size, d_output.dtype), tokens, np.arange(tokens.size + 1, dtype=np.int32))
        table = csc_array(one_hot, shape=(self.input_dim, tokens.size))
        return None, {"embeddings": table @ d_output.reshape(-1, self.output_dim)}
