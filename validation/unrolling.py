"""The unrolling functions against the references: each is a cell over a sequence, in other clothes.

Each function here runs one of them on a problem of `CASES` and returns outputs (B, T, n), final states by name, and
`backward(d_outputs, d_states) -> params, inputs, initial states`, all named as the problem names them.
"""

import numpy as np

import numbarnn as nr
from numbarnn.rnn import unroll

from .cases import SMALL, Call, Case
from .node import Node
from .parts import of_part, part
from .quantities import gradient_values
from .states import by_name, nest

LSTM, GRU = Node("LSTMCell", (SMALL.H,)), Node("GRUCell", (3,))
BOTH = Node("Bidirectional", (LSTM, GRU))
CALLS = (Call(initial_state=True), Call(initial_state=True, masking="lengths"), Call(masking="lengths"))


def _one(function, p, inputs, **options):
    """One direction, over an array."""
    state = nest(p.cell.state_size, p.state) if p.call.initial_state else None
    run = function(p.cell, p.params, inputs, initial_state=state, lengths=p.lengths, **options)

    def backward(dy, ds):
        grads = run.backward(dy, nest(p.cell.state_size, ds))
        return grads.params, grads.inputs, by_name(grads.initial_state)

    return run.outputs, by_name(run.state), backward


def _in_steps(outputs, states, backward):
    """A result in lists of steps, as arrays."""

    def of_arrays(dy, ds):
        params, inputs, initial = backward(None if dy is None else list(dy.swapaxes(0, 1)), ds)
        return params, np.stack(inputs, axis=1), initial

    return np.stack(outputs, axis=1), states, of_arrays


def _steps(p):
    return list(p.x.swapaxes(0, 1))


def dynamic_rnn(p, device):
    return _one(nr.dynamic_rnn, p, p.x, device=device)


def static_rnn(p, device):
    return _in_steps(*_one(nr.static_rnn, p, _steps(p), device=device))


def static_state_saving_rnn(p, device):
    """The initial state is that of the saver, with one sequence a row; no gradient passes to it."""
    saver = nr.StateSaver({name: np.zeros_like(array[0]) for name, array in p.state.items()}, range(len(p.x)))
    for name, array in p.state.items():
        saver.save_state(name, array)
    names = nest(p.cell.state_size, {name: name for name in p.state})
    steps = _steps(p)
    run = nr.static_state_saving_rnn(p.cell, p.params, steps, saver, names, lengths=p.lengths, device=device)

    def backward(dy, ds):
        grads = run.backward(dy, nest(p.cell.state_size, ds))
        return grads.params, grads.inputs, by_name(grads.initial_state)

    return _in_steps(run.outputs, {name: saver.state(name) for name in p.state}, backward)


def raw_rnn(p, device):
    """A loop_fn that hands on what it is given, and the next input, until the lengths are reached."""
    B, T, _ = p.x.shape
    lengths = np.full(B, T) if p.lengths is None else p.lengths

    def loop_fn(time, output, state, _):
        x = p.x[:, time] if time < T else np.zeros_like(p.x[:, 0])
        return time >= lengths, x, nest(p.cell.state_size, p.state) if time == 0 else state, output, None

    run = nr.raw_rnn(p.cell, p.params, loop_fn, device=device)
    steps = len(run.outputs)

    def backward(dy, ds):
        dy = None if dy is None else dy.swapaxes(0, 1)[:steps]
        grads = run.backward(dy, nest(p.cell.state_size, ds))
        inputs = np.zeros_like(p.x)
        inputs[:, : len(grads.inputs)] = np.stack(grads.inputs, axis=1)
        return grads.params, inputs, by_name(grads.initial_state)

    outputs = np.zeros((B, T, p.cell.output_size), p.x.dtype)
    outputs[:, :steps] = run.outputs.swapaxes(0, 1)
    return outputs, by_name(run.state), backward


def _pair(p, function, inputs, device):
    """Both directions: pairs of cells, parameters and states."""
    params = [part(name, p.params) for name in ("forward", "backward")]
    state = nest(p.cell.state_size, p.state) if p.call.initial_state else None
    cells = p.cell.forward_cell, p.cell.backward_cell
    run = function(cells, params, inputs, initial_state=state, lengths=p.lengths, device=device)

    def backward(dy, ds):
        grads = run.backward(dy, nest(p.cell.state_size, ds))
        forward, backward = grads.params
        return of_part("forward", forward) | of_part("backward", backward), grads.inputs, by_name(grads.initial_state)

    return run.outputs, by_name(run.state), backward


def bidirectional_dynamic_rnn(p, device):
    outputs, states, backward = _pair(p, nr.bidirectional_dynamic_rnn, p.x, device)
    split = lambda dy: None if dy is None else np.split(dy, [SMALL.H], axis=2)  # noqa: E731
    return np.concatenate(outputs, axis=2), states, lambda dy, ds: backward(split(dy), ds)


def static_bidirectional_rnn(p, device):
    return _in_steps(*_pair(p, nr.static_bidirectional_rnn, _steps(p), device))


def stack_bidirectional_dynamic_rnn(p, device):
    """Here states and parameters are a pair of layers each; those of the problem, layers of pairs."""
    turned = lambda nested: tuple(zip(*nested, strict=True))  # noqa: E731
    layers = p.cell.cells
    cells = turned([(layer.forward_cell, layer.backward_cell) for layer in layers])
    of_layers = [part(i, p.params) for i in range(len(layers))]
    params = turned([(part("forward", of_layer), part("backward", of_layer)) for of_layer in of_layers])
    state = turned(nest(p.cell.state_size, p.state)) if p.call.initial_state else None
    function = nr.stack_bidirectional_dynamic_rnn
    run = function(cells, params, p.x, initial_state=state, lengths=p.lengths, device=device)

    def backward(dy, ds):
        grads = run.backward(dy, turned(nest(p.cell.state_size, ds)))
        named = {}
        for i, (forward, back) in enumerate(turned(grads.params)):
            named |= of_part(i, of_part("forward", forward) | of_part("backward", back))
        return named, grads.inputs, by_name(turned(grads.initial_state))

    return run.outputs, by_name(turned(run.state)), backward


FUNCTIONS = {  # {function: the cell that it is}
    dynamic_rnn: LSTM,
    static_rnn: LSTM,
    static_state_saving_rnn: LSTM,
    raw_rnn: LSTM,
    bidirectional_dynamic_rnn: BOTH,
    static_bidirectional_rnn: BOTH,
    stack_bidirectional_dynamic_rnn: Node("MultiRNNCell", ((BOTH, BOTH),)),
}


def exported():
    """The names of numbarnn's unrolling functions."""
    return [name for name in unroll.__all__ if name.endswith("_rnn")]


def cases():
    """(function, its case)."""
    for function, node in FUNCTIONS.items():
        for call in CALLS:
            yield function, Case(node.cell, node.options, SMALL, call, arguments=node.arguments)


def shown(quantity):
    """Whether an unrolling function shows this, too."""
    return quantity == "outputs" or quantity.startswith(("state.", "d_"))


def values(function, problem, device):
    """What `measured.values` gives, as far as it is `shown`."""
    outputs, states, backward = function(problem, device)
    found = {"forward": {("outputs", None): outputs} | {(f"state.{name}", None): s for name, s in states.items()}}
    for name, (dy, ds) in problem.cotangents.items():
        found[name] = gradient_values(problem, *backward(dy, ds))
    return found
