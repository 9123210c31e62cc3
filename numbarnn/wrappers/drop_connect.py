"""Dropout of recurrent weights (Wan et al. 2013; Merity, Keskar, Socher 2018; the dropout of the haste library)."""

from dataclasses import dataclass, replace

from ..errors import InputError
from .base import Wrapper
from .masks import draw, masked


@dataclass(frozen=True)
class DropConnectWrapper(Wrapper):
    """In training, each weight of the recurrent kernels of `cell` is zero with probability `rate`, in [0, 1), for the
    whole call and all rows; the others are divided by 1 - rate. Parameters and states are the cell's.
    """

    rate: float

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.rate, bool) or not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise InputError(f"DropConnectWrapper: expected rate in [0, 1), got {self.rate!r}")

    def param_shapes(self, input_size):
        shapes = self.cell.param_shapes(input_size)
        if not any(map(is_recurrent, shapes)):
            raise InputError(f"DropConnectWrapper: {type(self.cell).__name__} has no recurrent kernel")
        return shapes

    def unroll(self, params, x, state, mask, options):
        masks = {}
        if options.training and self.rate:
            for name in filter(is_recurrent, params):
                rng = options.part(name).random("DropConnectWrapper")
                masks[name] = draw(rng, 1 - self.rate, params[name].shape, params[name].dtype)
        run = self.cell.unroll(times(params, masks), x, state, mask, options.part("cell"))

        def backward(d_outputs, d_state, cut=None):
            d_params, *rest = run.backward(d_outputs, d_state, cut)
            return times(d_params, masks), *rest

        return replace(run, backward=backward)


def is_recurrent(name):
    """Whether this is the name of a kernel that multiplies states."""
    return name.rpartition("/")[2] in ("recurrent_kernel", "feedback_kernel")


def times(params, masks):
    return {name: masked(array, masks.get(name)) for name, array in params.items()}
