import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import initializers
from numbarnn.initializers import constant, identity, normal, orthogonal, torch_uniform, uniform

SHAPE = (300, 700)  # fan_in 300, fan_out 700


@pytest.mark.parametrize(
    "name, bound", [("glorot_uniform", np.sqrt(6 / 1000)), ("he_uniform", np.sqrt(6 / 300)), ("uniform", 0.05)]
)
def test_uniform(name, bound):
    w = initializers.get(name)(SHAPE, 0, "float64")
    assert np.abs(w).max() < bound and np.abs(w).max() > 0.999 * bound
    assert_allclose([w.mean() / bound, w.var() * 3 / bound**2], [0, 1], atol=0.01)


@pytest.mark.parametrize(
    "name, variance", [("glorot_normal", 2 / 1000), ("he_normal", 2 / 300), ("lecun_normal", 1 / 300)]
)
def test_truncated_normal(name, variance):
    w = initializers.get(name)(SHAPE, 0, "float64") / np.sqrt(variance)
    assert_allclose([w.mean(), w.var()], [0, 1], atol=0.01)
    assert 2.26 < np.abs(w).max() < 2.274  # two standard deviations before the cut, 0.8796 of which are left


@pytest.mark.parametrize("shape", [(5, 5), (4, 12), (9, 2), (1, 3)])
def test_orthogonal(shape):
    w = orthogonal(shape, 3, "float64", gain=2.0)
    gram = w @ w.T if shape[0] <= shape[1] else w.T @ w
    assert w.shape == shape and w.flags.c_contiguous
    assert_allclose(gram, 4 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_is_uniform_over_rotations():
    """Without the signs of R's diagonal, Q of LAPACK would have a fixed sign in its first row."""
    first = [orthogonal((3, 3), seed, "float64")[0, 0] for seed in range(200)]
    assert 70 < sum(value > 0 for value in first) < 130


def test_made_with_arguments():
    assert_array_equal(constant(0.5)((2, 3), 0), np.full((2, 3), 0.5, "float32"))
    assert_array_equal(identity((2, 3), 0, "float64", gain=3.0), [[3, 0, 0], [0, 3, 0]])
    assert_allclose(normal(2.0, 0.1)((400, 500), 0, "float64").std(), 0.1, rtol=0.01)
    w = uniform(1.0, 2.0)((50,), 0)
    assert w.min() >= 1 and w.max() <= 2
    assert 0.24 < np.abs(torch_uniform(16)((1000,), 0)).max() <= 0.25


def test_vector_has_its_length_as_both_fans():
    w = initializers.get("glorot_uniform")((3000,), 0, "float64")
    assert 0.99 * np.sqrt(3 / 3000) < np.abs(w).max() < np.sqrt(3 / 3000)


@pytest.mark.parametrize("name", initializers.BY_NAME)
def test_same_seed_same_values_in_both_dtypes(name):
    make = initializers.get(name)
    single, double = make((6, 8), 7, "float32"), make((6, 8), 7, "float64")
    assert (single.dtype, double.dtype) == ("float32", "float64")
    assert_array_equal(single, double.astype("float32"))
    assert_array_equal(single, make((6, 8), np.random.default_rng(7)))


def test_a_generator_moves_on():
    rng = np.random.default_rng(0)
    first, second = (initializers.get("glorot_uniform")((3, 4), rng) for _ in range(2))
    assert not np.array_equal(first, second)


def test_get_takes_functions_and_refuses_the_rest():
    assert initializers.get(orthogonal) is orthogonal
    for unknown in ("glorot", 3, None, ["zeros"]):
        with pytest.raises(nr.InputError, match="initializer: expected a callable or one of zeros, ones"):
            initializers.get(unknown)
    with pytest.raises(nr.InputError, match=r"orthogonal: expected the shape of a matrix, got \(3,\)"):
        orthogonal((3,), 0)
    with pytest.raises(nr.InputError, match=r"he_normal: expected the shape of a vector or a matrix"):
        initializers.get("he_normal")((2, 3, 4), 0)


MADE = [
    lambda maker: nr.LSTMCell(3, initializer=maker).init_params(2),
    lambda maker: nr.LSTMCell(3, initializer={"kernel": maker}).init_params(2),
    lambda maker: built(nr.layers.LSTM(3, kernel_initializer=maker), (4, 2)),
    lambda maker: built(nr.layers.LSTM(3, bias_initializer=maker), (4, 2)),
    lambda maker: built(nr.layers.RNN(nr.layers.GRUCell(3, kernel_initializer=maker)), (4, 2)),
    lambda maker: built(nr.layers.Dense(3, kernel_initializer=maker), (2,)),
    lambda maker: built(nr.layers.Embedding(5, 3, embeddings_initializer=maker), (4,)),
    lambda maker: built(nr.layers.BatchNormalization(moving_mean_initializer=maker), (2,)),
]


def built(layer, shape):
    layer.build((None, *shape))
    return layer.weights


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("values", [np.ones((1, 1)), np.ones((7, 7)), 0.5, None, "a"])
def test_initial_values_of_another_shape_are_refused(make, values):
    with pytest.raises(nr.InputError, match="expected initial values that are numbers of shape"):
        make(lambda shape, rng, dtype: values)


@pytest.mark.parametrize("make", MADE)
def test_initial_values_are_copied_and_take_the_dtype(make):
    given = {}

    def maker(shape, rng, dtype):
        return given.setdefault(shape, np.full(shape, 0.5))

    weights = make(maker)
    assert {array.dtype for array in weights.values()} == {np.dtype("float32")}
    for values in given.values():
        assert_array_equal(values, 0.5)
        assert not any(np.shares_memory(values, array) for array in weights.values())
