"""Vectors for integers in front of a cell (EmbeddingWrapper of TensorFlow 1)."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from .. import initializers
from ..cells import Cell
from ..errors import InputError
from ..ops import embedding as lookup
from ..ops import linear as affine
from .base import ParametrisedWrapper, check_floats, check_sizes, zeroed

# What it takes to move a number, in multiply-adds of the three products of a training step; measured at 65 to 30,000
# rows, 8 to 256 numbers each, and 32 to 1,024 columns.
VECTOR = 160  # of a token's vector: it is gathered, and its gradient added to the table's
PRODUCT = 330  # of a product of a row of the table with the kernel: it is packed, and its gradient unpacked
READ = 12  # of such a product for a token: it is read, and dz added to its gradient


@dataclass(frozen=True)
class EmbeddingWrapper(ParametrisedWrapper):
    """`cell` reads row x of a table; inputs are integers (B, T) below `embedding_classes`, without a gradient.

    Parameters: embedding (embedding_classes, embedding_size), fresh ones U(-sqrt 3, sqrt 3), of variance 1; the cell's
    are called "cell/...". The gradient of the table adds up in the same order on any number of threads.
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

    def unroll(self, params, x, state, mask, options):
        table = params["embedding"]
        if reads_products(self.cell, options) and products_pay(x.size, *table.shape, params["cell/kernel"].shape[1]):
            return self.unroll_products(params, x, state, mask, options)
        vectors = lookup.forward(type(self).__name__, table, x)
        run = self.run_inner(params, zeroed(vectors, mask), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, d_vectors, initial = run.backward(d_outputs, d_state, cut)
            return {"embedding": lookup.backward(table, x, d_vectors)} | d_params, None, initial

        return replace(run, backward=backward)

    def unroll_products(self, params, x, state, mask, options):
        """The same with fewer products: as x W = (table W)[tokens], the table is multiplied with the cell's kernel, not
        the vector of each token."""
        table, kernel = params["embedding"], params["cell/kernel"]
        lookup.check(type(self).__name__, table, x)
        for name in ("embedding", "cell/kernel"):
            if not np.isfinite(params[name]).all():
                raise InputError(f"{type(self).__name__}: values that are not finite in parameter {name}")
        products_backward, _, products = affine.forward(table, kernel, None, "linear")
        run = self.run_inner(params | {"cell/kernel": products}, x.astype(np.int64), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, _, initial = run.backward(d_outputs, d_state, cut)
            d_table, d_kernel, _ = products_backward(d_params["cell/kernel"])
            return {"embedding": d_table} | d_params | {"cell/kernel": d_kernel}, None, initial

        return replace(run, backward=backward)


def reads_products(cell, options):
    """Whether the cell does nothing with its inputs but multiply them with its kernel, on an engine that can look
    products up."""
    return options.device in ("cpu", "numpy") and type(cell).unroll is Cell.unroll and "u" not in cell.inputs.values()


def products_pay(tokens, rows, size, columns):
    """Whether products of a table's rows (rows, size) with a kernel of so many columns take less time than the vectors
    of so many tokens and their products."""
    return tokens * size * (VECTOR + columns) > rows * columns * (PRODUCT + size) + tokens * columns * READ
