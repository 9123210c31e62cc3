"""What kernels and the host use on the GPU, as Python for Numba's CUDA simulator; memory is the host's."""

import ctypes
import sys

import numpy as np
from numba import cuda as simulator
from numba.cuda.simulator import kernel as running
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

sys.setswitchinterval(1e-5)  # the simulator asks its threads again and again whether they wait at a barrier


class Cuda:
    """`cuda` inside a kernel and outside, in every module and thread: the simulator itself replaces the name in the
    module of the kernel alone."""

    def __getattr__(self, name):
        inside = running._get_kernel_context()
        return getattr(inside if inside is not None and hasattr(inside, name) else simulator, name)


cuda = Cuda()
_memory = {}  # address: bytes


def require_gpu():
    pass


def processors():
    return simulator.get_current_device().MULTIPROCESSOR_COUNT


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


def shared_address(array):
    return array


def load4_shared(address, i):
    return address[i], address[i + 1], address[i + 2], address[i + 3]


def store4_shared(address, i, values):
    address[i], address[i + 1], address[i + 2], address[i + 3] = values


def load4_global(array, i):
    return array[i], array[i + 1], array[i + 2], array[i + 3]


def load_acquire(array, i):
    return array[i]


def add_release(array, i, value):
    cuda.atomic.add(array, i, value)


def warp_barrier():
    """Threads of the simulator do not run in warps; tests that need one bring their own simulator."""
    barrier = getattr(running._get_kernel_context(), "syncwarp", None)
    if barrier is not None:
        barrier()
