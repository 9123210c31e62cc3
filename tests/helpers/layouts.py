"""Arrays as programs hand them over: any strides, byte order, alignment, owner and type.

`LAYOUTS` lays an array out in an odd way. Most keep its values; `zero strides` and `overlapping` must repeat some.
"""

import tempfile

import numpy as np
from numpy.lib.stride_tricks import as_strided


def fortran(rng, array):
    return np.asfortranarray(array)


def permuted(rng, array):
    """The axes in another order in memory."""
    order = rng.permutation(array.ndim)
    return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))


def apart(rng, array):
    """A part of a larger array: every second or third number along each axis, and a frame around it."""
    steps, before = rng.integers(1, 4, array.ndim), rng.integers(0, 3, array.ndim)
    lengths = [a + n * step + 1 for n, step, a in zip(array.shape, steps, before, strict=True)]
    index = tuple(slice(a, a + n * s, s) for n, s, a in zip(array.shape, steps, before, strict=True))
    larger = np.full(lengths, _garbage(array.dtype), array.dtype)
    larger[index] = array
    return larger[index]


def negative(rng, array):
    """Some axes backwards."""
    axes = tuple(axis for axis in range(array.ndim) if rng.random() < 0.6)
    return np.flip(np.ascontiguousarray(np.flip(array, axes)), axes)


def zero_strides(rng, array):
    """Some axes repeat one entry."""
    axes = [axis for axis in range(array.ndim) if rng.random() < 0.5]
    index = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(array.ndim))
    return np.broadcast_to(np.array(array[index]), array.shape) if array.size else array


def overlapping(rng, array):
    """Windows over one row of numbers, which share most of them."""
    steps = rng.integers(1, 4, array.ndim)
    reach = 1 + sum(int(step) * (n - 1) for step, n in zip(steps, array.shape, strict=True) if n)
    row = np.resize(np.ravel(array), reach).astype(array.dtype) if array.size else np.zeros(reach, array.dtype)
    return as_strided(row, array.shape, [int(step) * array.itemsize for step in steps])


def field(rng, array):
    """A field of a structured array, packed or aligned: its strides may be no multiples of the size of a number."""
    before = str(rng.choice(["u1", "i2", "f4", "f8", "S3"]))
    dtype = np.dtype([("before", before), ("it", array.dtype), ("after", "u1")], align=bool(rng.random() < 0.3))
    table = np.zeros(array.shape, dtype)
    table["it"] = array
    return table["it"]


def wide_field(rng, array):
    """A field that holds the last axis, or the last number of it."""
    if array.ndim < 2:
        return field(rng, array)
    table = np.zeros(array.shape[:-1], [("before", "i2"), ("it", array.dtype, array.shape[-1:]), ("after", "f8")])
    table["it"] = array
    return table["it"]


def unaligned(rng, array):
    return np.ndarray(array.shape, array.dtype, bytearray(b"." + array.tobytes()), 1)


def read_only(rng, array):
    array = array.copy()
    array.flags.writeable = False
    return array


def of_bytes(rng, array):
    """Numbers in a bytes object, which nobody may ever change."""
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) if array.size else array


def mapped(rng, array):
    """A memory-mapped file, to read or with writes that stay private."""
    if not array.size:
        return array
    with tempfile.TemporaryFile() as file:
        file.write(b"." * int(rng.integers(0, 9)) + array.tobytes())
        file.flush()
        at = file.tell() - array.nbytes
        return np.memmap(file, array.dtype, str(rng.choice(["r", "c"])), at, array.shape)


def subclass(rng, array):
    return array.view(Subclass)


def swapped(rng, array):
    """The other byte order."""
    return array.astype(array.dtype.newbyteorder())


def masked(rng, array):
    return np.ma.array(array, mask=rng.random(array.shape) < 0.3)


def offers_an_array(rng, array):
    """No array, but an object that can make one."""
    return Offers(array)


def odd_ones(rng, array):
    """Axes of length 1 with strides that mean nothing."""
    strides = [s if n > 1 else int(rng.integers(-99, 99)) for n, s in zip(array.shape, array.strides, strict=True)]
    return as_strided(array, array.shape, strides) if array.size else array


class Subclass(np.ndarray):
    """An array of another type."""


class Offers:
    """An object with `__array__`."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


KEPT = (fortran, permuted, apart, negative, field, wide_field, unaligned, read_only, of_bytes, mapped, subclass)
LAYOUTS = (*KEPT, zero_strides, zero_strides, overlapping, overlapping, odd_ones, offers_an_array)
REFUSED = (swapped, masked)


def laid_out(rng, array, share=0.7, layouts=LAYOUTS):
    """Lay an array out in a random way, or leave it as it is."""
    array = np.array(array)
    return layouts[rng.integers(len(layouts))](rng, array) if rng.random() < share else array


def odd_bytes(rng, mask):
    """Booleans whose true ones are not all the byte 1, as a view of integers has them."""
    return (mask.astype(np.uint8) * rng.choice([1, 2, 128, 255], mask.shape).astype(np.uint8)).view(bool)


class Watched:
    """The memory behind arrays, to the last byte, with what lies between their numbers."""

    def __init__(self):
        self.roots = {}

    def add(self, value):
        """Remember the memory of an array, or of the arrays in a tuple, list or dictionary; returns them."""
        for array in leaves(value):
            root = root_of(array)
            self.roots[id(root)] = root, root.tobytes()
        return value

    def assert_unchanged(self):
        assert all(root.tobytes() == before for root, before in self.roots.values()), "memory of the caller has changed"

    def assert_apart(self, results):
        """Nothing that comes back is memory of the caller."""
        for name, result in results.items():
            for root, _ in self.roots.values():
                assert not np.may_share_memory(result, root), f"{name} is memory of the caller"


def leaves(value):
    """Yield the arrays in nested tuples, lists and dictionaries."""
    if isinstance(value, Offers):
        value = value.array
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from leaves(part)


def root_of(array):
    """Return the array that owns the memory of another one, or looks at all of it."""
    while True:
        base = getattr(array.base, "base", array.base) if isinstance(array.base, memoryview) else array.base
        if not isinstance(base, np.ndarray):
            interface = getattr(base, "__array_interface__", None)  # of `as_strided`
            base = getattr(base, "base", None) if interface else None
        if base is None:
            return array
        array = base


def _garbage(dtype):
    """What no kernel may read."""
    return np.nan if dtype.kind == "f" else True if dtype.kind == "b" else np.iinfo(dtype).max
