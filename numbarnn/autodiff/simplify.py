"""Algebraic simplification, and pattern matching of formulas."""


def simpler(op, a, b=None, x=None, y=None):
    """Return `op` of the arguments with fewer operations, or with a sign moved out; None if it is simple."""
    is_a = lambda value: a.op == "constant" and a.value == value  # noqa: E731
    is_b = lambda value: b.op == "constant" and b.value == value  # noqa: E731
    if op == "add":
        if is_a(0) or is_b(0):
            return b if is_a(0) else a
        if b.op == "neg" or a.op == "neg":
            return a - b.args[0] if b.op == "neg" else b - a.args[0]
    if op == "sub":
        if is_a(0) or is_b(0):
            return -b if is_a(0) else a
        if b.op == "neg":
            return a + b.args[0]
    if op == "mul":
        if is_a(0) or is_b(0):
            return 0.0
        if is_a(1) or is_b(1):
            return b if is_a(1) else a
        if is_a(-1) or is_b(-1):
            return -b if is_a(-1) else -a
        if a.op == "neg" or b.op == "neg":
            return -(a.args[0] * b) if a.op == "neg" else -(a * b.args[0])
    if op == "div":
        return 0.0 if is_a(0) else a if is_b(1) else None
    if op == "neg":
        return a.args[0] if a.op == "neg" else None
    if op == "where_less" and x is y:
        return x
    return None


def matches(pattern, number, found):
    """Say whether a number matches a pattern; `found` then has the number in the place of the pattern's input."""
    if pattern.op == "input":
        return found.setdefault("x", number) is number
    if (pattern.op, pattern.value) != (number.op, number.value):
        return False
    orders = [number.args, number.args[::-1]] if number.op in ("add", "mul") else [number.args]
    for args in orders:
        trial = dict(found)
        if all(matches(p, a, trial) for p, a in zip(pattern.args, args, strict=True)):
            found.update(trial)
            return True
    return False
