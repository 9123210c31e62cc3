"""The layer of gated recurrent units."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import cells
from ..cells import Cell
from ..utils.docs import inherit_parameters
from ..utils.types import Arrays, Shape
from .recurrent_units import RecurrentUnits


@inherit_parameters
@dataclass(eq=False, repr=False)
class GRU(RecurrentUnits):
    """Run gated recurrent units over sequences.

    Parameters
    ----------
    recurrent_activation : str, default "sigmoid"
        Name of the activation of the gates; None means "linear".
    reset_after : bool, default True
        Whether the reset gate acts after the product with the recurrent kernel, as in Keras 3 and PyTorch
        (`ResetAfterGRUCell`), or before it, as in Keras 2 and TensorFlow 1 (`GRUCell`).
    implementation : {1, 2}, default 2
        With 1 every gate has a ``dropout`` mask of its own, with 2 all have the same; nothing else depends on it.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. State: h (batch, units). Weights, as in Keras in the order of the gates z, r, h: kernel
    (features, 3 units), recurrent_kernel (units, 3 units), bias (3 units,), or with ``reset_after`` (2, 3 units), one
    row for the product of the inputs and one for that of h. ``cell_params`` are the same in the form of the cell.

    With a mask (batch, steps) the state stays as it is at masked steps. The output there is that of the step before,
    and before the first valid step the initial h.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine translation".
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    reset_after: bool = True
    implementation: int = 2

    def make_cell(self) -> Cell:
        cell = cells.ResetAfterGRUCell if self.reset_after else cells.GRUCell
        return cell(
            self.units,
            activation=self.activation or "linear",
            recurrent_activation=self.recurrent_activation or "linear",
            use_bias=self.use_bias,
        )

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> Arrays:
        shapes = self.cell.param_shapes(input_shape[2])
        if self.use_bias and self.reset_after:
            shapes = shapes | {"bias": (2, 3 * self.units)}
        return {name: self.initializers[name](shape, rng, dtype) for name, shape in shapes.items()}

    @property
    def cell_params(self) -> Arrays:
        own = {name: self._exchange(array) for name, array in self.params.items()}
        if self.use_bias and self.reset_after:
            (r, z, n), (recurrent_r, recurrent_z, m) = own["bias"].reshape(2, 3, -1)
            own["bias"] = np.concatenate([r + recurrent_r, z + recurrent_z, n, m])
        return own

    def own_gradients(self, d_params: Arrays) -> Arrays:
        d_own = dict(d_params)
        if self.use_bias and self.reset_after:
            r, z, n, m = d_params["bias"].reshape(4, -1)
            d_own["bias"] = np.stack([np.concatenate([r, z, n]), np.concatenate([r, z, m])])
        return {name: self._exchange(d) for name, d in d_own.items()}

    def _exchange(self, array):
        """Exchange the first two of three blocks of columns: Keras' z, r, h are the cell's r, z, n."""
        blocks = array.reshape(*array.shape[:-1], 3, self.units)
        return blocks[..., [1, 0, 2], :].reshape(array.shape)


# Keras' name
def GRUCell(units: int, *, reset_after: bool = True, **options: Any) -> Cell:
    """Make the cell of a `GRU` layer, for `RNN`.

    Parameters
    ----------
    units : int
        Width of the hidden state.
    reset_after : bool, default True
        Whether the reset gate acts after the product with the recurrent kernel.
    **options : object
        Other options of `nr.ResetAfterGRUCell` or `nr.GRUCell`.

    Returns
    -------
    Cell
        A cell with its parameters in the order r, z, n of `nr`.
    """
    return (cells.ResetAfterGRUCell if reset_after else cells.GRUCell)(units, **options)
