"""`Chain`: layers one after another, their shapes, their parameters, and files of these."""

import numpy as np

from .. import checkpoint
from ..errors import Checked, InputError
from ..layers import Input, Layer
from ..rnn.arguments import FLOATS
from .summary import summary


class Chain(Checked):
    """Layers one after another; the part of `Sequential` that knows nothing of training.

    An `Input` (or ``input_shape`` on the first layer) builds the layers as they are added; otherwise the first data
    builds them. ``params`` is {"layer/parameter": array}: the arrays that the layers compute with; ``regularizers``
    and ``constraints`` hold those of some of them under the same names. ``weights`` are params together with the
    non-trainable weights, such as moving averages, layer by layer.
    """

    def __init__(self, layers=(), *, seed=0, dtype="float32", device="cpu", name="sequential"):
        try:
            seeds = np.random.SeedSequence(seed).spawn(3)
            self.dtype = np.dtype(dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"Sequential: expected an integer seed of at least 0, and a dtype: {error}") from None
        if self.dtype not in FLOATS:
            raise InputError(f"Sequential: expected dtype float32 or float64, got {dtype!r}")
        self._weights_rng, self._shuffle_rng, self._dropout_rng = map(np.random.default_rng, seeds)
        self.device = device
        self.name = name
        self.layers = []
        self.params = {}
        self.weights = {}
        self.regularizers = {}
        self.constraints = {}
        self.input_shape = None
        for layer in layers:
            self.add(layer)

    def add(self, layer):
        """Append a layer."""
        if not isinstance(layer, Layer):
            raise InputError(f"{self.name}: expected a layer such as Dense(10), got {layer!r}")
        if not layer.has_one_output:
            raise InputError(f"{self.name}: expected layers with one output, got {layer.name} with several")
        if layer.built or any(layer is other for other in self.layers):
            raise InputError(f"{self.name}: expected a new layer, got {layer.name}, which is in use already")
        first = not self.layers and self.input_shape is None
        if isinstance(layer, Input):
            if not first:
                raise InputError(f"{self.name}: expected Input as the first layer")
            self.input_shape = (None, *layer.shape)
            return
        if first and layer.input_shape is not None:
            self.input_shape = (None, *layer.input_shape)
        layer.name = self._free_name(layer)
        layer.device = self.device
        self.layers.append(layer)
        if self.input_shape is not None:
            self._build(layer)

    def build(self, input_shape):
        """Make the parameters for inputs of ``input_shape``, which starts with the batch, None where free."""
        if self.built:
            raise InputError(f"{self.name}: already built for inputs of shape {self.input_shape}")
        self.input_shape = tuple(input_shape)
        for layer in self.layers:
            self._build(layer)

    @property
    def built(self):
        return self.input_shape is not None and bool(self.layers) and self.layers[-1].built

    @property
    def output_shape(self):
        return self.layers[-1].output_shape if self.layers else self.input_shape

    def count_params(self):
        self._expect_built("count_params")
        return sum(array.size for array in self.weights.values())

    def summary(self, print_fn=print):
        """Print the layers, their output shapes and their numbers of parameters."""
        self._expect_built("summary")
        print_fn(summary(self))

    def get_weights(self):
        """Copies of all weights, in the order of ``weights``."""
        self._expect_built("get_weights")
        return [array.copy() for array in self.weights.values()]

    def set_weights(self, weights):
        """Set all weights from a list of arrays like that of `get_weights`."""
        self._expect_built("set_weights")
        weights = [np.asarray(w) for w in weights]
        got, expected = [w.shape for w in weights], [w.shape for w in self.weights.values()]
        if got != expected or any(w.dtype.kind not in "fiu" for w in weights):
            raise InputError(f"{self.name}: expected arrays of numbers of the shapes {expected}, got {got}")
        for array, new in zip(self.weights.values(), weights, strict=True):
            array[...] = new

    def save_weights(self, path):
        """Write all weights to the file ``path`` (npz), whole or not at all."""
        self._expect_built("save_weights")
        checkpoint.save(path, self.weights)

    def load_weights(self, path):
        """Read all weights from a file of `save_weights`; one that does not fit changes nothing."""
        self._expect_built("load_weights")
        found = checkpoint.load(path)
        got, expected = ({name: (w.shape, w.dtype.name) for name, w in a.items()} for a in (found, self.weights))
        if got != expected:
            differing = sorted(name for name in got.keys() | expected.keys() if got.get(name) != expected.get(name))
            name = differing[0]
            raise InputError(
                f"{path}: not the weights of this model: expected {name} {expected.get(name, 'missing')}, "
                f"got {got.get(name, 'missing')}"
            )
        for name, array in self.weights.items():
            array[...] = found[name]

    def reset_states(self, rows=None):
        """Forget the states of stateful layers: of all rows of the batch, or of ``rows``."""
        for layer in self._stateful_layers():
            layer.reset_states(rows=rows)

    def end_rows(self, rows):
        """``rows`` (booleans or indices) of the batch have ended: the next batch is made of the others alone, in their
        order, and in stateful layers each goes on from its own state."""
        for layer in self._stateful_layers():
            layer.end_rows(rows)

    def _stateful_layers(self):
        return [layer for layer in self.layers if getattr(layer, "stateful", False)]

    def _build(self, layer):
        layer.build(self._shape_before(layer), self._weights_rng, self.dtype)
        named = lambda values: {f"{layer.name}/{name}": v for name, v in values.items() if v is not None}  # noqa: E731
        self.params |= named(layer.params)
        self.weights |= named(layer.weights)
        self.regularizers |= {name: r for name, r in named(layer.regularizers).items() if name in self.params}
        self.constraints |= {name: c for name, c in named(layer.constraints).items() if name in self.params}

    def _shape_before(self, layer):
        """The shape of the layer's inputs."""
        before = self.layers[: self.layers.index(layer)]
        return before[-1].output_shape if before else self.input_shape

    def _free_name(self, layer):
        """The layer's name, with a number behind it when it was not chosen and is taken."""
        taken, name, number = {other.name for other in self.layers}, layer.name, 0
        if name in taken and name != layer.default_name():
            raise InputError(f"{self.name}: expected another name, {name!r} is taken")
        while name in taken:
            number += 1
            name = f"{layer.name}_{number}"
        return name

    def _expect_built(self, caller):
        if not self.built:
            raise InputError(f"{self.name}: {caller} needs parameters: start with Input(shape), or call build first")

    def _inputs(self, x):
        """``x`` as an array that the first layer takes; builds the model at the first call."""
        if not self.layers:
            raise InputError(f"{self.name}: expected at least one layer")
        x = np.asarray(x)
        integers = self.layers[0].takes_integers
        if x.dtype.kind not in ("iu" if integers else "fiub") or x.ndim < 2:
            kind = "integers" if integers else "numbers"
            raise InputError(f"{self.name}: expected {kind} of shape (batch, ...), got {x.dtype} of shape {x.shape}")
        if not self.built:
            self.build((None,) * x.ndim if integers else (*[None] * (x.ndim - 1), x.shape[-1]))
        free = tuple(m if n is None else n for n, m in zip(self.input_shape, x.shape, strict=False))
        if x.ndim != len(self.input_shape) or x.shape != free:
            expected = ", ".join("any" if n is None else str(n) for n in self.input_shape[1:])
            raise InputError(f"{self.name}: expected inputs of shape (batch, {expected}), got {x.shape}")
        return x if integers else x.astype(self.dtype, copy=False)
