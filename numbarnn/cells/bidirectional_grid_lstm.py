"""Two grid LSTMs that walk through the frequencies in opposite directions (Li, Mohamed, Zweig, Gong 2016)."""

from dataclasses import KW_ONLY, dataclass, fields

import numpy as np

from ..engines.interface import CellResult
from .grid_lstm import GridLSTMCell, is_integer

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True)
class BidirectionalGridLSTMCell(GridLSTMCell):
    """Two `GridLSTMCell`s, the second of which reads the frequency steps of each block in reverse; both go forward in
    time. As in TensorFlow 1 contrib.

    Outputs side by side and states as a pair, those of the second in the order in which it goes; parameters
    forward/... and backward/... . `backward_slice_offset` s: where s > 0, the second reads the inputs s places further
    on, zeros past the end; where s < 0, it reads them |s| places further back, zeros before the start.
    """

    _: KW_ONLY
    backward_slice_offset: int = 0

    def __post_init__(self):
        super().__post_init__()
        offset = self.backward_slice_offset
        self._check("backward_slice_offset", is_integer(offset, -np.inf), "an integer")

    @property
    def grid(self):
        """The cell of either direction."""
        return GridLSTMCell(**{field.name: getattr(self, field.name) for field in fields(GridLSTMCell)})

    @property
    def state_size(self):
        return (self.grid.state_size,) * 2

    @property
    def output_size(self):
        return 2 * self.grid.output_size

    def param_shapes(self, input_size):
        return prefixed([self.grid.param_shapes(input_size)] * 2)

    def init_params(self, input_size, rng=0, dtype="float32"):
        rng = np.random.default_rng(rng)
        return prefixed([self.grid.init_params(input_size, rng, dtype) for _ in DIRECTIONS])

    def unroll(self, params, x, state, mask, options):
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
    """{"direction/name": value} from {name: value} of each direction."""
    pairs = zip(DIRECTIONS, values, strict=True)
    return {f"{direction}/{name}": value for direction, named in pairs for name, value in named.items()}


def part(direction, values):
    """The values of one direction, under their own names."""
    prefix = f"{direction}/"
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
