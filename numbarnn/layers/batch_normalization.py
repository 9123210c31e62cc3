"""Batch normalisation."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..initializers import Initializer
from ..regularizers import Regularizer
from ..rnn.arguments import check_array
from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Arrays, Seed, Shape
from .base import Layer


@dataclass
class Saved:
    """What the gradient and the moving averages need."""

    normal: np.ndarray  # x with mean 0 and variance 1
    deviation: np.ndarray  # what x was divided by
    share: Any  # of each step in the mean; 0 where the moving averages were taken
    moments: dict[
        str, np.ndarray
    ]  # {moving average: its value in this batch}; empty where the moving averages were taken


@inherit_parameters
@dataclass(eq=False, repr=False)
class BatchNormalization(Layer):
    """Compute gamma (x - mean) / sqrt(variance + epsilon) + beta for each feature, the last axis of x.

    In training, mean and (biased) variance are those of the batch, over all axes but the last, and a model's training
    moves the averages after each update: moving = momentum moving + (1 - momentum) new. Outside training the moving
    averages are used instead.

    Parameters
    ----------
    momentum : float, default 0.99
        Share of the moving averages that an update keeps, in [0, 1].
    epsilon : float, default 1e-3
        Number above 0 that is added to the variance.
    center, scale : bool, default True
        Whether there is a beta, and a gamma.
    beta_initializer, gamma_initializer : str or Initializer
        Initial values of beta and gamma.
    moving_mean_initializer, moving_variance_initializer : str or Initializer
        Initial values of the moving averages.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties on beta and gamma.
    beta_constraint, gamma_constraint : str or callable, optional
        Constraints on beta and gamma.

    Notes
    -----
    Input and output: floats (batch, ..., features); sums for mean and variance are float64. Weights: gamma, beta
    (features,); not trainable: moving_mean, moving_variance (features,).

    With a mask (batch, ...) only valid steps count in mean and variance. Masked ones are normalised like the others,
    and add to gradients only if their outputs are used. A batch without valid steps is normalised by the moving
    averages, which stay as they are (in Keras they move towards 0).

    References
    ----------
    Ioffe, Szegedy (2015), "Batch normalization: accelerating deep network training by reducing internal covariate
    shift".
    """

    # a training on several processes, each with some rows of the batch, replaces it
    _sum_over_batch = staticmethod(lambda array: array)

    _: KW_ONLY
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: str | Initializer = "zeros"
    gamma_initializer: str | Initializer = "ones"
    moving_mean_initializer: str | Initializer = "zeros"
    moving_variance_initializer: str | Initializer = "ones"
    beta_regularizer: str | Regularizer | None = None
    gamma_regularizer: str | Regularizer | None = None
    beta_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    gamma_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None

    def __post_init__(self):
        super().__post_init__()
        self._expect(0 <= self.momentum <= 1, "momentum to be a number in [0, 1]", repr(self.momentum))
        self._expect(self.epsilon > 0, "epsilon to be a number above 0", repr(self.epsilon))
        self.momentum, self.epsilon = float(self.momentum), float(self.epsilon)
        self._regularize_and_constrain(
            gamma=(self.gamma_regularizer, self.gamma_constraint), beta=(self.beta_regularizer, self.beta_constraint)
        )
        self.initializers = {
            name: initializers.get(getattr(self, f"{name}_initializer"))
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        }

    def compute_output_shape(self, input_shape: Shape) -> Any:
        known = len(input_shape) > 1 and input_shape[-1]
        self._expect(known, "inputs of shape (batch, ..., features)", input_shape)
        return input_shape

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        used = {"gamma": self.scale, "beta": self.center}
        return {name: self._draw(name, input_shape, rng, dtype) for name in used if used[name]}

    def init_non_trainable_weights(
        self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike"
    ) -> dict[str, np.ndarray]:
        moving = "moving_mean", "moving_variance"
        return {name: self._draw(name, input_shape, rng, dtype) for name in moving}

    def _draw(self, name, input_shape, rng, dtype):
        return initializers.draw(self.name, self.initializers[name], input_shape[-1:], rng, dtype)

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        used = self.non_trainable_weights
        features, dtype = len(used["moving_mean"]), used["moving_mean"].dtype
        good = x.ndim > 1 and x.shape[-1] == features and x.dtype == dtype
        self._expect_inputs(good, dtype, f"inputs (batch, ..., {features})", x)
        if mask is not None:
            mask = check_array(self.name, "mask", mask, x.shape[:-1], np.dtype(bool))
        valid = x.reshape(-1, features) if mask is None else x[mask]
        share, moments = 0, {}
        # a frozen layer keeps its averages, as in Keras
        count = int(self._sum_over_batch(np.array([len(valid)]))[0]) if training and self.trainable else 0
        if count:
            share = (1 if mask is None else mask[..., None]) / dtype.type(count)
            used = moments = self._moments(valid, count)
        deviation = np.sqrt(used["moving_variance"] + self.epsilon)
        normal = (x - used["moving_mean"]) / deviation
        y = normal * self.params.get("gamma", 1) + self.params.get("beta", 0)
        return y, Saved(normal, deviation, share, moments)

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        features = d_output.shape[-1]
        d_gamma = (d_output * saved.normal).reshape(-1, features).sum(axis=0)
        d_beta = d_output.reshape(-1, features).sum(axis=0)
        of_batch = self._sum_over_batch(np.stack([d_beta, d_gamma])) if saved.moments else (d_beta, d_gamma)
        through_moments = saved.share * (of_batch[0] + saved.normal * of_batch[1])
        d_x = self.params.get("gamma", 1) / saved.deviation * (d_output - through_moments)
        grads = {"gamma": d_gamma, "beta": d_beta}
        return d_x, {name: grads[name] for name in self.params}

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        x.hold(memory, "outputs")
        y = x.hold(memory, "outputs")
        memory.release(x.hold(memory, "outputs", 2), x.held)

        def backward() -> Any:
            d_x = x.hold(memory, "gradients of inputs")
            memory.release(x.hold(memory, "gradients of inputs", 2))
            return d_x

        return x._replace(held=y), backward

    def updates(self, saved: Any, old: Arrays | None = None) -> dict[str, np.ndarray]:
        old, momentum = self.non_trainable_weights if old is None else old, self.momentum
        return {name: momentum * old[name] + (1 - momentum) * new for name, new in saved.moments.items()}

    def _moments(self, rows, count):
        """Compute mean and variance of the columns of all rows of the batch, of which there are ``count``."""
        mean = self._mean(rows, count)
        return {"moving_mean": mean, "moving_variance": self._mean(np.square(rows - mean), count)}

    def _mean(self, rows, count):
        return (self._sum_over_batch(rows.sum(axis=0, dtype=np.float64)) / count).astype(rows.dtype)
