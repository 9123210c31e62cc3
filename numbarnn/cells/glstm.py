"""Group LSTM (Kuchaiev and Ginsburg 2017): groups of units that see their own part of the input and of the output.

[z_i, z_f, z_g, z_o] of group k = [x_k, h_k] W_k + b_k       x_k, h_k: the group's part of the input, of the last output
i = sigma(z_i)   f = sigma(z_f)   g = tanh(z_g)   o = sigma(z_o)
c' = f c + i g
h' = o phi(c'), or with a projection, in which the groups meet, (o phi(c')) W_p
"""

import math
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from .. import initializers
from ..activations import Activation, function_of
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..maths import sigmoid, tanh
from ._lstm import GATES, memory, output
from .base import Cell

KERNELS = ("kernel", "recurrent_kernel")


@dataclass(frozen=True)
class GLSTMCell(Cell):
    """Group LSTM: each group of units reads its own part of the input and of the last output.

    Kernels are fresh Glorot uniform in each group, the bias zero.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    number_of_groups : int, default 1
        Number of groups G. It divides the units, the input features and the outputs.
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel, in which the groups meet, and then put out and fed
        back. Without it P is H.
    forget_bias : float, default 1.0
        A constant added to the pre-activation of the forget gate in every run.
    activation : str or Activation, default "tanh"
        Activation of the new memory, one of `numbarnn.activations`; that of the candidate is tanh.

    Raises
    ------
    InputError
        If G does not divide the units or the outputs; `param_shapes` also raises if it does not divide the inputs.

    Notes
    -----
    =================  ==============  ====================================
    parameter          shape           content
    =================  ==============  ====================================
    kernel             (G, I/G, 4H/G)  for each group the blocks i, f, g, o
    recurrent_kernel   (G, P/G, 4H/G)  for each group the blocks i, f, g, o
    bias               (4H,)           blocks i, f, g, o of all units
    projection_kernel  (H, P)          with ``num_proj``
    =================  ==============  ====================================

    The states are h, the output, and c, the memory.

    References
    ----------
    Kuchaiev and Ginsburg 2017, "Factorization tricks for LSTM networks".
    TensorFlow 1, ``tf.contrib.rnn.GLSTMCell``.
    """

    _: KW_ONLY
    number_of_groups: int = 1
    num_proj: int | None = None
    forget_bias: float = 1.0
    activation: str | Activation = "tanh"

    inputs = dict.fromkeys(GATES, "xh")
    states = ("h", "c")
    saved = GATES

    def __post_init__(self):
        super().__post_init__()
        self.check_positive("number_of_groups", "integer")
        self._check_divides("units", self.units)
        self._check_divides("num_proj", self.state_width)

    def _check_divides(self, what, count):
        if count % self.number_of_groups:
            multiple = f"a multiple of number_of_groups ({self.number_of_groups})"
            raise InputError(f"{type(self).__name__}: expected {what} to be {multiple}, got {count}")

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.activation)
        c, (i, f, g) = memory(*z[:3], s[1], tanh, sigmoid)
        h, o = output(z[3], c, phi, sigmoid)
        return (h, c), (i, f, g, o)

    @property
    def offsets(self) -> dict[str, float]:
        return {"f": self.forget_bias}

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        self._check_divides("input features", input_size)
        G, whole = self.number_of_groups, self.engine_shapes(input_size)
        return whole | {name: (G, whole[name][0] // G, whole[name][1] // G) for name in KERNELS}

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        """Make the kernels of a group Glorot uniform as one matrix, which multiplies [x, h] in TensorFlow 1."""
        (_, inputs, columns), (_, outputs, _) = (shapes[name] for name in KERNELS)
        bound = math.sqrt(6 / (inputs + outputs + columns))
        return dict.fromkeys(KERNELS, initializers.uniform(-bound, bound))

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        """Run groups that meet nowhere one after the other, each as a cell of its own."""
        if self.number_of_groups == 1 or self.num_proj is not None:
            return super().unroll(params, x, state, mask, options)
        G, split = self.number_of_groups, lambda array, axis: np.split(array, self.number_of_groups, axis)
        cell = replace(self, units=self.units // G, number_of_groups=1)
        states = [None] * G if state is None else zip(*(split(array, 1) for array in state), strict=True)
        parts = zip(parts_of(params, G), split(x, 2), states, strict=True)
        runs = [cell.unroll(*part, mask, options) for part in parts]

        def backward(d_outputs, d_state, cut=None):
            dy = [None] * G if d_outputs is None else split(d_outputs, 2)
            ds = zip(*([None] * G if d is None else split(d, 1) for d in d_state), strict=True)
            results = [run.backward(*d, cut) for run, *d in zip(runs, dy, ds, strict=True)]
            d_params, dx, initial = zip(*results, strict=True)
            return whole_of(d_params), np.concatenate(dx, 2), self.State(*joined(initial))

        def side_by_side(values):
            return {name: np.concatenate([part[name] for part in values], 2) for name in values[0]}

        outputs, final = np.concatenate([run.outputs for run in runs], 2), joined([run.state for run in runs])
        states, gates = (
            (lambda: side_by_side([run.states() for run in runs])),
            (lambda: side_by_side([run.gates() for run in runs])),
        )
        return CellResult(outputs, self.State(*final), backward, states, gates)

    def engine_params(self, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return params | {name: block_diagonal(params[name]) for name in KERNELS}

    def own_gradients(self, d_params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return d_params | {name: diagonal_blocks(d_params[name], self.number_of_groups) for name in KERNELS}


def joined(states):
    """Join the states of the groups."""
    return [np.concatenate(parts, 1) for parts in zip(*states, strict=True)]


def parts_of(params, groups):
    """Return the parameters of each group, as those of a cell of one group."""
    biases = params["bias"].reshape(len(GATES), groups, -1)
    return [{"bias": biases[:, k].ravel()} | {name: params[name][k : k + 1] for name in KERNELS} for k in range(groups)]


def whole_of(parts):
    """Invert `parts_of`."""
    bias = np.stack([part["bias"].reshape(len(GATES), -1) for part in parts], 1).ravel()
    return {name: np.concatenate([part[name] for part in parts]) for name in KERNELS} | {"bias": bias}


def block_diagonal(kernel):
    """Make a matrix (n, 4H), block diagonal for each gate, from (groups, n / groups, 4H / groups)."""
    groups, rows, columns = kernel.shape
    if groups == 1:
        return kernel[0]
    whole = np.zeros((groups, rows, len(GATES), groups, columns // len(GATES)), kernel.dtype)
    whole[range(groups), :, :, range(groups)] = kernel.reshape(groups, rows, len(GATES), -1)
    return whole.reshape(groups * rows, groups * columns)


def diagonal_blocks(whole, groups):
    """Return the diagonal blocks of a gradient: the transpose of `block_diagonal`."""
    if groups == 1:
        return whole[None]
    n, columns = whole.shape
    blocks = whole.reshape(groups, n // groups, len(GATES), groups, -1)[range(groups), :, :, range(groups)]
    return blocks.reshape(groups, n // groups, columns // groups)
