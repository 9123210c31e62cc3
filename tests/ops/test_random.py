"""Random choices: their frequencies, and the bits that they are made of."""

import numba
import numpy as np
import pytest
from numba import config

from numbarnn.ops.random import bernoulli


@pytest.mark.parametrize("probability", [1e-6, 1 / 3, 0.5, 0.75, 0.8, 1 - 1e-6])
def test_frequency(probability):
    n = 2_000_000
    found = bernoulli(np.random.default_rng(1), probability, (n,))
    deviation = np.sqrt(n * probability * (1 - probability))
    assert abs(found.sum() - n * probability) < 4 * deviation
    assert abs((found[1:] & found[:-1]).mean() - probability**2) < 4 * deviation / n  # neighbours are independent


def test_certain():
    assert not bernoulli(np.random.default_rng(0), 0.0, (3, 50)).any()
    assert bernoulli(np.random.default_rng(0), 1.0, (3, 50)).all()


def split_mix(state):
    """The words of SplitMix64 as its authors' Java has them, in whole numbers of Python."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


def test_words_are_those_of_the_paper():
    """The first words of the published generator for the state 1234567."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    words = split_mix(1234567)
    assert [next(words) for _ in expected] == expected


def by_hand(seed, probability, count):
    """(booleans, how many took a second number)."""
    start, other = (int(n) for n in np.random.default_rng(seed).integers(0, 2**64, 2, dtype=np.uint64))
    words, others = split_mix(start), split_mix(other)
    numbers = [byte for _ in range(-(-count // 8)) for byte in next(words).to_bytes(8, "little")][:count]
    more = [(next(others) >> 11) / 2**53 for _ in numbers]
    whole = int(probability * 256)
    undecided = sum(byte == whole for byte in numbers)
    pairs = zip(numbers, more, strict=True)
    return [byte + (rest if byte == whole else 0) < probability * 256 for byte, rest in pairs], undecided


@pytest.mark.parametrize("probability", [0.0, 0.001, 0.3, 0.8, 0.9999, 1.0])
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4), (37, 113)])
def test_every_element_alone(shape, probability):
    """Element k is decided by byte k of one sequence, and where that leaves it open by number k of another."""
    expected, undecided = by_hand(5, probability, int(np.prod(shape)))
    assert undecided > 5 or len(expected) < 1000 or probability == 1
    found = bernoulli(np.random.default_rng(5), probability, shape)
    assert found.dtype == bool
    assert np.array_equal(found, np.array(expected, bool).reshape(shape))


def test_kernel_threads_and_numpy_agree(monkeypatch):
    shape, threads = (301, 999), numba.get_num_threads()
    draw = lambda: bernoulli(np.random.default_rng(7), 0.8, shape)  # noqa: E731
    found = draw()
    try:
        numba.set_num_threads(1)
        assert np.array_equal(draw(), found)
    finally:
        numba.set_num_threads(threads)
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert np.array_equal(draw(), found)
