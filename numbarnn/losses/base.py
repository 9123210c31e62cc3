"""What a loss is: a term for each row of the predictions, and how the terms become one number."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import Checked, InputError

REDUCTIONS = ("mean_valid", "mean_all", "sum")


@dataclass(eq=False, repr=False)
class Loss(Checked):
    """A loss; subclasses define ``terms(y_true, y_pred)``.

    ``reduction`` of terms l with weights w (1 unless given; steps that a mask hides have none): "mean_valid" is
    sum(w l) / sum(w), "mean_all" sum(w l) / number of terms, those behind a mask among them (TensorFlow's plain mean,
    and how Keras divides where there is no mask), "sum" is sum(w l).
    """

    _: KW_ONLY
    reduction: str = "mean_valid"

    activation = None  # the last activation of a model that this loss can take over
    from_logits = False
    legacy_clip = False

    def __post_init__(self):
        if self.reduction not in REDUCTIONS:
            name = type(self).__name__
            raise InputError(f"{name}: expected reduction to be one of {', '.join(REDUCTIONS)}, got {self.reduction!r}")

    def terms(self, y_true, y_pred):
        """The loss of each row, shaped as y_pred without its last axis, and its gradient, shaped as y_pred."""
        raise NotImplementedError

    def __call__(self, y_true, y_pred, weights=None):
        """The loss as a float."""
        return self.value_and_gradient(y_true, y_pred, weights)[0]

    def value_and_gradient(self, y_true, y_pred, weights=None, hidden=0):
        """The loss as a float and its gradient with respect to y_pred.

        ``weights``: numbers of at least 0 for the rows, or for whole samples (batch,). ``hidden``: how many rows were
        left out beforehand, which only "mean_all" counts.
        """
        terms, gradient = self.terms(y_true, y_pred)
        if weights is not None:
            weights = spread(type(self).__name__, weights, terms.shape)
            terms = np.where(weights == 0, 0, terms * weights)
            gradient = np.where(weights[..., None] == 0, 0, gradient * weights[..., None]).astype(gradient.dtype)
        divisor = self.divisor(terms.size if weights is None else float(weights.sum()), terms.size + hidden) or 1.0
        return float(terms.sum(dtype=np.float64)) / divisor, gradient / divisor

    def divisor(self, weight, count):
        """What the weighted sum is divided by, given the sum of the weights and the number of terms."""
        return {"mean_valid": weight, "mean_all": count, "sum": 1}[self.reduction]

    def __repr__(self):
        shown = {name: value for name, value in vars(self).items() if value != getattr(type(self), name)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def spread(caller, weights, shape):
    """Weights of the first axes of `shape`, repeated over the others."""
    weights = np.asarray(weights)
    if not 1 <= weights.ndim <= len(shape) or weights.shape != shape[: weights.ndim]:
        shapes = " or ".join(str(shape[: n + 1]) for n in range(len(shape)))
        raise InputError(f"{caller}: expected weights of shape {shapes}, got {weights.shape}")
    return np.broadcast_to(weights.reshape(*weights.shape, *[1] * (len(shape) - weights.ndim)), shape)
