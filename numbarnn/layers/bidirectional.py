"""A recurrent layer in both directions."""

import warnings
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from .recurrent import Recurrent
from .states import as_list
from .wrapper import Wrapper

MERGES = ("concat", "sum", "mul", "ave", None)


@dataclass(eq=False)
class Bidirectional(Wrapper):
    """Runs a copy of the recurrent ``layer`` and ``backward_layer``, by default a copy that reads from the end.

    ``merge_mode``: "concat", "sum", "mul" or "ave" (the mean) of the two outputs, or None: a list of both. Outputs
    of all steps stand in the order of the first layer; without return_sequences the backward one is the output
    after the first step has been read. Masked steps give zeros with return_sequences (Keras: both layers have
    zero_output_for_mask = return_sequences). With ``return_state`` on the layer the output is a list: output, states of
    the first, states of the second layer. ``initial_state``: those states, first half and second half; `backward` then
    gives [gradient of x, gradients of these arrays ...]. Parameters: forward/..., backward/... .
    """

    layer: Recurrent
    merge_mode: str | None = "concat"
    _: KW_ONLY
    backward_layer: Recurrent | None = None

    reads_rows = True

    def __post_init__(self):
        super().__post_init__()
        layer, other = self.layer, self.backward_layer
        for each in (layer, other or layer):
            self._expect(isinstance(each, Recurrent), "a recurrent layer such as LSTM(10)", repr(each))
            self._expect(each.activity_regularizer is None, "activity_regularizer on itself", "one on its layer")
        self._expect(self.merge_mode in MERGES, f"merge_mode out of {MERGES}", repr(self.merge_mode))
        zeros = {"zero_output_for_mask": layer.return_sequences}
        other = replace(layer, go_backwards=not layer.go_backwards, name=None) if other is None else other
        self._take_in(forward=replace(layer, **zeros), backward=replace(other, **zeros))
        self.layer, self.backward_layer = self.parts.values()
        self._check_options()

    def _check_options(self):
        first, second = self.layer, self.backward_layer
        for option in ("return_sequences", "return_state", "stateful"):
            values = getattr(first, option), getattr(second, option)
            self._expect(values[0] == values[1], f"layers with the same {option}", f"{values[0]} and {values[1]}")
        opposite = first.go_backwards != second.go_backwards
        self._expect(opposite, "layers of opposite go_backwards", f"{first.go_backwards} twice")
        sizes = first.cell.output_size, second.cell.output_size
        same = sizes[0] == sizes[1] or self.merge_mode in ("concat", None)
        self._expect(same, f"layers with outputs of one size to {self.merge_mode}", f"{sizes[0]} and {sizes[1]}")
        if self.stateful:
            message = f"{self.name}: the backward layer goes on from a batch that lies before what it reads"
            warnings.warn(message, stacklevel=4)

    @property
    def return_sequences(self):
        return self.layer.return_sequences

    @property
    def return_state(self):
        return self.layer.return_state

    @property
    def stateful(self):
        return self.layer.stateful

    @property
    def takes_integers(self):
        return self.layer.takes_integers

    @property
    def has_one_output(self):
        return self.layer.has_one_output and self.merge_mode is not None

    def compute_output_shape(self, input_shape):
        first, second = (part.compute_output_shape(input_shape) for part in self.parts.values())
        if self.merge_mode is None:
            return [first, second]
        return (*first[:-1], first[-1] + second[-1]) if self.merge_mode == "concat" else first

    def init_params(self, input_shape, rng, dtype):
        return self._build_parts(input_shape, rng, dtype)

    def compute_mask(self, x, mask=None):
        return self.layer.compute_mask(x, mask)

    def forward(self, x, training=False, rng=None, mask=None, initial_state=None):
        rng = None if rng is None else np.random.default_rng(rng)
        halves = (None, None) if initial_state is None else self._halves(initial_state)
        outputs, saved, states = [], [], []
        for layer, initial in zip(self.parts.values(), halves, strict=True):
            output, kept = layer.forward(x, training, rng, mask, initial)
            output, *state = output if self.return_state else [output]
            outputs.append(self._in_order(layer, output))
            states += state
            saved.append(kept)
        output = self._merge(*outputs)
        if self.return_state:
            output = [*(output if self.merge_mode is None else [output]), *states]
        return output, (saved, outputs)

    def backward(self, saved, d_output):
        """``d_output`` is like the output; where that is a list, None may stand for an item without gradient."""
        (first, second), outputs = saved
        count = 2 if self.merge_mode is None else 1
        items = [d_output] if self.has_one_output else list(d_output)
        merged, d_states = items[:count], items[count:]
        d_outputs = merged if self.merge_mode is None else self._merge_gradient(merged[0], *outputs)
        halves = self._halves(d_states)
        results = []
        for layer, kept, d, d_state in zip(self.parts.values(), (first, second), d_outputs, halves, strict=True):
            d = self._in_order(layer, d)
            results.append(layer.backward(kept, [d, *d_state] if self.return_state else d))
        (d_x, grads), (d_x_too, grads_too) = results
        grads = self._prefixed([grads, grads_too])
        if isinstance(d_x, list):
            return [_sum(d_x[0], d_x_too[0]), *d_x[1:], *d_x_too[1:]], grads
        return _sum(d_x, d_x_too), grads

    def _merge(self, a, b):
        if self.merge_mode is None:
            return [a, b]
        if self.merge_mode == "concat":
            return np.concatenate([a, b], axis=-1)
        if self.merge_mode == "mul":
            return a * b
        return a + b if self.merge_mode == "sum" else (a + b) / 2

    def _merge_gradient(self, d, a, b):
        """Gradients of the two outputs a and b."""
        if d is None:
            return None, None
        if self.merge_mode == "concat":
            return d[..., : a.shape[-1]], d[..., a.shape[-1] :]
        if self.merge_mode == "mul":
            return d * b, d * a
        return (d, d) if self.merge_mode == "sum" else (d / 2, d / 2)

    def _in_order(self, layer, output):
        """Between the order of the layer's outputs and that of the first layer's; its own inverse."""
        turn = layer is self.backward_layer and self.return_sequences and output is not None
        return output[:, ::-1] if turn else output

    def _halves(self, states):
        half = len(as_list(self.layer.cell.state_size))
        return states[:half], states[half:]

    @property
    def state(self):
        return self.layer.state, self.backward_layer.state

    @state.setter
    def state(self, states):
        self.layer.state, self.backward_layer.state = states

    def reset_states(self, states=None, rows=None):
        """Forget the states of all rows, or of ``rows``, or set them: those of the first, then of the second layer."""
        halves = (None, None) if states is None else self._halves(states)
        for layer, half in zip(self.parts.values(), halves, strict=True):
            layer.reset_states(half, rows)

    def end_rows(self, rows):
        """See `Recurrent.end_rows`."""
        for layer in self.parts.values():
            layer.end_rows(rows)


def _sum(a, b):
    return None if a is None else a + b
