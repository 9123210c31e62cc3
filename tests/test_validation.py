"""The validation suite itself: it passes, and it finds what is planted."""

import ast
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numba import config

import numbarnn as nr
from numbarnn.cells import CELLS
from validation import __main__ as program
from validation import activations, cases, compare, problem, references, suite
from validation.unrolled import unroll

REFERENCES = references.load()
VALIDATION = Path(problem.__file__).parent


def test_quick_run_passes_and_writes_the_promised_json(tmp_path, capsys):
    file = tmp_path / "results.json"
    assert program.main(["--quick", "--json", str(file)]) == 0
    content = json.loads(file.read_text())
    assert content.keys() == {"passed", "failed", "environment", "cases"}
    assert content["failed"] == 0 and content["passed"] == len(content["cases"])
    keys = {"cell", "options", "dtype", "device", "shape", "against", "quantity", "gate", "error", "bound", "ok"}
    assert all(case.keys() == keys for case in content["cases"])
    assert {case["cell"] for case in content["cases"]} >= ({*CELLS} if config.DISABLE_JIT else {*CELLS, "vector tanh"})
    assert {case["dtype"] for case in content["cases"]} == {"float32", "float64"}
    gates = {(case["quantity"], case["gate"]) for case in content["cases"] if case["cell"] == "ResetAfterGRUCell"}
    assert {("d_kernel", gate) for gate in "rzn"} | {("d_recurrent_kernel", gate) for gate in "rzm"} < gates
    assert {("d_bias", gate) for gate in "rznm"} < gates and ("d_kernel", "m") not in gates
    assert f"{content['passed']} passed, 0 failed" in capsys.readouterr().out


def test_an_error_in_the_gradient_of_one_gate_is_found_there_and_only_there(monkeypatch, capsys):
    forward = nr.forward

    class Wrong:
        def __init__(self, run):
            self.run = run

        def __getattr__(self, name):
            return getattr(self.run, name)

        def backward(self, *cotangents):
            grads = self.run.backward(*cotangents)
            units = self.run.outputs.shape[-1]
            grads.params["recurrent_kernel"][-1, units] *= 1 + 1e-3  # last row, first column of the forget gate
            return grads

    monkeypatch.setattr(nr, "forward", lambda *arguments, **options: Wrong(forward(*arguments, **options)))
    results = suite.run(["LSTMCell"], quick=True, device="numpy")
    wrong = [r for r in results if not r.ok]
    assert {(r.quantity, r.gate) for r in wrong} == {("d_recurrent_kernel", "f")}
    assert {r.dtype for r in wrong} == {"float32", "float64"}
    assert program.main(["--quick", "--cell", "LSTMCell", "--device", "numpy"]) == 1
    assert "FAILED LSTMCell float64 on numpy against autograd: d_recurrent_kernel[f]" in capsys.readouterr().out


def test_a_cell_without_a_reference_fails(monkeypatch, capsys):
    class UnprovenCell(nr.SimpleRNNCell):
        pass

    monkeypatch.setitem(CELLS, "UnprovenCell", UnprovenCell)
    assert program.main(["--quick", "--cell", "UnprovenCell", "--device", "numpy"]) == 1
    assert "no reference" in capsys.readouterr().out


def test_an_option_or_activation_that_no_reference_knows_fails(monkeypatch):
    @dataclass(frozen=True)
    class WiderCell(nr.SimpleRNNCell):
        leak: float = 0.0

    monkeypatch.setitem(CELLS, "SimpleRNNCell", WiderCell)
    monkeypatch.delitem(activations.ACTIVATIONS, "softsign")
    messages = [result.quantity for result in suite.coverage(["SimpleRNNCell"])]
    assert len(messages) == 2 and "leak" in messages[0] and "softsign" in messages[1]


def test_an_exception_in_the_cell_is_a_failure_of_that_case(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(nr, "forward", broken)
    results = list(suite.case_results(cases.Case("SimpleRNNCell", {}, cases.SMALL), "numpy"))
    assert [(r.quantity, r.ok) for r in results] == [("ZeroDivisionError: planted", False)] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_fails(value):
    truth = {("outputs", None): np.ones((2, 3))}
    wrong = {("outputs", None): np.array([[1.0, 1, 1], [1, 1, value]])}
    assert compare.errors(wrong, truth) == {("outputs", None): np.inf}


def test_missing_and_misshapen_quantities_fail():
    truth = {("outputs", None): np.ones((2, 1)), ("gates", "i"): np.ones(3)}
    assert compare.errors({("outputs", None): np.ones((2, 2)), ("gates", "j"): np.ones(3)}, truth) == {
        ("outputs", None): np.inf,
        ("gates", "i"): np.inf,
        ("gates", "j"): np.inf,
    }


def test_errors_are_relative_to_the_largest_entry_of_the_quantity():
    truth = {
        ("d_bias", "i"): np.array([4.0, -8.0]),
        ("d_bias", "f"): np.array([1.0]),
        ("outputs", None): np.array([2.0]),
    }
    values = {key: array + 1 for key, array in truth.items()}
    assert compare.errors(values, truth) == {("d_bias", "i"): 1 / 8, ("d_bias", "f"): 1 / 8, ("outputs", None): 1 / 2}


def test_references_import_nothing_of_numbarnn():
    files = [*(VALIDATION / "references").glob("*.py"), VALIDATION / "activations.py", VALIDATION / "unrolled.py"]
    assert len(files) >= len(CELLS) + 3
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert all("numbarnn" not in name and "numba" not in name for name in names), file


@pytest.mark.parametrize("cell", sorted(REFERENCES))
def test_autograd_of_each_reference_agrees_with_central_differences(cell):
    case = cases.Case(cell, {}, cases.SMALL, cases.Call(initial_state=True, masking="lengths", reverse=True))
    p = problem.draw(case)

    def outputs_and_states(params, x, state):
        outputs, final, _, _ = unroll(p.step, params, x, state, p.mask, reverse=True)
        return anp.concatenate([anp.ravel(outputs), *(anp.ravel(s) for s in final.values())])

    check_grads(outputs_and_states, modes=["rev"], order=1)(p.params, p.x, p.state)


@pytest.mark.parametrize("name", sorted(activations.ACTIVATIONS))
def test_autograd_of_each_activation_agrees_with_central_differences(name):
    x = np.linspace(-5, 5, 31) + 0.01  # kinks lie between
    check_grads(activations.ACTIVATIONS[name], modes=["rev"], order=1)(x)


@pytest.mark.parametrize(("name", "kinks"), activations.KINKS.items())
def test_derivatives_at_kinks_are_those_of_the_side_that_is_promised(name, kinks):
    slope = grad(activations.ACTIVATIONS[name])
    promised = {"relu": 0.0, "leaky_relu": 0.2, "hard_sigmoid": 0.0, "hard_sigmoid_keras3": 0.0}
    assert [slope(kink) for kink in kinks] == [promised[name]] * len(kinks)
    assert max(abs(slope(kink + 1e-3) - slope(kink - 1e-3)) for kink in kinks) > 0.1


def test_problems_are_the_same_in_every_run_and_in_both_dtypes():
    case = cases.Case("LSTMCell", {}, cases.SMALL, cases.Call(initial_state=True, masking="mask"))
    first, second = problem.draw(case), problem.draw(case)
    single = first.as_type("float32")
    for name in first.params:
        assert np.array_equal(first.params[name], second.params[name])
        assert np.array_equal(first.params[name], single.params[name])
    assert not np.array_equal(first.x, problem.draw(case, number=1).x)
    assert np.array_equal(first.x, single.x) and single.x.dtype == np.float32
    assert first.mask[1].all() and not first.mask[2].any()


def test_random_problems_keep_away_from_kinks_and_planted_ones_stand_on_them():
    case = cases.Case("GRUCell", {"activation": "relu", "recurrent_activation": "hard_sigmoid"}, cases.SMALL)
    assert distance_from_kinks(case) > problem.MARGIN
    assert distance_from_kinks(replace(case, kinks=True)) == 0


def distance_from_kinks(case):
    p, distances = problem.draw(case), []
    step = partial(p.step, f=activations.watched(distances))
    unroll(step, p.params, p.x, p.state, p.mask)
    return min(distances)
