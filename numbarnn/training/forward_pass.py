"""A batch on its way through a chain of layers, and the way of the gradient back."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layers import Embedding


@dataclass
class ChainPass:
    """What came out: `output` with its `mask`, the `penalty` of the layers' activity_regularizers, and what is needed
    for the gradient: per layer what it kept, and the gradient of its penalty. Outside training of the last layer only.
    """

    output: np.ndarray
    mask: np.ndarray | None
    penalty: float
    steps: list[tuple[Any, Any, Any]]

    @property
    def pre_activation(self):
        """What the last layer's activation was applied to."""
        layer, kept, _ = self.steps[-1]
        return layer.pre_activation(kept)

    @property
    def updates(self):
        """{"layer/weight": new value} of non-trainable weights, after a pass in training."""
        updates = {}
        for layer, kept, _ in self.steps:
            updates |= {f"{layer.name}/{name}": new for name, new in layer.updates(kept).items()}
        return updates

    def backward(self, d_output, **options):
        """{"layer/parameter": gradient}; `options` are those of the last layer's `backward`."""
        gradients, d = {}, d_output
        for layer, kept, d_penalty in reversed(self.steps):
            d = d if d_penalty is None else d + d_penalty
            d, grads = layer.backward(kept, d, **options)
            gradients |= {f"{layer.name}/{name}": g for name, g in grads.items()}
            options = {}
        return gradients


def forward(layers, x, training=False, rng=None):
    """The `ChainPass` of x through the layers; masks go from one to the next."""
    mask, penalty, steps = None, 0.0, []
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        output, kept = layer_forward(layer, following, x, training, rng, mask)
        mask, x = layer.compute_mask(x, mask), output
        of_layer, d_penalty = activity_penalty(layer, x)
        penalty += of_layer
        steps = [*(steps if training else ()), (layer, kept, d_penalty)]
    return ChainPass(x, mask, penalty, steps)


def layer_forward(layer, following, x, training, rng, mask):
    """A layer's `forward`; vectors of an embedding that only a recurrent layer reads stay `Rows`."""
    if isinstance(layer, Embedding) and following and following.reads_rows and not layer.activity_regularizer:
        return layer.rows(x)
    return layer.forward(x, training, rng, mask)


def activity_penalty(layer, x):
    """(penalty of the layer's activity_regularizer for outputs x (batch, ...), a mean over the batch; its gradient or
    None)."""
    if layer.activity_regularizer is None:
        return 0.0, None
    samples = max(1, len(x))
    return layer.activity_regularizer(x) / samples, layer.activity_regularizer.gradient(x) / x.dtype.type(samples)
