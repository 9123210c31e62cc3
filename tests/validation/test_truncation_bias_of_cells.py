"""The bias of truncated BPTT in the suite: from RTRL, falling with the window, and none where it holds all steps."""

import numpy as np
import pytest

from validation import identities, references, suite
from validation.compare import GRADIENT
from validation.report import figures, matrix
from validation.selection import Selection


def results(name, device="numpy"):
    (case,) = identities.bias_cases(name)
    return list(identities.bias_results(case, device))


@pytest.mark.parametrize("name", ["SimpleRNNCell", "ResetAfterGRUCell"])
def test_the_bias_falls_with_the_window_and_ends_where_it_holds_all_steps(name):
    found = results(name)
    errors = [r.error for r in found]
    assert [r.shape["truncate"] for r in found] == [(1, window) for window in identities.WINDOWS]
    assert errors == sorted(errors, reverse=True) and errors[0] > 0.1 and errors[-1] < 1e-14
    assert [r.bound for r in found] == [np.inf] * 6 + [GRADIENT["float64"]]


def test_the_truth_is_not_our_backward_pass(monkeypatch):
    gradients_of = identities.rtrl.gradients_of

    def wrong(problem, cotangents):
        found = gradients_of(problem, cotangents)
        found["outputs"]["params"]["bias"] *= 1.1
        return found

    monkeypatch.setattr(identities.rtrl, "gradients_of", wrong)
    assert not results("SimpleRNNCell")[-1].ok


def test_every_plain_cell_has_a_curve():
    for name, module in references.load().items():
        assert bool(identities.bias_cases(name)) == (not hasattr(module, "examples"))
    tasks = suite.truncation_tasks(Selection(quick=True, cells=("GRUCell", "MGUCell"), checks=("truncation",)))
    assert [task.name for task in tasks if task.function is identities.bias_results] == ["GRUCell, bias"]


def test_the_page_draws_what_was_measured_and_holds_only_the_end_to_a_bound():
    found = results("SimpleRNNCell")
    drawn = figures.bias([(found, False)])
    assert drawn.count("<circle") == len(identities.WINDOWS) and "SimpleRNNCell" in drawn
    assert [matrix.is_ours(r) for r in found] == [False] * 6 + [True]
