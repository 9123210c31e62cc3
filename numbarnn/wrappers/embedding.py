"""Vectors for integers in front of a cell (EmbeddingWrapper of TensorFlow 1)."""

from dataclasses import dataclass, replace
from math import sqrt

from .. import initializers, lookup
from .base import ParametrisedWrapper, check_floats, check_sizes, zeroed


@dataclass(frozen=True)
class EmbeddingWrapper(ParametrisedWrapper):
    """`cell` reads row x of a table; inputs are integers (B, T) below `embedding_classes`, without a gradient.

    Parameters: embedding (embedding_classes, embedding_size), fresh ones U(-sqrt 3, sqrt 3), of variance 1; the cell's
    are called "cell/...". The gradient of the table adds up in the order of the tokens.
    """

    embedding_classes: int
    embedding_size: int

    takes_integers = True

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, embedding_classes=self.embedding_classes, embedding_size=self.embedding_size)
        check_floats(self, "the embedding")

    def own_shapes(self, input_size):
        return {"embedding": (self.embedding_classes, self.embedding_size)}

    def init_own(self, input_size, rng, dtype):
        (shape,) = self.own_shapes(input_size).values()
        return {"embedding": initializers.uniform(-sqrt(3), sqrt(3))(shape, rng, dtype)}

    def inner_size(self, input_size):
        return self.embedding_size

    def init_params(self, input_size=None, rng=0, dtype="float32"):
        """Fresh parameters; there is no input size."""
        return super().init_params(input_size, rng, dtype)

    def unroll(self, params, x, state, mask, how):
        table = params["embedding"]
        vectors = lookup.forward(type(self).__name__, table, x)
        run = self.run_inner(params, zeroed(vectors, mask), state, mask, how)

        def backward(d_outputs, d_state, cut=None):
            d_params, d_vectors, initial = run.backward(d_outputs, d_state, cut)
            return {"embedding": lookup.backward(table, x, d_vectors)} | d_params, None, initial

        return replace(run, backward=backward)
