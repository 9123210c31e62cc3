"""Memory that is used again once nobody looks at it.

Fresh memory costs a page fault every 4 KB, as much as the arithmetic of a small step. `take` returns an array over
a free block of the pool; the block goes back when the last array over it is gone.
"""

import threading

import numpy as np

from .arrays import address

ALIGNMENT = 64  # a cache line
KEEP = 1 << 30  # bytes of free blocks that are kept

_free = {}  # size: pieces
_lock = threading.RLock()  # a piece may come back while the pool is at work, in the same thread
_kept = 0


class _Piece:
    """Some memory, and what NumPy wants to know of it."""

    def __init__(self, size):
        self.size = size
        self.raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -address(self.raw) % ALIGNMENT
        self.interface = self.raw[start : start + size].__array_interface__
        self.address = self.interface["data"][0]


class Lease:
    """A piece of memory for as long as anybody holds this, or a NumPy array over it (`np.asarray`)."""

    __slots__ = ("__array_interface__", "address", "piece")

    def __init__(self, piece):
        self.piece, self.address, self.__array_interface__ = piece, piece.address, piece.interface

    def __del__(self):
        global _kept
        with _lock:
            size = self.piece.size
            if _kept + size <= KEEP:
                _free.setdefault(size, []).append(self.piece)
                _kept += size


def rounded(size):
    """Bytes that `take` is asked for instead of `size`: few different sizes, so that pieces fit again."""
    step = 1 << max(12, size.bit_length() - 3)
    return -(-size // step) * step


def take(size):
    """A `Lease` of `size` bytes, a `rounded` number; contents are whatever was there."""
    global _kept
    with _lock:
        pieces = _free.get(size)
        piece = pieces.pop() if pieces else None
        if piece is not None:
            _kept -= size
    return Lease(piece or _Piece(size))


def clear():
    """Give all free memory back to the system."""
    global _kept
    with _lock:
        _free.clear()
        _kept = 0
