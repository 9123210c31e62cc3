"""Batch normalisation."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from ..rnn.arguments import check_array
from .base import Layer


@dataclass
class Saved:
    """What the gradient and the moving averages need."""

    normal: np.ndarray  # x with mean 0 and variance 1
    deviation: np.ndarray  # what x was divided by
    share: object  # of each step in the mean; 0 where the moving averages were taken
    moments: dict  # {moving average: its value in this batch}; empty where the moving averages were taken


@dataclass(eq=False)
class BatchNormalization(Layer):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta for each feature, the last axis of x (batch, ..., features).

    In training mean and (biased) variance are those of the batch, over all axes but the last, and a model's training
    moves the averages after each update: moving = momentum moving + (1 - momentum) new. Outside training the moving
    averages are taken instead. With a mask (batch, ...) only valid steps count in mean and variance; masked ones are
    normalised like the others, and add to gradients only where their outputs are used. A batch without valid steps is
    normalised by the moving averages, which stay as they are (in Keras they move towards 0).

    Parameters: gamma (features) with ``scale``, beta (features) with ``center``; not trainable: moving_mean and
    moving_variance (features). float32 or float64; sums for mean and variance are float64. Raises `InputError` for
    inputs, masks and options that do not fit. Source: Ioffe and Szegedy 2015.
    """

    _: KW_ONLY
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: object = "zeros"
    gamma_initializer: object = "ones"
    moving_mean_initializer: object = "zeros"
    moving_variance_initializer: object = "ones"
    beta_regularizer: object = None
    gamma_regularizer: object = None
    beta_constraint: object = None
    gamma_constraint: object = None

    def __post_init__(self):
        super().__post_init__()
        good = _is_number(self.momentum) and 0 <= self.momentum <= 1
        self._expect(good, "momentum to be a number in [0, 1]", repr(self.momentum))
        good = _is_number(self.epsilon) and 0 < self.epsilon < math.inf
        self._expect(good, "epsilon to be a number above 0", repr(self.epsilon))
        self.momentum, self.epsilon = float(self.momentum), float(self.epsilon)
        self._regularize_and_constrain(
            gamma=(self.gamma_regularizer, self.gamma_constraint), beta=(self.beta_regularizer, self.beta_constraint)
        )
        self.initializers = {
            name: initializers.get(getattr(self, f"{name}_initializer"))
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        }

    def compute_output_shape(self, input_shape):
        known = len(input_shape) > 1 and input_shape[-1]
        self._expect(known, "inputs of shape (batch, ..., features)", input_shape)
        return input_shape

    def init_params(self, input_shape, rng, dtype):
        used = {"gamma": self.scale, "beta": self.center}
        return {name: self.initializers[name](input_shape[-1:], rng, dtype) for name in used if used[name]}

    def init_non_trainable_weights(self, input_shape, rng, dtype):
        moving = "moving_mean", "moving_variance"
        return {name: self.initializers[name](input_shape[-1:], rng, dtype) for name in moving}

    def forward(self, x, training=False, rng=None, mask=None):
        used = self.non_trainable_weights
        features, dtype = len(used["moving_mean"]), used["moving_mean"].dtype
        good = x.ndim > 1 and x.shape[-1] == features and x.dtype == dtype
        self._expect_inputs(good, dtype, f"inputs (batch, ..., {features})", x)
        if mask is not None:
            mask = check_array(self.name, "mask", mask, x.shape[:-1], np.dtype(bool))
        valid = x.reshape(-1, features) if mask is None else x[mask]
        share, moments = 0, {}
        if training and len(valid):
            share = (1 if mask is None else mask[..., None]) / dtype.type(len(valid))
            used = moments = _moments(valid)
        deviation = np.sqrt(used["moving_variance"] + self.epsilon)
        normal = (x - used["moving_mean"]) / deviation
        y = normal * self.params.get("gamma", 1) + self.params.get("beta", 0)
        return y, Saved(normal, deviation, share, moments)

    def backward(self, saved, d_output):
        features = d_output.shape[-1]
        d_gamma = (d_output * saved.normal).reshape(-1, features).sum(axis=0)
        d_beta = d_output.reshape(-1, features).sum(axis=0)
        through_moments = saved.share * (d_beta + saved.normal * d_gamma)
        d_x = self.params.get("gamma", 1) / saved.deviation * (d_output - through_moments)
        grads = {"gamma": d_gamma, "beta": d_beta}
        return d_x, {name: grads[name] for name in self.params}

    def updates(self, saved):
        old, momentum = self.non_trainable_weights, self.momentum
        return {name: momentum * old[name] + (1 - momentum) * new for name, new in saved.moments.items()}


def _moments(rows):
    """Mean and variance of the columns."""
    mean = rows.mean(axis=0, dtype=np.float64).astype(rows.dtype)
    variance = np.square(rows - mean).mean(axis=0, dtype=np.float64).astype(rows.dtype)
    return {"moving_mean": mean, "moving_variance": variance}


def _is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
