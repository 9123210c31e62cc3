"""Keep a pool of memory: freed blocks are used again.

Fresh memory costs a page fault every 4 KB, as much as the arithmetic of a small step. `take` returns a free block of
the pool; the block goes back when the last array over it is gone.
"""

import os
import threading

import numpy as np

from .arrays import address

ALIGNMENT = 64  # a cache line
KEEP = 1 << 30  # bytes of free blocks that are kept

_free = {}  # size: blocks
_lock = threading.RLock()  # a block may come back while the pool is at work, in the same thread
_kept = 0


class _Block:
    """Memory, and what NumPy asks for to make an array of it."""

    def __init__(self, size):
        self.size = size
        self.raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -address(self.raw) % ALIGNMENT
        self.interface = self.raw[start : start + size].__array_interface__
        self.address = self.interface["data"][0]


class Lease:
    """Hold a block of memory until this object, and every NumPy array over it (`np.asarray`), is gone."""

    __slots__ = ("__array_interface__", "address", "block")

    def __init__(self, block):
        self.block, self.address, self.__array_interface__ = block, block.address, block.interface

    def __del__(self):
        global _kept
        # Ctrl-C may have come before the first line of __init__
        block = getattr(self, "block", None)
        if block is None:
            return
        with _lock:
            if _kept + block.size <= KEEP:
                _free.setdefault(block.size, []).append(block)
                _kept += block.size


def rounded(size):
    """Round a size in bytes up for `take`: with few different sizes, freed blocks fit again."""
    step = 1 << max(12, size.bit_length() - 3)
    return -(-size // step) * step


def take(size):
    """Return a `Lease` of `size` bytes, a `rounded` number; they hold any values."""
    global _kept
    with _lock:
        blocks = _free.get(size)
        block = blocks.pop() if blocks else None
        if block is not None:
            _kept -= size
    return Lease(block or _Block(size))


def clear():
    """Give all free memory back to the system."""
    global _kept
    with _lock:
        _free.clear()
        _kept = 0


def after_fork_in_child():
    """Make the lock anew, and the pool, which another thread may have been changing."""
    global _lock
    _lock = threading.RLock()
    clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
