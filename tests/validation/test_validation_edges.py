"""Long sequences, numbers at the edges, and central differences of the kernels."""

from importlib import import_module

import numpy as np
import pytest

from validation import cases, differences, long, measured, peers, references, suite
from validation.peers import gradcheck
from validation.report import record
from validation.selection import Selection


def failed(found):
    return [result for result in found if not result.ok]


def hard(cell, kind):
    return [case for case in long.hard_cases(cell) if case.kind == kind]


def test_every_plain_cell_runs_a_thousand_steps_in_the_whole_suite():
    for name, module in references.load().items():
        assert [case.shape.T for case in long.long_cases(name)] == (
            [] if hasattr(module, "examples") else [*long.STEPS]
        )


def test_errors_stand_beside_those_of_a_peer():
    pytest.importorskip("torch", reason="needs PyTorch")
    case = next(case for case in long.long_cases("LSTMCell") if case.shape.T == 30)
    found = list(long.results([case], "numpy", ("float64", "float32"), ("torch",)))
    theirs = [result for result in found if result.program == "PyTorch"]
    assert not failed(found) and all(np.isinf(result.bound) and result.dtype == "float32" for result in theirs)
    assert {"outputs", "d_kernel", "d_bias"} <= {result.quantity for result in theirs}
    assert 1e-9 < max(result.error for result in theirs) < 1e-5


@pytest.mark.parametrize("kind", ["saturated", "no valid step", "denormal", "exploding"])
def test_numbers_at_the_edges(kind):
    found = list(long.results(hard("LSTMCell", kind), "numpy", ("float64", "float32")))
    assert found and not failed(found)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_denormal_numbers_are_denormal(dtype):
    (case,) = hard("SimpleRNNCell", "denormal")
    problem = long.changed(case, dtype).as_type(dtype)
    outputs = measured.forward(problem, "numpy").outputs
    assert 0 < np.median(abs(outputs)) < abs(outputs).max() < 4 * np.finfo(dtype).tiny
    assert np.median(abs(outputs)) < np.finfo(dtype).tiny


def test_gradients_explode():
    (case,) = hard("SimpleRNNCell", "exploding")
    found = measured.values(long.changed(case, "float32").as_type("float32"), "numpy")
    assert (
        1e15 < abs(found["all"]["d_inputs", None]).max() < np.inf and abs(found["forward"]["outputs", None]).max() < 1
    )


def test_a_rounding_without_a_valid_step_is_found(monkeypatch):
    values = measured.values

    def wrong(problem, device):
        found = values(problem, device)
        found["all"]["d_bias", "f"][0] += 1e-30
        return found

    monkeypatch.setattr(long.measured, "values", wrong)
    found = failed(long.results(hard("LSTMCell", "no valid step")[:1], "numpy", ("float64",)))
    assert [(result.quantity, result.gate) for result in found] == [("d_bias", "f")]


def test_kernels_agree_with_their_own_differences():
    for name in ("LSTMCell", "MultiRNNCell", "DropoutWrapper"):
        same = [case for case in cases.cases_of(name, quick=True) if differences.has(case)][:6]
        found = list(differences.results(same, "numpy"))
        assert len(found) >= 12 and not failed(found)


def test_a_wrong_gradient_differs_from_the_differences(monkeypatch):
    values = measured.values

    def wrong(problem, device):
        found = values(problem, device)
        found["all"] = {key: array * (1 + 1e-4) for key, array in found["all"].items()}
        return found

    monkeypatch.setattr(differences.measured, "values", wrong)
    assert len(failed(differences.results(cases.cases_of("GRUCell", quick=True)[:1], "numpy"))) == 3


def test_straight_through_gradients_are_no_derivatives():
    (case, *_) = cases.fitted(references.load()["LSTMBlockCell"], {"cell_clip": 0.5}, cases.SMALL, cases.Call())
    assert not differences.has(case)


def test_gradcheck_passes_and_names_what_does_not(monkeypatch):
    pytest.importorskip("torch", reason="needs PyTorch")
    module = import_module("torch.autograd.gradcheck")
    same = list(filter(gradcheck.has, cases.cases_of("SimpleRNNCell", quick=True)))[:1]
    (found,) = gradcheck.results(same)
    assert found.ok and found.against == "PyTorch's gradcheck"
    assert "--peers torch" in record.command(found, quick=True)

    def refuse(*_, **__):
        raise module.GradcheckError("Jacobian mismatch for output 0\nmore")

    monkeypatch.setattr(module, "gradcheck", refuse)
    (found,) = gradcheck.results(same)
    assert not found.ok and found.quantity == "Jacobian mismatch for output 0"


def test_a_selection_finds_all_of_them():
    chosen = Selection(quick=True, cells=("LSTMCell",), peers=peers.installed(["torch"]))
    for check in ("long", "hard", "differences"):
        assert list(suite.CHECKS[check](chosen)), check
