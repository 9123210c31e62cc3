"""Differentiation of a graph in reverse."""

from collections import defaultdict

from .graph import below, choice

RULES = {  # gradients of an operation's arguments, from that of its value y; activations have theirs in `maths`
    "add": lambda d, y, a, b: (d, d),
    "sub": lambda d, y, a, b: (d, -d),
    "mul": lambda d, y, a, b: (d * b, d * a),
    "div": lambda d, y, a, b: (d / b, -(d / b * y)),
    "neg": lambda d, y, a: (-d,),
    "absolute": lambda d, y, a: (choice(a < 0, -d, choice(a > 0, d, 0)),),
    "sqrt": lambda d, y, a: (d / (2 * y),),
    "exp": lambda d, y, a: (d * y,),
    "expm1": lambda d, y, a: (d * (y + 1),),
    "straight_through": lambda d, y, a, b: (d, 0),
    "where_less": lambda d, y, a, b, u, v: (0, 0, choice(a < b, d, 0), choice(a < b, 0, d)),
}


def activation_rule(d, y, a):
    return (d * y.graph.make(f"d_{y.op}", y),)


def is_zero(number):
    return number.op == "constant" and number.value == 0


def dependent(numbers, on):
    """Those of the numbers, arguments first, that depend on one of `on`, and these themselves."""
    found = set(on)
    for number in numbers:
        if not found.isdisjoint(number.args):
            found.add(number)
    return found


def gradients(values, d_values, inputs):
    """The gradient of each of the inputs from those of the values; a constant zero where there is no path."""
    if not values:
        return (inputs[0].graph.lift(0),) * len(inputs)
    tree_leaves = set(inputs)
    numbers = below(values, tree_leaves)
    found, moved = defaultdict(lambda: inputs[0].graph.lift(0)), dependent(numbers, tree_leaves)
    for value, d in zip(values, d_values, strict=True):
        found[value] = found[value] + d
    for number in reversed(numbers):
        d = found[number]
        if number in moved and number not in tree_leaves and not is_zero(d):
            rule = RULES.get(number.op, activation_rule)
            for argument, part in zip(number.args, rule(d, number, *number.args), strict=True):
                if argument in moved:
                    found[argument] = found[argument] + part
    return tuple(found[number] for number in inputs)


def operands(results, d_values):
    """What the results, made of the gradients `d_values` and of other numbers, take from the others."""
    numbers = below(results)
    moved = dependent(numbers, d_values)
    used = {a for number in numbers if number in moved for a in number.args} | set(results)
    return tuple(number for number in numbers if number in used and number not in moved and number.op != "constant")
