"""The simulator's side of `device`: memory of the host, and kernels that Numba's CUDA simulator runs."""

import ctypes

import numpy as np
from numba import cuda as simulator
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

from .gpu import H100

_memory = {}  # address: bytes


def require_gpu():
    pass


def gpu():
    return H100


def wait():
    pass


def wait_for_stream(stream):
    pass


def allocate(size):
    memory = np.empty(size, np.uint8)
    _memory[memory.ctypes.data] = memory
    return memory.ctypes.data


def release(address, memory=_memory):
    del memory[address]


def copy_from_host(address, array):
    ctypes.memmove(address, array.ctypes.data, array.nbytes)


def copy_to_host(array, address):
    ctypes.memmove(array.ctypes.data, address, array.nbytes)


def copy_on_device(to, address, size):
    ctypes.memmove(to, address, size)


def zero_bytes(address, size):
    ctypes.memset(address, 0, size)


class Kernel:
    """A function that the simulator runs; it compiles nothing."""

    def __init__(self, function, kinds, threads=None, shared=0, together=False):
        self.function, self.shared = simulator.jit()(function), shared

    def ready(self, grid, threads, *arguments):
        def start(*last):
            given = arguments[: len(arguments) - len(last)] + last
            self.function[grid, threads, 0, self.shared](*map(as_simulated, given))

        return start

    def start(self, grid, threads, *arguments):
        self.ready(grid, threads, *arguments)()


def as_simulated(argument):
    """A `DeviceArray` as the simulator's kind of array, over the same memory; tuples and numbers as they are."""
    if isinstance(argument, tuple):
        return tuple(map(as_simulated, argument))
    return FakeCUDAArray(as_numpy(argument)) if hasattr(argument, "address") else argument


def as_numpy(array):
    if not array.size:
        return np.empty(array.shape, array.dtype)
    size = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True)) + array.dtype.itemsize
    memory = (ctypes.c_char * size).from_address(array.address)
    return np.ndarray(array.shape, array.dtype, memory, 0, array.strides)
