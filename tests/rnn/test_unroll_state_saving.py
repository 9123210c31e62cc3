"""static_state_saving_rnn and StateSaver."""

import numpy as np
import pytest
from helpers.unrolled_by_hand import gradient, in_steps

import numbarnn as nr

B, T, I, H = 4, 9, 3, 5
RNG = np.random.default_rng(2)
NAMES = "h", "c"


def draw(*shape):
    return RNG.standard_normal(shape)


@pytest.fixture
def lstm():
    cell = nr.LSTMCell(H)
    return cell, {name: p + 0.1 * draw(*p.shape) for name, p in cell.init_params(I, RNG, "float64").items()}


def saver(ids, dtype="float64"):
    return nr.StateSaver({"h": np.full(H, 0.5, dtype), "c": np.zeros(H, dtype)}, ids)


def test_segments_are_one_sequence(lstm):
    """Bit for bit what one run over all steps gives, rows that end within a segment included."""
    cell, params = lstm
    x, lengths = draw(B, T, I), np.array([9, 0, 5, 3])
    initial = cell.State(np.full((B, H), 0.5), np.zeros((B, H)))
    whole = nr.dynamic_rnn(cell, params, x, initial_state=initial, lengths=lengths)
    kept, outputs = saver("abcd"), []
    for start in range(0, T, 3):
        steps, left = nr.unstack_time(x[:, start : start + 3]), np.clip(lengths - start, 0, 3)
        y, state = nr.static_state_saving_rnn(cell, params, steps, kept, NAMES, lengths=left)
        outputs += y
    assert np.array_equal(nr.stack_time(outputs), whole.outputs)
    for name, a, b in zip(NAMES, state, whole.state, strict=True):
        assert np.array_equal(a, b) and np.array_equal(kept.state(name), b)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_gradient_stops_at_the_boundary(lstm, device):
    """TBPTT(k, k): the state that was read is a constant."""
    cell, params = lstm
    x, d, kept = draw(B, 6, I), draw(6, B, H), saver(range(B))
    for start in (0, 3):
        before = tuple(kept.state(name) for name in NAMES)
        steps = nr.unstack_time(x[:, start : start + 3])
        run = nr.static_state_saving_rnn(cell, params, steps, kept, NAMES, device=device)
        grads = run.backward(list(d[start : start + 3]))
        by_hand = lambda p, x, s=before: in_steps(cell, p, x, s, np.ones((B, 3), bool))[0]  # noqa: E731
        expected, dx = gradient(by_hand, (params, x[:, start : start + 3]), [d[start : start + 3].swapaxes(0, 1)])
        for name, want in expected.items():
            np.testing.assert_allclose(grads.params[name], want, rtol=0, atol=1e-11)
        np.testing.assert_allclose(nr.stack_time(grads.inputs), dx, rtol=0, atol=1e-11)


def test_sequences_in_changing_company(lstm):
    """A sequence goes on where it was, whichever rows and batches it stands in."""
    cell, params = lstm
    x = {name: draw(6, I) for name in "abc"}
    kept = saver(["a"])
    for ids, times in (("ab", (0, 0)), ("ca", (0, 2)), ("b", (2,)), ("cba", (2, 4, 4)), ("c", (4,))):
        steps = [np.stack([x[i][t + k] for i, t in zip(ids, times, strict=True)]) for k in (0, 1)]
        nr.static_state_saving_rnn(cell, params, steps, kept.batch(ids), NAMES)
    initial = cell.State(np.full((3, H), 0.5), np.zeros((3, H)))
    _, state = nr.dynamic_rnn(cell, params, np.stack([*x.values()]), initial_state=initial)
    for name, final in zip(NAMES, state, strict=True):
        np.testing.assert_allclose(kept.batch("abc").state(name), final, rtol=0, atol=1e-14)
    kept.batch("b").reset()
    assert (kept.batch("b").state("h") == 0.5).all() and np.array_equal(kept.state("h"), state.h[:1])


def test_keeps_copies():
    kept, value = saver([7, 9], "float32"), np.ones((2, H), "float32")
    kept.save_state("c", value)
    value[:] = 3
    kept.state("c")[:] = 4
    assert (kept.state("c") == 1).all() and kept.state("c").dtype == np.float32


def test_any_saver_and_any_cell():
    """A saver is anything with `state` and `save_state`; the names nest as the states of a stack do."""
    cell = nr.MultiRNNCell([nr.LSTMCell(3), nr.GRUCell(2)])
    params, steps = cell.init_params(I), [np.ones((B, I), "float32")] * 2

    class Dict(dict):
        state, save_state = dict.__getitem__, dict.__setitem__

    store = Dict({"h0": np.ones((B, 3), "f4"), "c0": np.ones((B, 3), "f4"), "h1": np.ones((B, 2), "f4")})
    before = (store["h0"], store["c0"]), (store["h1"],)
    outputs, state = nr.static_state_saving_rnn(cell, params, steps, store, (("h0", "c0"), ("h1",)))
    expected, final = nr.static_rnn(cell, params, steps, initial_state=before)
    assert all(np.array_equal(a, b) for a, b in zip(outputs, expected, strict=True))
    assert np.array_equal(store["c0"], final[0].c) and np.array_equal(store["h1"], final[1].h) and state[1] is not None

    simple = nr.SimpleRNNCell(2)
    nr.static_state_saving_rnn(simple, simple.init_params(I), steps, store, "h1")
    assert not np.array_equal(store["h1"], final[1].h)


def test_bad_input(lstm):
    cell, params = lstm
    steps, kept = [draw(B, I)], saver(range(B))
    run = nr.static_state_saving_rnn
    cases = [
        (lambda: run(4, params, steps, kept, NAMES), "static_state_saving_rnn: expected a cell"),
        (lambda: run(cell, params, steps, kept, ("h",)), "state_name to hold a name for each of State"),
        (lambda: run(cell, params, steps, kept, ("h", "h")), "state_name to hold a name for each"),
        (lambda: run(cell, params, steps, kept, ("h", "d")), "no state 'd'; there are 'h', 'c'"),
        (lambda: run(cell, params, [draw(3, I)], kept, NAMES), "initial_state.h of shape"),
        (lambda: kept.save_state("h", draw(3, H)), r"state 'h' of shape \(4, 5\), got \(3, 5\)"),
        (lambda: kept.save_state("h", np.zeros((B, H), "f4")), "of dtype float64, got float32"),
        (lambda: saver([]), "expected ids"),
        (lambda: kept.batch([1, 2, 1]), "ids to be the rows' sequences, each once"),
    ]
    for call, message in cases:
        with pytest.raises(nr.InputError, match=message):
            call()
    assert (kept.state("h") == 0.5).all()
    with pytest.raises(TypeError, match="initial_state"):
        run(cell, params, steps, kept, NAMES, initial_state=None)
