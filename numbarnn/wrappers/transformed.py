"""Plain cells with masks in their equations: a class in front of a cell's own declares what changes."""

from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache

from ..cells.base import Cell
from ..engines import dispatch
from ..errors import InputError


@dataclass(frozen=True, kw_only=True)
class Masked:
    """The front of a plain cell that is `inner` but for its masks, "m" inputs behind the others, and what `old` and
    `new` make of the states. Its equations are derived."""

    inner: Cell

    masks = ()
    equations, unroll = Cell.equations, Cell.unroll  # whatever the inner cell's own are

    def old(self, s):
        """The states that the inner equations see."""
        return s[: len(self.inner.states)]

    def new(self, masks, s, s1):
        """The new states, from the masks, the states before, and the new states of the inner equations."""
        return s1

    @property
    def inputs(self):
        return self.inner.inputs | dict.fromkeys(self.masks, "m")

    @property
    def feedback(self):
        return self.inner_feedback if self.inner.equations.feedback else None

    def inner_feedback(self, z, s):
        first = len(z) - len(self.masks)
        q, carried = self.inner.equations.feedback(z[:first], s[: len(self.inner.states)])
        return q, (*carried, *z[first:])

    def forward(self, z, s):
        inputs = len(self.inner.inputs)
        s1, saved = self.inner.equations.forward(z[:inputs], self.old(s))
        return self.new(z[inputs:], s, s1), saved[: len(self.saved)]


@cache
def transformed_class(front, kind):
    return dataclass(frozen=True)(type(kind.__name__, (front, kind), {}))


@lru_cache
def transformed(front, cell, **options):
    """The plain cell with the class `front`, a `Masked`, in front of its own; `options` are those of that class."""
    own = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
    return transformed_class(front, type(cell))(**own | {"inner": cell} | options)


def unroll_with_copy(cell, scale, params, x, state, mask, options):
    """The `CellResult` of a transformed cell with one state more than its inner cell, with the inner one's states.

    `scale` times the first state is what the additional one is at first.
    """
    State = cell.inner.State
    (added,) = set(cell.State._fields) - set(State._fields)
    if state is not None:
        state = cell.State(**dict(zip(State._fields, state, strict=True)), **{added: scale * state[0]})
    run = dispatch.unroll(cell, params, x, state, mask, options)

    def backward(d_outputs, d_state, cut=None):
        d_state = dict(zip(State._fields, d_state, strict=True))
        d_params, dx, d = run.backward(d_outputs, cell.State(**d_state, **{added: None}), cut)
        return d_params, dx, State(shown(d)[0] + scale * getattr(d, added), *shown(d)[1:])

    def shown(state):
        return State(*(getattr(state, name) for name in State._fields))

    def states():
        return {name: a for name, a in run.states().items() if name in State._fields}

    return replace(run, state=shown(run.state), backward=backward, states=states)


def expect_plain(wrapper, cell):
    if not isinstance(cell, Cell):
        caller, inside = type(wrapper).__name__, type(cell).__name__
        raise InputError(
            f"{caller}: expected a plain cell such as LSTMCell(units), got a {inside}; wrap the cells in it"
        )


def expect_rates(wrapper, **rates):
    for name, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise InputError(f"{type(wrapper).__name__}: expected {name} in [0, 1), got {rate!r}")
