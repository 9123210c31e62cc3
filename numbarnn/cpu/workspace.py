"""Memory that is used again once nobody looks at it.

Fresh memory costs a page fault every 4 KB, as much as the arithmetic of a small step. `take` returns an array over a free block
of the pool; the block goes back when the last array over it is gone.
"""

import threading

import numpy as np

ALIGNMENT = 64  # a cache line
KEEP = 1 << 30  # bytes of free blocks that are kept

_free = {}  # size: blocks
_lock = threading.RLock()  # a block may come back while the pool is at work, in the same thread
_kept = 0


class _Block:
    """Owner of a piece of memory: NumPy arrays over it hold it, and it hands the memory back."""

    def __init__(self, raw):
        self.raw = raw
        start = -raw.__array_interface__["data"][0] % ALIGNMENT
        self.address = raw.__array_interface__["data"][0] + start
        self.__array_interface__ = {**raw[start : len(raw) - ALIGNMENT + start].__array_interface__}

    def __del__(self):
        global _kept
        if _lock is None:  # the interpreter is shutting down
            return
        with _lock:
            if _kept + len(self.raw) <= KEEP:
                _free.setdefault(len(self.raw), []).append(self.raw)
                _kept += len(self.raw)


def take(size):
    """(array of at least `size` bytes, its address); contents are whatever was there."""
    global _kept
    step = 1 << max(12, size.bit_length() - 3)  # few different sizes, so that blocks fit again
    size = -(-size // step) * step + ALIGNMENT
    with _lock:
        blocks = _free.get(size)
        raw = blocks.pop() if blocks else None
        if raw is not None:
            _kept -= size
    block = _Block(np.empty(size, np.uint8) if raw is None else raw)
    return np.asarray(block), block.address


def clear():
    """Give all free blocks back to the system."""
    global _kept
    with _lock:
        _free.clear()
        _kept = 0
