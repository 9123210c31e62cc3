"""A cell on a device of its own (DeviceWrapper of TensorFlow 1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engines.dispatch import DEVICES
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from .base import Wrapper


@dataclass(frozen=True)
class DeviceWrapper(Wrapper):
    """Run a cell on one device, whatever device the rest runs on.

    The mathematics, parameters and states are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    device : str
        The device, one of those of `nr.forward`: "cpu", "numpy", "njit", "cuda", ...

    Raises
    ------
    InputError
        For an unknown device.

    References
    ----------
    ``tf.nn.rnn_cell.DeviceWrapper`` of TensorFlow 1.
    """

    device: str

    def __post_init__(self):
        super().__post_init__()
        if self.device not in DEVICES:
            raise InputError(f"DeviceWrapper: no device {self.device!r}; there are {', '.join(DEVICES)}")

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        return self.cell.unroll(params, x, state, mask, options._replace(device=self.device))
