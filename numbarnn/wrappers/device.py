"""A cell on a device of its own (DeviceWrapper of TensorFlow 1)."""

from dataclasses import dataclass

from ..engines.dispatch import DEVICES
from ..errors import InputError
from .base import Wrapper


@dataclass(frozen=True)
class DeviceWrapper(Wrapper):
    """Runs `cell` on `device`, whatever device the rest runs on; the same mathematics, the cell's own parameters."""

    device: str

    def __post_init__(self):
        super().__post_init__()
        if self.device not in DEVICES:
            raise InputError(f"DeviceWrapper: no device {self.device!r}; there are {', '.join(DEVICES)}")

    def unroll(self, params, x, state, mask, options):
        return self.cell.unroll(params, x, state, mask, options._replace(device=self.device))
