"""An embedding in front of a plain cell: the table is multiplied with the kernel, and integers read the products."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, SimpleRNN
from numbarnn.ops import embedding as lookup
from numbarnn.wrappers import embedding

WORDS, SIZE = 7, 3
CELLS = {
    "SimpleRNN": nr.SimpleRNNCell(5),
    "LSTM": nr.LSTMCell(13, use_peepholes=True),
    "LSTM, projection": nr.LSTMCell(13, num_proj=6),
    "GRU": nr.GRUCell(9),
    "GRU, reset after": nr.ResetAfterGRUCell(20),
    "layer norm": nr.LayerNormGRUCell(9),
    "NAS": nr.NASCell(17),
}
SHAPES = ((9, 40), (40, 9), (60, 1), (1, 60), (30, 2))  # steps, rows: products along the batch and along time, threads
OPTIONS = {
    "plain": lambda rng, T, B: {},
    "lengths": lambda rng, T, B: {"lengths": rng.integers(0, T + 1, B)},
    "reverse": lambda rng, T, B: {"reverse": True, "lengths": rng.integers(0, T + 1, B)},
    "resets": lambda rng, T, B: {"reset_mask": rng.random((B, T)) < 0.2},
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def use(monkeypatch):
    """A function that says whether products pay, from then on."""
    return lambda products: monkeypatch.setattr(embedding, "products_pay", lambda *sizes: products)


def problem(cell, shape, options, dtype):
    """A function that runs a pass and its gradient and gives all arrays by name."""
    rng, (T, B) = np.random.default_rng(1), shape
    whole = nr.EmbeddingWrapper(cell, WORDS, SIZE)
    params = {
        name: v + rng.normal(0, 0.1, v.shape).astype(dtype)
        for name, v in whole.init_params(rng=rng, dtype=dtype).items()
    }
    x, options = rng.integers(0, WORDS, (B, T)), OPTIONS[options](rng, T, B)
    draw = lambda sizes: tuple(rng.standard_normal((B, n)).astype(dtype) for n in sizes)  # noqa: E731
    state, d_state = draw(whole.state_size), draw(whole.state_size)
    dy = rng.standard_normal((B, T, whole.output_size)).astype(dtype)

    def results(device="cpu"):
        run = nr.forward(whole, params, x, initial_state=state, device=device, **options)
        grads = run.backward(dy, d_state)
        assert grads.inputs is None
        named = {"outputs": run.outputs, **{f"d_{name}": d for name, d in grads.params.items()}}
        named |= {f"state {i}": s for i, s in enumerate(run.state)}
        named |= {f"d_state {i}": d for i, d in enumerate(grads.initial_state)}
        assert {d.dtype for d in named.values()} == {np.dtype(dtype)}
        return {name: np.array(value) for name, value in named.items()}

    return results


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_products_and_vectors_give_the_same(cell, shape, options, use):
    results = problem(CELLS[cell], shape, options, "float64")
    use(True)
    products = {device: results(device) for device in ("cpu", "numpy")}
    use(False)
    expected = results()
    for found in products.values():
        for name, value in expected.items():
            assert_allclose(found[name], value, rtol=0, atol=1e-13 * max(1, np.abs(value).max()), err_msg=name)


@pytest.mark.parametrize("cell", CELLS)
def test_float32(cell, use):
    results = problem(CELLS[cell], (30, 2), "lengths", "float32")
    use(True)
    found = results()
    use(False)
    for name, value in results().items():
        assert_allclose(found[name], value, rtol=0, atol=3e-6 * max(1, np.abs(value).max()), err_msg=name)


def test_threads_change_no_bit(use):
    use(True)
    results = problem(nr.LSTMCell(70), (40, 33), "plain", "float32")
    expected = results()
    numba.set_num_threads(1)
    try:
        found = results()
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for name, value in expected.items():
        assert_array_equal(found[name], value, err_msg=name)


def test_products_are_read_where_they_pay_and_can_be_read(monkeypatch):
    """Not of few tokens, nor by a cell made of others, one of groups, one that does more with its inputs."""
    gathered = []
    forward = lookup.forward
    monkeypatch.setattr(lookup, "forward", lambda *args: gathered.append(1) or forward(*args))

    def gathers(cell, tokens):
        whole, before = nr.EmbeddingWrapper(cell, WORDS, 4), len(gathered)
        nr.forward(whole, whole.init_params(), np.zeros((2, tokens // 2), int))
        return len(gathered) > before

    assert not gathers(nr.LSTMCell(4), 200) and gathers(nr.LSTMCell(4), 20)
    for cell in (nr.MultiRNNCell([nr.LSTMCell(4)]), nr.GLSTMCell(4, number_of_groups=2), nr.IntersectionRNNCell(4)):
        assert gathers(cell, 2000)


def test_when_products_pay():
    """Characters of a text in two layers of 256, words of reviews in 32 units; not a large table for few tokens."""
    assert embedding.products_pay(64 * 32, 65, 64, 4 * 256)
    assert embedding.products_pay(500 * 128, 10_000, 32, 32) and embedding.products_pay(500 * 128, 10_000, 32, 4 * 32)
    assert not embedding.products_pay(64 * 32, 1_024, 64, 4 * 256)
    assert not embedding.products_pay(100 * 128, 5_000, 16, 3 * 64)


@pytest.mark.parametrize("name", ("embedding", "cell/kernel", "cell/recurrent_kernel"))
def test_a_parameter_that_is_not_finite_is_named(name, use):
    use(True)
    whole = nr.EmbeddingWrapper(nr.GRUCell(4), WORDS, SIZE)
    params = whole.init_params()
    params[name][1, 0] = np.nan
    with pytest.raises(nr.InputError, match=f"not finite in parameter .*{name.removeprefix('cell/')}"):
        nr.forward(whole, params, np.zeros((2, 50), int))


LAYERS = {
    "lstm": lambda: [LSTM(5)],
    "gru, stack": lambda: [GRU(5, return_sequences=True), LSTM(4)],
    "backwards": lambda: [SimpleRNN(5, go_backwards=True)],
    "both ways": lambda: [Bidirectional(LSTM(5))],
    "both ways, dropout one way": lambda: [
        Bidirectional(LSTM(5, dropout=0.3), backward_layer=LSTM(4, go_backwards=True), merge_mode="concat")
    ],
    "dropout of inputs": lambda: [LSTM(5, dropout=0.3)],
    "dropout of gates": lambda: [GRU(5, recurrent_dropout=0.3)],
    "dropout between": lambda: [Dropout(0.3), LSTM(5)],
}


@pytest.mark.parametrize("mask_zero", (False, True))
@pytest.mark.parametrize("layers", LAYERS)
def test_a_model_trains_as_if_vectors_were_written_down(layers, mask_zero, use, monkeypatch, rng):
    x, y = rng.integers(0, WORDS, (6, 9)), rng.standard_normal((6, 2))

    def trained():
        model = nr.Sequential(
            [Embedding(WORDS, SIZE, mask_zero=mask_zero, input_shape=(None,)), *LAYERS[layers](), Dense(2)],
            dtype="float64",
        )
        model.compile(nr.optimizers.SGD(0.1), "mse")
        losses = model.fit(x, y, 6, 4, verbose=0).history["loss"]
        return losses, model.predict(x), model.params

    use(True)
    losses, predicted, params = trained()
    assert losses[-1] != losses[0]
    monkeypatch.setattr(Embedding, "rows", Embedding.forward)
    expected = trained()
    assert_allclose(losses, expected[0], rtol=1e-10)
    assert_allclose(predicted, expected[1], rtol=1e-9)
    for name, value in expected[2].items():
        assert_allclose(params[name], value, rtol=1e-9, atol=1e-11, err_msg=name)
