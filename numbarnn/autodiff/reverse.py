"""Reverse-mode differentiation of an expression graph."""

import math
from collections import defaultdict

import numpy as np

from .graph import choice, topological_order

RULES = {  # vector-Jacobian products: d of an operation's value y -> d of its arguments; `maths` has the activations'
    "add": lambda d, y, a, b: (d, d),
    "sub": lambda d, y, a, b: (d, -d),
    "mul": lambda d, y, a, b: (d * b, d * a),
    "div": lambda d, y, a, b: (d / b, -(d / b * y)),
    "neg": lambda d, y, a: (-d,),
    "absolute": lambda d, y, a: (choice(a < 0, -d, choice(a > 0, d, 0)),),
    "sqrt": lambda d, y, a: (d / (2 * y),),
    "exp": lambda d, y, a: (d * y,),
    "expm1": lambda d, y, a: (d * (y + 1),),
    "log1p": lambda d, y, a: (d / (a + 1),),
    "normal_cdf": lambda d, y, a: (d * (np.exp(a * a * -0.5) * math.sqrt(0.5 / math.pi)),),
    "straight_through": lambda d, y, a, b: (d, 0),
    "where_less": lambda d, y, a, b, u, v: (0, 0, choice(a < b, d, 0), choice(a < b, 0, d)),
}


def activation_rule(d, y, a):
    """Differentiate an activation by its derivative in `maths`."""
    return (d * y.graph.make(f"d_{y.op}", y, parameters=y.value),)


def factored(d):
    """d (1 - u) in place of d - d u, which loses the digits of 1 - u where u is close to 1."""
    if d.op == "sub" and d.args[1].op == "mul":
        whole, (a, b) = d.args[0], d.args[1].args
        if whole is a or whole is b:
            return whole * (1 - (b if whole is a else a))
    return d


def is_zero(number):
    return number.op == "constant" and number.value == 0


def dependent(numbers, on):
    """Return the numbers, listed arguments first, that depend on one of `on`, and these."""
    found = set(on)
    for number in numbers:
        if not found.isdisjoint(number.args):
            found.add(number)
    return found


def gradients(values, d_values, inputs):
    """Compute the gradient of each input from those of the values; a constant zero if there is no path."""
    if not values:
        return (inputs[0].graph.lift(0),) * len(inputs)
    leaves = set(inputs)
    numbers = topological_order(values, leaves)
    found, moved = defaultdict(lambda: inputs[0].graph.lift(0)), dependent(numbers, leaves)
    for value, d in zip(values, d_values, strict=True):
        found[value] = found[value] + d
    for number in reversed(numbers):
        d = found[number]
        if number in moved and number not in leaves and not is_zero(d):
            rule = RULES.get(number.op, activation_rule)
            for argument, part in zip(number.args, rule(d, number, *number.args), strict=True):
                if argument in moved:
                    found[argument] = factored(found[argument] + part)
    return tuple(found[number] for number in inputs)


def operands(results, d_values):
    """Return the numbers besides the gradients `d_values` that the results use directly."""
    numbers = topological_order(results)
    moved = dependent(numbers, d_values)
    used = {a for number in numbers if number in moved for a in number.args} | set(results)
    return tuple(number for number in numbers if number in used and number not in moved and number.op != "constant")
