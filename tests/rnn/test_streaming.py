"""Truncated BPTT over streams: the definition by autograd, updates between passes, memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from autograd import grad
from helpers.unrolled_by_hand import in_steps
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.rnn.truncation import windows
from numbarnn.runtime import workspace
from numbarnn.utils.tree import tree_map

T, B, I, H = 12, 4, 3, 5
TRUNCATES = [(3, 3), (1, 4), (2, 5), (4, 8), (4, 7), (5, 6), (5, 5), (12, 12), (3, 30)]
CELLS = [nr.LSTMCell(H), nr.GRUCell(H), nr.SimpleRNNCell(H)]
RATE = 0.05


class Cotangents(nr.losses.Loss):
    """Sum of labels times outputs: the labels are the gradient."""

    def terms(self, y_true, y_pred):
        return (y_true * y_pred).sum(-1), y_true


LOSS = Cotangents(reduction="sum")


class Stream:
    """Random numbers for a cell, and rows that end at different steps, one before the first."""

    def __init__(self, cell, lengths=(T, 6, 0, 9), seed=0):
        rng = np.random.default_rng(seed)
        draw = rng.standard_normal
        self.cell, self.x, self.d = cell, draw((B, T, I)), draw((B, T, cell.output_size))
        self.valid = np.arange(T) < np.array(lengths)[:, None]
        self.params = {n: p + 0.2 * draw(p.shape) for n, p in cell.init_params(I, rng, "float64").items()}
        self.state = tree_map(lambda size: draw((B, size)), cell.state_size)

    def chunks(self, *lengths):
        """In chunks of these lengths, and one of the rest."""
        ends = np.cumsum([0, *lengths, T - sum(lengths)])
        for a, b in pairwise(ends):
            yield self.x[:, a:b], self.d[:, a:b], self.valid[:, a:b]

    def passes(self, chunks=(), device="numpy", **options):
        options = {"initial_state": self.state, "device": device} | options
        return nr.truncated_bptt(self.cell, self.params, self.chunks(*chunks), LOSS, **options)


def summed(passes):
    total = {}
    for step in passes:
        total = {name: total.get(name, 0) + g for name, g in step.gradients.items()}
    return total


def by_definition(stream, truncate, scope, activations, rate):
    """The gradients of every pass, the parameters at the end, and the state; parameters change by -rate * gradient."""
    cell, x, d, valid = stream.cell, stream.x, stream.d, stream.valid
    versions, version_of = [stream.params], []  # of the parameters; with which a step was run
    states, found = [stream.state], []  # states[t]: before step t, as computed last

    def loss(versions, window, start):
        state, total = start, 0
        for t in range(window.start, window.end):
            y, state = in_steps(cell, versions[version_of[t]], x[:, t : t + 1], state, valid[:, t : t + 1])
            total = total + ((d[:, t] * y[:, 0]).sum() if t >= window.losses else 0)
        return total

    for window in windows(T, *truncate, scope):
        first = window.start if activations == "refresh" else len(version_of)
        version_of[first:] = [len(versions) - 1] * (window.end - first)
        del states[first + 1 :]
        for t in range(first, window.end):
            _, state = in_steps(cell, versions[-1], x[:, t : t + 1], states[t], valid[:, t : t + 1])
            states.append(state)
        by_version = grad(loss)(versions, window, states[window.start])
        found.append({name: sum(g[name] for g in by_version) for name in stream.params})
        versions.append({name: p - rate * found[-1][name] for name, p in versions[-1].items()})
    return found, versions[-1], states[-1]


@pytest.mark.parametrize("activations", ["stale", "refresh"])
@pytest.mark.parametrize("scope", ["new", "window"])
@pytest.mark.parametrize("truncate", TRUNCATES)
def test_definition_with_updates_between_passes(truncate, scope, activations):
    for cell, chunks in zip(CELLS[:2], [(), (2, 0, 6)], strict=True):
        stream = Stream(cell)
        gradients, params, state = by_definition(stream, truncate, scope, activations, RATE)
        steps = stream.passes(chunks, truncate=truncate, loss_scope=scope, activations=activations)
        for step, expected in zip(steps, gradients, strict=True):
            for name, g in step.gradients.items():
                assert_allclose(g, expected[name], rtol=1e-10, atol=1e-11, err_msg=name)
                stream.params[name] -= RATE * g
        for name, p in params.items():
            assert_allclose(stream.params[name], p, rtol=1e-11)
        for s, expected in zip(step.state, state, strict=True):
            assert_allclose(s, expected, rtol=1e-11)


def test_stale_and_refreshed_activations_differ_where_windows_overlap():
    for truncate, differ in [((2, 5), True), ((3, 3), False)]:
        ends = []
        for activations in ("stale", "refresh"):
            stream = Stream(nr.LSTMCell(H))
            for step in stream.passes(truncate=truncate, activations=activations):
                for name, g in step.gradients.items():
                    stream.params[name] -= RATE * g
            ends.append(stream.params["kernel"])
        assert (np.abs(ends[0] - ends[1]).max() > 1e-5) == differ


@pytest.mark.parametrize("activations", ["stale", "refresh"])
@pytest.mark.parametrize("scope", ["new", "window"])
@pytest.mark.parametrize("truncate", TRUNCATES)
def test_with_fixed_parameters_it_is_the_truncated_gradient_of_one_run(truncate, scope, activations):
    stack = nr.MultiRNNCell([nr.LSTMCell(H), nr.ResidualWrapper(nr.GRUCell(H))])
    for cell, device in [
        (stack, "numpy"),
        (nr.LSTMCell(H), "cpu"),
        (nr.DropoutWrapper(nr.GRUCell(H), input_keep_prob=0.5), "numpy"),
    ]:
        stream = Stream(cell)
        run = nr.forward(cell, stream.params, stream.x, initial_state=stream.state, mask=stream.valid, device=device)
        options = {"truncate": truncate, "loss_scope": scope}
        expected = run.backward(stream.d, **options).params
        steps = list(stream.passes((4, 1), device, activations=activations, **options))
        for name, g in summed(steps).items():
            assert_allclose(g, expected[name], rtol=1e-11, atol=1e-12, err_msg=name)
        assert_allclose(np.concatenate([step.outputs for step in steps], axis=1), run.outputs, rtol=1e-12)
        if scope == "new":
            assert np.isclose(sum(step.loss for step in steps), (run.outputs * stream.d).sum(), rtol=1e-12)


def test_full_windows_are_full_bptt_and_short_ones_are_not():
    stream = Stream(nr.GRUCell(H), lengths=(T,) * B)
    full = nr.forward(stream.cell, stream.params, stream.x, initial_state=stream.state).backward(stream.d).params
    for name, g in summed(stream.passes(truncate=(2, T))).items():
        assert_allclose(g, full[name], rtol=1e-11, atol=1e-12)
    short = summed(stream.passes(truncate=(2, 3)))
    assert all(np.abs(short[name] - g).max() > 1e-3 for name, g in full.items())


def test_chunks_in_themselves_are_stateful_training():
    """k1 = k2: the gradients that a stateful layer has on one chunk after the other."""
    stream = Stream(nr.LSTMCell(H))
    layer = nr.layers.RNN(stream.cell, return_sequences=True, stateful=True, zero_output_for_mask=True)
    layer.build((None, None, I), dtype="float64")
    layer.device, layer.params = "numpy", stream.params
    steps = stream.passes(truncate=(4, 4), initial_state=None)
    for (x, d, valid), step in zip(stream.chunks(4, 4), steps, strict=True):
        y, saved = layer.forward(x, True, mask=valid)
        assert_array_equal(step.outputs, y)
        for name, g in layer.backward(saved, d)[1].items():
            assert_array_equal(step.gradients[name], g)
        for s, own in zip(step.state, layer.state, strict=True):
            assert_array_equal(s, own)


def test_random_cells_draw_anew_for_each_piece():
    stream = Stream(nr.DropoutWrapper(nr.GRUCell(H), state_keep_prob=0.5, output_keep_prob=0.5))
    run = lambda seed, k=4: list(stream.passes(truncate=(k, k), training=True, rng=seed))  # noqa: E731
    first, again, other = run(3), run(3), run(4)
    rng, state = np.random.default_rng((3,)), stream.state
    for (x, d, valid), step, same, different in zip(stream.chunks(4, 4), first, again, other, strict=True):
        one = nr.forward(
            stream.cell,
            stream.params,
            x,
            initial_state=state,
            mask=valid,
            training=True,
            rng=rng,
            device="numpy",
        )
        state = one.state
        assert_array_equal(step.outputs, one.outputs)
        for name, g in one.backward(d).params.items():
            assert_array_equal(step.gradients[name], g)
            assert_array_equal(same.gradients[name], g)
        assert np.abs(different.outputs - step.outputs).max() > 1e-3
    with pytest.raises(nr.InputError, match="expected rng"):
        next(iter(stream.passes(truncate=(4, 4), training=True)))


def test_lengths_of_chunks_are_masks():
    stream = Stream(nr.LSTMCell(H))
    with_lengths = [(x, y, valid.sum(1)) for x, y, valid in stream.chunks(5)]
    options = {"truncate": (2, 5), "initial_state": stream.state, "device": "numpy"}
    found = summed(nr.truncated_bptt(stream.cell, stream.params, with_lengths, LOSS, **options))
    for name, g in summed(stream.passes(truncate=(2, 5))).items():
        assert_array_equal(found[name], g)
    partly = [chunk[: 2 + (k > 0)] for k, chunk in enumerate(stream.chunks(5))]  # no mask at first
    stream.valid[:, :5] = True
    found = summed(nr.truncated_bptt(stream.cell, stream.params, partly, LOSS, **options))
    for name, g in summed(stream.passes(truncate=(2, 5))).items():
        assert_array_equal(found[name], g)


def test_a_loss_by_name_is_the_mean_over_valid_steps():
    stream = Stream(nr.GRUCell(H))
    steps = nr.truncated_bptt(
        stream.cell, stream.params, stream.chunks(), "mse", truncate=(4, 6), device="numpy", initial_state=stream.state
    )
    step = next(iter(steps))
    valid = stream.valid[:, :4]
    expected = np.mean((step.outputs - stream.d[:, :4])[valid] ** 2)
    assert np.isclose(step.loss, expected, rtol=1e-12)


@pytest.mark.parametrize("activations", ["stale", "refresh"])
def test_memory_does_not_depend_on_the_length(activations):
    """Peak bytes, below those of the saved values of twice k2 steps, and the same for eight times as many steps."""
    cell, k1, k2, rows = nr.LSTMCell(H), 25, 50, 16
    params = cell.init_params(I, dtype="float64")

    def chunks(steps):
        rng = np.random.default_rng(0)
        for _ in range(0, steps, k1):
            yield rng.standard_normal((rows, k1, I)), np.zeros((rows, k1, H))

    def peak(steps):
        workspace.clear()
        tracemalloc.start()
        for step in nr.truncated_bptt(cell, params, chunks(steps), "mse", truncate=(k1, k2), activations=activations):
            params["bias"] -= 0.01 * step.gradients["bias"]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(200)
    short, long = peak(500), peak(4000)
    assert long < 1.15 * short
    x = np.zeros((rows, 500, I))
    tracemalloc.start()
    run = nr.forward(cell, params, x)
    assert tracemalloc.get_traced_memory()[1] > 2 * long
    tracemalloc.stop()
    assert run.outputs.shape == (rows, 500, H)


P = Stream(nr.LSTMCell(H))
WRONG = {
    "k2 below k1": (lambda: P.passes(truncate=(3, 2)), "k2 >= k1"),
    "activations": (lambda: P.passes(truncate=(2, 3), activations="old"), "to be 'stale' or 'refresh', got 'old'"),
    "scope": (lambda: P.passes(truncate=(2, 3), loss_scope="all"), "loss_scope to be 'new' or 'window'"),
    "loss": (lambda: nr.truncated_bptt(P.cell, P.params, [], "no such loss", truncate=(2, 3)), "no such loss"),
    "cell": (lambda: nr.truncated_bptt("LSTM", P.params, [], "mse", truncate=(2, 3)), "expected a cell such as"),
    "bidirectional": (
        lambda: nr.truncated_bptt(
            nr.MultiRNNCell([P.cell, nr.Bidirectional(P.cell)]), P.params, [], "mse", truncate=(2, 3)
        ),
        "expected a cell that reads forwards",
    ),
    "no pairs": (
        lambda: nr.truncated_bptt(P.cell, P.params, [P.x], LOSS, truncate=(2, 3)),
        r"chunks \(x, y\) or \(x, y, mask or lengths\), got ndarray",
    ),
    "labels": (
        lambda: nr.truncated_bptt(P.cell, P.params, [(P.x, P.d[:, 0])], LOSS, truncate=(2, 3)),
        r"labels for each step, \(4, 12\), got shape \(4, 5\)",
    ),
    "rows": (
        lambda: nr.truncated_bptt(P.cell, P.params, [(P.x, P.d), (P.x[:2], P.d[:2])], LOSS, truncate=(2, 3)),
        "every chunk to have 4 rows, as the first one, got 2",
    ),
    "state": (
        lambda: P.passes(truncate=(2, 3), initial_state=P.cell.zero_state(B)),
        "initial_state.h of dtype float64",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name):
    call, message = WRONG[name]
    with pytest.raises(nr.InputError, match=message):
        list(call())
