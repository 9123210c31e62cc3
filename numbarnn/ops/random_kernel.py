"""Random booleans by SplitMix64 as a counter-based generator: each depends on its index alone.

The booleans can therefore be drawn in any order and on all threads, with the same results.
"""

import functools

import numpy as np
from numba import types
from numba.extending import register_jitable

from ..runtime.arrays import address
from ..runtime.compile import compiled
from ..runtime.memory import BYTE, get, pointer, put
from ..runtime.simd import Static
from ..runtime.threads import KERNEL, run, share, threads_for_each

GOLDEN_RATIO, MIX_1, MIX_2 = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
ONE, ELEVEN, TWENTY_SEVEN, THIRTY, THIRTY_ONE = (np.uint64(n) for n in (1, 11, 27, 30, 31))
EACH_BYTE, TOP_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
CACHE_WORDS = 512  # words that stay in the first-level cache


@register_jitable
def splitmix64(seed, k):
    """Return word k of the sequence of 64-bit words of a seed (SplitMix64; Steele, Lea and Flood 2014)."""
    z = seed + (k + ONE) * GOLDEN_RATIO
    z = (z ^ (z >> THIRTY)) * MIX_1
    z = (z ^ (z >> TWENTY_SEVEN)) * MIX_2
    return z ^ (z >> THIRTY_ONE)


@register_jitable
def uniform(word):
    """Map a word to [0, 1)."""
    return (word >> ELEVEN) * 2.0**-53


@functools.cache
def kernel():
    """Compile the kernel that fills an array of bytes with random booleans; returns its address.

    It reads a table: the number of words, `whole`, both seeds, `rest` and the array's address (see `random.bernoulli`).
    """
    whole_number, double = Static("uint64"), Static("float64")

    def bernoulli(stage, shard, shards, args_address):
        n = pointer(whole_number, args_address)
        whole, seed, rest_seed, rest = get(n, 1), get(n, 2), get(n, 3), get(pointer(double, args_address), 4)
        words, found = pointer(whole_number, types.intp(get(n, 5))), pointer(BYTE, types.intp(get(n, 5)))
        bound, each_whole = types.uint8(max(whole, ONE)), whole * EACH_BYTE
        first, last = share(types.intp(get(n, 0)), shard, shards)
        for begin in range(first, last, CACHE_WORDS):
            end = min(begin + CACHE_WORDS, last)
            for k in range(begin, end):
                word = splitmix64(seed, types.uint64(k))
                put(words, k, word)
                # SIMD within a register: the test is true if one of the eight bytes equals `whole`.
                differences = word ^ each_whole
                if (differences - EACH_BYTE) & ~differences & TOP_BITS:
                    for e in range(8 * k, 8 * k + 8):
                        if get(found, e) == whole:  # 0 is below the bound, 255 is not
                            put(found, e, 0 if uniform(splitmix64(rest_seed, types.uint64(e))) < rest else 255)
            for e in range(8 * begin, 8 * end):
                put(found, e, get(found, e) < bound)

    return compiled(KERNEL, bernoulli)


def bernoulli_bytes(count, whole, rest, seed, rest_seed):
    """Draw booleans (count,): true if byte e of the words of `seed` is below `whole` (0 to 255), or equals it and the
    uniform number e of `rest_seed` is below `rest`."""
    words = np.empty(-(-count // 8), np.uint64)
    table = np.array([len(words), whole, seed, rest_seed, 0, address(words)], np.uint64)
    table.view(np.float64)[4] = rest
    run(kernel(), 1, threads_for_each(count), address(table))
    return words.view(bool)[:count]
