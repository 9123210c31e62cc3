"""Run as a script: compare the compiled engine with plain NumPy on this process' settings, print what was used."""

import sys

import numba
import numpy as np

import numbarnn as nr
from helpers.problems import Problem, assert_close
from numbarnn.engines.cpu.elementwise import elementwise
from numbarnn.runtime import simd

for make in nr.CELLS.values():
    for dtype, bound in {"float32": 5e-6, "float64": 1e-13}.items():
        problem = Problem(make(37), 6, 20, 9, dtype)
        options = {"lengths": problem.lengths}
        assert_close(problem.results(**options), problem.results(device="numpy", **options), bound)
x = np.linspace(-30, 30, 1001)
for name, expected in {"tanh": np.tanh(x), "sigmoid": 1 / (1 + np.exp(-x)), "exp": np.exp(x)}.items():
    np.testing.assert_allclose(elementwise(name, x), expected, rtol=1e-15 if name == "sigmoid" else 2e-15)
if "threads" in sys.argv:
    import threading

    problem = Problem(nr.LSTMCell(40), 20, 30, 12, "float32")
    workers = [threading.Thread(target=lambda: [problem.run() for _ in range(20)]) for _ in range(3)]
    [w.start() for w in workers], [w.join() for w in workers]
    print("threads", numba.threading_layer(), end=" ")
print("bytes", simd.BYTES)
