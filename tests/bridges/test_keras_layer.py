"""`nr.keras.RNN` in models of Keras 3, on each backend in a process of its own."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import numbarnn as nr

pytest.importorskip("keras", reason="needs Keras (pip install keras)")
ROOT = Path(__file__).parents[2]


def on(backend, *arguments):
    """Run Python with Keras on this backend."""
    if not find_spec(backend):
        pytest.skip(f"needs the package {backend} (pip install {backend})")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *sys.path]),
    }
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=600)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_checks_of_the_layer(backend, tmp_path):
    shown = on(backend, "-m", "helpers.keras_layer", tmp_path)
    assert shown.returncode == 0, shown.stderr


def test_another_backend_is_refused_in_one_sentence():
    shown = on("tensorflow", "-c", "import numbarnn as nr; nr.keras.RNN(nr.LSTMCell(4))")
    last = shown.stderr.strip().splitlines()[-1]
    assert "InputError: nr.keras.RNN: expected Keras on PyTorch or JAX" in last and "got tensorflow" in last


def test_keras_is_imported_at_first_use():
    check = (
        "import sys, numbarnn as nr; nr.keras, dir(nr.keras); assert not {'keras', 'jax', 'torch'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_missing_keras_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError, match=r"pip install 'numbarnn\[keras\]'"):
        nr.keras.RNN  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'LSTM'"):
        nr.keras.LSTM  # noqa: B018
