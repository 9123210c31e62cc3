"""The validation suite itself: it passes, and it finds what is planted."""

import ast
import json
import pickle
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad
from autograd.test_util import check_grads
from numba import config

import numbarnn as nr
from validation import __main__ as program
from validation import (
    activations,
    cases,
    catalogue,
    clipping,
    compare,
    coverage,
    masks,
    measured,
    parallel,
    problem,
    pytorch,
    references,
    repeated,
    suite,
    unrolling,
    vector_functions,
)
from validation.report import text
from validation.selection import Selection

REFERENCES = references.load()
VALIDATION = Path(problem.__file__).parent


def test_a_quick_run_writes_the_promised_json(tmp_path, capsys):
    file = tmp_path / "results.json"
    assert program.main(["--quick", "--cell", "ResetAfterGRUCell", "--device", "numpy", "--json", str(file)]) == 0
    content = json.loads(file.read_text())
    run = {
        "passed",
        "failed",
        "commit",
        "date",
        "command",
        "seconds",
        "quick",
        "environment",
        "cases",
        "coverage",
        "failures",
    }
    assert content.keys() == run
    assert content["failed"] == 0 and content["passed"] == len(content["cases"])
    keys = {"cell", "options", "dtype", "device", "shape", "against", "quantity", "gate", "error", "bound", "ok"}
    keys |= {"seed", "check", "program"}
    assert all(case.keys() == keys for case in content["cases"])
    assert {case["dtype"] for case in content["cases"]} == {"float32", "float64"}
    gates = {(case["quantity"], case["gate"]) for case in content["cases"]}
    assert {("d_kernel", gate) for gate in "rzn"} | {("d_recurrent_kernel", gate) for gate in "rzm"} < gates
    assert {("d_bias", gate) for gate in "rznm"} < gates and ("d_kernel", "m") not in gates
    assert {row["option"] for row in content["coverage"]} == set(catalogue.options("ResetAfterGRUCell"))
    printed = capsys.readouterr().out
    assert f"{content['passed']} passed, 0 failed" in printed and "differences" in printed


@pytest.mark.parametrize("cell", sorted(catalogue.cells()))
def test_each_cell_passes(cell):
    planned = [case for case in cases.cases_of(cell, quick=True) if case.shape.T < 6][1:4]
    results = [result for case in planned for result in suite.case_results(case, "numpy")]
    assert not text.failures(results) and len(results) > 30


def test_each_unrolling_function_passes_and_none_is_forgotten(monkeypatch):
    results = suite.run(Selection(checks=("unrolling",), devices=("numpy",)))
    assert not text.failures(results) and {r.cell for r in results} == set(unrolling.exported())
    monkeypatch.setattr(unrolling, "FUNCTIONS", {unrolling.raw_rnn: unrolling.LSTM})
    missing = {r.cell for r in suite.run(Selection(checks=("unrolling",), devices=("numpy",))) if not r.ok}
    assert missing == set(unrolling.exported()) - {"raw_rnn"}


def test_masks_of_a_training_run_are_those_of_the_reference_and_no_others(monkeypatch):
    call = cases.Call(initial_state=True, masking="lengths", training=True)
    case = cases.fitted(REFERENCES["DropoutWrapper"], {"input_keep_prob": 0.5}, cases.SMALL, call)[0]
    assert not text.failures(list(suite.case_results(case, "numpy")))
    monkeypatch.setattr(masks, "SEED", masks.SEED + 1)  # of the reference alone
    assert not any(r.ok for r in suite.case_results(case, "numpy") if r.quantity in ("outputs", "d_inputs"))


def test_float32_may_be_as_bad_as_the_reference_in_float32():
    result = compare.Result("", {}, "float32", "cpu", {}, "autograd", "outputs", None, error=1e-3, bound=1e-5)
    assert result.beside(1e-3).ok and not result.beside(1e-4).ok and result.beside(0.0) == result


def test_on_average_float32_may_be_twice_as_bad_as_pytorch():
    result = compare.Result("", {}, "float32", "cpu", {}, "autograd", "outputs", None, error=9e-6, bound=1e-6)
    good, bad = result.on_average(1.9e-6, 1e-6), result.on_average(2.1e-6, 1e-6)
    assert good.ok and not bad.ok and good.error == 1.9e-6 and good.bound == 2e-6


@pytest.mark.skipif(not pytorch.installed(), reason="needs PyTorch")
def test_many_draws_find_a_small_systematic_error():
    case, key = cases.cases_of("SimpleRNNCell")[0], ("all", "d_inputs", None)
    right = repeated.mean_errors(case, [key], measured.values, "numpy")[key]

    def wrong(problem, device):
        found = measured.values(problem, device)
        found["all"][key[1:]] = found["all"][key[1:]] * np.float32(1 + 1e-5)
        return found

    ours, pytorchs = repeated.mean_errors(case, [key], wrong, "numpy")[key]
    assert right[0] < 2 * right[1] and pytorchs == right[1] and ours > 5 * pytorchs


@pytest.mark.skipif(config.DISABLE_JIT, reason="there are no vector functions without a compiler")
def test_the_vector_functions_pass():
    results = list(vector_functions.results(quick=True))
    assert not text.failures(results) and {"vector tanh", "vector exp"} < {r.cell for r in results}


def test_an_error_in_the_gradient_of_one_gate_is_found_there_and_only_there(monkeypatch, capsys):
    forward = nr.forward

    class Wrong:
        def __init__(self, run):
            self.run = run

        def __getattr__(self, name):
            return getattr(self.run, name)

        def backward(self, *cotangents, **options):
            grads = self.run.backward(*cotangents, **options)
            grads.params["recurrent_kernel"][-1, self.run.cell.units] *= (
                1 + 1e-3
            )  # last row, first column of the forget gate
            return grads

    monkeypatch.setattr(nr, "forward", lambda *arguments, **options: Wrong(forward(*arguments, **options)))
    results = suite.run(Selection(quick=True, cells=("LSTMCell",), checks=("cells",), devices=("numpy",)))
    wrong = [r for r in results if not r.ok]
    assert {(r.quantity, r.gate) for r in wrong} == {("d_recurrent_kernel", "f")}
    assert {r.dtype for r in wrong} == {"float32", "float64"}
    assert program.main(["--quick", "--cell", "LSTMCell", "--device", "numpy"]) == 1
    assert "FAILED LSTMCell float64 on numpy against autograd: d_recurrent_kernel[f]" in capsys.readouterr().out


def test_a_cell_without_a_reference_fails(monkeypatch, capsys):
    class UnprovenCell(nr.SimpleRNNCell):
        pass

    monkeypatch.setattr(nr, "UnprovenCell", UnprovenCell, raising=False)
    assert program.main(["--quick", "--cell", "UnprovenCell", "--device", "numpy"]) == 1
    assert "no reference" in capsys.readouterr().out


def test_a_reference_without_a_cell_is_only_reported(monkeypatch, capsys):
    monkeypatch.setitem(references.load(), "CellToCome", references.load()["SimpleRNNCell"])
    assert program.main(["--quick", "--cell", "GRUBlockCell", "--device", "numpy"]) == 0
    assert "without a cell: CellToCome" in capsys.readouterr().out


def test_an_option_or_activation_that_only_one_side_knows_fails(monkeypatch):
    @dataclass(frozen=True)
    class SimpleRNNCell(nr.SimpleRNNCell):
        leak: float = 0.0

    monkeypatch.setattr(nr, "SimpleRNNCell", SimpleRNNCell)
    monkeypatch.setitem(references.load()["GRUCell"].OPTIONS, "gone", (1,))
    monkeypatch.delitem(activations.ACTIVATIONS, "softsign")
    found = list(coverage.gaps(["SimpleRNNCell", "GRUCell"]))
    assert {("SimpleRNNCell", "its reference does not know the option leak")} < set(found)
    assert ("GRUCell", "its reference has an option gone, and the cell does not") in found
    assert ("activations", "validation/activations.py has no softsign") in found and len(found) == 3


def test_the_full_run_proves_every_option_of_every_cell():
    assert not list(coverage.gaps(list(catalogue.cells())))
    proofs = {(p.cell, p.option): p for p in coverage.proofs(list(catalogue.cells()))}
    clip = proofs["LSTMCell", "cell_clip"]
    assert set(clip.values) == {0.5, 0.2} and clip.alone > 2 and clip.combined and clip.differences == 2
    assert bool(proofs["LSTMCell", "forget_bias"].pytorch) == pytorch.installed() and not clip.pytorch
    assert not proofs["LSTMBlockCell", "cell_clip"].differences  # straight through: not the derivative


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


PURE = ("activations", "clipping", "duals", "masks", "normalisation", "projection", "parts", "node", "unrolled")


def test_references_import_nothing_of_numbarnn():
    files = [*(VALIDATION / "references").glob("*.py"), *(VALIDATION / f"{name}.py" for name in PURE)]
    assert len(files) > len(catalogue.cells()) + len(PURE)
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert all("numbarnn" not in name and "numba" not in name for name in names), file
            if isinstance(node, ast.ImportFrom) and node.level:  # of validation, only what is as pure
                assert node.module is None or node.module.split(".")[0] in {*PURE, *modules()}, (file, node.module)


def modules():
    return {file.stem for file in (VALIDATION / "references").glob("*.py")}


@pytest.mark.parametrize("cell", sorted(REFERENCES.keys() & catalogue.cells().keys()))
def test_autograd_of_each_reference_agrees_with_central_differences(cell):
    call = cases.Call(initial_state=True, masking="lengths", reverse=True)
    p = problem.draw(cases.fitted(REFERENCES[cell], {}, cases.SMALL, call)[-1], margin=1e-3)
    floats = [p.x] if p.x.dtype.kind == "f" else []

    def outputs_and_states(params, state, x=p.x):
        outputs, final, _, _ = p.reference(params, x, state)
        return anp.concatenate([anp.ravel(outputs), *(anp.ravel(s) for s in final.values())])

    check_grads(outputs_and_states, modes=["rev"], order=1)(p.params, p.state, *floats)


def test_the_gradient_of_clips_is_that_which_is_promised():
    at = np.array([-2.0, -1.0, 0.5, 1.0, 1.5])
    assert np.array_equal(clipping.clip(at, 1.0), [-1, -1, 0.5, 1, 1])
    assert np.array_equal(clipping.straight_through(at, 1.0), clipping.clip(at, 1.0))
    slopes = {function: elementwise_grad(function)(at, 1.0) for function in (clipping.clip, clipping.straight_through)}
    assert np.array_equal(slopes[clipping.clip], [0, 1, 1, 1, 0])
    assert np.array_equal(slopes[clipping.straight_through], np.ones(5))


@pytest.mark.parametrize("name", activations.ALL, ids=str)
def test_autograd_of_each_activation_agrees_with_central_differences(name):
    x = np.linspace(-5, 5, 31) + 0.01  # kinks lie between
    check_grads(activations.FUNCTIONS[name], modes=["rev"], order=1)(x)


SLOPES = {  # at the kinks; 0 for all others
    "leaky_relu": [0.2], "selu": [1.0507009873554805 * 1.6732632423543772], "hard_silu": [0, 1], "relu6": [1, 1],
    "hard_tanh": [1, 1], "ELU(0.4)": [0.4], "LeakyReLU(0.3)": [0.3],
}  # fmt: skip


@pytest.mark.parametrize(("name", "kinks"), activations.KINKS.items())
def test_derivatives_at_kinks_are_those_of_the_side_that_is_promised(name, kinks):
    slope = grad({str(a): function for a, function in activations.FUNCTIONS.items()}[name])
    assert [slope(kink) for kink in kinks] == pytest.approx(SLOPES.get(name, [0.0] * len(kinks)), rel=1e-15)
    jumps = [abs(slope(kink + 1e-3) - slope(kink - 1e-3)) for kink in kinks]
    assert max(jumps) > 0.1 or name.startswith(("hard_shrink", "HardShrink", "Threshold"))  # there the value jumps


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
    case = cases.Case("GRUCell", {"activation": "relu", "recurrent_activation": "hard_sigmoid_keras2"}, cases.SMALL)
    assert distances(case).min() > problem.MARGIN
    assert distances(replace(case, kinks=True)).min() == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (name, options)
        for name, module in REFERENCES.items()
        for options in getattr(module, "KINKS", ())
        if getattr(module, "exact", bool)(options)  # straight through there is no kink
    ],
)
def test_planted_problems_stand_on_the_bounds_of_clips(name, options):
    assert distances(cases.at_kinks(REFERENCES[name], options)[0]).min() == 0


def distances(case):
    return problem.examined(problem.draw(case))[0]


def test_work_can_be_shared_among_processes():
    """All of it can be sent to them, and the results come in its order."""
    for check in suite.CHECKS.values():
        for task in check(Selection(quick=True)):
            pickle.dumps(task)
    assert list(parallel.run([partial(divmod, n, 3) for n in range(9)], jobs=2)) == [divmod(n, 3) for n in range(9)]
    with pytest.raises(ZeroDivisionError):
        list(parallel.run([partial(divmod, 1, n) for n in (1, 0, 2)], jobs=2))


def test_tasks_hold_all_cases_in_their_order():
    chosen = Selection(cells=("LSTMCell",))
    tasks = list(suite.cell_tasks(replace(chosen, devices=("njit",))))
    assert [case for task in tasks for case in task.arguments[0]] == cases.cases_of("LSTMCell")
    assert all(len({case.shape for case in task.arguments[0]}) == 1 for task in tasks)
    ((same, device, _),) = (task.arguments for task in suite.witness_tasks(chosen))
    assert device == "njit" and {case.shape for case in same} == {cases.SMALL}
    assert {case.call for case in same} >= {*cases.CALLS} and all(not case.options for case in same)


def test_the_witness_agrees_with_the_reference():
    (task,) = suite.witness_tasks(Selection(cells=("SimpleRNNCell",)))
    results = list(task.function(*task.arguments))
    assert not text.failures(results) and {result.device for result in results} == {"njit"}
