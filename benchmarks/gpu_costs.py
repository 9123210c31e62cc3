"""Costs of launches and barriers on an NVIDIA GPU, the lower bounds of a step's time."""

import functools
import time

import numpy as np

LAUNCHES, BARRIERS, ROUNDS = 1000, 2000, 7
CLUSTERS = (2, 4, 8)


def describe():
    """Return {name: text or number} of the GPU in use."""
    from numba import cuda

    from numbarnn.engines.cuda.target import SIMULATOR

    if SIMULATOR:
        return {"gpu": "Numba's simulator", "peak_gflops": 1.0}
    gpu = cuda.get_current_device()
    name = gpu.name.decode() if isinstance(gpu.name, bytes) else gpu.name
    clock, processors = gpu.CLOCK_RATE * 1e3, gpu.MULTIPROCESSOR_COUNT
    return {"gpu": name, "multiprocessors": processors, "peak_gflops": 2 * 128 * processors * clock / 1e9}


def nothing():
    pass


def one_array(a):
    pass


def eight_arrays(a, b, c, d, e, f, g, h):
    pass


@functools.cache
def barriers():
    """Return {name: (kernel(counter, n) with n barriers, blocks, whether they must all run at once)}."""
    from numbarnn.engines.cuda.ptx import cluster_barrier, cluster_of
    from numbarnn.engines.cuda.target import add_release, cuda, load_acquire

    def block(counter, n):
        for _ in range(n):
            cuda.syncthreads()

    def grid(counter, n):
        everyone = cuda.cg.this_grid()
        for _ in range(n):
            everyone.sync()

    def counted(counter, n):
        for i in range(n):
            cuda.syncthreads()
            if cuda.threadIdx.x == 0:
                add_release(counter, 0, 1)
                while load_acquire(counter, 0) < cuda.gridDim.x * (i + 1):
                    pass
            cuda.syncthreads()

    def cluster(size):
        in_clusters = cluster_of(size)

        def cluster(counter, n):
            in_clusters()
            for _ in range(n):
                cluster_barrier()

        return cluster

    found = {"block": (block, 132, False), "grid of 132": (grid, 132, True), "grid of 32": (grid, 32, True)}
    found |= {f"counter of {blocks}": (counted, blocks, True) for blocks in (132, 32, 8)}
    return found | {f"cluster of {size}": (cluster(size), 128, False) for size in CLUSTERS}


def measured():
    """Measure {what: microseconds}; needs a GPU."""
    from numbarnn.engines.cuda.memory import zeros
    from numbarnn.engines.cuda.target import SIMULATOR, Kernel

    if SIMULATOR:
        return {}
    arrays, found = [zeros((8,), np.float32) for _ in range(8)], {}
    warm_up()
    for name, function, arguments in (
        ("launch without arguments", nothing, ()),
        ("launch with one array", one_array, arrays[:1]),
        ("launch with eight arrays", eight_arrays, arrays),
    ):
        kernel = Kernel(function, tuple(array.kind for array in arguments))
        launch = functools.partial(kernel.start, (132, 1), 256, *arguments)
        found[f"{name}, host"], found[f"{name}, in a row"] = launched(launch)
        found[f"{name}, made ready before"], _ = launched(kernel.ready((132, 1), 256, *arguments))
    counter = zeros((1,), np.int32)
    for name, (function, blocks, together) in barriers().items():
        kernel = Kernel(function, (counter.kind, int), together=together)
        for threads in (32, 256):
            start = functools.partial(kernel.start, (blocks, 1), threads)
            found[f"barrier of {name}, {threads} threads"] = met(start)
    return found


def warm_up(seconds=0.5):
    """Raise the clocks of an idle GPU."""
    from numbarnn.engines.cuda.memory import zeros
    from numbarnn.engines.cuda.target import wait

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        zeros((1 << 28,), np.uint8)
        wait()


def launched(launch):
    """Measure the microseconds of a launch: on the host, and from one to the next on the GPU."""
    from numbarnn.engines.cuda.target import wait

    launch()
    wait()
    start = time.perf_counter()
    for _ in range(LAUNCHES):
        launch()
    host = time.perf_counter() - start
    wait()
    return 1e6 * host / LAUNCHES, 1e6 * (time.perf_counter() - start) / LAUNCHES


def met(start):
    """Measure the microseconds of a barrier: the median of launches with many, by the GPU's own clock."""
    from numba import cuda

    from numbarnn.engines.cuda.memory import zeros

    times = []
    for _ in range(ROUNDS):
        counter = zeros((1,), np.int32)
        begin, end = cuda.event(), cuda.event()
        begin.record()
        start(counter, BARRIERS)
        end.record()
        end.synchronize()
        times.append(1e3 * cuda.event_elapsed_time(begin, end) / BARRIERS)
    return float(np.median(times[1:]))
