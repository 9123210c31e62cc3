"""The dense layer."""

from dataclasses import KW_ONLY, dataclass

from .. import initializers
from ..ops import activations
from ..ops import linear as affine
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
    kernel_regularizer: object = None
    bias_regularizer: object = None
    kernel_constraint: object = None
    bias_constraint: object = None

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(units=self.units)
        self.activation = activations.check(self.name, self.activation)
        self._regularize_and_constrain(
            kernel=(self.kernel_regularizer, self.kernel_constraint), bias=(self.bias_regularizer, self.bias_constraint)
        )
        self.initializers = initializers.get(self.kernel_initializer), initializers.get(self.bias_initializer)

    @property
    def last_activation(self):
        return self.activation

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

    def forward(self, x, training=False, rng=None, mask=None):
        kernel = self.params["kernel"]
        good = x.ndim > 1 and x.shape[-1] == len(kernel) and x.dtype == kernel.dtype
        self._expect_inputs(good, kernel.dtype, f"inputs (batch, ..., {len(kernel)})", x)
        saved = affine.forward(x, kernel, self.params.get("bias"), self.activation)
        return saved[-1], saved

    def pre_activation(self, saved):
        """x kernel + bias; a loss may start there, and `backward` with it."""
        return saved[1]

    def backward(self, saved, d_output, from_pre_activation=False):
        backward, _, y = saved
        d_z = d_output if from_pre_activation else activations.gradient(self.activation, y, d_output)
        d_x, d_kernel, d_bias = backward(d_z)
        return d_x, {"kernel": d_kernel} | ({"bias": d_bias} if self.use_bias else {})
