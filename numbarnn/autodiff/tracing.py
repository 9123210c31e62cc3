"""Tracing: run a cell's forward formulas on the numbers of a graph."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numba.core.errors import NumbaError

from .. import maths
from ..errors import InputError
from .graph import Graph


class Formulas(NamedTuple):
    """The traced formulas of a cell's step."""

    graph: Graph
    inputs: dict  # {pre-activation: what feeds it}
    z: dict  # {pre-activation: number}
    s: dict  # {state: number}
    q: tuple  # what `feedback` computes
    carried: dict  # {pre-activation: the number of `feedback` that replaces it}
    s1: tuple
    gates: tuple
    saved: tuple  # names of the gates

    @property
    def first(self):
        """Names of the pre-activations that do not need q."""
        return [name for name, fed in self.inputs.items() if not set(fed) & set("q=")]

    @property
    def second(self):
        """The pre-activations that q feeds."""
        return tuple(self.z[name] for name in self.inputs if name not in self.first)


def traced(caller, forward, feedback, inputs, states, saved):
    """Trace two Python functions; `feedback` may be None."""
    graph = Graph(caller, activations())
    z, s = ({name: graph.input((kind, name)) for name in names} for kind, names in (("z", inputs), ("s", states)))
    f = Formulas(graph, inputs, z, s, (), {}, (), (), saved)
    if feedback:
        q, carried = results(graph, "feedback", ("q", "carried"), feedback, [z[name] for name in f.first], s.values())
        q = tuple(map(graph.lift, q if isinstance(q, tuple | list) else (q,)))
        check_places(graph, inputs, len(q))
        f = f._replace(q=q, carried=numbers(graph, "values carried by feedback", carried, f.first))
    values = (z | f.carried).values()
    s1, gates = results(graph, "forward", ("new states", "gates"), forward, values, s.values())
    s1, gates = numbers(graph, "new states", s1, states), numbers(graph, "saved values", gates, saved)
    return f._replace(s1=tuple(s1.values()), gates=tuple(gates.values()))


def check_places(graph, inputs, count):
    """Check that all numbers of feedback feed something, and that what they feed asks for none beside them."""
    fed = {name: source for name, source in inputs.items() if set(source) & set("q=")}
    places = {int(source[-1]) if source[-1].isdecimal() else 0 for source in fed.values()}
    if fed and places != set(range(count)):
        asked = ", ".join(f"{name} by {source}" for name, source in fed.items())
        graph.refuse(f"feedback returns {count} number{'s' * (count != 1)}, called 0 to {count - 1}; fed are {asked}")


def results(graph, name, parts, function, z, s):
    """Call a function of tuples of numbers; returns its two results."""
    try:
        found = function(tuple(z), tuple(s))
    except InputError:
        raise
    except NumbaError:
        graph.refuse(f"{name} calls a function that Numba has compiled; expected plain Python, or register_jitable")
    except (TypeError, ValueError, IndexError) as error:
        graph.refuse(f"{name} cannot be traced: {error}")
    if not isinstance(found, tuple | list) or len(found) != 2:
        graph.refuse(f"expected {name} to return {' and '.join(parts)}, got {type(found).__name__}")
    return found


def numbers(graph, what, values, names):
    """Return {name: number} of a function's values, after a check that there is one for each name."""
    if not isinstance(values, tuple | list) or len(values) != len(names):
        got = len(values) if isinstance(values, tuple | list) else type(values).__name__
        graph.refuse(f"expected a tuple of {len(names)} {what} ({', '.join(names)}), got {got}")
    return dict(zip(names, map(graph.lift, values), strict=True))


@cache
def activations():
    """Return (name, formula) of each activation of several operations whose value gives its derivative.

    The sigmoid by tanh, as it is often written, is one of them.
    """
    graph = Graph("activations", [])
    x = graph.input("x")
    for name, (function, derivative) in maths.ACTIVATIONS.items():
        formula = function(x)
        if derivative and formula.op not in ("input", name):
            graph.patterns.append((name, formula))
    graph.patterns.append(("sigmoid", 0.5 * (np.tanh(0.5 * x) + 1)))
    return graph.patterns
