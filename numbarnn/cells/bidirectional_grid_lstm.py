"""Two grid LSTMs that walk through the frequencies in opposite directions (Li, Mohamed, Zweig, Gong 2016)."""

from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

import numpy as np

from ..engines.interface import CellResult, RunOptions
from .grid_lstm import GridLSTMCell

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True)
class BidirectionalGridLSTMCell(GridLSTMCell):
    """Two grid LSTMs through time and frequency, one of which reads the frequency steps of each block in reverse.

    Both go forward in time.

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
    backward_slice_offset : int, default 0
        By how many places the second one reads further on in the inputs, or further back if it is negative. Outside
        the inputs it reads zeros.

    Raises
    ------
    InputError
        As `GridLSTMCell`.

    Notes
    -----
    Parameters are those of `GridLSTMCell` twice, as forward/... and backward/.... Outputs are side by side, states
    are a pair; those of the second one are in the order in which it goes.

    References
    ----------
    Li, Mohamed, Zweig, Gong 2016, "Exploring multidimensional LSTMs for large vocabulary ASR".
    TensorFlow 1, ``tf.contrib.rnn.BidirectionalGridLSTMCell``.
    """

    _: KW_ONLY
    backward_slice_offset: int = 0

    @property
    def grid(self) -> GridLSTMCell:
        """The cell of either direction."""
        return GridLSTMCell(**{field.name: getattr(self, field.name) for field in fields(GridLSTMCell)})

    @property
    def state_size(self) -> Any:
        return (self.grid.state_size,) * 2

    @property
    def output_size(self) -> int:
        return 2 * self.grid.output_size

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return prefixed([self.grid.param_shapes(input_size)] * 2)

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        return prefixed([self.grid.init_params(input_size, rng, dtype) for _ in DIRECTIONS])

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        from ._grid import run

        I, after = x.shape[2], max(self.backward_slice_offset, 0)
        before = after - self.backward_slice_offset
        padded = np.pad(x, ((0, 0), (0, 0), (before, after)))
        swapped = tuple(tuple(start + after for start in reversed(block)) for block in self.slices)
        passes = [
            run(self.grid, slices, part(direction, params), inputs, first, mask, options)
            for direction, slices, inputs, first in zip(
                DIRECTIONS, (self.slices, swapped), (x, padded), state or (None, None), strict=True
            )
        ]

        def backward(d_outputs, d_state, cut=None):
            halves = (None, None) if d_outputs is None else np.split(d_outputs, 2, axis=2)
            results = [run.backward(*d, cut) for run, *d in zip(passes, halves, d_state, strict=True)]
            d_params, (dx, d_padded), initial = zip(*results, strict=True)
            return prefixed(d_params), dx + d_padded[:, :, before : before + I], initial

        outputs = np.concatenate([run.outputs for run in passes], axis=2)
        states, gates = (
            (lambda: prefixed([r.states() for r in passes])),
            (lambda: prefixed([r.gates() for r in passes])),
        )
        return CellResult(outputs, tuple(run.state for run in passes), backward, states, gates)


def prefixed(values):
    """Return {"direction/name": value} from {name: value} of each direction."""
    pairs = zip(DIRECTIONS, values, strict=True)
    return {f"{direction}/{name}": value for direction, named in pairs for name, value in named.items()}


def part(direction, values):
    """Return the values of one direction, under their own names."""
    prefix = f"{direction}/"
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
