"""Derive a cell's equations from its forward formulas: trace them, differentiate them, and generate functions."""

import keyword
import re
from functools import cache
from typing import NamedTuple

from .. import maths
from .codegen import function, write
from .equations import Equations
from .graph import Graph, topological_order
from .rematerialize import computable, minimum_cut
from .reverse import gradients, is_zero, operands
from .tracing import activations, traced

FEWEST = 10**5  # cost of a kept value that makes their number count more than anything else


@cache
def derived(cell):
    """Derive the `Equations` of a cell from its method ``forward`` and, if it has one, ``feedback``."""
    declared = {"inputs": cell.inputs, "states": cell.states, "saved": cell.saved, "feedback": cell.feedback}
    return derive(cell.forward, **declared, caller=type(cell).__name__)


def derive(forward, *, inputs, states=("h",), saved=(), feedback=None, caller="derive"):
    """Derive the `Equations` of a cell from its forward formulas, plain Python functions of tuples of numbers.

    The formulas may use + - * / **, all of `maths`, and NumPy's exp, tanh, where, clip, maximum ... (expm1 of numbers
    up to 0 only). An activation of `maths` has the derivative of `maths`, at its corners too, even if it is written
    out.

    Parameters
    ----------
    forward : callable
        ``forward(z, s) -> s1, gates`` maps the pre-activations and the states to the new states, the output first, and
        to the values that ``saved`` names.
    inputs : dict of str to str
        Names of the pre-activations, and what feeds each, as in `Cell`.
    states : tuple of str, default ("h",)
        Names of the states.
    saved : tuple of str, default ()
        Names of the gates.
    feedback : callable, optional
        ``feedback(z, s) -> q, carried`` as in `Equations`, of a cell that multiplies a value computed within the step.
    caller : str, default "derive"
        The name in errors.

    Returns
    -------
    Equations
        Compiled functions; the text of each is its ``source``. ``hidden`` counts the values that the gradient needs
        besides the states and the gates.

    Raises
    ------
    InputError
        If a formula cannot be traced, or the new states do not depend on a pre-activation.
    """
    f = traced(caller, forward, feedback, inputs, states, saved)
    d = differentiated(f)
    b = residuals(f, d)
    texts = {name: write(name, *parts) for name, parts in functions(f, d, b).items()}
    made = {name: function(text) for name, text in texts.items()}
    return Equations(**made, hidden=len(b.hidden), extra=len(b.extra))


@cache
def derived_gradient(activation):
    """Derive `gradient(x, y, dy)`, the gradient of an activation's argument x from that of its value y."""
    graph = Graph(str(activation), activations())
    x, dy = graph.input("x"), graph.input("dy")
    y = activation(x)
    names = {x: "x", y: "y", dy: "dy"}
    return function(write("gradient", {"x": x, "y": y, "dy": dy}, gradients((y,), (dy,), (x,)), names))


class Gradients(NamedTuple):
    """Gradients: of the new states and of q, which are inputs; of z and s through the new states, and through q."""

    s1: tuple
    q: tuple
    z: dict
    s: tuple
    z_by_q: dict
    s_by_q: tuple


def differentiated(f):
    """Differentiate the `Formulas`."""
    inputs = (*f.z.values(), *f.s.values())

    def backward(values, d_values):
        d = gradients(values, d_values, inputs)
        dz = {n: f.graph.lift(0) if fed == "m" else a for (n, fed), a in zip(f.inputs.items(), d, strict=False)}
        return dz, d[len(dz) :]

    d_s1, dq = (tuple(f.graph.input((what, i)) for i in range(len(of))) for what, of in (("ds1", f.s1), ("dq", f.q)))
    d = Gradients(d_s1, dq, *backward(f.s1, d_s1), *backward(f.q, dq))
    for name, fed in f.inputs.items():
        if fed != "m" and is_zero(d.z[name]) and is_zero(d.z_by_q[name]):
            f.graph.refuse(f"the new states do not depend on pre-activation {name}")
    return d


class Residuals(NamedTuple):
    """The values that one of the functions passes to a later one."""

    carried: dict  # from feedback to forward, in the place of each first pre-activation
    hidden: tuple  # from forward to backward, besides the gates
    passed: dict  # from backward to feedback_backward, in the place of gradients that are zero
    extra: tuple  # from backward to feedback_backward, behind all gradients


def residuals(f, d):
    """Choose the cheapest values for the functions to pass on."""
    s, first = tuple(f.s.values()), {name: f.z[name] for name in f.first}
    now, later = operands((*d.z.values(), *d.s), d.s1), operands((*d.z_by_q.values(), *d.s_by_q), d.q)
    needed, carried = (*f.s1, *f.gates, *now, *later), first
    if f.q:
        possible = computable(topological_order(needed), (*first.values(), *s))
        kept = minimum_cut(needed, (*f.second, *s), possible, FEWEST)
        carried, _ = assign(kept, f.first, {n: name for name, n in (*first.items(), *f.carried.items())})
    possible = computable(topological_order((*f.s1, *f.gates)), (*carried.values(), *f.second, *s))
    hidden = minimum_cut((*now, *later), (*s, *f.s1, *f.gates), possible)
    possible = computable(topological_order(needed), (*s, *f.s1, *f.gates, *hidden))
    passed, extra = assign(minimum_cut(later, s, possible), [name for name in f.first if is_zero(d.z[name])])
    return Residuals(carried, hidden, passed, extra)


def assign(numbers, names, wishes=None):
    """Assign the numbers to names: {name: number}, by their wishes first, then to free names; and those left over."""
    found = {}
    for number in numbers:
        if number in (wishes or {}):
            found.setdefault(wishes[number], number)
    rest = [number for number in numbers if number not in set(found.values())]
    free = [name for name in names if name not in found]
    return found | dict(zip(free, rest, strict=False)), tuple(rest[len(free) :])


def functions(f, d, b):
    """Return {name: (arguments, results, labels)} of the functions, for `write`."""
    zero, s, saved = f.graph.lift(0), tuple(f.s.values()), (*f.gates, *b.hidden)
    dz = (*(b.passed.get(name, d.z[name]) for name in f.z), *b.extra)
    z = [b.carried.get(name, number) for name, number in f.z.items()]
    labels = labels_of(f, d, b)
    found = {
        "forward": ({"z": z, "s": s}, (f.s1, saved), labels),
        "backward": ({"saved": saved, "s": s, "s1": f.s1, "ds1": d.s1}, (dz, d.s), labels),
    }
    if f.q:
        q, dq = (f.q, d.q) if len(f.q) > 1 else (f.q[0], d.q[0])
        direct = {name: zero if is_zero(d.z[name]) else f.graph.input(("direct", name)) for name in f.first}
        labels = labels | {number: f"direct_{name}" for name, number in direct.items()}
        carried = (*(direct | b.passed).values(), *b.extra)
        dz = tuple(direct[name] + d.z_by_q[name] for name in f.first)
        first, replaced = [f.z[name] for name in f.first], tuple(b.carried.get(name, zero) for name in f.first)
        found["feedback"] = {"z": first, "s": s}, (q, replaced), labels
        found["feedback_backward"] = {"carried": carried, "s": s, "dq": dq}, (dz, d.s_by_q), labels
    return found


def labels_of(f, d, b):
    """Name the arguments, results and residuals of the functions, {number: label}."""
    kept = dict.fromkeys((*b.carried.values(), *b.hidden, *b.passed.values(), *b.extra))
    kept = [n for n in kept if n not in {*f.z.values(), *f.s.values(), *f.gates, *f.s1}]
    wishes = [
        *zip(f.s.values(), f.s, strict=True),
        *zip(f.gates, f.saved, strict=True),
        *((number, f"{name}1") for name, number in zip(f.s, f.s1, strict=True)),
        *((number, f"d{name}1") for name, number in zip(f.s, d.s1, strict=True)),
        *((number, f"dq{i if len(d.q) > 1 else ''}") for i, number in enumerate(d.q)),
        *((number, f"z_{name}") for name, number in f.z.items()),
        *((number, f"kept{i}") for i, number in enumerate(kept, 1)),
        *((number, f"dz_{name}") for name, number in d.z.items()),
    ]
    labels, taken = {}, {"z", "s", "saved", "s1", "ds1", "carried", *keyword.kwlist, *vars(maths)}
    for number, wish in wishes:
        if number.op != "constant" and number not in labels:
            label = re.sub(r"\W", "_", wish if wish.isidentifier() else f"_{wish}")
            while label in taken:
                label += "_"
            labels[number] = label
            taken.add(label)
    return labels
