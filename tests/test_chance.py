"""Random choices: their frequencies, and the bits that they are made of."""

import numpy as np
import pytest

from numbarnn.chance import chosen


@pytest.mark.parametrize("probability", [1e-6, 1 / 3, 0.5, 0.75, 0.8, 1 - 1e-6])
def test_frequency(probability):
    n = 2_000_000
    found = chosen(np.random.default_rng(1), probability, (n,))
    deviation = np.sqrt(n * probability * (1 - probability))
    assert abs(found.sum() - n * probability) < 4 * deviation
    assert abs((found[1:] & found[:-1]).mean() - probability**2) < 4 * deviation / n  # neighbours are independent


def test_certain():
    assert not chosen(np.random.default_rng(0), 0.0, (3, 50)).any()
    assert chosen(np.random.default_rng(0), 1.0, (3, 50)).all()


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4), (2, 3, 4)])
def test_every_element_alone(shape):
    """Element k is decided by the k-th 16 bits of the generator."""
    words = np.random.default_rng(5).integers(0, 2**64, 7, dtype=np.uint64)
    numbers = [(int(word) >> shift) % 2**16 for word in words for shift in (0, 16, 32, 48)]
    expected = np.array(numbers[: int(np.prod(shape))]).reshape(shape) < 0.3 * 2**16
    assert np.array_equal(chosen(np.random.default_rng(5), 0.3, shape), expected)


def test_ties_take_one_more_number():
    """What 16 bits leave open is decided by numbers that follow them."""
    bits = np.random.default_rng(2).integers(0, 2**64, 25_000, dtype=np.uint64).view("<u2")
    place = int(bits[4321])
    for rest, expected in ((0.0, False), (1 - 2**-30, True)):
        found = chosen(np.random.default_rng(2), (place + rest) / 2**16, (100_000,))
        assert found[4321] == expected
        assert np.array_equal(found[bits != place], (bits < place)[bits != place])
