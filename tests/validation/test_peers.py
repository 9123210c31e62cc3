"""Other libraries as witnesses: each runs small cases, and a wrong gradient of ours is found by it."""

from dataclasses import replace

import numpy as np
import pytest

from validation import __main__ as program
from validation import cases, measured, peers, suite
from validation.activations import With
from validation.catalogue import build
from validation.peers import witness
from validation.peers.exchange import check_return, gradients_in, in_halves
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


STACK, BOTH_TWICE = 4, 5  # of two LSTMs, and of both directions of a GRU twice
AGREE = {
    "torch": [
        case_of("SimpleRNNCell", {"activation": "relu"}),
        case_of("LSTMCell", {"num_proj": 3, "forget_bias": 1.0}),
        case_of("ResetAfterGRUCell", {"use_bias": False}),
        case_of("Bidirectional"),
        case_of("MultiRNNCell", example=STACK),
        case_of("MultiRNNCell", example=BOTH_TWICE),
    ],
    "keras": [
        case_of("LSTMCell", {"recurrent_activation": "hard_sigmoid"}, masking="mask"),
        case_of("GRUCell", {"activation": "elu"}, masking="mask"),
        case_of("ResetAfterGRUCell", masking="none"),
        case_of("Bidirectional", {"merge_mode": "mul"}, masking="mask"),
        case_of("MultiRNNCell", masking="mask"),
    ],
    "onnx": [
        case_of("LSTMCell", {"use_peepholes": True, "activation": "softsign"}),
        case_of("LSTMCell", {"preactivation_clip": 0.5, "output_activation": "relu"}),
        case_of("CoupledInputForgetGateLSTMCell"),
        case_of(
            "CoupledInputForgetGateLSTMCell",
            {
                "use_peepholes": True,
                "activation": "softsign",
                "recurrent_activation": With("HardSigmoid", (0.25, 0.5)),
                "output_activation": "relu",
                "preactivation_clip": 0.5,
            },
        ),
        case_of("SimpleRNNCell", {"activation": "elu", "preactivation_clip": 0.5}),
        case_of("GRUCell", {"activation": With("ELU", (0.4,)), "preactivation_clip": 0.5}),
        case_of("GRUCell", {"activation": "softplus", "recurrent_activation": With("Affine", (0.7, -0.3))}),
        case_of("ResetAfterGRUCell", masking="none"),
        case_of("ResetAfterGRUCell", {"activation": With("ScaledTanh", (1.7, 0.6)), "preactivation_clip": 0.5}),
        case_of("Bidirectional", {"merge_mode": "sum"}),
        case_of("MultiRNNCell", example=BOTH_TWICE),
    ],
    "tensorflow": [
        case_of("LSTMCell", {"use_peepholes": True, "cell_clip": 0.5, "num_proj": 3, "proj_clip": 0.1}),
        case_of("GRUCell"),
        case_of("LSTMBlockCell", {"use_peephole": True, "cell_clip": 0.5}),
        case_of("LSTMBlockFusedCell", {"use_peephole": True, "cell_clip": 0.2}),
        case_of("GRUBlockCell"),
        case_of("Bidirectional"),
        case_of("MultiRNNCell"),
    ],
}
HAS_NOT = {
    "torch": [
        case_of("GRUCell"),
        case_of("LSTMCell", {"use_peepholes": True}),
        case_of("LSTMCell", {"num_proj": 9}),
        case_of("LSTMCell", masking="mask"),
        case_of("MultiRNNCell"),
    ],
    "keras": [
        case_of("LSTMCell", {"use_peepholes": True}),
        case_of("LSTMCell", {"activation": "hard_sigmoid_keras2"}),
        case_of("UGRNNCell"),
        case_of("MultiRNNCell", example=2),
        case_of("MultiRNNCell", {"state_is_tuple": False}, masking="none"),
    ],
    "onnx": [case_of("LSTMCell", {"cell_clip": 0.5}), case_of("GRUCell", masking="mask"), case_of("UGRNNCell")],
    "tensorflow": [
        case_of("LSTMCell", masking="mask"),
        case_of("LSTMCell", {"cell_clip": 0.5, "clip_gradient": "straight_through"}),
        case_of("UGRNNCell"),
        case_of("ResetAfterGRUCell"),
    ],
}


@pytest.mark.filterwarnings("ignore")  # those of the libraries
@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, found in AGREE.items() for case in found],
    ids=lambda value: value if isinstance(value, str) else str(value.node),
)
def test_a_peer_agrees(name, case):
    """In each dtype that it has: float32 in all."""
    assert installed(name).has(case)
    found = [result for dtype in ("float64", "float32") for result in results(name, case, dtype)]
    shown = {result.quantity for result in found if result.dtype == "float32"}
    assert name != "onnx" or {result.dtype for result in found} == {"float64", "float32"}
    assert {"outputs"} | ({"d_inputs"} if name != "onnx" else set()) <= shown and not failed(found)


@pytest.mark.parametrize("name", HAS_NOT)
def test_a_peer_has_no_such_case(name):
    others = [*HAS_NOT[name], replace(case_of("LSTMCell"), call=cases.Call(truncate=(1, 2)))]
    assert not any(installed(name).has(case) for case in others)


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


def test_halves_of_a_bias_have_its_sum_where_the_second_one_is_unused():
    first, second = in_halves(np.array([0.3, 0.7]), np.array([0.0, 5.0]), used=np.array([0.0, 1.0]))
    assert np.array_equal(first, [0.15, 0.7]) and np.array_equal(second, [0.15, 5.0])


def test_biases_that_come_back_changed_are_an_error():
    check_return({"bias": np.ones(2)}, {"bias": np.ones(2), "more": np.zeros(3)})
    with pytest.raises(AssertionError, match="array bias back"):
        check_return({"bias": np.ones(2)}, {"bias": np.array([1.0, 1 + 1e-15])})


@pytest.mark.parametrize("name", peers.FILES)
def test_a_peer_says_of_every_case_whether_it_has_it(name):
    library = installed(name)
    had = [case for cell in cases.references.load() for case in cases.cases_of(cell) if library.has(case)]
    assert len(had) > 100
    assert not any(case.call.training or case.call.in_steps for case in had)


def test_what_a_node_of_onnx_rounds_is_compared_in_float32_alone():
    installed("onnx")
    case = case_of("LSTMCell", {"recurrent_activation": "hard_sigmoid"}, masking="none", reverse=False)
    assert not results("onnx", case, "float64") and results("onnx", case, "float32")
    assert not failed(results("onnx", case, "float32"))


@pytest.mark.parametrize("activation", ["gelu", "leaky_relu"])
def test_what_tensorflow_rounds_is_compared_in_float32_alone(activation):
    library = installed("keras")
    case = case_of("SimpleRNNCell", {"activation": activation})
    assert library.has(case) and not results("keras", case, "float64")


def test_cases_are_of_cells_that_exist():
    for cell in cases.references.load():
        for case in [*cases.cases_of(cell), *cases.short(cell)]:
            build(case.node)
