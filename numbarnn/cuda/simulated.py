"""What kernels use on the GPU, as Python for Numba's CUDA simulator."""

import sys

from numba import cuda as simulator
from numba.cuda.simulator import kernel as running

sys.setswitchinterval(1e-5)  # the simulator asks its threads again and again whether they wait at a barrier


class Cuda:
    """`cuda` inside a kernel and outside, in every module and thread: the simulator itself replaces the name in the
    module of the kernel alone."""

    def __getattr__(self, name):
        inside = running._get_kernel_context()
        return getattr(inside if inside is not None and hasattr(inside, name) else simulator, name)


cuda = Cuda()


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
