"""The product of several inputs."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Seed
from .merge import Merge, summed_to


@inherit_parameters
@dataclass(eq=False, repr=False)
class Multiply(Merge):
    """Multiply several inputs, as in ``Multiply()([x, y])``.

    A masked step of one input counts as ones. The product is zero where all inputs are masked, as in Keras.
    """

    def forward(self, x: Any, training: bool = False, rng: Seed | None = None, mask: Any = None) -> tuple[Any, Any]:
        masks = [None] * len(x) if mask is None else mask
        valid: list[Any] = [_with_axes(m, part) for m, part in zip(masks, x, strict=True)]
        factors = [p if v is None else np.where(v, p, p.dtype.type(1)) for v, p in zip(valid, x, strict=True)]
        product, anywhere = reduce(np.multiply, factors), None
        if all(v is not None for v in valid):
            anywhere = np.logical_or.reduce(valid)
            product = np.where(anywhere, product, product.dtype.type(0))
        return product, (factors, valid, anywhere)

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        factors, valid, anywhere = saved
        d_output = d_output if anywhere is None else np.where(anywhere, d_output, d_output.dtype.type(0))
        gradients = []
        for i, (factor, v) in enumerate(zip(factors, valid, strict=True)):
            d = summed_to(factor.shape, reduce(np.multiply, factors[:i] + factors[i + 1 :], d_output))
            gradients.append(d if v is None else np.where(v, d, d.dtype.type(0)))
        return gradients, {}


def _with_axes(mask, x):
    """Give a mask as many axes as its input has; None stays None."""
    return mask if mask is None else mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))
