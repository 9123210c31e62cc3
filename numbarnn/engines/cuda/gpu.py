"""What must be known of a GPU to share out work over it."""

from typing import NamedTuple


class Gpu(NamedTuple):
    processors: int  # multiprocessors
    shared: int  # bytes of shared memory that a block may have
    copies: bool  # whether copies to shared memory go on while it computes: since compute capability 8.0


H100 = Gpu(132, 227 << 10, True)
