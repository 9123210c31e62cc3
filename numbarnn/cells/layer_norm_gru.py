"""GRU with layer norm (Ba, Kiros, Hinton 2016): reset_after_gru.py, each z normalised.

r = sigma(norm(x W_r + h R_r))   z = sigma(norm(x W_z + h R_z))
n = phi(norm(x W_n) + r norm(h R_n))
"""

from dataclasses import dataclass
from typing import ClassVar

from .reset_after_gru import ResetAfterGRUCell


@dataclass(frozen=True, kw_only=True)
class LayerNormGRUCell(ResetAfterGRUCell):
    """Gated recurrent unit with layer norm, reset after the product.

    z is the part of the old state that is kept. TensorFlow 1 contrib has the other sign: with `update` "seed" z is the
    part that is new, and the cell is its LayerNormBasicGRUCell.

    Parameters as those of `ResetAfterGRUCell` without bias, and norm_scale and norm_shift (4, H) of r, z, n, m.
    `epsilon` is added to variances.
    """

    epsilon: float = 1e-12

    use_bias: ClassVar[bool] = False  # a ClassVar is no option any more; the shifts stand in its place

    norms = (("r",), ("z",), ("n",), ("m",))
    norm_epsilon = property(lambda self: self.epsilon)

    def __post_init__(self):
        super().__post_init__()
        self.check_positive("epsilon", "number")
