"""Expression graphs: a plain Python function called with `Number`s records what it computes.

The functions of `maths` reach a `Number` through NumPy's protocols. Equal expressions are one node (hash-consing),
constants are folded, and activations written out in full are recognised, so that each is differentiated as a function
of its value.
"""

import operator

import numpy as np

from .. import maths
from ..errors import InputError
from .simplify import matches, simpler

UFUNCS = {
    np.add: "add",
    np.subtract: "sub",
    np.multiply: "mul",
    np.divide: "div",
    np.negative: "neg",
    np.absolute: "absolute",
    np.sqrt: "sqrt",
    np.exp: "exp",
    np.expm1: "expm1",
    np.log1p: "log1p",
    np.tanh: "tanh",
}
FUNCTIONS = {  # in terms of others; a tie selects the same branch as the formula in `maths`
    np.where: lambda condition, x, y: choice(condition, x, y),
    np.clip: lambda x, low, high: choice(x < low, low, choice(high < x, high, x)),
    np.maximum: lambda x, y: choice(x < y, y, x) if isinstance(x, Number) else choice(y < x, x, y),
    np.minimum: lambda x, y: choice(y < x, y, x) if isinstance(x, Number) else choice(x < y, x, y),
    np.less: lambda x, y: x < y,
    np.greater: lambda x, y: x > y,
    np.square: lambda x: x * x,
}
ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": np.divide,
    "neg": operator.neg,
}


class Number:
    """A node of a `Graph`: an input, a constant, or an operation on others. `place` is a topological order.

    `value` is the name of an input, the value of a constant, and the parameters of an operation that has some.
    """

    __slots__ = ("args", "graph", "op", "place", "value")

    def __init__(self, graph, op, args, value):
        self.graph, self.op, self.args, self.value, self.place = graph, op, args, value, len(graph.numbers)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            self.graph.refuse(f"np.{ufunc.__name__}.{method} with {', '.join(options) or 'no'} options")
        if ufunc in UFUNCS:
            return self.graph.make(UFUNCS[ufunc], *inputs)
        return self.__array_function__(ufunc, None, inputs, options)

    def __array_function__(self, function, types, args, options):
        if function not in FUNCTIONS or options:
            known = ", ".join(f.__name__ for f in (*UFUNCS, *FUNCTIONS))
            self.graph.refuse(f"np.{function.__name__} has no derivative here; there are {known}")
        return FUNCTIONS[function](*args)

    def __array__(self, *args, **options):
        self.graph.refuse("expected formulas of single numbers, got an array of them")

    def __pow__(self, power):
        if not isinstance(power, int) or power < 1:
            self.graph.refuse(f"expected a positive integer as power, got {power!r}")
        return self if power == 1 else self * self ** (power - 1)

    def __lt__(self, other):
        return Less(self.graph, self, other)

    def __gt__(self, other):
        return Less(self.graph, other, self)

    def __neg__(self):
        return self.graph.make("neg", self)

    def __abs__(self):
        return self.graph.make("absolute", self)

    def straight_through(self, other):
        return self.graph.make("straight_through", self, other)

    def normal_cdf(self):
        return self.graph.make("normal_cdf", self)

    def activated(self, formula, parameters):
        """Apply an activation with parameters: one operation of `maths` if its value gives its derivative."""
        name = formula.__name__
        if getattr(maths, name, None) is formula and hasattr(maths, f"d_{name}"):
            return self.graph.make(name, self, parameters=parameters)
        return formula(self, *parameters)

    def _decision(self, *_):
        self.graph.refuse(
            "a number has no value yet: no if, and, or, ==, <=, min, max, float or math function;"
            " where_less(a, b, x, y) of numbarnn.maths is x where a < b, else y, and tanh, exp ... stand there too"
        )

    __bool__ = __float__ = __int__ = __index__ = __eq__ = __ne__ = __le__ = __ge__ = _decision
    __hash__ = object.__hash__


def _operator(name, op):
    setattr(Number, f"__{name}__", lambda self, other: self.graph.make(op, self, other))
    setattr(Number, f"__r{name}__", lambda self, other: self.graph.make(op, other, self))


for _name, _op in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("truediv", "div")):
    _operator(_name, _op)


class Less:
    """The condition a < b, which only `where` accepts."""

    def __init__(self, graph, a, b):
        self.graph, self.a, self.b = graph, a, b

    __array_function__ = Number.__array_function__
    __bool__ = Number._decision


def choice(condition, x, y):
    """Return x if the condition holds, else y."""
    if isinstance(condition, Less):
        return condition.graph.make("where_less", condition.a, condition.b, x, y)
    return x if condition else y


class Graph:
    """All numbers of one derivation; errors name `caller`."""

    def __init__(self, caller, patterns=()):
        self.caller, self.numbers, self.patterns = caller, {}, patterns

    def refuse(self, what):
        raise InputError(f"{self.caller}: {what}")

    def lift(self, value):
        """Make a constant of a number."""
        if isinstance(value, Number):
            return value
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            self.refuse(f"expected a number, got {type(value).__name__}")
        if not np.isfinite(value):
            self.refuse(f"expected a finite number, got {value}")
        return self._known("constant", (), float(value))

    def input(self, name):
        return self._known("input", (), name)

    def make(self, op, *args, parameters=None):
        """Apply an operation to numbers, and simplify it; `parameters` are Python numbers."""
        args = tuple(map(self.lift, args))
        if all(a.op == "constant" for a in args):
            with np.errstate(all="ignore"):
                values = (*(a.value for a in args), *(parameters or ()))
                return self.lift(float((ARITHMETIC.get(op) or getattr(maths, op))(*values)))
        if parameters:
            return self._known(op, args, parameters)
        simple = simpler(op, *args)
        if simple is not None:
            return self.lift(simple)
        swapped = args[::-1] if op in ("add", "mul") else args
        result = self._known(op, swapped if self._key(op, swapped) in self.numbers else args)
        for name, pattern in self.patterns:
            found = {}
            if matches(pattern, result, found):
                return self._known(name, (found["x"],))
        return result

    def _key(self, op, args, value=None):
        return op, tuple(a.place for a in args), repr(value)

    def _known(self, op, args, value=None):
        """Return the only number with this operation, arguments and value (hash-consing)."""
        key = self._key(op, args, value)
        if key not in self.numbers:
            self.numbers[key] = Number(self, op, args, value)
        return self.numbers[key]


def topological_order(roots, given=()):
    """List the numbers that the roots depend on, arguments before results; do not look behind the given ones."""
    found, waiting = set(), list(roots)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += () if number in given else number.args
    return sorted(found, key=lambda number: number.place)
