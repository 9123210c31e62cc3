"""Kernels that different processes have kept work side by side in a third."""

import os
import subprocess
import sys

import pytest
from numba import config

KERNELS = """
import ctypes, math, sys
from numba import types
from numba.extending import register_jitable
from numbarnn.runtime.compile import compiled

def made(scale):
    @register_jitable
    def inner(x):
        for k in range(3):  # large enough not to be inlined
            x = math.sin(x) + scale * math.cos(x) + math.exp(-x * x) + math.tanh(x) + math.atan(x) + math.log1p(x * x)
            x = x + math.cosh(x) / math.sinh(x + 1.5) + math.erf(x) + math.expm1(-abs(x)) + math.hypot(x, scale)
        return x

    def outer(x):
        return inner(x) + inner(-x)

    return outer

for scale in map(float, sys.argv[1:]):
    function = made(scale)
    address = compiled(types.float64(types.float64), function)
    value = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(0.3)
    assert abs(value - function(0.3)) < 1e-12, (scale, value, function(0.3))
"""


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_functions_of_one_name_in_kernels_kept_by_two_processes_are_not_mixed_up(tmp_path):
    environment = os.environ | {"NUMBARNN_CACHE_DIR": str(tmp_path)}
    for scales in (["1"], ["2"], ["1", "2"]):
        done = subprocess.run([sys.executable, "-c", KERNELS, *scales], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.kernel"))) == 2
