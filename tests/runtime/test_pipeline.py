"""Kernels take passes and libraries of our own; a Numba without what these use compiles them in its usual way."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from numba import config
from numba.core.registry import cpu_target

from numbarnn.runtime import pipeline

STEP = """
import numpy as np, numbarnn as nr
from numbarnn.runtime import libraries, pipeline
{change}
cell = nr.SimpleRNNCell(3)
run = nr.forward(cell, cell.init_params(2, rng=0), np.ones((2, 3, 2), "f4"))
print(run.backward(run.outputs).params["kernel"].tobytes().hex())
"""


def first_step(folder, change):
    environment = {**os.environ, "NUMBARNN_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", STEP.format(change=change)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, done.stderr


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_a_numba_without_what_is_used_compiles_in_its_usual_way(tmp_path):
    gradient, errors = first_step(tmp_path / "ours", "")
    assert not errors
    same, errors = first_step(tmp_path / "usual", "pipeline.USED = libraries.USED + ('_codegen._renamed',)")
    assert same == gradient
    assert errors.count("RuntimeWarning: numbarnn: this Numba compiles kernels slowly: ") == 1


@pytest.mark.parametrize("passes", ["typed_passes", "untyped_passes"])
def test_a_numba_without_a_pass_is_not_usable(passes, monkeypatch):
    pipeline.missing.cache_clear()
    assert pipeline.usable(cpu_target.target_context)
    pipeline.missing.cache_clear()
    monkeypatch.setattr(pipeline, passes, SimpleNamespace())
    with pytest.warns(RuntimeWarning, match="numbarnn: this Numba compiles kernels slowly: .* no attribute"):
        assert not pipeline.usable(cpu_target.target_context)
    pipeline.missing.cache_clear()
