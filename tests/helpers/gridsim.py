"""Numba's CUDA simulator with all blocks of a launch running at once.

The stock simulator runs one block after the other, so that barriers between blocks hang or do nothing, and it knows no
shuffles. Here every CUDA thread is a Python thread, every block has shared memory of its own, full of NaN until it is
written, and barriers are real. For a few hundred threads. Python threads see memory in order: a missing fence passes.
"""

import contextlib
import itertools
import sys
import threading
import time
from unittest import mock

import numpy as np
from numba.cuda.simulator import kernel, kernelapi

SPIN_LIMIT = 30.0  # seconds that a thread waits for the others
PAUSE = 5e-3  # seconds
WARP = 32


class Aborted(Exception):
    """Another thread has failed."""


class Meeting:
    """A barrier for `count` threads that hands what each of them brings to all; threads that end need not come."""

    def __init__(self, count):
        self.count, self.waiting, self.round, self.over = count, 0, 0, False
        self.brought, self.given, self.changed = {}, {}, threading.Condition()

    def wait(self, caller=None, value=None):
        with self.changed:
            mine = self.round
            self.waiting += 1
            self.brought[caller] = value
            self._open_when_complete()
            self.changed.wait_for(lambda: self.round != mine or self.over, SPIN_LIMIT)
            if self.over:
                raise Aborted
            if self.round == mine:
                raise RuntimeError(f"a barrier was not reached by {self.count - self.waiting} of {self.count} threads")
            return self.given

    def leave(self):
        with self.changed:
            self.count -= 1
            self._open_when_complete()

    def abort(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def _open_when_complete(self):
        if self.waiting and self.waiting >= self.count:
            self.waiting, self.round = 0, self.round + 1
            self.brought, self.given = {}, self.brought
            self.changed.notify_all()


class Thread(threading.Thread):
    """A CUDA thread; it meets its warp, its block and the grid. The simulator looks up its indices here."""

    forgotten = ()  # numbers of the calls of syncthreads that no thread makes
    last_first = False  # whether the last thread starts first

    def __init__(self, run, block, thread, block_shape, warp, in_block, in_grid):
        super().__init__(daemon=True)
        self.barriers = itertools.count()
        self.blockIdx, self.threadIdx = kernel.Dim3(*block), kernel.Dim3(*thread)
        self.thread_id = thread[0] + block_shape[0] * (thread[1] + block_shape[1] * thread[2])
        self.block, self.work, self.failure = block, run, None
        self.warp, self.in_block, self.in_grid = warp, in_block, in_grid

    def run(self):
        meetings = self.warp, self.in_block, self.in_grid
        try:
            with np.errstate(all="ignore"):  # a GPU does not warn of what it computes for nobody, in masked steps
                self.work()
        except Exception as error:
            self.failure = error
            for meeting in meetings:
                meeting.abort()
        finally:
            for meeting in meetings:
                meeting.leave()

    def syncthreads(self):
        if next(self.barriers) not in self.forgotten:
            self.in_block.wait()
        if self.forgotten and any(self.block) and (self.thread_id == 0) == self.last_first:
            time.sleep(PAUSE)  # the first block is ahead of others, and in those thread 0, or all others


class Grid:
    """In place of the simulator's BlockManager, which is asked for one block after the other: runs all at the last."""

    def __init__(self, function, grid_shape, block_shape, debug):
        self.function, self.grid, self.block = function, grid_shape, block_shape

    def run(self, block, *arguments):
        if tuple(block) != tuple(n - 1 for n in self.grid):
            return
        size, threads = int(np.prod(self.block)), []
        in_grid = Meeting(size * int(np.prod(self.grid)))
        for index in np.ndindex(*self.grid):
            in_block = Meeting(size)
            warps = [Meeting(min(WARP, size - first)) for first in range(0, size, WARP)]
            for z, y, x in np.ndindex(*self.block[::-1]):
                warp = warps[(x + self.block[0] * (y + self.block[1] * z)) // WARP]
                work = lambda: self.function(*arguments)  # noqa: E731
                threads.append(Thread(work, index, (x, y, z), self.block, warp, in_block, in_grid))
        for thread in threads[::-1] if Thread.last_first else threads:
            thread.start()
        for thread in threads:
            thread.join()
        for thread in threads:
            if thread.failure is not None and not isinstance(thread.failure, Aborted):
                where = f"thread {thread.thread_id} of block {list(thread.blockIdx)}"
                raise RuntimeError(f"{where}: {thread.failure!r}") from thread.failure


class SharedMemory:
    """Shared memory of each block, NaN at first; static arrays are told apart by the line that asks for them."""

    def __init__(self, size):
        self.size, self.arrays, self.lock = size, {}, threading.Lock()

    def array(self, shape, dtype):
        line = sys._getframe(1)
        key = threading.current_thread().block, *((line.f_code, line.f_lineno) if shape else ())
        real = kernelapi.numpy_support.as_dtype(dtype)
        with self.lock:
            if key not in self.arrays:
                self.arrays[key] = np.full(shape or self.size // real.itemsize, np.nan if real.kind == "f" else 0, real)
            return self.arrays[key]


def shuffle(source):
    def shfl(self, mask, value, by):
        lane = threading.current_thread().thread_id % WARP
        return threading.current_thread().warp.wait(lane, value).get(source(lane, by), value)

    return shfl


def sleep(self, nanoseconds):
    time.sleep(0)


@contextlib.contextmanager
def all_blocks_at_once(forgotten=(), last_first=False):
    """Launches inside run on this simulator; the arguments plant bugs, see `Thread`."""
    api, meeting = kernelapi.FakeCUDAModule, threading.current_thread
    added = {
        "shfl_sync": shuffle(lambda lane, by: by),
        "shfl_xor_sync": shuffle(lambda lane, by: lane ^ by),
        "shfl_down_sync": shuffle(lambda lane, by: lane + by),
        "shfl_up_sync": shuffle(lambda lane, by: lane - by),
        "syncwarp": lambda self, mask=0: meeting().warp.wait(),
        "nanosleep": sleep,
    }
    interval = sys.getswitchinterval()
    with contextlib.ExitStack() as patches:
        for name, function in added.items():
            patches.enter_context(mock.patch.object(api, name, function, create=True))
        patches.enter_context(mock.patch.multiple(Thread, forgotten=forgotten, last_first=last_first))
        patches.enter_context(mock.patch.object(kernel, "BlockManager", Grid))
        patches.enter_context(mock.patch.object(kernelapi, "FakeCUDAShared", SharedMemory))
        patches.enter_context(mock.patch.object(kernelapi.GridGroup, "sync", lambda self: meeting().in_grid.wait()))
        patches.callback(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-4)
        yield
