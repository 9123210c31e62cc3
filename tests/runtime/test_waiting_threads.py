"""How threads wait for work: GNU OpenMP gets a short spin, unless the environment says something else."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
from numbarnn.runtime.threads import available_threads
before = dict(os.environ)
available_threads()
assert dict(os.environ) == before
import numba
print(numba.threading_layer())
"""


def spin_count(**environment):
    """Return what GNU OpenMP says of its spin count when it is loaded."""
    kept = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    kept |= {"OMP_DISPLAY_ENV": "VERBOSE", "NUMBA_THREADING_LAYER": "omp", "NUMBA_NUM_THREADS": "2"} | environment
    found = subprocess.run([sys.executable, "-c", PROGRAM], env=kept, capture_output=True, text=True)
    lines = [line for line in found.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if found.returncode or found.stdout.strip() != "omp" or not lines:
        pytest.skip("no GNU OpenMP here, or one that does not say what it read")
    return lines[0].split("'")[1]


def test_threads_soon_sleep():
    assert spin_count() == "2000"


def test_the_environment_has_the_last_word():
    assert spin_count(GOMP_SPINCOUNT="77") == "77"
    assert spin_count(OMP_WAIT_POLICY="passive") not in ("2000", "77")
