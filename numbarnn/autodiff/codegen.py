"""Code generation: readable Python functions for the numbers of a graph, which Numba compiles like any others."""

import hashlib
import keyword
import linecache
from collections import Counter
from functools import cache

from numba.extending import register_jitable

from .. import maths
from .graph import Number, topological_order

SYMBOLS = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2)}
SIGN, ATOM = 3, 4  # precedence of a sign and of a name or call, beside that of the symbols
LONG = 48  # characters; a longer formula gets a name and a line


def flatten(tree):
    """List the numbers of nested tuples."""
    return [tree] if isinstance(tree, Number) else [number for part in tree for number in flatten(part)]


def write(name, arguments, results, names):
    """Write the source of a function.

    `arguments`: {name: a Number or several}. `results`: nested tuples of Numbers. `names`: {Number: label} of all
    arguments, and of intermediate values that deserve a name.
    """
    given = {}
    for numbers in arguments.values():
        given |= {n: names[n] for n in flatten(numbers) if n.op != "constant" and n not in given}
    writer = Writer(given, names, arguments)
    returned = writer.write(results)
    unpacked, free = [], set(given)
    for argument, numbers in arguments.items():
        labels = []
        for number in () if isinstance(numbers, Number) else numbers:
            labels.append(given[number] if number in writer.used & free else "_")
            free.discard(number)
        if set(labels) - {"_"}:
            unpacked.append(f"{', '.join(labels) if len(labels) > 1 else f'({labels[0]},)'} = {argument}")
    body = [*unpacked, *writer.lines, f"return {returned}"]
    return f"def {name}({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in body)


class Writer:
    """The body of one function. `given`: {Number: label} of its arguments; `names`: {Number: label} of others."""

    def __init__(self, given, names, reserved):
        self.texts = {number: (label, ATOM) for number, label in given.items()}
        self.given, self.names, self.lines, self.used = given, names, [], set()
        self.taken = {*given.values(), *reserved, *keyword.kwlist, *vars(maths)}

    def write(self, results):
        """Add the lines that compute the results; returns the text of the results."""
        numbers = [n for n in topological_order(flatten(results), self.given) if n.op != "constant"]
        self.used.update(n for n in numbers if n in self.given)
        uses = Counter(a for number in numbers if number not in self.given for a in number.args)
        uses.update(flatten(results))
        for number in numbers:
            if number not in self.given:
                self.texts[number] = text, _ = self.operation(number)
                if uses[number] > 1 or number in self.names or len(text) > LONG:
                    label = self.label(self.names.get(number))
                    self.lines.append(f"{label} = {text}")
                    self.texts[number] = label, ATOM
        return ", ".join(map(self.tuple, results))

    def label(self, wish):
        """Return a name that is not taken."""
        numbered = (f"{wish or 't'}{i}" for i in range(1, len(self.taken) + 2))
        label = wish if wish and wish not in self.taken else next(n for n in numbered if n not in self.taken)
        self.taken.add(label)
        return label

    def operation(self, number):
        """Return the text of an operation and its precedence."""
        texts = [self.texts.get(a) for a in number.args]
        like = next((text[0] for text in texts if text and text[0].isidentifier()), None)
        texts = [text or (self.constant(a.value, like), ATOM) for a, text in zip(number.args, texts, strict=True)]
        if number.op in SYMBOLS:
            symbol, precedence = SYMBOLS[number.op]
            (left, a), (right, b) = texts
            left, right = left if a >= precedence else f"({left})", right if b > precedence else f"({right})"
            return f"{left} {symbol} {right}", precedence
        if number.op == "neg":
            text, precedence = texts[0]
            return f"-{text}" if precedence > SIGN else f"-({text})", SIGN
        parameters = map(repr, number.value or ())
        return f"{number.op}({', '.join((*(text for text, _ in texts), *parameters))})", ATOM

    def constant(self, value, like=None):
        """Write a constant in the type of some number: a literal would be float64 in compiled code."""
        if like is None:
            first = next((n for n in self.given if n in self.used), next(iter(self.given)))
            self.used.add(first)
            like = self.given[first]
        return {0.0: f"zero({like})", 1.0: f"one({like})"}.get(value, f"constant({like}, {value!r})")

    def tuple(self, tree):
        """Write nested tuples."""
        if isinstance(tree, Number):
            return self.constant(tree.value) if tree.op == "constant" else self.texts[tree][0]
        return f"({', '.join(map(self.tuple, tree))}{',' if len(tree) == 1 else ''})"


@cache  # cells with the same formulas share it, and so what is compiled of it
def function(source):
    """The function with this source, for Python and for Numba. Its text is its `source`, tracebacks show its lines, and
    its name holds a hash of the text, by which the store of kernels knows it."""
    code = compile(source, label := f"<derived {hashlib.sha256(source.encode()).hexdigest()[:16]}>", "exec")
    linecache.cache[label] = len(source), None, source.splitlines(True), label
    namespace = dict(vars(maths))  # with its name: a kept kernel imports the module of each function in it
    exec(code, namespace)
    made = namespace[code.co_names[0]]
    made.__qualname__, made.source = label, source
    return register_jitable(made)
