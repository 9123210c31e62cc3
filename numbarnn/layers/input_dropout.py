"""Dropout of the inputs of a recurrent layer: the same features at every step of a row (Gal and Ghahramani 2016)."""

import numpy as np

from ..ops.random import bernoulli
from ..utils.rows import rows_of


class InputDropout:
    """Masks (B, masks, I), drawn once: 0 for a share `rate` of the features of each row, 1 / (1 - rate) for the rest.

    One mask serves all gates; as many as gates serve one each. The engine multiplies one x with all of a kernel, so
    then it gets the masked x of all gates side by side, and a kernel with the gates' kernels on its block diagonal.
    """

    def __init__(self, rate, masks, x, rng):
        batch, _, features = x.shape
        rows = rows_of(rng)
        kept = rows.own(bernoulli(rng, 1 - rate, rows.whole((batch, masks, features))))
        self.masks = kept * x.dtype.type(1 / (1 - rate))

    def inputs(self, x):
        batch, steps, features = x.shape
        return (x[:, :, None] * self.masks[:, None]).reshape(batch, steps, self.masks.shape[1] * features)

    def inputs_gradient(self, d_inputs):
        batch, steps, _ = d_inputs.shape
        return (d_inputs.reshape(batch, steps, *self.masks.shape[1:]) * self.masks[:, None]).sum(axis=2)

    def kernel(self, kernel):
        blocks = np.zeros(self._block_shape(kernel.shape[1]), kernel.dtype)
        for gate, part in enumerate(np.split(kernel, len(blocks), axis=1)):
            blocks[gate, :, gate] = part
        return blocks.reshape(-1, kernel.shape[1])

    def kernel_gradient(self, d_kernel):
        blocks = d_kernel.reshape(self._block_shape(d_kernel.shape[1]))
        return np.concatenate([blocks[gate, :, gate] for gate in range(len(blocks))], axis=1)

    def _block_shape(self, columns):
        """Rows by gate and feature, columns by gate and unit."""
        _, masks, features = self.masks.shape
        return masks, features, masks, columns // masks
