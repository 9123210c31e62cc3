"""The promise of the design: a new cell is a file in numbarnn/cells and one in validation/references, nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

CELL = '''"""Minimal leaky cell: g = sigma(x W_g + h R_g + b_g), c = tanh(x W_c + h R_c + b_c), h' = g h + (1 - g) c."""

from dataclasses import KW_ONLY, dataclass

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import d_sigmoid, d_tanh, one, sigmoid, tanh
from .base import Cell


@register_jitable
def forward(z, s):
    g, c = sigmoid(z[0]), tanh(z[1])
    return (g * s[0] + (one(g) - g) * c,), (g, c)


@register_jitable
def backward(saved, s, s1, ds1):
    g, c = saved
    dh = ds1[0]
    return (dh * (s[0] - c) * d_sigmoid(g), dh * (one(g) - g) * d_tanh(c)), (dh * g,)


@dataclass(frozen=True)
class ToyCell(Cell):
    """A gate and a candidate."""

    _: KW_ONLY
    use_bias: bool = True

    inputs = {"g": "xh", "c": "xh"}
    saved = ("g", "c")

    @property
    def equations(self):
        return Equations(forward, backward)
'''

REFERENCE = '''"""The toy cell."""

import autograd.numpy as np

CELL = "ToyCell"
OPTIONS = {"use_bias": (False,)}


def step(params, x, state, f, *, use_bias=True):
    W_g, W_c = np.split(params["kernel"], 2, axis=1)
    U_g, U_c = np.split(params["recurrent_kernel"], 2, axis=1)
    b_g, b_c = np.split(params["bias"], 2) if use_bias else (0.0, 0.0)
    g = f["sigmoid"](x @ W_g + state["h"] @ U_g + b_g)
    c = f["tanh"](x @ W_c + state["h"] @ U_c + b_c)
    h = g * state["h"] + (1 - g) * c
    return h, {"h": h}, {"g": g, "c": c}
'''


def validate(folder):
    """Exit code and results of the suite on ToyCell in a copy of the project."""
    arguments = ["--quick", "--cell", "ToyCell", "--device", "cpu", "--json", "results.json"]
    done = subprocess.run([sys.executable, "-m", "validation", *arguments], cwd=folder, capture_output=True, text=True)
    assert (folder / "results.json").exists(), done.stderr
    return done.returncode, json.loads((folder / "results.json").read_text())


def test_two_files_make_a_cell(tmp_path):
    for package in ("numbarnn", "validation"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "numbarnn/cells/toy.py").write_text(CELL)
    code, results = validate(tmp_path)
    assert code == 1 and "no reference" in results["cases"][0]["quantity"]

    (tmp_path / "validation/references/toy.py").write_text(REFERENCE)
    code, results = validate(tmp_path)
    assert (code, results["failed"]) == (0, 0)
    assert {"g", "c"} == {case["gate"] for case in results["cases"] if case["quantity"] == "d_kernel" and case["gate"]}

    (tmp_path / "numbarnn/cells/toy.py").write_text(
        CELL.replace("dh * (s[0] - c) * d_sigmoid(g)", "dh * s[0] * d_sigmoid(g)")
    )
    code, results = validate(tmp_path)
    one_step = [case for case in results["cases"] if case["shape"]["T"] == 1 and case["quantity"] == "d_bias"]
    assert code == 1 and {case["gate"] for case in one_step if not case["ok"]} == {"g"}
