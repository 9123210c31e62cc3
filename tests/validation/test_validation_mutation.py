"""Planted errors: the table fits the sources, a sample of them is found, and what cannot be found is no error."""

import json
from collections import Counter
from pathlib import Path

import pytest

import numbarnn
from validation import __main__ as program
from validation.mutation import planted, run

PACKAGE = Path(numbarnn.__file__).parent


@pytest.mark.parametrize(
    "change", [*planted.MUTANTS, *planted.EQUIVALENT], ids=lambda c: getattr(c, "name", c.new[:30])
)
def test_each_text_to_change_stands_once_in_its_file(change):
    assert (PACKAGE / change.file).read_text().count(change.old) == 1 and change.new != change.old


def test_all_areas_have_errors_and_each_has_a_name_of_its_own():
    areas = {
        "gates",
        "equations",
        "layer norm",
        "derivatives",
        "vector functions",
        "masks and lengths",
        "resets",
        "cuts",
    }
    areas |= {"truncation", "packing", "tiles", "blocks of the backward pass", "projection", "wrappers"}
    areas |= {"interop tables"}
    assert areas <= {mutant.area for mutant in planted.MUTANTS} and len(planted.MUTANTS) >= 40
    assert max(Counter(mutant.name for mutant in planted.MUTANTS).values()) == 1


@pytest.mark.parametrize("name", planted.SAMPLE)
def test_the_suite_finds_a_planted_error(name):
    outcome = run.outcome_of(planted.BY_NAME[name])
    assert outcome.caught and outcome.failed > 0 and outcome.by["error"] != 0, outcome.by


def test_a_sign_in_the_reset_gate_is_reported_as_the_reset_gate():
    first = run.outcome_of(planted.BY_NAME["gru-r-sign"]).by
    assert (first["cell"], first["gate"], first["shape"]["T"]) == ("GRUCell", "r", 1)


def test_what_does_not_run_is_not_caught(tmp_path):
    broken = planted.Mutant("broken", "", "cells/gru.py", "class GRUCell(Cell)", "class GRUCell(", planted.GRU)
    outcome = run.outcome_of(broken)
    assert not outcome.caught and "SyntaxError" in outcome.by


def test_an_error_that_is_missed_fails_the_command(tmp_path, monkeypatch, capsys):
    harmless = planted.Mutant("harmless", "", "cells/gru.py", "import cache", "import cache  # as before", planted.GRU)
    monkeypatch.setattr(planted, "MUTANTS", (harmless,))
    file = tmp_path / "mutants.json"
    assert program.main(["--mutate", "harmless", "--json", str(file)]) == 1
    printed, written = capsys.readouterr().out, json.loads(file.read_text())
    assert "MISSED harmless" in printed and "0 of 1 planted errors caught" in printed
    assert (written["caught"], written["missed"]) == (0, 1) and written["mutants"][0]["mutant"]["name"] == "harmless"


def test_errors_that_only_a_missing_peer_can_find_are_not_planted(monkeypatch, capsys):
    monkeypatch.setattr(program.peers, "missing", lambda name: ["torch"] if name == "torch" else [])
    assert program.main(["--mutate", "torch-lstm-gates"]) == 0
    assert "Not planted: 1 errors, whose cases need torch\n0 of 0 planted errors caught" in capsys.readouterr().out


def test_no_error_is_planted_where_the_suite_fails_already():
    unfit = planted.Mutant("unfit", "", "cells/gru.py", "a", "b", "--cell GRUCell --case 1")
    with pytest.raises(RuntimeError, match="--case 1"):
        run.run([unfit])
