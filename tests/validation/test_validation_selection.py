"""What of the suite is run, and what it says of failures."""

from dataclasses import replace

import numpy as np
import pytest

from validation import __main__ as program
from validation import cases, suite
from validation.cases import Shape
from validation.compare import Result
from validation.report import record, text
from validation.report.order import from_cause
from validation.selection import Selection

RIGHT = Result("GRUCell", {}, "float64", "cpu", {"T": 5}, "autograd", "outputs", None, 0.0, 1.0, 1, "cells")


def wrong(**changes):
    return replace(RIGHT, **({"error": 2.0} | changes))


def test_lists_choose_cells_options_dtypes_shapes_and_checks(capsys, monkeypatch):
    chosen = []
    monkeypatch.setattr(suite, "run", lambda selection, *_: chosen.append(selection) or [RIGHT])
    words = "--cell LSTMCell,dynamic_rnn --option cell_clip,activation=relu --dtype float32 --shape 5x3x4x7,1x1x1x1"
    assert program.main([*words.split(), "--check", "cells,unrolling", "--case", "7,8", "--device", "numpy,njit"]) == 0
    assert chosen == [
        Selection(
            cells=("LSTMCell", "dynamic_rnn"),
            options=("cell_clip", "activation=relu"),
            dtypes=("float32",),
            shapes=(Shape(5, 3, 4, 7), Shape(1, 1, 1, 1)),
            checks=("cells", "unrolling"),
            seeds=(7, 8),
            devices=("numpy", "njit"),
        )
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--cell LSTM", "got 'LSTM'"),
        ("--option no_such=1", "got 'no_such=1'"),
        ("--shape 5x3x4", "expected shapes like 5x3x4x7, got '5x3x4'"),
        ("--case first", "expected numbers of cases, got 'first'"),
        ("--cell LSTMCell --case 1 --check cells", "no case is like that"),
    ],
)
def test_what_is_not_there_ends_in_a_sentence(words, said, capsys):
    with pytest.raises(SystemExit):
        program.main(words.split())
    assert said in capsys.readouterr().err


def test_a_selection_holds_the_cases_that_it_names():
    clipped = [case for case in cases.cases_of("LSTMCell") if "cell_clip" in case.options]
    assert suite.planned("LSTMCell", Selection(options=("cell_clip",))) == clipped
    assert all(not case.options for case in suite.planned("LSTMCell", Selection(options=("default",))))
    for case in suite.planned("LSTMCell", Selection(options=("cell_clip=0.2",), shapes=(cases.SMALL,))):
        assert case.options["cell_clip"] == 0.2 and case.shape == cases.SMALL
    one = suite.planned("LSTMCell", Selection(seeds=(clipped[0].seed,)))
    assert {case.seed for case in one} == {clipped[0].seed}


def test_the_command_beside_a_failure_repeats_it(capsys):
    results = suite.run(Selection(quick=True, cells=("MGUCell",), checks=("cells",), devices=("numpy",)))
    one = results[len(results) // 2]
    arguments = record.command(one, quick=True).split()[3:]
    assert program.main(arguments) == 0
    assert text.comparisons([one]) in capsys.readouterr().out


def test_failures_nearest_to_the_cause_come_first():
    causes = [
        wrong(shape={"T": 1}, quantity="gates", gate="r"),
        wrong(shape={"T": 1}, error=9.0),
        wrong(shape={"T": 1}, quantity="d_bias", gate="r", error=4.0),
        wrong(shape={"T": 1}, quantity="d_bias", gate="z", error=3.0),
        wrong(shape={"T": 1}, quantity="d_inputs", error=8.0),
        wrong(error=7.0),
        wrong(error=np.inf, quantity="d_inputs"),
    ]
    for shuffle in range(9):
        mixed = [causes[i] for i in np.random.default_rng(shuffle).permutation(len(causes))]
        assert sorted(mixed, key=from_cause) == causes


def test_failures_that_are_not_shown_are_counted():
    shown = text.failures([wrong(quantity=f"q{i}") for i in range(25)] + [wrong(cell="MGUCell", error=1.5)])
    assert "... and 6 more (GRUCell 5, MGUCell 1)" in shown and shown.count("FAILED") == 20


def test_an_error_of_another_program_is_measured_and_does_not_fail():
    measured = wrong(program="PyTorch", bound=np.inf)
    assert measured.ok and measured.as_json["bound"] is None
    assert "PyTorch" not in text.table([measured, RIGHT]) and "error 2" in text.comparisons([measured])
