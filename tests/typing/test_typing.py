"""Whoever writes against the library sees its types: pyright reports nothing on programs and on documented code."""

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_"))


def pyright(folder):
    """What pyright (basic) reports on a folder of code that uses the installed package, and its exit code."""
    pytest.importorskip("pyright", reason="pyright comes with the extra dev")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "basic"}')
    command = [sys.executable, "-m", "pyright", "--warnings", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_runs(path, capsys):
    runpy.run_path(str(path))
    assert capsys.readouterr().out


def test_nothing_is_reported_on_programs_and_documented_code(tmp_path):
    for text in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for i, code in enumerate(re.findall(r"^```python\n(.*?)^```", text.read_text(), re.MULTILINE | re.DOTALL)):
            if any(f"import {name}\n" in code and not find_spec(name) for name in ("torch", "jax")):
                continue
            (tmp_path / f"{text.stem}_{i}.py").write_text(code)
    for path in PROGRAMS:
        (tmp_path / path.name).write_text(path.read_text())
    code, report = pyright(tmp_path)
    assert (code, len(PROGRAMS)) == (0, 6), report


def test_mistakes_are_reported(tmp_path):
    """An option that is not there, one of the wrong type, and a name that the package does not have."""
    (tmp_path / "mistakes.py").write_text(
        "import numbarnn as nr\n"
        "nr.LSTMCell(64, forget_bais=1.0)\n"
        "nr.layers.LSTM('64')\n"
        "nr.LSTMCel(64)\n"
        "nr.Sequential([]).compile(optimizer=3)\n"
    )
    code, report = pyright(tmp_path)
    assert code == 1
    assert sorted(map(int, re.findall(r"mistakes\.py:(\d+):", report))) == [2, 3, 4, 5], report
