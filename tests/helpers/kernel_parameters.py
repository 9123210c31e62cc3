"""Prints, for a kernel with arguments of every kind, the parameters in its PTX and those that `device` hands on.

Run in a process of its own, without the simulator: PYTHONPATH=. python tests/cuda/kernel_parameters.py
"""

import re

import numpy as np
from numba import cuda

from helpers.cubins import without_driver
from numbarnn.engines.cuda.device import codes_of, numba_type

REAL, BYTE, BOOLEAN = map(np.dtype, ("float32", "uint8", "bool"))
KINDS = (
    *((REAL, 4, True), (REAL, 3, False), bool, (BYTE, 2, True), ()),
    *(((REAL, 3, True), (REAL, 1, True)), (BOOLEAN, 2, True), int, int),
)
CODES = {"u64": "q", "s64": "q", "b64": "q", "u8": "?", "b8": "?"}


def kernel(a, b, flag, c, nothing, pair, d, t, t0):
    if flag and d[t0, t0]:
        a[0, 0, 0, t] = b[t, t0, 0] + c[t, t0] + pair[0][0, 0, t] + pair[1][t0]


if __name__ == "__main__":
    with without_driver():
        ptx, _ = cuda.compile_ptx(kernel, tuple(map(numba_type, KINDS)), cc=(9, 0))
    print("".join(CODES[kind] for kind in re.findall(r"\.param \.(?:align \d+ )?\.?(\w+)", ptx)))
    print("".join(map(codes_of, KINDS)))
