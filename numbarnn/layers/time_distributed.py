"""A layer applied to every step alone."""

from dataclasses import dataclass

from .base import Layer
from .batch_normalization import BatchNormalization
from .wrapper import Wrapper


@dataclass(eq=False)
class TimeDistributed(Wrapper):
    """Applies ``layer`` to every step of x (batch, steps, ...), as if each were a sample; parameters are the layer's.

    A mask (batch, steps) is passed on. One of more axes gives the layer, at each step, the rest of it; a step then
    counts as valid where anything in it is.
    """

    layer: Layer

    def __post_init__(self):
        super().__post_init__()
        self._take_in(**{"": self.layer})
        self._expect(self.layer.has_one_output, "a layer with one output", f"{self.layer.name} with several")
        stateful = getattr(self.layer, "stateful", False)
        normalizes = isinstance(self.layer, BatchNormalization)
        self._expect(
            not normalizes, "a layer other than BatchNormalization, which takes sequences itself", self.layer.name
        )
        self._expect(not stateful, "a layer that is not stateful", f"{self.layer.name} with stateful=True")
        self._expect(self.layer.activity_regularizer is None, "activity_regularizer on itself", "one on its layer")

    @property
    def takes_integers(self):
        return self.layer.takes_integers

    @property
    def last_activation(self):
        return self.layer.last_activation

    def compute_output_shape(self, input_shape):
        batch, steps, *rest = self._expect_steps(input_shape)
        return (batch, steps, *self.layer.compute_output_shape((batch, *rest))[1:])

    def init_params(self, input_shape, rng, dtype):
        return self._build_parts((None, *input_shape[2:]), rng, dtype)

    def forward(self, x, training=False, rng=None, mask=None):
        self._expect_steps(x.shape)
        inner_mask = None if mask is None or mask.ndim < 3 else _merged(mask)
        y, saved = self.layer.forward(_merged(x), training, rng, inner_mask)
        return y.reshape(*x.shape[:2], *y.shape[1:]), (saved, x.shape[:2])

    def pre_activation(self, saved):
        """That of the layer, at all steps; a loss may start there, and `backward` with it."""
        inner, leading = saved
        z = self.layer.pre_activation(inner)
        return z.reshape(*leading, *z.shape[1:])

    def backward(self, saved, d_output, **options):
        inner, leading = saved
        d_x, grads = self.layer.backward(inner, _merged(d_output), **options)
        return (None if d_x is None else d_x.reshape(*leading, *d_x.shape[1:])), grads

    def compute_mask(self, x, mask=None):
        return mask if mask is None or mask.ndim < 3 else mask.any(axis=tuple(range(2, mask.ndim)))

    def _expect_steps(self, shape):
        self._expect(len(shape) >= 2 + (not self.takes_integers), "inputs of shape (batch, steps, ...)", shape)
        return shape


def _merged(array):
    """Batch and steps as one axis."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
