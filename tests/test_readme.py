"""The README's code runs, its commands are what CI runs, and its table names every cell."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import numbarnn as nr

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SHELL = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_block_runs(number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[number], f"README.md, block {number}", "exec"), {})


def test_there_is_a_short_library_example():
    assert len(PYTHON) == 5 and len(PYTHON[0].splitlines()) <= 17


def test_the_two_commands_stand_near_the_top_complete_in_one_line_each():
    train, test = SHELL[:2]
    for command, end in ((train, "-m numbarnn train\n"), (test, "-m pytest\n")):
        assert command.startswith("python3 -m venv ") and "pip install" in command
        assert command.endswith(end) and command.count("\n") == 1
        assert README[: README.index(command)].count("\n") < 25


def test_ci_runs_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    called = [line.split('"')[1] for line in script.splitlines() if line.startswith("readme ")]
    assert called == ["-m numbarnn train", "-m pytest"]
    pattern = re.search(r'grep -m1 -e "(.*?)" README', script)[1]
    for end, command in zip(called, SHELL, strict=False):
        found = re.search(pattern.replace("$1", end).replace("\\$", "$"), README, re.MULTILINE)
        assert found and found[0] + "\n" == command
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"]).returncode == 0


def test_table_names_every_cell_with_its_options():
    rows = {row.split("`")[1]: row for row in README.splitlines() if row.startswith("| `")}
    as_before = ("BidirectionalGridLSTMCell",)  # the row refers to the one before
    for name, cell in (nr.cells.CELLS | nr.cells.COMPOSITE_CELLS).items():
        if cell.__module__.startswith("numbarnn."):  # others may come from other tests
            options = [field.name for field in dataclasses.fields(cell) if field.init and field.name != "units"]
            assert name in rows and (name in as_before or all(f"`{option}`" in rows[name] for option in options)), name
    assert all(f"`{name}`" in README for name in nr.wrappers.WRAPPERS)


def test_commands_it_mentions_exist():
    for module in sorted(set(re.findall(r"python -m ([\w.]+)", README)) - {"venv", "pytest"}):
        shown = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
        assert shown.returncode == 0 and "usage" in shown.stdout, module
