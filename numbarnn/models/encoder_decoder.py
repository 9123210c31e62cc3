"""Sequence to sequence: an encoder reads, a decoder writes (Sutskever, Vinyals, Le 2014; Cho et al. 2014)."""

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..layers.stateless import is_recurrent, with_states
from ..training.batches import batch_rows
from ..training.forward_pass import ForwardPass, forward
from .bridge import TeacherForcingBatch, check_parts, merge_directions, split_directions
from .generation import run_on
from .padded import Padded
from .sequential import Sequential


class EncoderDecoder(Sequential):
    """Two chains of layers; the final states of the encoder's recurrent layers are initial states of the decoder's.

    The i-th recurrent layer of ``encoder`` hands its states to the i-th of ``decoder``, which must have states of the
    same sizes (a Bidirectional one hands over both directions side by side); their gradient flows back. The encoder
    ends with a recurrent layer; what that outputs is not used. ``decoder`` outputs at each step: scores or
    probabilities of tokens, where it starts with an Embedding (``start`` is a token), or else the vector of the step
    (``start`` is a vector of that size).

    Training is that of `Sequential`, with teacher forcing: in step t the decoder reads target t-1, and ``start`` before
    the first. Sources and targets are arrays (batch, steps, ...), or of unequal lengths: `Padded`, or lists of arrays.
    Only valid steps of targets count in loss and metrics. `generate` feeds back what the decoder itself gives.
    """

    def __init__(self, encoder, decoder, *, start, seed=0, dtype="float32", device="cpu", name="encoder_decoder"):
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

    @property
    def tokens(self):
        """Whether the decoder writes tokens; else it writes vectors."""
        return self.start.ndim == 0

    def generate(self, x, steps, *, stop=None, temperature=0.0, seed=0):
        """What the decoder writes for sources x when it reads what it wrote: a `Padded` of at most ``steps`` steps.

        A row ends with the token ``stop``, which counts, or, of vectors, with one for which ``stop(vectors)`` (batch,)
        is true. Zeros follow. ``temperature`` 0: always the likeliest token; else one drawn from the softmax of scores
        / temperature, the same for the same ``seed``. Each step runs the decoder's layers on one step alone.
        """
        source = self._source("generate", x)
        _, state = self._encode(source)
        first = np.broadcast_to(self.start, (len(source), 1, *self.start.shape))
        return run_on(self.decoder, first, state, steps, stop=stop, temperature=temperature, seed=seed)

    def predict(self, x, y, batch_size=32):
        """The decoder's outputs (batch, steps, ...) for sources x under teacher forcing with targets y."""
        x, y = self._source("predict", x), self._target("predict", y)
        if len(x) != len(y):
            raise InputError(f"predict: expected as many targets as sources, {len(x)}, got {len(y)}")
        pairs = TeacherForcingBatch.of(x, y, self.start)
        return np.concatenate([self._forward(pairs[rows]).outputs for rows in batch_rows(len(x), batch_size)])

    def _forward(self, x, training=False) -> ForwardPass:
        """Run a `TeacherForcingBatch`; the pass keeps what the gradient needs only in training."""
        with np.errstate(all="ignore"):
            encoded, state = self._encode(x.source, training)
            mask = None if x.mask.all() else x.mask
            decoded = forward(with_states(self.decoder), x.inputs, training, self._dropout_rng, mask, state)
        recurrent = self._bridge()

        def split_states(d_states):
            return [split_directions(layer, d) for layer, d in zip(recurrent, d_states, strict=True)]

        penalty = encoded.penalty + decoded.penalty
        return replace(decoded, mask=mask, penalty=penalty, encoder=encoded, split_states=split_states)

    def _encode(self, source, training=False):
        """Return the encoder's `ForwardPass`, and the states for the decoder."""
        run = forward(with_states(self.encoder), source.values, training, self._dropout_rng, source.mask)
        return run, [merge_directions(layer, s) for layer, s in zip(self._bridge(), run.state, strict=True)]

    def _bridge(self):
        """Return the encoder's recurrent layers."""
        return [layer for layer in self.encoder if is_recurrent(layer)]

    def _data(self, caller, x, y, batch_size=None):
        x, y = self._source(caller, x), self._target(caller, y)
        _, labels = super()._data(caller, x.values, y.values, batch_size)
        return TeacherForcingBatch.of(x, y, self.start), labels

    def _source(self, caller, x):
        x = Padded.of(x).zero_padded()
        return replace(x, values=self._inputs(x.values))

    def _target(self, caller, y):
        y = Padded.of(y).zero_padded()
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
        """Of the decoder's first layer the inputs are its own outputs."""
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
