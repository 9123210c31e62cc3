"""Kernels over whole arrays, between the layers: against NumPy, on one thread and on two, with and without kernels."""

import numba
import numpy as np
import pytest
from numba import config

from numbarnn.ops.dropout import keep
from numbarnn.ops.softmax import cross_entropy, softmax
from numbarnn.ops.sum_of_squares import BLOCK, square_sums
from numbarnn.runtime.arrays import address

DTYPES = "float32", "float64"


@pytest.fixture(params=["one thread", "all threads", "NumPy"])
def anyhow(request, monkeypatch):
    threads = numba.get_num_threads()
    numba.set_num_threads(1 if request.param == "one thread" else threads)
    if request.param == "NumPy":
        monkeypatch.setattr(config, "DISABLE_JIT", 1)
    yield
    numba.set_num_threads(threads)


@pytest.mark.parametrize("dtype", [*DTYPES, "int64", "bool"])
def test_address(dtype):
    """What NumPy itself says, for arrays of any kind."""
    array, memory = np.zeros((4, 3, 5), dtype), np.zeros(80, np.uint8)
    locked, of_memory = array[1:].copy(), np.ndarray((5,), dtype, memory, 8)
    locked.flags.writeable = False
    for a in array, array[1:, :, 2], array[::-1], array.T, array[2, 1, 3:4].reshape(()), locked, of_memory, array[:0]:
        assert address(a) == a.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (7,), (5, 9), (0, 3), (4, 3, 9), (3, 2, 5, 6), (20, 30, 101)])
def test_keep(anyhow, shape, dtype):
    rng = np.random.default_rng(1)
    x, kept = rng.standard_normal(shape).astype(dtype), rng.random(shape) < 0.8
    expected = np.where(kept, x * np.dtype(dtype).type(1.25), 0)
    found = keep(x, kept, 1.25)
    assert found.dtype == dtype
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_keep_reads_any_layout(anyhow, dtype):
    """Outputs of a recurrent layer are time-major inside, with gaps between rows; every other row, reversed ones."""
    rng = np.random.default_rng(2)
    padded = rng.standard_normal((6, 4, 24)).astype(dtype)
    for x in (padded[:, :, :17].swapaxes(0, 1), padded[::-2], padded[:, ::-1, 3:8], padded.T):
        kept = rng.random(x.shape) < 0.5
        found = keep(x, kept, 2.0)
        assert np.array_equal(found, np.where(kept, 2 * x, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_axes_that_repeat_or_overlap(anyhow, dtype):
    """One row for the whole batch, one for all steps, and windows over a row of numbers."""
    rng = np.random.default_rng(4)
    row = rng.standard_normal(60).astype(dtype)
    size = row.itemsize
    for strides in ((0, 5 * size, size), (5 * size, 0, size), (0, 0, size), (size, 3 * size, size), (0, size, size)):
        x = np.lib.stride_tricks.as_strided(row, (4, 6, 5), strides)
        kept = rng.random(x.shape) < 0.5
        assert np.array_equal(keep(x, kept, 2.0), np.where(kept, 2 * x, 0))
        p = softmax(x)[0]
        powers = np.exp(x - x.max(-1, keepdims=True))
        np.testing.assert_allclose(p, powers / powers.sum(-1, keepdims=True), 1e-5)
        labels = rng.integers(0, 5, (4, 6))
        loss, gradient = cross_entropy(x, labels)
        np.testing.assert_allclose(loss, -np.log(np.take_along_axis(p, labels[..., None], -1))[..., 0], 1e-4)
        np.testing.assert_allclose(gradient, p - np.eye(5)[labels], 1e-4, 1e-6)


def test_keep_of_another_byte_order():
    x = np.arange(12, dtype=np.dtype("float32").newbyteorder()).reshape(3, 4)
    assert np.array_equal(keep(x, x > 3, 2.0), np.where(x > 3, 2 * x, 0))


def test_keep_leaves_the_layout():
    outputs = np.zeros((6, 4, 24))[:, :, :17].swapaxes(0, 1)
    found = keep(outputs, np.ones(outputs.shape, bool), 1.0)
    assert found.strides[0] < found.strides[1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_square_sums(anyhow, dtype):
    rng = np.random.default_rng(3)
    shapes = (), (5,), (0, 3), (300, 100), (BLOCK,), (BLOCK + 1,), (2, 3 * BLOCK)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes] + [rng.random((9, 40)).astype(dtype).T[::2]]
    expected = [np.sum(array.astype(np.longdouble) ** 2) for array in arrays]
    assert square_sums(arrays) == pytest.approx(np.array(expected, float), rel=1e-14, abs=0)
    assert square_sums([]).shape == (0,)


def test_square_sums_of_large_and_strange_numbers(anyhow):
    """Squares beyond float32, and what is not finite."""
    assert square_sums([np.full(9, 1e30, "float32")])[0] == pytest.approx(9e60, rel=1e-6)
    sums = square_sums([np.array([1, bad, 2], "float32") for bad in (np.nan, np.inf, -np.inf)])
    assert np.isnan(sums[0])
    assert np.isposinf(sums[1:]).all()


def test_square_sums_of_mixed_dtypes(anyhow):
    assert square_sums([np.full(3, 2.0), np.full(2, 3, "float32"), np.arange(3)]).tolist() == [12, 18, 5]


def test_square_sums_of_another_byte_order(anyhow):
    """Kernels read numbers in the machine's own order."""
    array = np.arange(5.0)
    swapped = array.astype(array.dtype.newbyteorder())
    assert square_sums([swapped]) == square_sums([array, array])[0] == 30


def test_square_sums_do_not_depend_on_threads():
    array = np.random.default_rng(4).standard_normal(10 * BLOCK + 77).astype("float32")
    threads = numba.get_num_threads()
    sums = square_sums([array])
    try:
        numba.set_num_threads(1)
        assert square_sums([array]) == sums
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (3, 8), (0, 4), (4, 17), (1003, 3), (300, 65)])
def test_softmax(anyhow, shape, dtype):
    scores = (8 * np.random.default_rng(5).standard_normal(shape)).astype(dtype)
    p, greatest, total = softmax(scores)
    exact = np.exp(scores.astype(np.longdouble) - scores.max(axis=-1, keepdims=True))
    tolerance = {"float32": 1e-5, "float64": 1e-14}[dtype]  # a difference of 60 is rounded to 4e-6
    assert p.dtype == greatest.dtype == total.dtype == dtype
    assert np.array_equal(greatest, scores.max(axis=-1, keepdims=True))
    assert total.shape == (len(scores), 1)
    np.testing.assert_allclose(total, exact.sum(axis=-1, keepdims=True), rtol=tolerance)
    np.testing.assert_allclose(p, exact / exact.sum(axis=-1, keepdims=True), rtol=tolerance)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_softmax_of_scores_that_are_far_apart_or_strange(anyhow):
    scores = np.array([[1000, -1000], [-np.inf, 0], [-500, -600], [np.inf, 0], [np.nan, 1], [1, np.nan]])
    p, _, _ = softmax(scores)
    assert p[:3].tolist() == [[1, 0], [0, 1], [1, pytest.approx(np.exp(-100))]]
    assert np.isnan(p[3:]).any(axis=1).all()


def test_softmax_reads_any_layout(anyhow):
    scores = np.random.default_rng(6).standard_normal((12, 40))[::-2, 3:29:2].T
    np.testing.assert_array_equal(softmax(scores)[0], softmax(scores.copy())[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7,), (5, 4), (3, 2, 5), (30, 20)])
def test_cross_entropy(anyhow, shape, dtype):
    """For scores and labels of any layout; the gradient is laid out as three axes of scores."""
    rng = np.random.default_rng(7)
    tolerance = {"float32": 1e-5, "float64": 1e-14}[dtype]
    plain, labels = (6 * rng.standard_normal((*shape, 23))).astype(dtype), rng.integers(0, 23, shape)
    of_records = np.zeros(shape, [("weight", "f4"), ("label", "i8")])  # steps of one and a half numbers
    of_records["label"] = labels
    padded = np.full((*shape, 30), np.nan, dtype)
    padded[..., :23] = plain
    reversed_twice = np.ascontiguousarray(plain[::-1])[::-1]
    by_time = np.ascontiguousarray(plain.swapaxes(0, -2)).swapaxes(0, -2)
    exact = np.exp(plain.astype(np.longdouble))
    exact /= exact.sum(axis=-1, keepdims=True)
    one_hot = np.arange(23) == labels[..., None]
    for scores in plain, padded[..., :23], reversed_twice, by_time, np.asfortranarray(plain):
        for at in labels, labels.astype("int16"), np.ascontiguousarray(labels.T).T, of_records["label"]:
            values, gradient = cross_entropy(scores, at)
            assert values.shape == shape and values.dtype == gradient.dtype == dtype
            np.testing.assert_allclose(values, -np.log(exact[one_hot].reshape(shape)), rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(gradient, exact - one_hot, atol=tolerance)
    if len(shape) == 2:
        assert np.argsort(cross_entropy(by_time, labels)[1].strides).tolist() == [2, 0, 1]
