"""Activations without an operator of ONNX, as functions in a model: nodes of our domain, which every runtime expands.

Each is written in the text of ONNX' own parser. Its parameters are attributes of the node.
"""

import re
from typing import Any

from ..errors import InputError

DOMAIN, VERSION = "numbarnn", 1
FUNCTIONS: dict[str, tuple[tuple[str, ...], str]] = {  # the name here: parameters, and how y is made of x
    "affine": (("alpha", "beta"), "p = Mul (alpha, x)  y = Add (p, beta)"),
    "log_sigmoid": ((), "n = Neg (x)  p = Softplus (n)  y = Neg (p)"),
    "scaled_tanh": (("alpha", "beta"), "p = Mul (beta, x)  t = Tanh (p)  y = Mul (alpha, t)"),
    "silu": ((), "s = Sigmoid (x)  y = Mul (x, s)"),
    # ((c + 1) / 2)^2 + relu(x - 1), c = clip(x, -1, 1)
    "sparse_plus": (
        (),
        "c = Clip (x, {-1.0}, {1.0})  d = Add (c, {1.0})  e = Mul (d, {0.5})  parabola = Mul (e, e)"
        "  above = Sub (x, {1.0})  line = Relu (above)  y = Add (parabola, line)",
    ),
    "squareplus": (("b",), "xx = Mul (x, x)  s = Add (xx, b)  r = Sqrt (s)  t = Add (x, r)  y = Mul (t, {0.5})"),
    "tanh_shrink": ((), "t = Tanh (x)  y = Sub (x, t)"),
    "threshold": (("threshold", "default_value"), "g = Greater (x, threshold)  y = Where (g, x, default_value)"),
}


def kind_of(name: str) -> str:
    """Return the kind of a node that calls a function."""
    return f"{DOMAIN}.{name}"


def function(onnx: Any, name: str, opset: int) -> Any:
    """Return a function as a ``FunctionProto`` of operators of an opset; numbers have the dtype of x."""
    parameters, body = FUNCTIONS[name]
    numbers = dict.fromkeys(re.findall(r"\{(.*?)\}", body))
    values = [(p, f"value_float: float = @{p}") for p in parameters]
    values += [(f"number{i}", f"value_float = {number}") for i, number in enumerate(numbers)]
    for i, number in enumerate(numbers):
        body = body.replace(f"{{{number}}}", f"number{i}")
    constants = [f"float_{v} = Constant <{value}> ()  {v} = CastLike (float_{v}, x)" for v, value in values]
    attributes = f"<{', '.join(parameters)}>" if parameters else ""
    head = f'<domain: "{DOMAIN}", opset_import: ["" : {opset}]>  {name} {attributes} (x) => (y)'
    return onnx.parser.parse_function(f"{head} {{ {'  '.join([*constants, body])} }}")


def check_functions(caller: str, onnx: Any, functions: Any) -> None:
    """Check that functions of our domain are those that stand here; else raise `InputError`."""
    for found in functions:
        known = found.domain != DOMAIN or (
            found.name in FUNCTIONS and list(found.node) == list(function(onnx, found.name, 0).node)
        )
        if not known:
            expected = f"functions of {DOMAIN} as to_onnx writes them, {', '.join(FUNCTIONS)}"
            raise InputError(f"{caller}: expected {expected}, got another {found.name}")
