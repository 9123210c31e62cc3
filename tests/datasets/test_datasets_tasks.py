"""Problems that are made up, and batches as notebooks draw them."""

from itertools import islice

import numpy as np
import pytest

from numbarnn import datasets
from numbarnn.errors import InputError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adding_problem_marks_one_number_in_each_half(dtype):
    x, y = datasets.adding_problem(200, 7, rng=3, dtype=dtype)
    assert x.shape == (200, 7, 2) and y.shape == (200, 1) and x.dtype == y.dtype == dtype
    marks = x[:, :, 1]
    assert np.unique(marks).tolist() == [0, 1] and (marks[:, :3].sum(1) == 1).all() and (marks[:, 3:].sum(1) == 1).all()
    assert (marks.sum(axis=0) > 0).all() and x[:, :, 0].min() >= 0 and x[:, :, 0].max() < 1
    by_hand = [sum(value for value, mark in row if mark) for row in x]
    np.testing.assert_allclose(y[:, 0], by_hand, rtol=1e-6)
    assert abs(np.mean((y - 1) ** 2) - 1 / 6) < 0.03


def test_copy_problem_by_hand():
    x, y = datasets.copy_problem(50, 4, length=3, symbols=2, rng=1)
    assert x.shape == y.shape == (50, 10) and x.dtype == np.int64
    assert np.unique(x[:, :3]).tolist() == [2, 3] and (x[:, 3:] == [0, 0, 0, 1, 0, 0, 0]).all()
    assert not y[:, :7].any() and np.array_equal(y[:, 7:], x[:, :3])


def test_reversed_digits_end_with_a_stop():
    x, y = datasets.reversed_digits(300, 4, rng=6)
    assert {len(string) for string in x} == {1, 2, 3, 4}
    assert set(np.concatenate(x)) == set(range(1, 11))
    assert all(b.tolist() == [*a[::-1], 11] for a, b in zip(x, y, strict=True))


def test_problems_repeat_with_their_seed():
    for make in (datasets.adding_problem, datasets.copy_problem):
        first, again, other = (make(9, 5, rng=seed)[0] for seed in (1, np.random.default_rng(1), 2))
        assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: datasets.adding_problem(3, 1),
        lambda: datasets.adding_problem(-1, 5),
        lambda: datasets.adding_problem(3, 5, dtype="int8"),
        lambda: datasets.copy_problem(3, 0),
        lambda: datasets.copy_problem(3, 4, symbols=0),
        lambda: datasets.reversed_digits(3, 0),
        lambda: next(datasets.shuffle_batch(np.zeros(4), np.zeros(4), 5)),
        lambda: next(datasets.shuffle_batch(np.zeros(4), np.zeros(3), 2)),
        lambda: next(datasets.batch_stream(np.zeros(4), np.zeros(4), 0)),
    ],
)
def test_bad_input(bad):
    with pytest.raises(InputError, match="expected"):
        bad()


def test_shuffle_batch_takes_every_sample_once_and_no_short_batch():
    x = np.arange(55_000)
    sizes, seen = [], []
    for a, b in datasets.shuffle_batch(x, -x, 150, rng=2):
        sizes.append(len(a))
        seen.append(a)
        assert np.array_equal(a, -b)
    assert sizes == [151] * 100 + [150] * 266
    seen = np.concatenate(seen)
    assert np.array_equal(np.sort(seen), x) and not np.array_equal(seen, x)


def test_batch_stream_joins_the_tail_of_an_epoch_with_the_head_of_the_next():
    x = np.arange(7)
    batches = list(islice(datasets.batch_stream(x, x * x, 3, rng=5), 14))
    assert all(len(a) == 3 and np.array_equal(a * a, b) for a, b in batches)
    seen = np.concatenate([a for a, _ in batches]).reshape(6, 7)
    assert np.array_equal(np.sort(seen, axis=1), np.tile(x, (6, 1)))
    assert len({tuple(order) for order in seen}) > 1


def test_batches_repeat_with_their_seed():
    x = np.arange(20)
    for draw in (datasets.shuffle_batch, datasets.batch_stream):
        first, again, other = (next(draw(x, x, 5, rng))[0] for rng in (1, np.random.default_rng(1), 2))
        assert np.array_equal(first, again) and not np.array_equal(first, other)
