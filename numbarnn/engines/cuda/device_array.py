"""`DeviceArray`: an array on the GPU, as light as can be: making one must take less time than a small kernel.

It has `__cuda_array_interface__`, so PyTorch (`torch.as_tensor(a, device="cuda")`), CuPy (`cupy.asarray(a)`) and
numba-cuda (`cuda.as_cuda_array(a)`) use it where it lies.
"""

import functools
import math

import numpy as np

from .target import copy_from_host, copy_to_host, wait_for_stream

LEGACY = 1  # the default stream of all libraries, by its name in the interface: all work here is on it


@functools.lru_cache(4096)
def strides_of(shape, itemsize):
    """Of a contiguous array, the last axis fastest."""
    return tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


class DeviceArray:
    """Numbers on the GPU: `address` of the first one, `shape`, `strides` in bytes, `dtype`; `owner` keeps the memory.

    `copy_to_host()` and `numpy.asarray` give a NumPy array; slices, `reshape` and `swap_time_batch` are views.
    """

    __slots__ = ("address", "dtype", "is_contiguous", "owner", "shape", "strides")

    def __init__(self, address, shape, dtype, owner, strides=None):
        self.address, self.shape, self.dtype, self.owner = address, shape, dtype, owner
        contiguous = strides_of(shape, dtype.itemsize)
        self.strides = contiguous if strides is None else strides
        self.is_contiguous = strides is None or strides == contiguous

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def nbytes(self):
        return self.size * self.dtype.itemsize

    @property
    def kind(self):
        """What a kernel must be compiled for."""
        return self.dtype, len(self.shape), self.is_contiguous

    @property
    def __cuda_array_interface__(self):
        strides, data = None if self.is_contiguous else self.strides, (self.address, False)
        form = {"shape": self.shape, "strides": strides, "typestr": self.dtype.str}
        return form | {"data": data, "version": 3, "stream": LEGACY}

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<DeviceArray {self.shape} of {self.dtype}>"

    def __array__(self, dtype=None, copy=None):
        return self.copy_to_host().astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index):
        """A view by integers and slices."""
        if isinstance(index, int) and self.is_contiguous and 0 <= index < self.shape[0]:  # the usual case, made short
            address = self.address + index * self.strides[0]
            return DeviceArray(address, self.shape[1:], self.dtype, self.owner)
        index = index if isinstance(index, tuple) else (index,)
        if len(index) > self.ndim:
            raise IndexError(f"{len(index)} indices for {self.ndim} axes")
        address, shape, strides = self.address, [], []
        for i, n, stride in zip(index, self.shape, self.strides, strict=False):
            if isinstance(i, slice):
                places = range(*i.indices(n))
                address += places.start * stride
                shape.append(len(places))
                strides.append(places.step * stride)
            elif -n <= i < n:
                address += i % n * stride
            else:
                raise IndexError(f"index {i} of {n}")
        rest = len(index)
        shape, strides = (*shape, *self.shape[rest:]), (*strides, *self.strides[rest:])
        return DeviceArray(address, shape, self.dtype, self.owner, strides)

    def reshape(self, *shape):
        """The same numbers in another shape; contiguous arrays only."""
        if not self.is_contiguous or math.prod(shape) != self.size:
            raise ValueError(f"no view of {self} has the shape {shape}")
        return DeviceArray(self.address, shape, self.dtype, self.owner)

    def swap_time_batch(self):
        """The array with its first two axes exchanged, over the same memory."""
        (a, b, *shape), (i, j, *strides) = self.shape, self.strides
        return DeviceArray(self.address, (b, a, *shape), self.dtype, self.owner, (j, i, *strides))

    def copy_to_host(self):
        """A NumPy array, once the GPU has done all that was asked of it."""
        if not self.size:
            return np.empty(self.shape, self.dtype)
        spans = [(n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True)]
        before = sum(span for span in spans if span < 0)
        memory = np.empty(sum(map(abs, spans)) + self.dtype.itemsize, np.uint8)
        copy_to_host(memory, self.address + before)
        return np.ascontiguousarray(np.ndarray(self.shape, self.dtype, memory, -before, self.strides))


def over(value):
    """A `DeviceArray` over another library's array; of the simulator's, which are NumPy arrays within."""
    interface = getattr(value, "__cuda_array_interface__", None) or value._ary.__array_interface__
    shape, dtype, strides = tuple(interface["shape"]), np.dtype(interface["typestr"]), interface.get("strides")
    if interface.get("stream") not in (None, LEGACY):
        wait_for_stream(interface["stream"])
    return DeviceArray(interface["data"][0] or 0, shape, dtype, value, strides and tuple(strides))


def upload(array, to):
    """Copy a NumPy array to a contiguous device array of its shape and dtype."""
    copy_from_host(to.address, np.ascontiguousarray(array, to.dtype))
