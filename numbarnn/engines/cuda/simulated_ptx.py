"""What kernels use on the GPU, `cuda` and the instructions in `ptx`, as Python for Numba's CUDA simulator."""

import sys
import threading

import numpy as np
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


def element(array, i):
    return array.reshape(array.size)[i]


def set_element(array, i, value):
    array.reshape(array.size)[i] = value


def reciprocal(x):
    return np.float32(1) / x


def power_of_two(x):
    with np.errstate(over="ignore"):
        return np.exp2(x)


def wide_sum(start, i, step):
    return int(start) + int(i) * int(step)


def shared_address(array):
    return array


def load4_shared(address, i):
    return address[i], address[i + 1], address[i + 2], address[i + 3]


def load_shared(address, i):
    return address[i]


def set_shared(address, i, value):
    address[i] = value


def store4_shared(address, i, values):
    address[i], address[i + 1], address[i + 2], address[i + 3] = values


class Copies(threading.local):
    """Of each thread: its groups of copies that have not been made, the last one still open."""

    def __init__(self):
        self.groups = [[]]


copies = Copies()


def copy4(address, i, array, j):
    copies.groups[-1].append((address, i, array, j))


def end_of_group():
    copies.groups.append([])


def wait_for_groups():
    """As late as it is allowed: what is read before a barrier is missing."""
    while len(copies.groups) > 2:
        for address, i, array, j in copies.groups.pop(0):
            for n in range(4):
                address[i + n] = array[j + n]


def load_acquire(array, i):
    return array[i]


def add_release(array, i, value):
    cuda.atomic.add(array, i, value)
