"""raw_rnn: TensorFlow's contract, and its gradients against autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from helpers.unrolled_by_hand import flat, gradient, in_steps, lstm

import numbarnn as nr

B, I, H = 5, 3, 4
RNG = np.random.default_rng(1)
LENGTHS = np.array([3, 0, 6, 1, 4])
CELL = nr.LSTMCell(H)


def draw(*shape):
    return RNG.standard_normal(shape)


def params_of(cell, size):
    return {name: p + 0.1 * draw(*p.shape) for name, p in cell.init_params(size, RNG, "float64").items()}


def reader(x, lengths, initial):
    """The loop_fn of TensorFlow's documentation: raw_rnn as dynamic_rnn."""

    def loop_fn(time, cell_output, cell_state, loop_state):
        finished = time >= lengths
        next_state = initial if cell_output is None else cell_state
        next_input = np.zeros_like(x[:, 0]) if finished.all() else x[:, time]
        return finished, next_input, next_state, cell_output, None

    return loop_fn


def assert_close(got, want, bound):
    got, want = flat(got), flat(want)
    for a, b in zip(got, want, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=0, atol=bound * max(1, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("save", ["all", "minimal"])
def test_reads_as_dynamic_rnn(device, save):
    """Outputs and states bit for bit; it stops when all rows have finished."""
    x, params = draw(B, 9, I), params_of(CELL, I)
    initial, d_state = CELL.State(draw(B, H), draw(B, H)), CELL.State(draw(B, H), None)
    run = nr.raw_rnn(CELL, params, reader(x, LENGTHS, initial), device=device, save=save)
    emits, state = run
    whole = nr.dynamic_rnn(CELL, params, x, initial_state=initial, lengths=LENGTHS, device=device)
    assert emits.shape == (6, B, H) and run.loop_state is None
    assert np.array_equal(np.swapaxes(emits, 0, 1), whole.outputs[:, :6])
    assert all(np.array_equal(a, b) for a, b in zip(state, whole.state, strict=True))

    d_outputs = draw(B, 9, H)
    d_outputs[:, 6:] = 0
    grads = run.backward(np.swapaxes(d_outputs[:, :6], 0, 1), d_state)
    expected = whole.backward(d_outputs, d_state)
    assert len(grads.inputs) == 6
    assert_close(grads.inputs, nr.unstack_time(expected.inputs)[:6], 1e-13)
    assert_close([grads.params, grads.initial_state], [expected.params, expected.initial_state], 1e-13)
    for t, dx in enumerate(grads.inputs):
        assert not dx[t >= LENGTHS].any()
    assert_close(run.backward(d_state=d_state).params, whole.backward(None, d_state).params, 1e-13)


def test_a_composite_cell():
    cell = nr.MultiRNNCell([nr.LSTMCell(3), nr.ResidualWrapper(nr.GRUCell(3))])
    x, params = draw(B, 6, I), params_of(cell, I)
    initial = cell.zero_state(B, "float64")
    run = nr.raw_rnn(cell, params, reader(x, LENGTHS, initial))
    whole = nr.dynamic_rnn(cell, params, x, lengths=LENGTHS)
    assert np.array_equal(np.swapaxes(run.outputs, 0, 1), whole.outputs)
    d = draw(B, 6, 3)
    grads, expected = run.backward(np.swapaxes(d, 0, 1)), whole.backward(d)
    assert_close([grads.params, grads.initial_state], [expected.params, expected.initial_state], 1e-13)


def decoder(W, b, x0, initial, lengths):
    """Feeds back what it says: next_input = emit = tanh(output W + b)."""

    def loop_fn(time, output, state, said):
        if output is None:
            return lengths <= 0, x0, initial, np.zeros(I), []
        y = np.tanh(output @ W + b)
        return time >= lengths, y, state, y, [*said, y]

    return loop_fn


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_decoder_with_a_gradient_of_its_own(device):
    """`loop_gradient` sees each call's gradients, last call first; the caller adds up those of its own W and b."""
    W, b, x0, params = draw(H, I), draw(I), draw(B, I), params_of(CELL, I)
    initial, T = CELL.State(draw(B, H), draw(B, H)), LENGTHS.max()
    own = {"W": np.zeros_like(W), "b": np.zeros_like(b), "times": []}

    def loop_gradient(time, d_input, d_state, d_emit):
        y, h = said[time - 1], outputs[time - 1]
        dz = (d_input + d_emit) * (1 - y**2)
        own["W"] += h.T @ dz
        own["b"] += dz.sum(0)
        own["times"].append(time)
        return dz @ W.T, d_state

    outputs, inner = [], decoder(W, b, x0, initial, LENGTHS)

    def loop_fn(time, output, state, loop_state):
        if output is not None:
            outputs.append(output)
        return inner(time, output, state, loop_state)

    run = nr.raw_rnn(CELL, params, loop_fn, loop_gradient=loop_gradient, device=device)
    said = run.loop_state

    def by_hand(params, W, b, x, state):
        emits = []
        for t in range(T):
            going = (t < LENGTHS)[:, None]
            h, new = lstm(params, x, state)
            x = anp.tanh(h @ W + b)
            emits.append(anp.where(going, x, 0))
            state = tuple(anp.where(going, a, c) for a, c in zip(new, state, strict=True))
        return anp.stack(emits), state

    where = params, W, b, x0, tuple(initial)
    assert_close(list(run), by_hand(*where), 1e-12)
    assert not run.outputs[3:, 0].any() and not run.outputs[:, 1].any()
    d_emits, d_state = draw(T, B, I), (draw(B, H), draw(B, H))
    grads = run.backward(d_emits, d_state)
    expected = gradient(by_hand, where, [d_emits, *d_state])
    got = grads.params, own["W"], own["b"], grads.inputs[0], tuple(grads.initial_state)
    assert_close(got, expected, 1e-11)
    assert own["times"] == list(range(T, 0, -1))


def test_hands_on_without_a_gradient_of_its_own():
    """Output as the next input, output and a state in nested emits, beside tokens that have no gradient."""
    cell, x0, T = nr.LSTMCell(I), draw(B, I), 6
    params, initial = params_of(cell, I), cell.State(draw(B, I), draw(B, I))

    def loop_fn(time, output, state, loop_state):
        if output is None:
            return time >= LENGTHS, x0, initial, (np.zeros(I), (np.zeros(I), np.int64(0))), 0
        return time >= LENGTHS, output, state, (output, (state.c, output.argmax(1))), loop_state + 1

    run = nr.raw_rnn(cell, params, loop_fn)
    outputs, (c, tokens) = run.outputs
    assert c.shape == (T, B, I) and tokens.shape == (T, B) and tokens.dtype == np.int64
    assert np.array_equal(tokens, outputs.argmax(2)) and run.loop_state == T

    def by_hand(params, x, state):
        ys, cs = [], []
        for t in range(T):
            going = (t < LENGTHS)[:, None]
            x, new = lstm(params, x, state)
            ys.append(anp.where(going, x, 0))
            cs.append(anp.where(going, new[1], 0))
            state = tuple(anp.where(going, a, b) for a, b in zip(new, state, strict=True))
        return anp.stack(ys), anp.stack(cs), state

    where = params, x0, tuple(initial)
    assert_close([outputs, c, run.state], by_hand(*where), 1e-12)
    dy, dc, d_state = draw(T, B, I), draw(T, B, I), (draw(B, I), draw(B, I))
    grads = run.backward((dy, (dc, None)), d_state)
    assert_close(
        (grads.params, grads.inputs[0], tuple(grads.initial_state)), gradient(by_hand, where, [dy, dc, *d_state]), 1e-11
    )


def test_finished_rows_are_left_alone():
    """What loop_fn makes of a finished row goes nowhere, NaN or not; nor comes a gradient out of it."""
    cell, x = nr.GRUCell(H), draw(B, 6, I)
    params, initial = params_of(cell, I), cell.State(draw(B, H))
    bad = lambda a, rows: np.where(rows[:, None], np.nan, a)  # noqa: E731

    def loop_fn(time, output, state, _):
        finished = time >= LENGTHS
        next_input = bad(x[:, min(time, 5)], finished)
        if output is None:
            return finished, next_input, initial, None, None
        before = time - 1 >= LENGTHS
        return finished, next_input, cell.State(bad(state.h, before)), bad(output, before), None

    def loop_gradient(time, d_input, d_state, d_emit):
        before = time - 1 >= LENGTHS
        assert not any(d[before].any() for d in (d_input, d_state.h, d_emit))
        return bad(d_emit, before), cell.State(bad(d_state.h, before))

    run = nr.raw_rnn(cell, params, loop_fn, loop_gradient=loop_gradient)
    d_outputs, d_state = draw(6, B, H), cell.State(draw(B, H))
    mask = np.arange(6) < LENGTHS[:, None]
    by_hand = lambda p, x, s: in_steps(cell, p, x, s, mask)  # noqa: E731
    outputs, state = by_hand(params, x, initial)
    assert_close([np.swapaxes(run.outputs, 0, 1), run.state], [outputs, state], 1e-12)
    grads = run.backward(d_outputs, d_state)
    expected = gradient(by_hand, (params, x, tuple(initial)), [np.swapaxes(d_outputs, 0, 1), *d_state])
    got = grads.params, np.stack(grads.inputs, 1), tuple(grads.initial_state)
    assert_close(got, expected, 1e-11)


def test_finished_is_for_good():
    """A row that is called finished once is finished, whatever loop_fn says of it later."""
    x, params, initial = draw(B, 6, I), params_of(CELL, I), CELL.zero_state(B, "float64")
    read = reader(x, np.full(B, 9), initial)

    def once(time, *given):
        assert time <= 6
        return (time == LENGTHS, *read(min(time, 5), *given)[1:])

    run = nr.raw_rnn(CELL, params, once)
    whole = nr.dynamic_rnn(CELL, params, x, lengths=LENGTHS)
    assert np.array_equal(np.swapaxes(run.outputs, 0, 1), whole.outputs)
    assert all(np.array_equal(a, b) for a, b in zip(run.state, whole.state, strict=True))


def test_no_step_at_all():
    params, initial = params_of(CELL, I), CELL.State(draw(B, H), draw(B, H))
    run = nr.raw_rnn(CELL, params, reader(draw(B, 1, I), np.zeros(B, int), initial))
    assert run.outputs.shape == (0, B, H) and np.array_equal(run.state.c, initial.c)
    grads = run.backward(None, initial)
    assert grads.inputs == [] and np.array_equal(grads.initial_state.h, initial.h)
    assert not any(a.any() for a in grads.params.values())


def test_a_decoder_of_tokens():
    """A cell that takes integers, fed with what it found likeliest."""
    cell = nr.EmbeddingWrapper(nr.OutputProjectionWrapper(nr.GRUCell(H), 6), 6, 3)
    params, initial = cell.init_params(dtype="float64"), cell.zero_state(B, "float64")

    def loop_fn(time, logits, state, _):
        if logits is None:
            return np.zeros(B, bool), np.arange(B), initial, (np.zeros(6), np.int64(0)), None
        tokens = logits.argmax(1)
        return np.full(B, time == 3), tokens, state, (logits, tokens), None

    run = nr.raw_rnn(cell, params, loop_fn)
    logits, tokens = run.outputs
    whole = nr.dynamic_rnn(cell, params, np.stack([np.arange(B), *tokens[:2]], 1))
    assert np.array_equal(np.swapaxes(logits, 0, 1), whole.outputs)
    d = draw(3, B, 6)
    grads, expected = run.backward((d, None)), whole.backward(np.swapaxes(d, 0, 1))
    assert_close(grads.params, expected.params, 1e-13)
    assert grads.inputs == [None] * 3


def test_random_numbers_of_each_step():
    cell = nr.DropoutWrapper(nr.SimpleRNNCell(H), input_keep_prob=0.5)
    params, x = cell.init_params(I), np.ones((B, 4, I), "float32")
    loop_fn = reader(x, np.full(B, 4), cell.zero_state(B))
    run = lambda seed: nr.raw_rnn(cell, params, loop_fn, training=True, rng=seed).outputs  # noqa: E731
    assert np.array_equal(run(1), run(1)) and not np.array_equal(run(1), run(2))
    grads = nr.raw_rnn(cell, params, loop_fn, training=True, rng=1).backward(np.ones((4, B, H), "float32"))
    dropped = [dx == 0 for dx in grads.inputs]
    assert not np.array_equal(dropped[0], dropped[1]) and 0 < np.mean(dropped) < 1


def test_bad_input():
    x, params = draw(B, 6, I), params_of(CELL, I)
    initial = CELL.State(draw(B, H), draw(B, H))
    whole = reader(x, LENGTHS, initial)

    def changed(place, value, at=1):
        def loop_fn(time, *given):
            returned = list(whole(time, *given))
            if time == at:
                returned[place] = value
            return tuple(returned)

        return loop_fn

    cases = [
        (lambda *_: None, "expected loop_fn to return .* got NoneType"),
        (lambda *_: (1, 2), "expected loop_fn to return .* got 2"),
        (changed(0, np.zeros(3, bool)), r"finished of shape \(5,\), got \(3,\)"),
        (changed(0, np.zeros(B)), "finished of dtype bool"),
        (changed(1, 3.0, at=0), "expected next_input of shape"),
        (changed(1, x[:, 0, :2]), r"next_input of shape \(5, 3\)"),
        (changed(1, x[:, 0].astype("float32")), "next_input of dtype float64"),
        (changed(2, None, at=0), "expected loop_fn to give a cell state"),
        (changed(2, (initial.h,)), "next_cell_state to be State"),
        (changed(3, (initial.h, initial.c)), "expected emit of shape"),
        (changed(3, None), "expected emit of shape"),
        (changed(3, (np.zeros(H), np.zeros(H)), at=0), "expected emit to be a tuple of 2, got ndarray"),
    ]
    for loop_fn, message in cases:
        with pytest.raises(nr.InputError, match=f"raw_rnn: .*{message}|LSTMCell: .*{message}"):
            nr.raw_rnn(CELL, params, loop_fn)
    with pytest.raises(nr.InputError, match="raw_rnn: expected a cell"):
        nr.raw_rnn(3, params, whole)
    with pytest.raises(TypeError, match="swap_memmory"):
        nr.raw_rnn(CELL, params, whole, swap_memmory=True)

    run = nr.raw_rnn(CELL, params, whole)
    with pytest.raises(nr.InputError, match="d_emits of shape"):
        run.backward(draw(5, B, H))
    with pytest.raises(nr.InputError, match="d_state to be a tuple of 2"):
        run.backward(None, (draw(B, H),))
    with pytest.raises(nr.InputError, match="computed its own next_cell_state at time 2"):
        nr.raw_rnn(CELL, params, changed(2, initial, at=2)).backward(run.outputs)
    with pytest.raises(nr.InputError, match="computed its own emit at time 4"):
        nr.raw_rnn(CELL, params, changed(3, initial.h, at=4)).backward(run.outputs)
    wrong = lambda *_: (draw(B, 2), None)  # noqa: E731
    with pytest.raises(nr.InputError, match="d_cell_output of shape"):
        nr.raw_rnn(CELL, params, whole, loop_gradient=wrong).backward(run.outputs)
