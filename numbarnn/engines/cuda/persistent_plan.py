"""How the kernels in `persistent` share out a cell and a batch over the multiprocessors of a GPU."""

import functools
from itertools import product
from typing import NamedTuple

THREADS = (256, 512)  # of a block
TILES = ((4, 4), (4, 8), (8, 4), (8, 8), (12, 4), (16, 4))  # columns and rows of a thread
BUFFERS = 3  # chunks in shared memory: one is used, one is there, one arrives
CHUNKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)  # of a product, written out one after the other
UNROLLED = 4  # places of a run that are written out in a row
FMA = 128  # multiply-adds of a multiprocessor in a clock
BANKS = 128  # bytes of shared memory that it reads in a clock
# Fitted to what an H100 took for fourteen plans, in clocks:
BARRIER, NEIGHBOUR = 2400, 15  # until what all blocks have told, and for each of them, is there
BACK = 600  # more, going back
CHUNK = 1200  # from chunk to chunk at least
SUMS = 3.5  # times what shared memory takes for partial sums: few threads add them up


class PersistentPlan(NamedTuple):
    """A block runs `units` of the cell for `rows` of the batch; `neighbours` blocks run the same rows, `groups` of them
    all rows. Its product has `depth` places and `columns` weights for each. A thread has a tile of `tile_columns` x
    `tile_rows` results, and adds up one of `splits` parts of the places; a `chunk` of them is worked on at a time."""

    units: int
    rows: int
    neighbours: int
    groups: int
    depth: int
    columns: int
    tile_columns: int
    tile_rows: int
    splits: int
    run: int
    chunks: int
    threads: int
    backward: bool

    @property
    def blocks(self):
        return self.neighbours * self.groups

    @property
    def half(self):
        """Numbers that blocks tell each other in a step."""
        return self.groups * self.depth * self.rows

    @property
    def padded(self):
        """Units of all neighbours."""
        return self.units * self.neighbours

    @property
    def chunk(self):
        """Places that are worked on at a time."""
        return self.splits * self.run

    @property
    def buffers(self):
        return min(self.chunks, BUFFERS)

    @property
    def row_stride(self):
        """Of partial sums, such that threads that read units side by side read from different banks."""
        stride = self.columns
        while stride % 32 != self.units % 32:
            stride += 4
        return stride

    @property
    def heard(self):
        """Where in shared memory, behind the weights, the chunks start."""
        return self.chunks * self.chunk * self.columns

    @property
    def partial(self):
        """Where, behind the chunks, the partial sums start."""
        return self.heard + self.buffers * self.chunk * self.rows

    @property
    def shared(self):
        """Bytes of shared memory."""
        return 4 * (self.partial + self.splits * self.rows * self.row_stride)

    @property
    def clocks(self):
        """Of a step, roughly. Shared memory gives four numbers to each thread of a warp in four clocks."""
        height, width, bytes_of_number = self.tile_rows, self.tile_columns, 4
        active = self.splits * self.columns * self.rows // (height * width)
        loads = bytes_of_number * self.run * (height + width) * active / BANKS
        product = max(self.run * height * width * active / FMA, loads)
        sums = SUMS * 2 * bytes_of_number * self.splits * self.columns * self.rows / BANKS
        arrival = BARRIER + NEIGHBOUR * self.neighbours + BACK * self.backward
        return arrival + product + (self.chunks - 1) * max(product, CHUNK) + sums


def plans(H, gates, B, gpu, backward, threads):
    """All plans that fit, some of which are nonsense for a cell of this size, but slow."""
    for rows, units in product((4, 8, 16, 32, 64), range(4, 68, 4)):
        neighbours, groups = -(-H // units), -(-B // rows)
        columns, depth = (units, gates * neighbours * units) if backward else (gates * units, neighbours * units)
        shape = units, rows, neighbours, groups, depth, columns
        for count, (width, height), chunks in product(threads, TILES, CHUNKS):
            fits = neighbours * groups <= gpu.processors and units * rows <= count
            if not fits or columns % width or rows % height:
                continue
            splits = min(count * width * height // (columns * rows), depth)
            run = -(-depth // (max(splits, 1) * chunks * UNROLLED)) * UNROLLED
            plan = PersistentPlan(*shape, width, height, splits, run, chunks, count, backward)
            if splits and plan.shared <= gpu.shared:
                yield plan


@functools.cache
def persistent_plan(H, gates, B, gpu, backward, threads=THREADS):
    """The plan that should be fastest; None where the weights do not fit. `gates`: pre-activations that h feeds."""
    return min(plans(H, gates, B, gpu, backward, threads), key=lambda p: (p.clocks, p.chunks), default=None)
