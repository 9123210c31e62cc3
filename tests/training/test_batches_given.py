"""Iterables of batches as data of fit, evaluate and predict."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((10, 5, 3)).astype("float32"), RNG.standard_normal((10, 2)).astype("float32")
WEIGHTS = RNG.uniform(0, 2, 10)


def model(**options):
    made = nr.Sequential([L.LSTM(4, **options), L.Dropout(0.2), L.Dense(2)])
    made.compile(nr.optimizers.Adam(0.01), "mse", ["mae"])
    return made


def cut(weights=False, size=4):
    for i in range(0, 10, size):
        yield (X[i : i + size], Y[i : i + size], WEIGHTS[i : i + size])[: 3 if weights else 2]


class Items:
    """Like a PyDataset of Keras: a length and items."""

    ended = 0

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4]

    def on_epoch_end(self):
        self.ended += 1


class Loader:
    """An iterable that can be walked through again."""

    def __iter__(self):
        return cut()


class Position:
    """A stream that knows where it is."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        rows = np.random.default_rng(self.at).integers(0, 10, 3)
        return X[rows], Y[rows]

    def get_state(self):
        return {"at": self.at}

    def set_state(self, state):
        self.at = state["at"]


def same(a, b):
    for name, w in a.weights.items():
        assert_array_equal(w, b.weights[name], err_msg=name)


@pytest.mark.parametrize("make", [Items, Loader])
def test_batches_train_as_arrays_do(make):
    whole, given = model(), model()
    history = whole.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0, validation_data=(X, Y)).history
    found = given.fit(make(), epochs=3, verbose=0, validation_data=make()).history
    same(whole, given)
    assert found.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)


def test_generators_and_weights():
    whole, given = model(), model()
    whole.fit(X, Y, batch_size=4, shuffle=False, sample_weight=WEIGHTS, verbose=0)
    given.fit(cut(weights=True), verbose=0)
    same(whole, given)
    np.testing.assert_allclose(given.evaluate(Items()), whole.evaluate(X, Y, batch_size=4), rtol=1e-6)
    assert_array_equal(given.predict(x for x, _ in cut()), whole.predict(X, batch_size=4))
    assert_array_equal(given.predict(cut()), whole.predict(X, batch_size=4))


def test_batches_in_lists_are_those_in_tuples():
    """A list of sequences of different lengths is x itself."""
    net = model()
    net.fit(([*batch] for batch in cut()), verbose=0)
    assert_array_equal(net.predict([*batch] for batch in cut()), net.predict(X, batch_size=4))
    short = [x[:n] for x, n in zip(X[:2], (2, 3), strict=True)]
    assert_array_equal(net.predict(iter([short])), net.predict(short))


def test_loaders_of_pytorch_give_batches():
    torch = pytest.importorskip("torch", reason="needs PyTorch (pip install torch)")
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*map(torch.from_numpy, (X, Y))), batch_size=4)
    whole, given = model(), model()
    whole.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    given.fit(loader, epochs=2, verbose=0)
    same(whole, given)
    assert_array_equal(given.predict(loader), whole.predict(X, batch_size=4))
    np.testing.assert_allclose(given.evaluate(loader), whole.evaluate(X, Y, batch_size=4), rtol=1e-6)


def test_steps_go_on_over_the_epochs():
    """Five steps an epoch out of three batches: the walk starts again, and goes on in the next epoch."""
    one, other = model(), model()
    one.fit(Items(), epochs=3, steps_per_epoch=5, verbose=0)
    for batch in [*cut(), *cut(), *cut(), *cut(), *cut()]:
        other.train_on_batch(*batch)
    same(one, other)
    items = Items()
    model().fit(items, epochs=2, verbose=0)
    assert items.ended == 2


def test_sequences_of_different_lengths_batch_by_batch():
    lengths = RNG.integers(1, 6, 10)
    sequences = [x[:n] for x, n in zip(X, lengths, strict=True)]
    whole, given = model(), model()
    whole.fit(sequences, Y, batch_size=5, shuffle=False, verbose=0)
    given.fit(((sequences[i : i + 5], Y[i : i + 5]) for i in (0, 5)), verbose=0)
    for name, w in whole.weights.items():
        np.testing.assert_allclose(w, given.weights[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_resumed_streams(tmp_path):
    unbroken, broken, again = model(), model(), model()
    unbroken.fit(Position(), epochs=4, steps_per_epoch=3, verbose=0)
    broken.fit(Position(), epochs=2, steps_per_epoch=3, verbose=0)
    broken.save_training(tmp_path / "training.npz", epoch=2)
    again.build((None, 5, 3))
    epoch = again.load_training(tmp_path / "training.npz")
    again.fit(Position(), epochs=4, initial_epoch=epoch, steps_per_epoch=3, verbose=0)
    same(unbroken, again)
    again.load_training(tmp_path / "training.npz")
    with pytest.warns(RuntimeWarning, match="the loaded state of an iterable of batches is not used"):
        again.fit(X, Y, verbose=0)


def test_a_number_that_is_not_finite_is_found_in_its_batch():
    broken = X[4:8].copy()
    broken[1, 2, 0] = np.nan
    batches = [(X[:4], Y[:4]), (broken, Y[4:8])]
    with pytest.warns(RuntimeWarning, match=r"in batch 1, x\[1, 2, 0\] \(row, step, feature\) is nan"):
        model().fit(iter(batches), verbose=0)


def test_progress(capsys):
    model().fit(cut(), verbose=1)
    assert "epoch 1/1  3 batches" in capsys.readouterr().out
    model().fit(Items(), verbose=2)
    assert "epoch 1/1  3/3 batches" in capsys.readouterr().out


def test_encoder_decoder():
    sources, targets = RNG.integers(1, 6, (8, 3)), RNG.integers(1, 6, (8, 4))

    def made():
        encoder, decoder = (
            [L.Embedding(6, 3), L.GRU(4)],
            [L.Embedding(6, 3), L.GRU(4, return_sequences=True), L.Dense(6)],
        )
        net = nr.EncoderDecoder(encoder, decoder, start=0)
        net.compile("sgd", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
        return net

    whole, given = made(), made()
    whole.fit(sources, targets, batch_size=4, shuffle=False, verbose=0)
    given.fit(((sources[i : i + 4], targets[i : i + 4]) for i in (0, 4)), verbose=0)
    same(whole, given)


def test_a_number_of_batches_of_what_never_ends():
    def endless():
        while True:
            yield from cut()

    net = model()
    found = net.fit(Items(), epochs=2, verbose=0, validation_data=endless(), validation_steps=3).history
    np.testing.assert_allclose(found["val_loss"][-1], net.evaluate(X, Y, batch_size=4)[0], rtol=1e-6)
    np.testing.assert_allclose(net.evaluate(endless(), steps=6), net.evaluate(X, Y, batch_size=4), rtol=1e-6)
    for steps, given in ((2, endless()), (1, Items()), (3, Items())):
        assert_array_equal(net.predict(given, steps=steps), net.predict(X[: 4 * steps], batch_size=4))


def test_what_is_refused():
    net = model()
    for call, message in [
        (lambda: net.fit(cut(), Y), "fit: expected no y beside an iterable of batches"),
        (lambda: net.fit(Items(), validation_split=0.5), "fit: expected no validation_split beside"),
        (lambda: net.fit(Items(), sample_weight=WEIGHTS), "fit: expected no sample_weight beside"),
        (lambda: net.fit(cut(), epochs=2), "fit: expected an iterable that can be walked .* got a generator"),
        (lambda: net.fit(Items(), steps_per_epoch=0), "steps_per_epoch to be a positive integer, got 0"),
        (lambda: net.fit(X, Y, steps_per_epoch=2), "fit: expected steps_per_epoch beside an iterable"),
        (lambda: net.fit(X, Y, validation_data=(X, Y), validation_steps=2), "validation_steps beside an iterable"),
        (lambda: net.fit(Items(), validation_data=Items(), validation_steps=-1), "validation_steps to be a positive"),
        (lambda: net.evaluate(X, Y, steps=2), "evaluate: expected steps beside an iterable of batches alone"),
        (lambda: net.evaluate(Items(), steps=2.5), "evaluate: expected steps to be a positive integer, got 2.5"),
        (lambda: net.predict(X, steps=1), "predict: expected steps beside an iterable of batches alone"),
        (lambda: net.predict(cut(), steps=5), "predict: expected 5 batches, got 3: the iterable ended"),
        (lambda: net.fit([*cut()]), r"fit: expected an iterable of batches that is no list, such as iter\(batches\)"),
        (lambda: net.evaluate([*cut()]), "evaluate: expected an iterable of batches that is no list"),
        (lambda: net.fit(iter([X])), r"fit: expected batches \(x, y\) or \(x, y, sample_weight\), got a ndarray"),
        (lambda: net.fit(iter([(X,)])), "fit: expected batches .* got a tuple of 1"),
        (lambda: net.fit(iter([(X, Y[:3])])), "fit: expected as many labels as samples, 10, got"),
        (lambda: net.fit(cut(), steps_per_epoch=5), "fit: expected 5 batches in a pass, got 3: the iterable ended"),
        (lambda: net.fit(Items(), validation_data=cut()), "validation_data: expected .* or validation_steps"),
        (lambda: net.fit(Items(), truncate=(2, 2)), "fit with truncate: expected"),
        (lambda: net.fit(Items(), loss_scope="window"), r"fit: expected truncate=\(k1, k2\)"),
        (lambda: net.fit(X), "fit: expected as many labels as samples, 10, got NoneType"),
        (lambda: net.evaluate(Items(), Y), "evaluate: expected no y beside an iterable of batches"),
        (lambda: net.predict(iter([(X[..., :2], Y)])), "expected inputs of shape"),
        (lambda: net.predict(iter([])), "predict: expected at least one batch, got none"),
        (lambda: net.evaluate(iter([])), "evaluate: expected at least one batch, got none"),
        (lambda: net.fit(iter([])), "fit: expected at least one batch, got none"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()
