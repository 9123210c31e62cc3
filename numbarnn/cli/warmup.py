"""Compile kernels ahead of their first use, into the cache on disk."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

import numpy as np

from ..cells import CELLS
from ..errors import InputError
from ..rnn.run import forward
from ..runtime.child import python


def warm_up(
    names: Sequence[str] = (), dtypes: Sequence[str] = ("float32",), jobs: int = 1
) -> Iterator[tuple[str, str, float]]:
    """Compile the kernels of a training step of each cell, with its default options.

    Parameters
    ----------
    names : sequence of str
        Names of plain cells, such as "LSTMCell"; all by default.
    dtypes : sequence of str
        "float32", "float64" or both.
    jobs : int
        Number of processes that compile at once: the first cell, then the others beside each other.

    Yields
    ------
    name, dtype : str
        The cell that is compiled.
    seconds : float
        The time it took; a fraction of a second if the cache had the kernel.

    Raises
    ------
    InputError
        If there is no cell of a name.
    """
    for name in names:
        if name not in CELLS:
            raise InputError(f"warmup: expected cells of {', '.join(CELLS)}, got {name!r}")
    names = list(names or CELLS)
    here = names[:1] if jobs > 1 else names  # with the kernels that serve all cells
    for name in here:
        for dtype in dtypes:
            start = time.perf_counter()
            # large enough for the threads: their loop is compiled too
            cell = CELLS[name](32)
            run = forward(cell, cell.init_params(32, dtype=dtype), np.zeros((64, 16, 32), dtype))
            run.backward(run.outputs)
            yield name, dtype, time.perf_counter() - start
    yield from _elsewhere(names[len(here) :], dtypes, jobs)


def _elsewhere(names: Sequence[str], dtypes: Sequence[str], jobs: int) -> Iterator[tuple[str, str, float]]:
    """Share cells among processes, and yield what they print as it comes."""
    package = __name__.partition(".")[0]
    lines, processes = SimpleQueue(), []

    def read(output):
        for line in output:
            lines.put(line)
        lines.put(None)

    try:
        for share in (names[i::jobs] for i in range(min(jobs, len(names)))):
            arguments = ["warmup", *share, *(f"--dtype={dtype}" for dtype in dtypes)]
            command = python(f"from {package}.__main__ import main; sys.exit(main({arguments}))")
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            Thread(target=read, args=[processes[-1].stdout], daemon=True).start()
        for _ in processes:
            while line := lines.get():
                name, dtype, seconds, _ = line.split()
                yield name, dtype, float(seconds)
        if any(process.wait() for process in processes):
            raise RuntimeError("warmup: a process that compiles has failed")
    finally:
        for process in processes:
            process.kill()
            process.wait()
