"""A cell on a device of its own (DeviceWrapper of TensorFlow 1)."""

import re
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
        The device, one of those of `nr.forward`: "cpu", "numpy", "njit", "cuda", ...; or the first CPU or GPU as
        TensorFlow and PyTorch write it: "/gpu:0", "/device:GPU:0", "cuda:0".

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
        written = re.fullmatch(r"(?:/?(?:device:)?)(cpu|gpu|cuda):(\d+)", str(self.device), re.IGNORECASE)
        if written and int(written[2]):
            raise InputError(f"DeviceWrapper: expected the device of number 0, the only one used, got {self.device!r}")
        device = {"gpu": "cuda"}.get(written[1].lower(), written[1].lower()) if written else self.device
        if not isinstance(device, str) or device not in DEVICES:
            raise InputError(f"DeviceWrapper: no device {self.device!r}; there are {', '.join(DEVICES)}")
        object.__setattr__(self, "device", device)

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        return self.cell.unroll(params, x, state, mask, options._replace(device=self.device))
