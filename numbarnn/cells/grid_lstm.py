"""Grid LSTM over time and frequency; its equations are in _grid_step.py."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from .. import initializers
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError, is_integer
from .base import glorot_vectors, state_type
from .rnn_cell import RNNCell


@dataclass(frozen=True)
class GridLSTMCell(RNNCell):
    """An LSTM through time and one through the frequencies of each time step.

    The frequency steps of a block read slices of the input one after the other. At each time a block starts with
    frequency states of zero. Each block has parameters of its own. Kernels and peepholes are fresh Glorot uniform,
    biases zero.

    Parameters
    ----------
    units : int
        Number of units H.
    feature_size : int
        Number F of inputs that each frequency step reads.
    frequency_skip : int
        Inputs between the starts of two frequency steps.
    num_frequency_blocks : sequence of int
        Number of frequency steps of each block; the name is TensorFlow's. Without index lists one number, of the steps
        over the whole input.
    use_peepholes : bool, default False
        Whether the gates see the memories of both LSTMs.
    share_time_frequency_weights : bool, default False
        Whether the LSTM through time has the parameters of that through frequencies.
    cell_clip : float, optional
        Bound of new memories: they are clipped to [-cell_clip, cell_clip], and their gradient is zero outside.
    forget_bias : float, default 1.0
        A constant added to the pre-activations of forget gates in every run.
    start_freqindex_list : sequence of int, optional
        First input of each block.
    end_freqindex_list : sequence of int, optional
        End of each block: the input after its last one.
    couple_input_forget_gates : bool, default False
        Whether there is no forget gate of its own, but f = 1 - i.

    Raises
    ------
    InputError
        If the options do not fit each other; `param_shapes` also raises if the input size does not fit them.

    Notes
    -----
    ===============  ============  ======================================
    parameter        shape         content
    ===============  ============  ======================================
    time_kernel_b    (F + 2H, 4H)  rows of x, m_T, m_F; blocks i, f, g, o
    time_bias_b      (4H,)         blocks i, f, g, o
    time_peephole_b  (6, H)        of i, f, o, each on c_T and on c_F
    frequency_...                  the same of the other LSTM
    ===============  ============  ======================================

    b is the number of the block, from 0. With ``share_time_frequency_weights`` there are those of frequency alone; with
    ``couple_input_forget_gates`` there are blocks i, g, o and peepholes of i, o. The output holds m_T and m_F, H
    numbers each, of each step of each block, side by side. The state is a tuple of ``State(c, m)``, those of T of each
    step.

    References
    ----------
    Kalchbrenner, Danihelka, Graves 2016, "Grid long short-term memory".
    Li, Mohamed, Zweig, Gong 2016, "Exploring multidimensional LSTMs for large vocabulary ASR".
    TensorFlow 1, ``tf.contrib.rnn.GridLSTMCell``.
    """

    units: int
    _: KW_ONLY
    feature_size: int
    frequency_skip: int
    num_frequency_blocks: tuple
    use_peepholes: bool = False
    share_time_frequency_weights: bool = False
    cell_clip: float | None = None
    forget_bias: float = 1.0
    start_freqindex_list: tuple | None = None
    end_freqindex_list: tuple | None = None
    couple_input_forget_gates: bool = False

    states: ClassVar[tuple[str, ...]] = ("c", "m")  # of each frequency step

    def __post_init__(self):
        for name in ("units", "feature_size", "frequency_skip"):
            self._check(name, getattr(self, name) > 0, "a positive integer")
        self._check("cell_clip", self.cell_clip is None or self.cell_clip > 0, "a positive number or None")
        self._check_integers("num_frequency_blocks", 1, "a list of positive integers")
        blocks = len(self.num_frequency_blocks)
        if self.start_freqindex_list is None and self.end_freqindex_list is None:
            self._check("num_frequency_blocks", blocks == 1, "one number where there are no index lists")
            return
        for name in ("start_freqindex_list", "end_freqindex_list"):
            self._check_integers(name, 0, f"a list of {blocks} indices, like num_frequency_blocks", blocks)
        ranges = zip(self.start_freqindex_list, self.end_freqindex_list, strict=True)
        fitting = tuple(self._steps_in(end - start) for start, end in ranges)
        self._check("num_frequency_blocks", self.num_frequency_blocks == fitting, f"{fitting}, as the index lists say")

    def _check(self, name, right, expected):
        if not right:
            raise InputError(f"{type(self).__name__}: expected {name} to be {expected}, got {getattr(self, name)!r}")

    def _check_integers(self, name, least, expected, count=None):
        """Check a list of integers, and make it a tuple, so that the cell can be hashed."""
        value = getattr(self, name)
        right = isinstance(value, list | tuple) and len(value) == (count or len(value)) > 0
        self._check(name, right and all(is_integer(v) and v >= least for v in value), expected)
        object.__setattr__(self, name, tuple(value))

    def _steps_in(self, width):
        """Return how many frequency steps fit into so many inputs."""
        return (width - self.feature_size) // self.frequency_skip + 1 if width >= self.feature_size else 0

    @property
    def slices(self) -> tuple[tuple[int, ...], ...]:
        """For each block, the first input of each of its frequency steps."""
        starts = self.start_freqindex_list or (0,)
        counts = zip(starts, self.num_frequency_blocks, strict=True)
        return tuple(tuple(start + k * self.frequency_skip for k in range(count)) for start, count in counts)

    @property
    def state_size(self) -> Any:
        pair = state_type(self.states)(self.units, self.units)
        return (pair,) * sum(self.num_frequency_blocks)

    @property
    def output_size(self) -> int:
        return 2 * self.units * sum(self.num_frequency_blocks)

    @property
    def lstms(self) -> tuple[str, ...]:
        """The LSTMs that have parameters."""
        return ("frequency",) if self.share_time_frequency_weights else ("time", "frequency")

    @property
    def gates(self) -> tuple[str, ...]:
        """The pre-activations of each LSTM."""
        return ("i", "g", "o") if self.couple_input_forget_gates else ("i", "f", "g", "o")

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        self._check_input_size(input_size)
        N, shapes = self.units, {}
        for b in range(len(self.num_frequency_blocks)):
            for lstm in self.lstms:
                shapes[f"{lstm}_kernel_{b}"] = (self.feature_size + 2 * N, len(self.gates) * N)
                shapes[f"{lstm}_bias_{b}"] = (len(self.gates) * N,)
                if self.use_peepholes:
                    shapes[f"{lstm}_peephole_{b}"] = (2 * len(self.gates) - 2, N)
        return shapes

    def _check_input_size(self, input_size):
        caller = type(self).__name__
        if self.start_freqindex_list is None:
            count = self._steps_in(input_size)
            if self.num_frequency_blocks != (count,):
                raise InputError(
                    f"{caller}: expected num_frequency_blocks to be ({count},) for {input_size} inputs, "
                    f"got {self.num_frequency_blocks}"
                )
        elif input_size < max(self.end_freqindex_list):
            raise InputError(
                f"{caller}: expected at least {max(self.end_freqindex_list)} inputs for end_freqindex_list "
                f"{self.end_freqindex_list}, got {input_size}"
            )

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        makers = {"kernel": initializers.glorot_uniform, "bias": initializers.zeros, "peephole": glorot_vectors}
        shapes = self.param_shapes(input_size).items()
        return {name: makers[name.split("_")[1]](shape, rng, dtype) for name, shape in shapes}

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        from ._grid import run

        return run(self, self.slices, params, x, state, mask, options)
