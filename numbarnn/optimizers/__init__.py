"""Optimisers: they update arrays in place from gradients of the same names and shapes.

A class without a prefix has the maths of Keras; TF1..., Torch... and Keras3... name whose it is where they differ. Each
has a string name, too: "tf1_rmsprop" is ``TF1RMSprop()``.
"""

from ..errors import InputError
from .adagrad import Adadelta, Adagrad, TorchAdagrad
from .adam import Adam, AdamW, AMSGrad, TF1Adam, TorchAdam, TorchAdamW, TorchAMSGrad
from .base import Optimizer
from .lion import Lion
from .nadam import Nadam, TorchNAdam
from .rmsprop import Keras2MomentumRMSprop, Keras3RMSprop, RMSprop, TF1RMSprop, TorchRMSprop
from .schedules import CosineDecay, ExponentialDecay, Schedule, StepDecay, TimeDecay
from .sgd import SGD, TF1Momentum, TorchSGD

BY_NAME: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "amsgrad": AMSGrad,
    "adamw": AdamW,
    "nadam": Nadam,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "lion": Lion,
    "keras2_momentum_rmsprop": Keras2MomentumRMSprop,
    "keras3_rmsprop": Keras3RMSprop,
    "tf1_momentum": TF1Momentum,
    "tf1_rmsprop": TF1RMSprop,
    "tf1_adam": TF1Adam,
    "torch_sgd": TorchSGD,
    "torch_rmsprop": TorchRMSprop,
    "torch_adam": TorchAdam,
    "torch_amsgrad": TorchAMSGrad,
    "torch_adamw": TorchAdamW,
    "torch_nadam": TorchNAdam,
    "torch_adagrad": TorchAdagrad,
}


def get(optimizer: str | Optimizer) -> Optimizer:
    """Find an optimiser by its name.

    Parameters
    ----------
    optimizer : str or Optimizer
        A name such as "adam" or "tf1_rmsprop", for a new one with its default options; or an optimiser, which is
        returned.

    Returns
    -------
    Optimizer
        The optimiser.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str) and optimizer.lower() in BY_NAME:
        return BY_NAME[optimizer.lower()]()
    raise InputError(f"optimizer: expected an Optimizer or one of {', '.join(BY_NAME)}, got {optimizer!r}")


__all__ = [
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "Keras2MomentumRMSprop",
    "Keras3RMSprop",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "StepDecay",
    "TF1Adam",
    "TF1Momentum",
    "TF1RMSprop",
    "TimeDecay",
    "TorchAMSGrad",
    "TorchAdagrad",
    "TorchAdam",
    "TorchAdamW",
    "TorchNAdam",
    "TorchRMSprop",
    "TorchSGD",
    "get",
]


def __dir__():
    return __all__
