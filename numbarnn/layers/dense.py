"""The dense layer."""

from dataclasses import KW_ONLY, dataclass

from .. import initializers
from . import activation
from .base import Layer


@dataclass(eq=False)
class Dense(Layer):
    """activation(x kernel + bias) on the last axis of x (batch, ..., features).

    Parameters: kernel (features, units), bias (units).
    """

    units: int
    activation: str | None = None
    _: KW_ONLY
    use_bias: bool = True
    kernel_initializer: object = "glorot_uniform"
    bias_initializer: object = "zeros"

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(units=self.units)
        self.activation = activation.check(self.name, self.activation)
        self.initializers = initializers.get(self.kernel_initializer), initializers.get(self.bias_initializer)

    def compute_output_shape(self, input_shape):
        known = len(input_shape) > 1 and input_shape[-1]
        self._expect(known, "inputs of shape (batch, ..., features)", input_shape)
        return (*input_shape[:-1], self.units)

    def init_params(self, input_shape, rng, dtype):
        init_kernel, init_bias = self.initializers
        params = {"kernel": init_kernel((input_shape[-1], self.units), rng, dtype)}
        if self.use_bias:
            params["bias"] = init_bias((self.units,), rng, dtype)
        return params

    def forward(self, x, training=False, rng=None):
        kernel = self.params["kernel"]
        good = x.ndim > 1 and x.shape[-1] == len(kernel) and x.dtype == kernel.dtype
        self._expect(good, f"{kernel.dtype} inputs (batch, ..., {len(kernel)})", f"{x.dtype} of shape {x.shape}")
        rows = x.reshape(-1, len(kernel))
        z = rows @ kernel
        if self.use_bias:
            z += self.params["bias"]
        z = z.reshape(*x.shape[:-1], self.units)
        y = activation.apply(self.activation, z)
        return y, (rows, z, y)

    def pre_activation(self, saved):
        """x kernel + bias; a loss may start there, and `backward` with it."""
        return saved[1]

    def backward(self, saved, d_output, from_pre_activation=False):
        rows, z, y = saved
        d_z = d_output if from_pre_activation else activation.gradient(self.activation, y, d_output)
        d_z = d_z.reshape(-1, self.units)
        grads = {"kernel": rows.T @ d_z}
        if self.use_bias:
            grads["bias"] = d_z.sum(axis=0)
        return (d_z @ self.params["kernel"].T).reshape(*z.shape[:-1], rows.shape[1]), grads
