"""Sequence to sequence: an encoder reads, a decoder writes (Sutskever, Vinyals, Le 2014; Cho et al. 2014)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import InputError
from ..layers import Layer
from ..layers.graph import chain, for_prediction, joined, with_states
from ..training.batches import Data
from ..training.forward_pass import ForwardPass, forward
from ..training.lengths import join, plan_of
from ..training.sources import Samples
from ..utils.padded import Padded, padded
from .bridge import TeacherForcingBatch, check_parts, handing_over
from .generation import run_on
from .sequential import Sequential


class EncoderDecoder(Sequential):
    """An encoder whose final states are the initial states of a decoder.

    Training is that of `Sequential`, with teacher forcing: in step t the decoder reads target t-1, and ``start`` before
    the first. Sources and targets are arrays (batch, steps, ...), or, for unequal lengths, `Padded` or lists of arrays.
    Only valid steps of targets count in loss and metrics. `generate` feeds back the decoder's own outputs.

    Parameters
    ----------
    encoder : iterable of Layer
        Layers that end with a recurrent one, whose outputs are not used. The i-th recurrent layer hands its states to
        the i-th of the decoder; a `Bidirectional` one hands over both directions side by side. The gradient flows back.
    decoder : iterable of Layer
        Layers with outputs at each step: scores or probabilities of tokens if they start with an `Embedding`, else
        the vector of the step. Their recurrent layers have states of the sizes that the encoder hands over.
    start : int or array_like (features,)
        The token or vector that the decoder reads first.
    seed : int
        Decides everything random, as in `Sequential`.
    dtype : {"float32", "float64"}
        Of all parameters and outputs.
    device : str
        The engine of the recurrent layers, see `nr.forward`.
    name : str
        The model's name in summaries and errors.

    Raises
    ------
    InputError
        If encoder, decoder and start do not fit each other.

    References
    ----------
    .. [1] I. Sutskever, O. Vinyals, Q. V. Le, "Sequence to sequence learning with neural networks" (2014).
    .. [2] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
       translation" (2014).
    """

    def __init__(
        self,
        encoder: Iterable[Layer],
        decoder: Iterable[Layer],
        *,
        start: ArrayLike,
        seed: int = 0,
        dtype: DTypeLike = "float32",
        device: str = "cpu",
        name: str = "encoder_decoder",
    ) -> None:
        super().__init__(seed=seed, dtype=dtype, device=device, name=name)
        self.encoder, decoder = [], list(decoder)
        for layer in encoder:
            self.add(layer)
        self.encoder = self.layers[:]
        check_parts(name, self.encoder, decoder)
        self.start = self._checked_start(start, decoder)
        for layer in decoder:
            self.add(layer)
        self.decoder = self.layers[len(self.encoder) :]

    def own_options(self) -> dict[str, Any]:
        return {"encoder": len(self.encoder), "start": self.start}

    @classmethod
    def _of_layers(cls, layers, config, custom_objects, *, encoder, **options):
        return cls(layers[:encoder], layers[encoder:], **options)

    @property
    def tokens(self) -> bool:
        """Whether the decoder's outputs are tokens, not vectors."""
        return self.start.ndim == 0

    def generate(
        self,
        x: Any,
        steps: int,
        *,
        stop: int | Callable | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Padded:
        """Let the decoder read its own outputs.

        Parameters
        ----------
        x : array_like (batch, steps, ...), Padded, or list of arrays
            Sources.
        steps : int
            The largest number of steps to generate.
        stop : int or callable, optional
            The token that ends a row, and counts; of vectors a function (batch, features) -> (batch,) of bool.
        temperature : float
            0: always the likeliest token; else one drawn from softmax(scores / temperature).
        seed : int
            Seed of these draws.

        Returns
        -------
        Padded
            Generated rows with their lengths; zeros follow.
        """
        source = self._source("generate", x)
        state = forward(handing_over(self.encoder), source.values, mask=source.mask).state
        first = np.broadcast_to(self.start, (len(source), 1, *self.start.shape))
        return run_on(chain(self.decoder), first, state, steps, stop=stop, temperature=temperature, seed=seed)

    def predict(self, x: Any, y: Any, batch_size: int = 32) -> np.ndarray:
        """Compute the decoder's outputs under teacher forcing.

        Parameters
        ----------
        x, y : array_like (samples, steps, ...), Padded, or list of arrays
            Sources and targets.
        batch_size : int
            Samples per pass.

        Returns
        -------
        ndarray (samples, steps, ...)
            Outputs at each step of the targets.
        """
        pairs = self._pairs("predict", x, y)
        source = Samples(Data(pairs), batch_size, plan=plan_of(self, pairs))
        graph = self.graph if source.batches == 1 else for_prediction(self.graph)
        passes = ((self._forward(batch.x, graph=graph).outputs, rows) for batch, rows in source)
        outputs, places = zip(*passes, strict=True)
        return join(outputs, places, pairs.steps)

    def __call__(self, x: Any, y: Any, training: bool = False) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Compute the decoder's outputs under teacher forcing, all at once.

        Parameters
        ----------
        x, y : array_like (batch, steps, ...), Padded, or list of arrays
            Sources and targets.
        training : bool, default False
            Whether the pass is one of training.

        Returns
        -------
        ndarray (batch, steps, ...)
            Outputs at each step of the targets.
        """
        return self._forward(self._pairs("a call", x, y), training).outputs

    def predict_on_batch(self, x: Any, y: Any) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Compute the decoder's outputs under teacher forcing, all at once.

        Parameters
        ----------
        x, y : array_like (batch, steps, ...), Padded, or list of arrays
            Sources and targets.

        Returns
        -------
        ndarray (batch, steps, ...)
            Outputs at each step of the targets.
        """
        return self(x, y)

    def _pairs(self, caller, x, y):
        x, y = self._source(caller, x), self._target(caller, y)
        if len(x) != len(y):
            raise InputError(f"{caller}: expected as many targets as sources, {len(x)}, got {len(y)}")
        return TeacherForcingBatch.of(x, y, self.start)

    def _forward(self, x, training=False, keep=False, rng=None, graph=None) -> ForwardPass:
        """Run a `TeacherForcingBatch`, or run it through a copy of the graph; in training, or with `keep`, the pass
        keeps what the gradient needs."""
        inputs, masks = (x.source.values, x.inputs), (x.source.mask, None if x.mask.all() else x.mask)
        with np.errstate(all="ignore"):
            return forward(graph or self.graph, inputs, training, rng or self._dropout_rng, masks, keep=keep)

    def _sorted_calls(self):
        return joined(handing_over(self.encoder), with_states(chain(self.decoder)))

    def _data(self, caller, x, y, batch_size=None):
        x, y = self._source(caller, x), self._target(caller, y)
        _, labels = super()._data(caller, x.values, y.values, batch_size)
        return TeacherForcingBatch.of(x, y, self.start), labels

    def _source(self, caller, x):
        x = padded(caller, "sources", x).zero_padded()
        return replace(x, values=self._inputs(x.values))

    def _target(self, caller, y):
        y = padded(caller, "targets", y).zero_padded()
        if self.tokens:
            good, expected = y.values.ndim == 2 and y.values.dtype.kind in "iu", "integers (batch, steps)"
        else:
            good = y.values.ndim == 3 and y.values.shape[2] == len(self.start) and y.values.dtype.kind in "fiub"
            expected = f"numbers (batch, steps, {len(self.start)})"
        if not good:
            raise InputError(
                f"{caller}: expected targets of {expected}, got {y.values.dtype} of shape {y.values.shape}"
            )
        return y if self.tokens else replace(y, values=y.values.astype(self.dtype, copy=False))

    def _shape_before(self, layer):
        """Return the shape of the layer's inputs; the decoder's first layer reads its own outputs."""
        if self.encoder and len(self.layers) > len(self.encoder) and layer is self.layers[len(self.encoder)]:
            return (None, None, *self.start.shape)
        return super()._shape_before(layer)

    def _checked_start(self, start, decoder):
        start = np.asarray(start)
        if decoder[0].takes_integers:
            if start.ndim or start.dtype.kind not in "iu":
                raise InputError(f"{self.name}: expected start to be a token, got {start!r}")
            return start
        if start.ndim != 1 or start.dtype.kind not in "fiub":
            raise InputError(f"{self.name}: expected start to be a vector like the decoder's outputs, got {start!r}")
        return start.astype(self.dtype)
