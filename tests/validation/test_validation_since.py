"""--since: what a change can reach."""

from pathlib import Path

import pytest

import numbarnn
from validation import __main__ as program
from validation import since, suite
from validation.catalogue import cells
from validation.selection import Selection

PACKAGE = Path(numbarnn.__file__).parent


def reached(*files):
    return since.reached(Selection(), files, suite.CHECKS)


def test_each_part_of_the_package_is_behind_all_cells_some_or_none():
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert sorted([*since.SHARED, *since.OWN, *since.INTEROP, *since.BESIDE]) == sorted(parts)


def test_a_change_of_a_cell_reaches_it_and_what_is_made_of_it():
    chosen = reached("numbarnn/cells/gru.py", "docs/cells.md", "tests/cells/test_gru.py")
    assert {"GRUCell", "GRUBlockCell"} <= chosen.reached and not {"LSTMCell", "MGUCell"} & chosen.reached
    assert "vectors" not in chosen.checks and "cells" in chosen.checks
    stacks = suite.planned("Bidirectional", chosen)
    assert stacks and all("GRUCell" in case.node.cells or "GRUBlockCell" in case.node.cells for case in stacks)
    assert not suite.planned("LSTMCell", chosen)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("numbarnn/cells/_lstm.py", {"LSTMCell", "BasicLSTMCell", "LayerNormLSTMCell", "GridLSTMCell"}),
        ("validation/references/mgu.py", {"MGUCell"}),
        ("numbarnn/wrappers/zoneout.py", {"ZoneoutWrapper", "DropoutWrapper"}),
    ],
)
def test_a_helper_reaches_all_who_import_it(file, names):
    chosen = reached(file)
    assert names <= chosen.reached < frozenset(cells())


@pytest.mark.parametrize("file", ["numbarnn/maths.py", "numbarnn/engines/cpu/gemm.py", "validation/truth.py"])
def test_what_is_behind_every_cell_reaches_all(file):
    assert reached(file, "numbarnn/cells/gru.py") == Selection()


@pytest.mark.parametrize("file", ["docs/cells.md", "numbarnn/layers/gru.py", "tests/test_face.py", "README.md"])
def test_what_no_result_depends_on_reaches_nothing(file):
    assert reached(file) is None


def test_the_command_says_if_there_is_nothing_to_run(monkeypatch, capsys):
    monkeypatch.setattr(since, "changed", lambda commit: ["docs/cells.md"])
    assert program.main(["--since", "HEAD"]) == 0
    assert "1 files differ from HEAD; none is behind a result" in capsys.readouterr().out


def test_an_unknown_commit_ends_in_a_sentence(capsys):
    with pytest.raises(SystemExit):
        program.main(["--since", "no-such-commit"])
    assert "no-such-commit" in capsys.readouterr().err
