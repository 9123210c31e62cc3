"""Check arrays of a caller before they are written in place."""

import itertools

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..errors import InputError


def check_writable(caller, arrays):
    """Check {(what, name): array} that are written in place: writeable NumPy arrays that share no memory.

    A kernel writes to addresses: it would change a bytes object or a read-only file that an array is made of. Raises
    `InputError` with what and name.
    """
    if owners_of_plain(arrays.values()) is not None:
        return
    for names, array in arrays.items():
        _check_layout(caller, names, array)
    _check_apart(caller, arrays)


def owners_of_plain(arrays):
    """Return the ids of the arrays that own the memory of these, if all pass `check_writable` at first sight.

    They do if they are contiguous and each has an owner of its own; None if that is not known.
    """
    owners, count = set(), 0
    for array in arrays:
        if type(array) is not np.ndarray or not array.flags.carray:
            return None
        base = array.base
        if base is not None and type(base) is not np.ndarray:
            return None
        owners.add(id(array if base is None else base))
        count += 1
    return owners if len(owners) == count else None


def _check_layout(caller, names, array):
    expected = f"{caller}: expected {' '.join(names)} to be a writeable NumPy array"
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise InputError(f"{expected}, got {type(array).__name__}")
    if not array.flags.writeable:
        raise InputError(f"{expected}, got one that is read-only")
    if not array.flags.aligned:
        raise InputError(f"{expected}, got one that is not aligned")
    if not array.size:
        return
    inside = 0  # bytes from the first to behind the last number along the axes so far
    for stride, length in sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride < max(inside, array.itemsize):
            raise InputError(f"{expected}, got one whose numbers overlap")
        inside = max(inside, array.itemsize) + stride * (length - 1)


def _check_apart(caller, arrays):
    by_start = sorted((*byte_bounds(array), names) for names, array in arrays.items())
    for i, (_, end, names) in enumerate(by_start):
        for _, _, others in itertools.takewhile(lambda bounds, end=end: bounds[0] < end, by_start[i + 1 :]):
            if np.shares_memory(arrays[names], arrays[others]):
                both = f"{' '.join(names)} and {' '.join(others)}"
                raise InputError(f"{caller}: expected {both} to be arrays of their own, got shared memory")
