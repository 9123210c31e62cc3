"""Grid LSTM over time and frequency; its equations stand in ../grid_step.py."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from ..errors import InputError
from .base import glorot_vectors, state_type
from .rnn_cell import RNNCell


@dataclass(frozen=True)
class GridLSTMCell(RNNCell):
    """An LSTM through time and one through the frequencies of each time step, as in TensorFlow 1 contrib.

    Frequency step k reads `feature_size` inputs from k `frequency_skip` on. Without index lists there is one block, of
    `num_frequency_blocks[0]` steps, over the whole input; with them block b, of `num_frequency_blocks[b]` steps, lies
    between inputs `start_freqindex_list[b]` and `end_freqindex_list[b]`. Each block has its own parameters, and
    starts at each time with frequency states of zero. The output holds [m_T, m_F] for each step of each block, 2 units
    each; the state is a tuple of `State(c, m)`, c_T and m_T for each of them.

    Parameters of block 0, and likewise of the others: time_kernel_0 (feature_size + 2 units, 4 units), rows for x, m_T
    and m_F, columns in the order i, f, g, o; time_bias_0 (4 units); with `use_peepholes` time_peephole_0 (6, units): i,
    f, o, each on c_T and then on c_F; the same for frequency_..., which alone there is with
    `share_time_frequency_weights`. With `couple_input_forget_gates` the gates are i, g, o, the peepholes those of i, o.
    Fresh kernels and peepholes are glorot uniform, biases zero. `forget_bias` is added to z_f at run time, where there
    is one. `cell_clip` limits c, and its gradient.
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

    def __post_init__(self):
        for name in ("units", "feature_size", "frequency_skip"):
            self._check(name, is_integer(getattr(self, name), 1), "a positive integer")
        limit = self.cell_clip
        number = isinstance(limit, int | float | np.number) and not isinstance(limit, bool) and limit > 0
        self._check("cell_clip", limit is None or number, "a positive number or None")
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
        """A list of integers becomes a tuple, so that the cell can be hashed."""
        value = getattr(self, name)
        right = isinstance(value, list | tuple) and len(value) == (count or len(value)) > 0
        self._check(name, right and all(is_integer(v, least) for v in value), expected)
        object.__setattr__(self, name, tuple(value))

    def _steps_in(self, width):
        """Frequency steps that fit into so many inputs."""
        return (width - self.feature_size) // self.frequency_skip + 1 if width >= self.feature_size else 0

    @property
    def slices(self):
        """For each block, the first input of each of its frequency steps."""
        starts = self.start_freqindex_list or (0,)
        counts = zip(starts, self.num_frequency_blocks, strict=True)
        return tuple(tuple(start + k * self.frequency_skip for k in range(count)) for start, count in counts)

    @property
    def state_size(self):
        pair = state_type(("c", "m"))(self.units, self.units)
        return (pair,) * sum(self.num_frequency_blocks)

    @property
    def output_size(self):
        return 2 * self.units * sum(self.num_frequency_blocks)

    @property
    def lstms(self):
        """The LSTMs that have parameters."""
        return ("frequency",) if self.share_time_frequency_weights else ("time", "frequency")

    @property
    def gates(self):
        """The pre-activations of each LSTM."""
        return ("i", "g", "o") if self.couple_input_forget_gates else ("i", "f", "g", "o")

    def param_shapes(self, input_size):
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

    def init_params(self, input_size, rng=0, dtype="float32"):
        rng = np.random.default_rng(rng)
        makers = {"kernel": initializers.glorot_uniform, "bias": initializers.zeros, "peephole": glorot_vectors}
        shapes = self.param_shapes(input_size).items()
        return {name: makers[name.split("_")[1]](shape, rng, dtype) for name, shape in shapes}

    def unroll(self, params, x, state, mask, options):
        from ._grid import run

        return run(self, self.slices, params, x, state, mask, options)


def is_integer(value, least):
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least
