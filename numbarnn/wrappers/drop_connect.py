"""Dropout of recurrent weights (Wan et al. 2013; Merity, Keskar, Socher 2018; the dropout of the haste library)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from .base import Wrapper, check_rates
from .masks import apply_mask, draw


@dataclass(frozen=True)
class DropConnectWrapper(Wrapper):
    """Drop recurrent weights of a cell at random in training.

    Each weight of the recurrent kernels is zero with probability `rate`, for the whole call and for all rows; the
    others are divided by 1 - rate. `nr.forward` then needs `rng`, a seed. Parameters and states are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell; it must have a recurrent kernel.
    rate : float
        Probability in [0, 1) that a weight is dropped.

    Raises
    ------
    InputError
        For a `rate` outside [0, 1); on `init_params` and `nr.forward` for a cell without a recurrent kernel.

    References
    ----------
    Wan et al. 2013, "Regularization of neural networks using DropConnect"; Merity, Keskar and Socher 2018,
    "Regularizing and optimizing LSTM language models".
    """

    rate: float

    def __post_init__(self):
        super().__post_init__()
        check_rates(self, rate=self.rate)

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        shapes = self.cell.param_shapes(input_size)
        if not any(map(is_recurrent, shapes)):
            raise InputError(f"DropConnectWrapper: {type(self.cell).__name__} has no recurrent kernel")
        return shapes

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        masks = {}
        if options.training and self.rate:
            for name in filter(is_recurrent, params):
                rng = options.part(name).random("DropConnectWrapper")
                masks[name] = draw(rng, 1 - self.rate, params[name].shape, params[name].dtype)
        run = self.cell.unroll(apply_masks(params, masks), x, state, mask, options.part("cell"))

        def backward(d_outputs, d_state, cut=None):
            d_params, *rest = run.backward(d_outputs, d_state, cut)
            return apply_masks(d_params, masks), *rest

        return replace(run, backward=backward)


def is_recurrent(name: str) -> bool:
    """Say whether this is the name of a kernel that multiplies states."""
    return name.rpartition("/")[2] in ("recurrent_kernel", "feedback_kernel")


def apply_masks(params: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> dict[str, Any]:
    """Multiply each parameter that has a mask by it."""
    return {name: apply_mask(array, masks.get(name)) for name, array in params.items()}
