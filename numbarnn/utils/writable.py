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
    owners = set()
    for names, array in arrays.items():
        if type(array) is not np.ndarray or not array.flags.carray:
            _check_layout(caller, names, array)
        base = array.base
        if base is None:
            owners.add(id(array))
        elif type(base) is np.ndarray:
            owners.add(id(base))
    if len(owners) < len(arrays):  # two of them have one owner, or it is not known whose memory they are
        _check_apart(caller, arrays)


def _check_layout(caller, names, array):
    expected = f"{caller}: expected {' '.join(names)} to be a writeable NumPy array"
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise InputError(f"{expected}, got {type(array).__name__}")
    if not array.flags.writeable:
        raise InputError(f"{expected}, got one that is read-only")
    if not array.flags.aligned:
        raise InputError(f"{expected}, got one that is not aligned")
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
