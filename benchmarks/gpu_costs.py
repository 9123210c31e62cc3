"""What an NVIDIA GPU takes for launches and barriers, beside which the time of a step must be seen."""

import functools
import time

import numpy as np

LAUNCHES, BARRIERS, ROUNDS = 1000, 2000, 7
CLUSTERS = (2, 4, 8)


def describe():
    """{name: text or number} of the GPU in use."""
    from numbarnn.cuda.target import SIMULATOR, cuda

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
    """{name: (kernel(counter, n) that meets n times, blocks)}; counter: an int32 of value 0."""
    from numbarnn.cuda.ptx import cluster_barrier, cluster_of
    from numbarnn.cuda.target import add_release, cuda, load_acquire

    def block(counter, n):
        for _ in range(n):
            cuda.syncthreads()

    def grid(counter, n):
        everyone = cuda.cg.this_grid()
        for _ in range(n):
            everyone.sync()

    def counted(counter, n):
        cuda.cg.this_grid()  # so that all blocks run at once
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

    found = {"block": (block, 132), "grid of 132": (grid, 132), "grid of 32": (grid, 32)}
    found |= {f"counter of {blocks}": (counted, blocks) for blocks in (132, 32, 8)}
    return found | {f"cluster of {size}": (cluster(size), 128) for size in CLUSTERS}


def measured():
    """{what: microseconds}; on a GPU only."""
    from numbarnn.cuda.target import SIMULATOR, cuda, kernel

    if SIMULATOR:
        return {}
    arrays, found = [cuda.device_array(8, np.float32) for _ in range(8)], {}
    for name, function, arguments in (
        ("launch without arguments", nothing, ()),
        ("launch with one array", one_array, arrays[:1]),
        ("launch with eight arrays", eight_arrays, arrays),
    ):
        launch = kernel(function)[132, 256]
        found[f"{name}, host"], found[f"{name}, in a row"] = launched(cuda, launch, arguments)
    for name, (function, blocks) in barriers().items():
        compiled = kernel(function)
        for threads in (32, 256):
            found[f"barrier of {name}, {threads} threads"] = met(cuda, compiled[blocks, threads])
    return found


def launched(cuda, launch, arguments):
    """Microseconds of a launch until the host goes on, and until the GPU has run one after the other."""
    launch(*arguments)
    cuda.synchronize()
    start = time.perf_counter()
    for _ in range(LAUNCHES):
        launch(*arguments)
    host = time.perf_counter() - start
    cuda.synchronize()
    return 1e6 * host / LAUNCHES, 1e6 * (time.perf_counter() - start) / LAUNCHES


def met(cuda, launch):
    """Microseconds of a barrier: the median of launches with many, by the GPU's own clock."""
    times = []
    for _ in range(ROUNDS):
        counter = cuda.to_device(np.zeros(1, np.int32))
        begin, end = cuda.event(), cuda.event()
        begin.record()
        launch(counter, BARRIERS)
        end.record()
        end.synchronize()
        times.append(1e3 * cuda.event_elapsed_time(begin, end) / BARRIERS)
    return float(np.median(times[1:]))
