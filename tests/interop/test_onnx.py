"""Cells as models of ONNX: onnxruntime computes the same, in both directions, with lengths and states."""

import re
import sys

import numpy as np
import pytest
from helpers.onnx_reference import check_close, run

import numbarnn as nr
from numbarnn.errors import InputError
from numbarnn.interop import from_onnx, save_onnx, to_onnx
from numbarnn.utils.tree import tree_map

onnx = pytest.importorskip("onnx", reason="needs ONNX (pip install onnx)")
from onnx.reference import ReferenceEvaluator  # noqa: E402

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")

B, T, I, H = 4, 7, 3, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((B, T, I)).astype("float32")
LENGTHS = np.array([7, 2, 5, 1], "int32")
HARD = {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}
CELLS = {
    "SimpleRNN": nr.SimpleRNNCell(H),
    "SimpleRNN relu": nr.BasicRNNCell(H, activation="relu"),
    "LSTM": nr.LSTMCell(H),
    "LSTM with peepholes": nr.LSTMCell(H, use_peepholes=True),
    "LSTM hard": nr.LSTMCell(H, use_bias=False, **HARD),
    "LSTM clipped": nr.LSTMCell(H, preactivation_clip=0.6, output_activation="relu", use_peepholes=True),
    "LSTM with forget bias": nr.LSTMBlockCell(H, use_peephole=True),
    "coupled": nr.CoupledInputForgetGateLSTMCell(H),
    "coupled with peepholes": nr.CoupledInputForgetGateLSTMCell(H, use_peepholes=True, activation="elu"),
    "coupled clipped": nr.CoupledInputForgetGateLSTMCell(H, use_peepholes=True, preactivation_clip=0.4),
    "coupled with three activations": nr.CoupledInputForgetGateLSTMCell(
        H, activation="relu", recurrent_activation="hard_sigmoid", output_activation="softsign", forget_bias=0.0
    ),
    "SimpleRNN clipped": nr.SimpleRNNCell(H, preactivation_clip=0.3),
    "GRU reset before clipped": nr.GRUCell(H, preactivation_clip=0.3),
    "GRU clipped": nr.ResetAfterGRUCell(H, preactivation_clip=0.3),
    "GRU reset before": nr.GRUCell(H, recurrent_activation="hard_sigmoid_keras2", activation="leaky_relu"),
    "GRU": nr.ResetAfterGRUCell(H),
    "GRU linear": nr.ResetAfterGRUCell(H, use_bias=False, activation="linear"),
    "both": nr.Bidirectional(nr.LSTMCell(H), nr.LSTMCell(H, activation="elu", recurrent_activation="hard_sigmoid")),
    "product": nr.Bidirectional(nr.GRUCell(H), merge_mode="mul"),
    "stack": nr.MultiRNNCell(
        [
            nr.LSTMCell(2),
            nr.DropoutWrapper(nr.Bidirectional(nr.ResetAfterGRUCell(H)), output_keep_prob=0.5),
            nr.SimpleRNNCell(3),
        ]
    ),
}


def random_params(cell, dtype="float32"):
    return {name: (RNG.standard_normal(s) * 0.5).astype(dtype) for name, s in cell.param_shapes(I).items()}


def leaves(state):
    return [state] if isinstance(state, np.ndarray) else [leaf for part in state for leaf in leaves(part)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("case", CELLS)
def test_onnxruntime_computes_the_same(case, reverse):
    cell = CELLS[case]
    params = random_params(cell)
    for lengths in (None, LENGTHS):
        model = to_onnx(cell, params, reverse=reverse, lengths=lengths is not None)
        got = run(model, inputs=X, **({} if lengths is None else {"lengths": lengths}))
        expected = nr.forward(cell, params, X, reverse=reverse, lengths=lengths, device="numpy")
        check_close(got.pop("outputs"), expected.outputs)
        for array, state in zip(got.values(), leaves(expected.state), strict=True):
            check_close(array, state)


A = nr.activations
ACTIVATIONS = (
    *("tanh", "sigmoid", "relu", "linear", "hard_sigmoid", "softsign", "softplus", "elu", "leaky_relu"),
    *(A.Affine(0.7, -0.3), A.ELU(0.4), A.HardSigmoid(0.3, 0.4), A.LeakyReLU(0.3), A.ScaledTanh(1.7, 0.6)),
    *(A.ThresholdedReLU(0.25), A.ThresholdedReLU()),
)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activations_of_nodes(activation):
    """Alphas and betas stand in one list each, for those activations that have them."""
    line = A.HardSigmoid(0.3, 0.4)
    for cell in (
        nr.SimpleRNNCell(H, activation=activation),
        nr.LSTMCell(H, activation=activation, recurrent_activation=line),
        nr.GRUCell(H, activation="elu", recurrent_activation=activation),
        nr.Bidirectional(
            nr.ResetAfterGRUCell(H, activation=activation),
            nr.ResetAfterGRUCell(H, activation=A.LeakyReLU(0.1), recurrent_activation=line),
        ),
    ):
        params = {name: array / 4 for name, array in random_params(cell).items()}  # states near 1
        model = to_onnx(cell, params)
        onnx.checker.check_model(model, full_check=True)
        check_close(run(model, inputs=X)["outputs"], nr.forward(cell, params, X, device="numpy").outputs)
        assert from_onnx(model)[0] == cell


@pytest.mark.parametrize("case", ["LSTM with peepholes", "both", "stack"])
def test_states_go_in_and_come_out(case):
    cell = CELLS[case]
    params = random_params(cell)
    model = to_onnx(cell, params, initial_state=True, time_major=True, reverse=True)
    state = tree_map(lambda s: RNG.standard_normal(s.shape).astype("float32"), cell.zero_state(B))
    names = [re.sub("([hc])$", r"initial_\1", output.name) for output in model.graph.output][1:]
    given = dict(zip(names, leaves(state), strict=True))
    x = X.swapaxes(0, 1)
    expected = nr.forward(cell, params, x, initial_state=state, time_major=True, reverse=True, device="numpy")
    got = run(model, inputs=x, **given)
    check_close(got.pop("outputs"), expected.outputs)
    for array, state in zip(got.values(), leaves(expected.state), strict=True):
        check_close(array, state)


@pytest.mark.parametrize("case", ["SimpleRNN", "LSTM with peepholes", "GRU", "GRU reset before"])
def test_float64_is_computed_by_onnx_itself(case):
    """onnxruntime has no recurrent operators of float64; ONNX' own, in NumPy, read forwards alone."""
    cell = CELLS[case] if case != "GRU reset before" else nr.GRUCell(H)  # it has the usual activations alone
    params = random_params(cell, "float64")
    model = to_onnx(cell, params)
    onnx.checker.check_model(model, full_check=True)
    x = X.astype("float64")
    outputs, *_ = ReferenceEvaluator(model).run(None, {"inputs": x})
    assert outputs.dtype == np.float64
    assert abs(outputs - nr.forward(cell, params, x, device="numpy").outputs).max() <= 1e-12


def test_a_file_is_the_model(tmp_path):
    cell = nr.LSTMCell(H)
    params = random_params(cell)
    save_onnx(tmp_path / "lstm.onnx", cell, params, lengths=True)
    written = onnx.load_model(tmp_path / "lstm.onnx")
    assert written == to_onnx(cell, params, lengths=True)
    assert [i.name for i in written.graph.input] == ["inputs", "lengths"]


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (nr.UGRNNCell(H), "ONNX has no counterpart of UGRNNCell"),
        (nr.LSTMCell(H, cell_clip=1.0), "expected cell_clip None, as ONNX's LSTM has it, got LSTMCell"),
        (nr.LSTMCell(H, num_proj=2), "expected num_proj None, as ONNX's LSTM"),
        (nr.GRUCell(H, update="seed"), "expected update 'keep', as ONNX's GRU"),
        (nr.ResidualWrapper(nr.LSTMCell(I)), "ONNX has no counterpart of ResidualWrapper"),
        (nr.LSTMCell(H, forget_bias=1.0, use_bias=False), "expected use_bias=True, to hold the forget bias"),
        (nr.LSTMCell(H, activation="gelu"), "expected an activation that ONNX has there, tanh, sigmoid, relu, linear"),
        (nr.GRUCell(H, activation=A.SoftShrink(0.1)), "got SoftShrink(threshold=0.1)"),
        (
            nr.CoupledInputForgetGateLSTMCell(H, recurrent_activation=A.HardSigmoid(0.2, 0.4)),
            "expected gates with sigma(-z) = 1 - sigma(z), which are Sigmoid, and HardSigmoid and Affine with beta 0.5",
        ),
        (
            nr.Bidirectional(nr.GRUCell(H, preactivation_clip=1.0), nr.GRUCell(H)),
            "expected one preactivation_clip in both directions",
        ),
        (nr.Bidirectional(nr.LSTMCell(H), nr.LSTMCell(2)), "expected cells of one kind and size in both directions"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, nr.Cell) else "",
)
def test_what_onnx_lacks_is_named(cell, error):
    with pytest.raises(InputError, match="to_onnx: .*" + re.escape(error)):
        to_onnx(cell, random_params(cell))


def test_options_are_true_or_false():
    cell = nr.LSTMCell(H)
    for options in ({"lengths": LENGTHS}, {"reverse": 3}, {"initial_state": "zeros"}, {"time_major": None}):
        (name,) = options
        with pytest.raises(InputError, match=f"to_onnx: expected {name} to be True or False, got"):
            to_onnx(cell, random_params(cell), **options)


def test_onnx_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    cell = nr.LSTMCell(H)
    with pytest.raises(ImportError, match=r"to_onnx needs ONNX: pip install 'numbarnn\[onnx\]'"):
        to_onnx(cell, random_params(cell))
