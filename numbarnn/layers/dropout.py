"""Dropout between layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops.dropout import keep
from ..ops.random import bernoulli
from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.rows import rows_of
from ..utils.types import Seed
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Dropout(Layer):
    """Set some elements to zero in training, and divide the rest by 1 - rate.

    Outside training x passes unchanged.

    Parameters
    ----------
    rate : float
        Share of the elements, in [0, 1).

    Notes
    -----
    Input and output: floats of any shape (batch, ...). In training, `forward` needs ``rng``; a model passes its own.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks
    from overfitting".
    """

    rate: float

    def __post_init__(self):
        super().__post_init__()
        self._expect(0 <= self.rate < 1, "a rate in [0, 1)", repr(self.rate))

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        if not training or self.rate == 0:
            return x, None
        self._expect(rng is not None, "rng, a NumPy Generator or a seed, in training", "None")
        rows = rows_of(rng)
        kept = rows.own(bernoulli(np.random.default_rng(rng), 1 - self.rate, rows.whole(x.shape)))
        return keep(x, kept, 1 / (1 - self.rate)), kept

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return (d_output if saved is None else keep(d_output, saved, 1 / (1 - self.rate))), {}

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        if self.rate == 0:
            return x, lambda: None
        memory.array("masks", x.shape, 1)
        output = x._replace(held=x.hold(memory, "outputs"))
        memory.release(x.held)
        return output, lambda: x.hold(memory, "gradients of inputs")
