"""Activations beside those of ONNX: of recurrent nodes, and operators of layers; attributes are our parameters."""

from typing import Any, TypeAlias

import numpy as np

from ..activations import (
    CELU,
    ELU,
    Activation,
    Affine,
    HardShrink,
    HardSigmoid,
    LeakyReLU,
    ScaledTanh,
    SoftShrink,
    Squareplus,
    Threshold,
    ThresholdedReLU,
    named,
    spelled_out,
)
from ..errors import InputError
from .onnx_functions import FUNCTIONS, kind_of

Numbers: TypeAlias = dict[str, Any]
NAMED: dict[str, tuple[str, Numbers]] = {  # ours: that of a recurrent node, and its attributes
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "relu": ("Relu", {}),
    "linear": ("Affine", {"alpha": 1.0, "beta": 0.0}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "softsign": ("Softsign", {}),
    "softplus": ("Softplus", {}),
    "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}),
}
WITH: dict[str, tuple[type[Activation], tuple[str, ...]]] = {  # that of a node: ours, and the attributes of it
    "Affine": (Affine, ("alpha", "beta")),
    "Elu": (ELU, ("alpha",)),
    "HardSigmoid": (HardSigmoid, ("alpha", "beta")),
    "LeakyRelu": (LeakyReLU, ("alpha",)),
    "ScaledTanh": (ScaledTanh, ("alpha", "beta")),
    "ThresholdedRelu": (ThresholdedReLU, ("alpha",)),
}
NO_OPERATORS = "Affine", "ScaledTanh"  # of recurrent nodes alone
OPERATORS: dict[str, tuple[str, Numbers]] = {  # of layers, functions among them
    **{ours: found for ours, found in NAMED.items() if found[0] not in NO_OPERATORS},
    "exponential": ("Exp", {}),
    "gelu": ("Gelu", {"approximate": "none"}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "hard_silu": ("HardSwish", {}),
    "mish": ("Mish", {}),
    "selu": ("Selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    **{ours: (kind_of(ours), {}) for ours, (parameters, _) in FUNCTIONS.items() if not parameters},
}
OPERATORS_WITH: dict[str, tuple[type[Activation], tuple[str, ...]]] = {
    **{name: found for name, found in WITH.items() if name not in NO_OPERATORS},
    "Celu": (CELU, ("alpha",)),
    **{
        kind_of(kind.formula.__name__): (kind, FUNCTIONS[kind.formula.__name__][0])
        for kind in (Affine, ScaledTanh, Squareplus, Threshold)
    },
}
CLIPS = {"relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}  # the operator Clip, whose bounds are inputs
OF_ROWS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}  # over an axis
SINCE = {"Gelu": 20}  # the opset, where it is later than what models have otherwise
DEFAULTS: dict[str, Numbers] = {  # of attributes; NaN: runtimes differ, so they have to be given
    "Affine": {"alpha": np.nan, "beta": np.nan},
    "Celu": {"alpha": 1.0},
    "Elu": {"alpha": 1.0},
    "Gelu": {"approximate": "none"},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "LeakyRelu": {"alpha": 0.01},
    "ScaledTanh": {"alpha": np.nan, "beta": np.nan},
    "Selu": {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805},
    "Shrink": {"bias": 0.0, "lambd": 0.5},
    "ThresholdedRelu": {"alpha": 1.0},
}


def of_node(caller: str, activation: Any) -> tuple[str, Numbers]:
    """Return the name and attributes of an activation of a recurrent node, or raise `InputError` if it has none."""
    return _theirs(caller, activation, NAMED, WITH)


def operator_of(caller: str, activation: Any) -> tuple[str, Numbers]:
    """Return the operator and attributes of an activation of a layer, or raise `InputError` if there is none."""
    activation = spelled_out(activation)
    if isinstance(activation, HardShrink | SoftShrink):
        bias = activation.threshold if isinstance(activation, SoftShrink) else 0.0
        return "Shrink", {"bias": bias, "lambd": activation.threshold}
    return _theirs(caller, activation, OPERATORS, OPERATORS_WITH)


def from_node(caller: str, name: str, attributes: Numbers, place: str) -> str | Activation:
    """Return our activation for one of a recurrent node, or raise `InputError`; ``place`` is of the node."""
    return _ours(caller, name, attributes, place, NAMED, WITH)


def from_operator(caller: str, name: str, attributes: Numbers, place: str) -> str | Activation:
    """Return our activation for an operator with its attributes, or raise `InputError`."""
    if name == "Shrink":
        bias, lambd = (shortest((DEFAULTS[name] | attributes)[key]) for key in ("bias", "lambd"))
        if bias not in (0, lambd):
            raise InputError(f"{caller}: expected a bias of 0 or lambd, {lambd:g}, got {bias:g}{place}")
        return named(SoftShrink(lambd) if bias else HardShrink(lambd))
    return _ours(caller, name, attributes, place, OPERATORS, OPERATORS_WITH)


def shortest(number: Any) -> float:
    """Return the shortest number that is this one in float32, as attributes are: 0.001 instead of 0.0010000000475."""
    return float(str(np.float32(number)))


def _theirs(caller, activation, names, with_parameters):
    if isinstance(activation, str) and activation in names:
        return names[activation]
    spelled: Any = spelled_out(activation)
    for name, (kind, attributes) in with_parameters.items():
        if isinstance(spelled, kind):
            return name, dict(zip(attributes, spelled.parameters, strict=True))
    known = ", ".join([*names, *(kind.__name__ for kind, _ in with_parameters.values())])
    raise InputError(f"{caller}: expected an activation that ONNX has there, {known}; got {activation!r}")


def _ours(caller, name, attributes, place, names, with_parameters):
    attributes = DEFAULTS.get(name, {}) | attributes
    for ours, (theirs, of_theirs) in names.items():
        same = theirs == name and of_theirs.keys() == attributes.keys()
        if same and all(_same(of_theirs[key], attributes[key]) for key in attributes):
            return ours
    kind, keys = with_parameters.get(name, (None, ()))
    if kind is None or attributes.keys() != set(keys):
        known = ", ".join(dict.fromkeys([theirs for theirs, _ in names.values()] + list(with_parameters)))
        raise InputError(f"{caller}: expected an activation out of {known}; got {_written(name, attributes)}{place}")
    try:
        return named(kind(*(shortest(attributes[key]) for key in keys)))
    except InputError as error:
        raise InputError(f"{caller}: {error}, as {_written(name, attributes)}{place}") from None


def _same(a, b):
    return a == b if isinstance(a, str) else np.float32(a) == np.float32(b)


def _written(name, attributes):
    """Write an activation as a call: HardSigmoid(alpha=0.2, beta=0.5)."""
    shown = [f"{key}={value if isinstance(value, str) else format(value, '.6g')}" for key, value in attributes.items()]
    return f"{name}({', '.join(shown)})" if shown else name
