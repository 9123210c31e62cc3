"""Seeing inside a recurrent network: how far gradients reach, how much a step amplifies, which gates are stuck.

All of it is exact, for any cell, plain or composite, and about what happens outside training (no dropout).
"""

from .gates import Saturation, gate_limits, gate_saturation
from .gradients import gradient_flow, state_gradients
from .jacobians import jacobian_norms, step_jacobian
from .models import model_gradient_flow
from .plots import plot_gradient_flow, plot_jacobian_norms, plot_saturation
from .stepwise import state_names

__all__ = [
    "Saturation",
    "gate_limits",
    "gate_saturation",
    "gradient_flow",
    "jacobian_norms",
    "model_gradient_flow",
    "plot_gradient_flow",
    "plot_jacobian_norms",
    "plot_saturation",
    "state_gradients",
    "state_names",
    "step_jacobian",
]


def __dir__():
    return __all__
