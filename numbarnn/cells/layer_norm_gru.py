"""GRU with layer norm (Ba, Kiros, Hinton 2016): reset_after_gru.py, each z normalised.

r = sigma(norm(x W_r + h R_r))   z = sigma(norm(x W_z + h R_z))
n = phi(norm(x W_n) + r norm(h R_n))
"""

from dataclasses import dataclass
from typing import ClassVar

from .reset_after_gru import ResetAfterGRUCell


@dataclass(frozen=True, kw_only=True)
class LayerNormGRUCell(ResetAfterGRUCell):
    """`ResetAfterGRUCell` with layer norm of each pre-activation.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate n, one of `numbarnn.activations`.
    recurrent_activation : str or Activation, default "sigmoid"
        Activation sigma of the gates, likewise.
    update : {"keep", "seed"}, default "keep"
        Whether the gate z is the part of the old state that is kept, or the part that is new, as in TensorFlow 1's
        LayerNormBasicGRUCell.
    num_proj : int, optional
        Width P of the output: the state s, projected by projection_kernel, is put out and fed back. The cell's state is
        then ``State(h, s)``, the output h and the unprojected s.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    epsilon : float, default 1e-12
        A constant added to variances.

    Notes
    -----
    ======================  =======  ===================================================
    parameter               shape    content
    ======================  =======  ===================================================
    kernel                  (I, 3H)  blocks r, z, n
    recurrent_kernel        (H, 3H)  blocks r, z, m
    norm_scale, norm_shift  (4, H)   of r, z, n, m; there is no bias
    projection_kernel       (H, P)   with ``num_proj``; recurrent_kernel is then (P, 3H)
    ======================  =======  ===================================================

    References
    ----------
    Ba, Kiros, Hinton 2016, "Layer normalization".
    """

    epsilon: float = 1e-12

    use_bias: ClassVar[bool] = False  # a ClassVar is no option; the shifts take the place of a bias
    preactivation_clip: ClassVar[None] = None

    norms = (("r",), ("z",), ("n",), ("m",))
    norm_epsilon = property(lambda self: self.epsilon)

    def __post_init__(self):
        super().__post_init__()
        self.check_positive("epsilon", "number")
