"""Random choices, made from a counter: each element alone, so in any order and on all threads."""

import functools

import numpy as np
from numba import types
from numba.extending import register_jitable

from ..runtime.arrays import address
from ..runtime.compile import compiled
from ..runtime.memory import BYTE, get, pointer, put
from ..runtime.simd import Static
from ..runtime.threads import KERNEL, run, share, threads_for_each

GOLDEN, FIRST, SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
ONE, ELEVEN, TWENTY_SEVEN, THIRTY, THIRTY_ONE = (np.uint64(n) for n in (1, 11, 27, 30, 31))
EACH_BYTE, TOP_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
AT_ONCE = 512  # words that stay in the first cache


@register_jitable
def word(start, k):
    """Number k of the 64-bit words that follow `start` (SplitMix64; Steele, Lea and Flood 2014)."""
    z = start + (k + ONE) * GOLDEN
    z = (z ^ (z >> THIRTY)) * FIRST
    z = (z ^ (z >> TWENTY_SEVEN)) * SECOND
    return z ^ (z >> THIRTY_ONE)


@register_jitable
def fraction(bits):
    """A word as a number in [0, 1)."""
    return (bits >> ELEVEN) * 2.0**-53


@functools.cache
def kernel():
    """Address of the kernel that fills an array of bytes with choices. It reads a table: the number of words, `whole`,
    both starts, `rest` and the array's address (see `chosen` in `chance`)."""
    whole_number, double = Static("uint64"), Static("float64")

    def choose(stage, shard, shards, args_address):
        n = pointer(whole_number, args_address)
        whole, start, other, rest = get(n, 1), get(n, 2), get(n, 3), get(pointer(double, args_address), 4)
        words, found = pointer(whole_number, types.intp(get(n, 5))), pointer(BYTE, types.intp(get(n, 5)))
        bound, each_whole = types.uint8(max(whole, ONE)), whole * EACH_BYTE
        first, last = share(types.intp(get(n, 0)), shard, shards)
        for begin in range(first, last, AT_ONCE):
            end = min(begin + AT_ONCE, last)
            for k in range(begin, end):
                bits = word(start, types.uint64(k))
                put(words, k, bits)
                differences = bits ^ each_whole
                if (differences - EACH_BYTE) & ~differences & TOP_BITS:  # one of the bytes is `whole`
                    for e in range(8 * k, 8 * k + 8):
                        if get(found, e) == whole:  # 0 is below the bound, 255 is not
                            put(found, e, 0 if fraction(word(other, types.uint64(e))) < rest else 255)
            for e in range(8 * begin, 8 * end):
                put(found, e, get(found, e) < bound)

    return compiled(KERNEL, choose)


def choose(count, whole, rest, start, other):
    """Booleans (count,): byte e of the words from `start` is below `whole`, an integer from 0 to 255, or is that and
    fraction e of those from `other` is below `rest`."""
    words = np.empty(-(-count // 8), np.uint64)
    table = np.array([len(words), whole, start, other, 0, address(words)], np.uint64)
    table.view(np.float64)[4] = rest
    run(kernel(), 1, threads_for_each(count), address(table))
    return words.view(bool)[:count]
