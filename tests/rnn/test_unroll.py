"""dynamic_rnn, static_rnn and the bidirectional functions, with everything at once, against loops under autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from helpers.unrolled_by_hand import flat, gradient, in_steps, row_by_row

import numbarnn as nr

T, B, I = 6, 7, 3
RNG = np.random.default_rng(0)
LENGTHS = np.array([6, 0, 3, 1, 5, 2, 4])
HOLES = (np.arange(T) < LENGTHS[:, None]) & (RNG.random((B, T)) < 0.7)  # any pattern, a row without any step
HOLES[0] = True
MASKS = {
    "all": ({}, np.ones((B, T), bool)),
    "lengths": ({"lengths": LENGTHS}, np.arange(T) < LENGTHS[:, None]),
    "mask": ({"mask": HOLES}, HOLES),
}
CELLS = nr.LSTMCell(4), nr.GRUCell(5)
STACK = (nr.LSTMCell(4), nr.SimpleRNNCell(2), nr.GRUCell(3)), (nr.GRUCell(5), nr.LSTMCell(6), nr.LSTMCell(2))


def draw(*shape):
    return RNG.standard_normal(shape)


def params_of(cell, size):
    return {name: p + 0.1 * draw(*p.shape) for name, p in cell.init_params(size, RNG, "float64").items()}


def state_of(cell):
    return tuple(draw(B, n) for n in cell.state_size)


def check(run, function, where, bounds=(1e-12, 1e-11)):
    """Values and gradients of an unrolling function against `function(*where)`; where = (params, inputs, state)."""
    values = flat(tuple(run))
    cotangents = [draw(*np.shape(a)) for a in values]
    for got, want in zip(values, flat(function(*where)), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=bounds[0])
    d_outputs, d_state = nested_like(run.outputs, iter(cotangents)), None
    d_state = nested_like(run.state, iter(cotangents[len(flat(run.outputs)) :]))
    grads = run.backward(d_outputs, d_state)
    got, want = (grads.params, grads.inputs, grads.initial_state), gradient(function, where, cotangents)
    for part, expected in zip(got, want, strict=True):
        for a, b in zip(flat(part), flat(expected), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=0, atol=bounds[1] * max(1, np.abs(b).max(initial=0)))
    return grads


def nested_like(tree, arrays):
    """The arrays in tuples and lists like the tree."""
    if isinstance(tree, tuple | list):
        return [nested_like(part, arrays) for part in tree]
    return next(arrays)


def steps_of(x):
    return list(np.swapaxes(x, 0, 1))


@pytest.mark.parametrize("reference", [in_steps, row_by_row])
@pytest.mark.parametrize("masking", MASKS)
@pytest.mark.parametrize("device", ["numpy", "cpu"])
class TestAgainstAutograd:
    def test_one_direction(self, device, masking, reference):
        options, mask = MASKS[masking]
        cell = CELLS[0]
        where = params_of(cell, I), draw(B, T, I), state_of(cell)
        run = nr.dynamic_rnn(cell, where[0], where[1], initial_state=where[2], device=device, **options)
        check(run, lambda p, x, s: reference(cell, p, x, s, mask), where)

        listed = {name: a.T if name == "mask" else a for name, a in options.items()}
        run = nr.static_rnn(cell, where[0], steps_of(where[1]), initial_state=where[2], device=device, **listed)
        where = where[0], steps_of(where[1]), where[2]

        def by_hand(p, steps, s):
            y, s = reference(cell, p, anp.stack(steps, 1), s, mask)
            return [y[:, t] for t in range(T)], s

        check(run, by_hand, where)

    def test_both_directions(self, device, masking, reference):
        options, mask = MASKS[masking]
        params, x = tuple(params_of(c, I) for c in CELLS), draw(B, T, I)
        initial = tuple(state_of(c) for c in CELLS)
        run = nr.bidirectional_dynamic_rnn(CELLS, params, x, initial_state=initial, device=device, **options)
        assert [y.shape for y in run.outputs] == [(B, T, 4), (B, T, 5)]

        def by_hand(params, x, initial):
            parts = zip((False, True), CELLS, params, initial, strict=True)
            runs = [reference(c, p, x, s, mask, reverse) for reverse, c, p, s in parts]
            return [y for y, _ in runs], [s for _, s in runs]

        check(run, by_hand, (params, x, initial))

        def side_by_side(params, steps, initial):
            (ahead, back), state = by_hand(params, anp.stack(steps, 1), initial)
            return [anp.concatenate([ahead[:, t], back[:, t]], 1) for t in range(T)], state

        listed = {name: a.T if name == "mask" else a for name, a in options.items()}
        run = nr.static_bidirectional_rnn(CELLS, params, steps_of(x), initial_state=initial, device=device, **listed)
        assert len(run.outputs) == T and run.outputs[0].shape == (B, 9)
        check(run, side_by_side, (params, steps_of(x), initial))

    def test_stack_of_both_directions(self, device, masking, reference):
        """Lengths or arbitrary masks, rows without a step, initial states, three layers: all at once."""
        options, mask = MASKS[masking]
        sizes = I, 9, 8
        params = tuple(tuple(params_of(c, n) for c, n in zip(cells, sizes, strict=True)) for cells in STACK)
        initial = tuple(tuple(state_of(c) for c in cells) for cells in STACK)
        x = draw(B, T, I)
        run = nr.stack_bidirectional_dynamic_rnn(STACK, params, x, initial_state=initial, device=device, **options)
        assert run.outputs.shape == (B, T, 5) and [len(s) for s in run.state] == [3, 3]

        def by_hand(params, x, initial):
            states = [], []
            for layer in range(3):
                ys = []
                for d in (0, 1):
                    y, s = reference(STACK[d][layer], params[d][layer], x, initial[d][layer], mask, reverse=d == 1)
                    ys.append(y)
                    states[d].append(s)
                x = anp.concatenate(ys, 2)
            return x, states

        grads = check(run, by_hand, (params, x, initial))
        assert not grads.inputs[~mask].any()


def test_result_is_a_pair():
    cell, x = nr.SimpleRNNCell(4), draw(B, T, I)
    run = nr.dynamic_rnn(cell, params_of(cell, I), x)
    outputs, state = run
    assert isinstance(run, tuple) and len(run) == 2
    assert outputs is run.outputs is run[0] and state is run.state is run[1]


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_static_is_dynamic_bit_for_bit(device):
    """Spec D12, in both layouts, with the gradients."""
    cell, x, initial = CELLS[0], draw(B, T, I), state_of(CELLS[0])
    params, options = params_of(cell, I), {"initial_state": initial, "lengths": LENGTHS, "device": device}
    dynamic = nr.dynamic_rnn(cell, params, x, **options)
    turned = nr.dynamic_rnn(cell, params, np.stack(steps_of(x)), time_major=True, **options)
    static = nr.static_rnn(cell, params, steps_of(x), **options)
    d_outputs, d_state = draw(B, T, 4), state_of(cell)
    expected = flat([steps_of(dynamic.outputs), dynamic.state])
    for a, b, c in zip(flat(list(static)), flat([list(turned.outputs), turned.state]), expected, strict=True):
        assert np.array_equal(a, c) and np.array_equal(b, c)
    grads = [
        dynamic.backward(d_outputs, d_state),
        turned.backward(np.swapaxes(d_outputs, 0, 1), d_state),
        static.backward(steps_of(d_outputs), d_state),
    ]
    for other in grads[1:]:
        for name, a in grads[0].params.items():
            assert np.array_equal(a, other.params[name]), name
        assert np.array_equal(np.stack(list(other.inputs)), np.swapaxes(grads[0].inputs, 0, 1))
        for a, b in zip(grads[0].initial_state, other.initial_state, strict=True):
            assert np.array_equal(a, b)


def test_gradient_of_some_steps_only():
    cell, steps = CELLS[1], steps_of(draw(B, T, I))
    params, d = params_of(cell, I), draw(B, 5)
    some = nr.static_rnn(cell, params, steps).backward([None] * (T - 1) + [d])
    every = nr.static_rnn(cell, params, steps).backward([np.zeros((B, 5))] * (T - 1) + [d])
    final = nr.static_rnn(cell, params, steps, save="minimal").backward(None, (d,))
    for name, a in every.params.items():
        assert np.array_equal(some.params[name], a) and np.abs(a).max() > 0
        np.testing.assert_allclose(final.params[name], a, rtol=0, atol=1e-13)


def test_layouts_of_both_directions():
    params, x = tuple(params_of(c, I) for c in CELLS), draw(B, T, I)
    run = nr.bidirectional_dynamic_rnn(CELLS, params, x, lengths=LENGTHS)
    turned = nr.bidirectional_dynamic_rnn(CELLS, params, np.swapaxes(x, 0, 1), lengths=LENGTHS, time_major=True)
    for a, b in zip(run.outputs, turned.outputs, strict=True):
        assert np.array_equal(a, np.swapaxes(b, 0, 1))
    grads, d = run.backward((None, run.outputs[1])), np.swapaxes(run.outputs[1], 0, 1)
    assert np.array_equal(grads.inputs, np.swapaxes(turned.backward((None, d)).inputs, 0, 1))
    assert not any(a.any() for a in grads.params[0].values()) and grads.params[1]["kernel"].any()


def test_backward_direction_is_the_reversed_sequence():
    """TensorFlow's definition: reverse_sequence, run, reverse_sequence."""
    cell, x = CELLS[0], draw(B, T, I)
    params = params_of(cell, I)
    run = nr.bidirectional_dynamic_rnn((cell, cell), (params, params), x, lengths=LENGTHS)
    outputs, state = nr.dynamic_rnn(cell, params, nr.reverse_sequence(x, LENGTHS), lengths=LENGTHS)
    assert np.array_equal(run.outputs[1], nr.reverse_sequence(outputs, LENGTHS))
    for a, b in zip(run.state[1], state, strict=True):
        assert np.array_equal(a, b)


def test_stack_is_a_stack_of_bidirectional_cells():
    """The composite cells say the same, bit for bit."""
    sizes, x = (I, 9, 8), draw(B, T, I)
    params = tuple(tuple(params_of(c, n) for c, n in zip(cells, sizes, strict=True)) for cells in STACK)
    run = nr.stack_bidirectional_dynamic_rnn(STACK, params, x, mask=HOLES)
    cell = nr.MultiRNNCell([nr.Bidirectional(a, b) for a, b in zip(*STACK, strict=True)])
    names = {
        f"{layer}/{direction}/{name}": value
        for direction, each in zip(("forward", "backward"), params, strict=True)
        for layer, values in enumerate(each)
        for name, value in values.items()
    }
    composite = nr.forward(cell, names, x, mask=HOLES)
    assert np.array_equal(run.outputs, composite.outputs)
    grads, expected = run.backward(run.outputs), composite.backward(run.outputs)
    assert np.array_equal(grads.inputs, expected.inputs)
    assert np.array_equal(grads.params[1][2]["kernel"], expected.params["2/backward/kernel"])
    for a, b in zip(zip(*run.state, strict=True), composite.state, strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(flat(a), flat(b), strict=True))


def test_random_numbers_of_their_own():
    """The two directions draw different ones, and the same seed gives the same."""
    cell = nr.DropoutWrapper(nr.SimpleRNNCell(4), input_keep_prob=0.5)
    params, x = cell.init_params(I, rng=0), np.ones((B, 1, I), "float32")
    run = lambda seed: nr.bidirectional_dynamic_rnn((cell, cell), (params, params), x, rng=seed, training=True)  # noqa: E731
    first, second, other = run(1), run(1), run(2)
    assert np.array_equal(first.outputs, second.outputs) and not np.array_equal(first.outputs, other.outputs)
    assert not np.array_equal(*first.outputs)
    grads = [r.backward((np.ones((B, 1, 4), "float32"), None)).params[0]["kernel"] for r in (first, first, other)]
    assert np.array_equal(grads[0], grads[1]) and not np.array_equal(grads[0], grads[2])


def test_time_axis():
    x = draw(B, T, I)
    steps = nr.unstack_time(x)
    assert len(steps) == T and np.array_equal(steps[2], x[:, 2])
    assert np.array_equal(nr.stack_time(steps), x)
    assert np.array_equal(nr.unstack_time(x, time_major=True)[2], x[2])
    assert np.array_equal(nr.stack_time(list(x), time_major=True), x)

    turned = nr.reverse_sequence(x, LENGTHS)
    for b, n in enumerate(LENGTHS):
        assert np.array_equal(turned[b], np.concatenate([x[b, :n][::-1], x[b, n:]]))
    assert np.array_equal(nr.reverse_sequence(turned, LENGTHS), x)
    time_major = nr.reverse_sequence(np.swapaxes(x, 0, 1), LENGTHS, time_major=True)
    assert np.array_equal(np.swapaxes(time_major, 0, 1), turned)
    tokens = RNG.integers(9, size=(B, T))
    assert np.array_equal(nr.reverse_sequence(tokens, LENGTHS)[0], tokens[0, ::-1])


@pytest.mark.parametrize("function", [nr.static_rnn, nr.static_bidirectional_rnn, nr.static_state_saving_rnn])
@pytest.mark.parametrize("steps", [T, B])
def test_one_array_is_no_list_of_steps(function, steps):
    """Whether its first axis is the batch or time, an array (B, T, I) is refused; its list of steps is taken."""
    cell, x = nr.SimpleRNNCell(4), draw(steps, T, I)
    both = function is nr.static_bidirectional_rnn
    cells, params = ((cell, cell), (params_of(cell, I),) * 2) if both else (cell, params_of(cell, I))
    saving = (nr.StateSaver({"h": np.zeros(4)}, range(steps)), "h") if function is nr.static_state_saving_rnn else ()
    with pytest.raises(nr.InputError, match=r"one a step, got one array of shape \(\d, 6, 3\); unstack_time makes"):
        function(cells, params, x, *saving)
    with pytest.raises(nr.InputError, match="stack_time: expected a list of arrays"):
        nr.stack_time(x)
    run = function(cells, params, nr.unstack_time(x), *saving)
    assert len(run.outputs) == T
    with pytest.raises(nr.InputError, match=r"expected d_outputs of arrays .* got one array of shape"):
        run.backward(np.stack(run.outputs))


def test_bad_input():
    cell, x = CELLS[0], draw(B, T, I)
    params = params_of(cell, I)
    pair = (cell, cell), (params, params)
    lists = ([cell], [cell]), ([params], [params])
    cases = [
        (lambda: nr.dynamic_rnn(cell, params, x, lengths=[1, 2]), "expected lengths to be 7 integers"),
        (lambda: nr.static_rnn(cell, params, []), "static_rnn: expected a list of arrays of one shape"),
        (lambda: nr.static_rnn(cell, params, [x[:, 0], x[:3, 0]]), "static_rnn: expected a list of arrays"),
        (lambda: nr.static_rnn(cell, params, [x[:, 0], x[:, 0].astype("f4")]), "and one dtype"),
        (lambda: nr.static_rnn(cell, params, steps_of(x)).backward([None]), "d_outputs of 6 steps, got 1"),
        (lambda: nr.static_rnn(cell, params, [x[:, 0]]).backward([draw(2, 4)]), r"each of d_outputs of shape \(7, 4\)"),
        (lambda: nr.bidirectional_dynamic_rnn(cell, params, x), r"cells to be a pair \(forward, backward\), got LSTM"),
        (lambda: nr.bidirectional_dynamic_rnn(*pair, x, initial_state=(1, 2, 3)), "initial_state to be a pair"),
        (lambda: nr.bidirectional_dynamic_rnn(*pair, x, rng=-1), "bidirectional_dynamic_rnn: expected rng to be"),
        (lambda: nr.bidirectional_dynamic_rnn(*pair, x).backward(draw(B, T, 4)), "d_outputs to be a pair"),
        (lambda: nr.stack_bidirectional_dynamic_rnn(([], []), ([], []), x), "cells to be a pair of lists"),
        (lambda: nr.stack_bidirectional_dynamic_rnn(([cell], []), lists[1], x), "backward cells to be a list of 1"),
        (lambda: nr.stack_bidirectional_dynamic_rnn(pair[0], pair[1], x), "cells to be a pair of lists"),
        (lambda: nr.stack_bidirectional_dynamic_rnn(*lists, x).backward(draw(B, T, 7)), "d_outputs of shape"),
        (lambda: nr.unstack_time(np.ones(3)), "unstack_time: expected an array"),
        (lambda: nr.stack_time([]), "stack_time: expected a list"),
        (lambda: nr.reverse_sequence(x, [7] * B), "reverse_sequence: expected lengths from 0 to 6"),
        (lambda: nr.reverse_sequence(x, [1]), "reverse_sequence: expected lengths to be 7 integers"),
    ]
    for call, message in cases:
        with pytest.raises(nr.InputError, match=message):
            call()
    for unknown in ("swap_memmory", "iterations", "loop_fn"):
        for function, args in ((nr.dynamic_rnn, (cell, params, x)), (nr.bidirectional_dynamic_rnn, (*pair, x))):
            with pytest.raises(TypeError, match=unknown):
                function(*args, **{unknown: 1})
    with pytest.raises(TypeError, match="reverse"):
        nr.bidirectional_dynamic_rnn(*pair, x, reverse=True)
    with pytest.raises(TypeError, match="time_major"):
        nr.static_rnn(cell, params, steps_of(x), time_major=False)


def test_gradients_of_pairs_show_their_shapes():
    cells = nr.SimpleRNNCell(4, use_bias=False), nr.SimpleRNNCell(5, use_bias=False)
    params = tuple(cell.init_params(I, dtype="float64") for cell in cells)
    steps = nr.static_bidirectional_rnn(cells, params, steps_of(draw(B, T, I)))
    assert repr(steps.backward(steps.outputs)) == (
        "Gradients(params: (kernel (3, 4), recurrent_kernel (4, 4); kernel (3, 5), recurrent_kernel (5, 5)); "
        "inputs: (6, 7, 3))"
    )
