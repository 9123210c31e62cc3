"""The same results on other processors, threading layers and without the compiler; each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AVX2 = "+avx,+avx2,+fma,+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+bmi,+bmi2,+f16c,+64bit,+cmov,+cx8,+fxsr,+mmx"
SETTINGS = {
    "generic x86-64": ({"NUMBA_CPU_NAME": "generic"}, "bytes 16"),
    "AVX2": ({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2}, "bytes 32"),
    "one thread": ({"NUMBA_NUM_THREADS": "1"}, "bytes"),
    "workqueue": ({"NUMBA_THREADING_LAYER": "workqueue"}, "threads workqueue"),
}


def python(*arguments, **environment):
    """Standard output of a Python process in the tests' folder."""
    variables = {**os.environ, **environment}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], env=variables, timeout=900
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    variables, expected = SETTINGS[name]
    if name in ("generic x86-64", "AVX2") and os.uname().machine != "x86_64":
        pytest.skip("settings of x86-64 processors")
    assert expected in python("-m", "helpers.digest", *(["threads"] if name == "workqueue" else []), **variables)


def test_without_compiler():
    code = "from helpers.problems import Problem; import numbarnn as nr; "
    code += "p = Problem(nr.LSTMCell(5), 4, 3, 2, 'float32'); r = p.results(); "
    code += "print(r['d kernel'].dtype, r['outputs'].shape)"
    assert python("-c", code, NUMBA_DISABLE_JIT="1") == "float32 (3, 4, 5)\n"
