"""Other libraries as witnesses: each runs small cases, and a wrong gradient of ours is found by it."""

from dataclasses import replace

import numpy as np
import pytest

from validation import __main__ as program
from validation import cases, measured, peers, suite
from validation.peers import witness
from validation.peers.exchange import gradients_in
from validation.report import record, text


def installed(name):
    """The peer, or the test is skipped."""
    for package in peers.peer(name).PACKAGES:
        pytest.importorskip(package, reason=f"needs {package}")
    return peers.peer(name)


def case_of(cell, options=None, masking="lengths", reverse=True, example=0):
    call = cases.Call(initial_state=True, masking=masking, reverse=reverse)
    module = cases.references.load()[cell]
    return cases.fitted(module, options or {}, cases.SMALL, call)[example]


def failed(found):
    return [result for result in found if not result.ok]


def results(name, case, dtype, change=lambda found: None):
    """Comparisons of our values, after a change, with those of a peer."""

    def values(problem, device):
        found = measured.values(problem, device)
        change(found)
        return found

    return list(witness.results(name, case, "numpy", (dtype,), values))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "case",
    [
        case_of("SimpleRNNCell", {"activation": "relu"}),
        case_of("LSTMCell", {"num_proj": 3, "forget_bias": 1.0}),
        case_of("ResetAfterGRUCell", {"use_bias": False}),
        case_of("Bidirectional"),
        case_of("MultiRNNCell", example=4),
        case_of("MultiRNNCell", example=5),
    ],
    ids=lambda case: str(case.node),
)
def test_pytorch_agrees(case, dtype):
    assert installed("torch").has(case)
    found = results("torch", case, dtype)
    assert {"outputs", "d_inputs"} < {result.quantity for result in found} and not failed(found)


def test_pytorch_has_no_such_case():
    library = installed("torch")
    for other in (
        case_of("GRUCell"),
        case_of("LSTMCell", {"use_peepholes": True}),
        case_of("LSTMCell", masking="mask"),
        case_of("LSTMCell", {"num_proj": 9}),
        case_of("MultiRNNCell"),
        replace(case_of("LSTMCell"), call=cases.Call(truncate=(1, 2))),
    ):
        assert not library.has(other), other


def test_a_wrong_gradient_of_one_gate_is_found():
    installed("torch")

    def change(found):
        found["all"]["d_bias", "f"] = found["all"]["d_bias", "f"] * (1 + 1e-9)

    wrong = failed(results("torch", case_of("LSTMCell"), "float64", change))
    assert [(r.against, r.quantity, r.gate, r.shape["cotangent"]) for r in wrong] == [("PyTorch", "d_bias", "f", "all")]


def test_the_program_runs_peers_and_names_those_that_are_missing(monkeypatch, capsys):
    monkeypatch.setattr(peers, "find_spec", lambda package: None)
    arguments = ["--quick", "--cell", "GRUBlockCell", "--device", "numpy", "--check", "cells", "--peers", "all"]
    assert program.main(arguments) == 0
    out = capsys.readouterr().out
    for name in peers.FILES:
        assert f"Not run: {peers.peer(name).NAME}, which needs {peers.peer(name).PACKAGES[0]}" in out
    with pytest.raises(SystemExit):
        program.main(["--peers", "torch,theano"])
    assert "got 'theano'" in capsys.readouterr().err


def test_a_command_repeats_one_comparison(capsys):
    installed("torch")
    result, *_ = results("torch", case_of("LSTMCell"), "float64")
    command = record.command(replace(result, check="peers"), quick=False)
    program.main(command.split()[3:])
    assert f"PyTorch: {text.place(result)}: error" in capsys.readouterr().out


def test_what_a_peer_raises_is_a_failure(monkeypatch):
    library = installed("torch")
    monkeypatch.setattr(library, "values", lambda problem: 1 / 0)
    (found,) = suite.peer_results("torch", [case_of("LSTMCell")], "numpy")
    assert not found.ok and (found.against, found.quantity) == ("PyTorch", "ZeroDivisionError: division by zero")


def test_a_second_bias_is_left_out():
    arrays = {"first": np.ones(2), "second": np.ones(2)}
    out = lambda cell, params: {"first": params["bias"], "second": np.zeros(2)}  # noqa: E731
    back = lambda arrays, cell: (cell, {"bias": arrays["first"] + arrays["second"]})  # noqa: E731
    assert np.array_equal(gradients_in(None, {"bias": np.zeros(2)}, out, back, arrays)["bias"], [1, 1])
