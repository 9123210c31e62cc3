"""Models of ONNX come in: nodes as cells, chains of nodes as models; all else is named, and nothing half loaded."""

import re

import numpy as np
import pytest
from helpers.onnx_reference import check_close, run
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.errors import InputError
from numbarnn.interop import from_onnx, load_onnx, to_onnx

onnx = pytest.importorskip("onnx", reason="needs ONNX (pip install onnx)")
from onnx.reference import ReferenceEvaluator  # noqa: E402

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")
make = onnx.helper

B, T, I, H = 4, 7, 3, 5
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((T, B, I)).astype("float32")
LSTM_INPUTS = ["x", "W", "R", "B", "", "", "", "P"]
HARD = {"activations": ["HardSigmoid", "LeakyRelu", "LeakyRelu"], "activation_alpha": [1 / 6, 0.2, 0.2]}
LINE = {"activation_alpha": [1 / 6, 1.0], "activation_beta": [0.5, 0.0]}
COUPLED = {"input_forget": 1, "clip": 0.4, "activations": ["HardSigmoid", "Softsign", "Elu"], "activation_alpha": [0.3]}
NODES = {  # kind, attributes
    "RNN": ("RNN", {}),
    "RNN backwards": ("RNN", {"direction": "reverse", "activations": ["Relu"]}),
    "LSTM": ("LSTM", {}),
    "LSTM hard": ("LSTM", HARD | {"activation_beta": [0.5]}),
    "LSTM both": ("LSTM", {"direction": "bidirectional"}),
    "LSTM coupled": ("LSTM", {"input_forget": 1}),
    "LSTM coupled with three activations": ("LSTM", COUPLED),
    "RNN clipped": ("RNN", {"clip": 0.3}),
    "LSTM clipped": ("LSTM", {"clip": 0.3, "activations": ["Sigmoid", "Tanh", "Relu"]}),
    "GRU clipped": ("GRU", {"clip": 0.3, "direction": "bidirectional"}),
    "GRU after clipped": ("GRU", {"clip": 0.3, "linear_before_reset": 1}),
    "GRU": ("GRU", {}),
    "GRU after": ("GRU", {"linear_before_reset": 1, "activations": ["HardSigmoid", "Affine"], **LINE}),
    "GRU both": (
        "GRU",
        {"direction": "bidirectional", "linear_before_reset": 1, "activations": ["Sigmoid", "Elu", "Sigmoid", "Tanh"]},
    ),
}


def model_of(nodes, inputs, outputs, constants, opset=18):
    """A model; inputs and outputs are {name: shape}, of float32."""
    declared = [
        [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in values.items()]
        for values in (inputs, outputs)
    ]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = make.make_graph(nodes, "made", *declared, arrays)
    return make.make_model(graph, opset_imports=[make.make_opsetid("", opset)], ir_version=8)


def weights_of(kind, directions=1, dtype="float32"):
    gates = GATES[kind]
    shapes = {"W": (gates * H, I), "R": (gates * H, H), "B": (2 * gates * H,)}
    shapes |= {"P": (3 * H,)} if kind == "LSTM" else {}
    return {n: (RNG.standard_normal((directions, *s)) * 0.5).astype(dtype) for n, s in shapes.items()}


def model_of_node(kind, attributes, inputs=None, weights=None, **options):
    """A model of one recurrent node, with outputs Y."""
    both = attributes.get("direction") == "bidirectional"
    weights = weights or weights_of(kind, 1 + both)
    inputs = inputs or (LSTM_INPUTS if "P" in weights else ["x", *weights])
    node = make.make_node(kind, inputs, ["y", "h"], "node", hidden_size=H, **attributes)
    return model_of([node], {"x": ["T", "B", I]}, {"y": ["T", "D", "B", H]}, weights, **options)


@pytest.mark.parametrize("case", NODES)
def test_a_node_comes_in(case):
    kind, attributes = NODES[case]
    model = model_of_node(kind, attributes)
    expected = run(model, x=X)["y"]
    cell, params = from_onnx(model.SerializeToString())
    reverse = attributes.get("direction") == "reverse"
    got = nr.forward(cell, params, X, time_major=True, reverse=reverse, device="numpy").outputs
    check_close(got, np.concatenate([*expected.swapaxes(0, 1)], axis=-1))


@pytest.mark.parametrize("case", NODES)
def test_lengths_of_a_node_are_those_of_a_run(case):
    """The input sequence_lens, and states that are inputs of the model, come with each run."""
    kind, attributes = NODES[case]
    both = attributes.get("direction") == "bidirectional"
    weights, states = weights_of(kind, 1 + both), ["h0", "c0"] if kind == "LSTM" else ["h0"]
    node = make.make_node(
        kind,
        ["x", "W", "R", "B", "lengths", *states, *(["P"] if kind == "LSTM" else [])],
        ["y", "h", "c"][: 1 + len(states)],
        hidden_size=H,
        **attributes,
    )
    inputs = {"x": ["T", "B", I], "lengths": ["B"]} | {name: ["D", "B", H] for name in states}
    outputs = {"y": ["T", "D", "B", H]} | {name: ["D", "B", H] for name in node.output[1:]}
    model = model_of([node], inputs, outputs, weights)
    model.graph.input[1].type.tensor_type.elem_type = onnx.TensorProto.INT32
    lengths = np.array([7, 2, 5, 1], "int32")
    given = {name: RNG.standard_normal((1 + both, B, H)).astype("float32") for name in states}
    expected = run(model, x=X, lengths=lengths, **given)
    cell, params = from_onnx(model)
    start = list(zip(*given.values(), strict=True))  # of each direction (h, c)
    got = nr.forward(
        cell,
        params,
        X,
        initial_state=tuple(start) if both else start[0],
        lengths=lengths,
        time_major=True,
        reverse=attributes.get("direction") == "reverse",
        device="numpy",
    )
    check_close(got.outputs, np.concatenate([*expected.pop("y").swapaxes(0, 1)], axis=-1))
    for found, part in zip(got.state if both else [got.state], zip(*expected.values(), strict=True), strict=True):
        for array, theirs in zip(found, part, strict=True):
            check_close(array, theirs)


def test_a_node_without_bias_and_with_the_layout_of_batches_comes_in():
    weights = weights_of("LSTM")
    model = model_of_node("LSTM", {"layout": 1}, ["x", "W", "R"], weights)
    cell, params = from_onnx(model)
    assert cell == nr.LSTMCell(H, use_bias=False) and params.keys() == {"kernel", "recurrent_kernel"}
    i, _, f, g = np.split(weights["W"][0].T, 4, axis=1)
    assert_array_equal(params["kernel"][:, : 3 * H], np.concatenate([i, f, g], axis=1))
    x = X.swapaxes(0, 1)  # onnxruntime has no such layout, ONNX' own evaluator has it
    outputs, *_ = ReferenceEvaluator(model).run(None, {"x": x})
    check_close(nr.forward(cell, params, x, device="numpy").outputs, outputs[:, :, 0])


@pytest.mark.parametrize(
    "cell",
    [
        nr.SimpleRNNCell(H, activation="relu"),
        nr.LSTMCell(H, use_peepholes=True, recurrent_activation="hard_sigmoid_keras2"),
        nr.LSTMCell(H, preactivation_clip=0.1, output_activation="relu"),
        nr.CoupledInputForgetGateLSTMCell(H, use_peepholes=True, forget_bias=0.0, activation="softsign"),
        nr.CoupledInputForgetGateLSTMCell(
            H, forget_bias=0.0, recurrent_activation="sparse_sigmoid", output_activation="elu", preactivation_clip=2.0
        ),
        nr.SimpleRNNCell(H, preactivation_clip=0.3),
        nr.GRUCell(H, preactivation_clip=0.3),
        nr.ResetAfterGRUCell(H, preactivation_clip=0.3),
        nr.GRUCell(H, activation="elu"),
        nr.ResetAfterGRUCell(H, use_bias=False, activation="leaky_relu"),
        nr.Bidirectional(nr.ResetAfterGRUCell(H), nr.ResetAfterGRUCell(H, activation="linear")),
    ],
    ids=lambda cell: type(cell).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_cell_goes_out_and_comes_back_bit_by_bit(cell, dtype):
    params = {name: RNG.standard_normal(shape).astype(dtype) for name, shape in cell.param_shapes(I).items()}
    same, arrays = from_onnx(to_onnx(cell, params))
    assert same == cell and arrays.keys() == params.keys()
    for name, array in params.items():
        assert arrays[name].dtype == dtype
        assert_array_equal(arrays[name], array)


def test_one_node_of_several_is_chosen_by_name(tmp_path):
    model = nr.Sequential([L.Input((None, I)), L.LSTM(4, return_sequences=True), L.GRU(2)], device="numpy")
    onnx.save_model(to_onnx(model), tmp_path / "two.onnx")
    cell, params = from_onnx(tmp_path / "two.onnx", "gru")
    assert cell == nr.ResetAfterGRUCell(2) and params["kernel"].shape == (4, 6)
    with pytest.raises(InputError, match="or the name of one, got '' of gru, lstm"):
        from_onnx(tmp_path / "two.onnx")
    with pytest.raises(InputError, match="or the name of one, got 'rnn' of gru, lstm"):
        from_onnx(tmp_path / "two.onnx", "rnn")


def renamed(**weights):
    return {**weights_of("LSTM"), **weights}


REFUSED = {
    "activation": (
        lambda: model_of_node("RNN", {"activations": ["ScaledTanh"], "activation_alpha": [2.0]}),
        "ScaledTanh: expected beta to be a finite number, got nan, as ScaledTanh(alpha=2, beta=nan) of the node node",
    ),
    "slope": (
        lambda: model_of_node("RNN", {"activations": ["LeakyRelu"], "activation_alpha": [-0.1]}),
        "LeakyReLU: expected negative_slope of at least 0, got -0.1, as LeakyRelu(alpha=-0.1) of the node node (RNN)",
    ),
    "unknown": (
        lambda: model_of_node("RNN", {"activations": ["Gelu"]}),
        "expected an activation out of Tanh, Sigmoid, Relu, Affine, HardSigmoid, Softsign, Softplus, Elu, LeakyRelu, "
        "ScaledTanh, ThresholdedRelu; got Gelu",
    ),
    "Affine alone": (
        lambda: model_of_node("RNN", {"activations": ["Affine"]}),
        "Affine: expected alpha to be a finite number, got nan, as Affine(alpha=nan, beta=nan) of the node",
    ),
    "gates of a coupled cell": (
        lambda: model_of_node("LSTM", {"input_forget": 1, "activations": ["Relu", "Tanh", "Tanh"]}),
        "expected gates with sigma(-z) = 1 - sigma(z), which are Sigmoid, and HardSigmoid and Affine with beta 0.5, "
        "where input and forget gates are coupled, got 'relu' of CoupledInputForgetGateLSTMCell(",
    ),
    "count": (lambda: model_of_node("LSTM", {"activations": ["Tanh"]}), "expected 3 activations of the node node"),
    "shape": (
        lambda: model_of_node("LSTM", {}, weights=renamed(R=np.zeros((1, 4 * H, 2), "float32"))),
        "expected R of the node node (LSTM) of shape (20, 5), got (20, 2)",
    ),
    "directions": (
        lambda: model_of_node("LSTM", {"direction": "bidirectional"}, weights=weights_of("LSTM")),
        "expected W of 2 directions, got shape (1, 20, 3) of the node node (LSTM)",
    ),
    "half precision": (
        lambda: model_of_node("RNN", {}, weights=weights_of("RNN", dtype="float16")),
        "dtype float32 or float64, got float16",
    ),
    "weights that are inputs": (
        lambda: model_of_node("RNN", {}, ["x", "W", "x"], weights_of("RNN")),
        "expected R to be constant, got x of the node node (RNN)",
    ),
    "old": (lambda: model_of_node("RNN", {}, opset=11), "expected opset 13 or a later one, got 11"),
    "bytes": (lambda: b"no model", "no model of ONNX that can be read"),
    "invalid": (lambda: model_of_node("RNN", {"fancy": 1}), "no model of ONNX that can be read"),
    "something else": (lambda: 3, "expected a path, bytes or an onnx.ModelProto, got int"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_cell_has_is_named(case):
    source, error = REFUSED[case]
    with pytest.raises(InputError, match="from_onnx: .*" + re.escape(error)):
        from_onnx(source())


def chain(*nodes, inputs=None, output="y", **constants):
    """A model of nodes, each written as (kind, inputs, outputs, attributes)."""
    made = [make.make_node(kind, given, made, made[0], **dict(*more)) for kind, given, made, *more in nodes]
    return model_of(made, inputs or {"x": ["B", I]}, {output: None}, constants)


def recurrent(*more, direction="forward", inputs=("s", "W", "R"), output="y", **constants):
    """A model of a recurrent node behind a Transpose, and other nodes."""
    weights = weights_of("RNN", 1 + (direction == "bidirectional"))
    return chain(
        ("Transpose", ["x"], ["s"], {"perm": [1, 0, 2]}),
        ("RNN", [*inputs], ["Y", "Y_h"], {"hidden_size": H, "direction": direction}),
        *more,
        inputs={"x": ["B", "T", I]},
        output=output,
        **weights,
        **constants,
    )


def test_a_chain_of_others_comes_in():
    """Gemm, Squeeze, Dropout, a Constant, and the last output of a node."""
    kernel, bias = RNG.standard_normal((2, H)).astype("float32"), np.ones(2, "float32")
    model = recurrent(
        ("Squeeze", ["Y_h", "axis"], ["last"]),
        ("Dropout", ["last"], ["kept"]),
        ("Gemm", ["kept", "kernel", "bias"], ["z"], {"transB": 1}),
        ("Softmax", ["z"], ["y"]),
        axis=np.array([0]),
        kernel=kernel,
        bias=bias,
    )
    model.graph.output[0].type.CopyFrom(make.make_tensor_type_proto(onnx.TensorProto.FLOAT, ["B", 2]))
    loaded = load_onnx(model, device="numpy")
    assert [type(layer) for layer in loaded.layers] == [L.RNN, L.Dropout, L.Dense]
    assert loaded.layers[-1].activation == "softmax" and loaded.name == "made"
    x = X.swapaxes(0, 1)
    check_close(loaded.predict(x), run(model, x=x)["y"])


def test_states_of_zeros_may_have_a_computed_shape():
    """As PyTorch writes them: zeros of (directions, size of the batch, units)."""
    model = recurrent(
        ("Squeeze", ["Y_h", "zero"], ["y"]),
        inputs=("s", "W", "R", "", "", "state"),
        zero=np.array([0]),
    )
    states = [
        make.make_node("Shape", ["x"], ["shape"]),
        make.make_node("Gather", ["shape", "zero"], ["batch"]),
        make.make_node("Constant", [], ["units"], value=onnx.numpy_helper.from_array(np.array([H]))),
        make.make_node("Constant", [], ["one"], value_ints=[1]),
        make.make_node("Concat", ["one", "batch", "units"], ["whole"], axis=0),
        make.make_node("ConstantOfShape", ["whole"], ["state"]),
    ]
    nodes = [*states, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.output[0].type.CopyFrom(make.make_tensor_type_proto(onnx.TensorProto.FLOAT, ["B", H]))
    x = X.swapaxes(0, 1)
    check_close(load_onnx(model, device="numpy").predict(x), run(model, x=x)["y"])
    states[-1].attribute.append(make.make_attribute("value", onnx.numpy_helper.from_array(np.ones(1, "float32"))))
    model.graph.node[5].CopyFrom(states[-1])
    with pytest.raises(InputError, match=re.escape("got s, state as inputs of the node Y (RNN)")):
        load_onnx(model)


NOT_LOADED = {
    "unknown": (lambda: chain(("Sin", ["x"], ["y"])), "no counterpart of the node y (Sin)"),
    "branches": (
        lambda: chain(("Tanh", ["x"], ["a"]), ("Relu", ["a"], ["b"]), ("Add", ["a", "b"], ["y"])),
        "expected a chain: one output of the node before, and constants, got b, a as inputs of the node y (Add)",
    ),
    "two inputs": (
        lambda: chain(("Add", ["x", "b"], ["y"]), inputs={"x": [3], "b": [3]}),
        "expected a model with one input, got b, x",
    ),
    "bias alone": (
        lambda: chain(("Add", ["x", "b"], ["y"]), b=np.ones(3, "float32")),
        "expected a vector added to the product before, got shape (3,) of the node y (Add)",
    ),
    "width": (
        lambda: chain(("MatMul", ["x", "w"], ["y"]), w=np.ones((4, 2), "float32")),
        "expected 4 features, as the weights of the node y (MatMul) have them, got inputs of shape (None, 3)",
    ),
    "order of a product": (
        lambda: chain(("MatMul", ["w", "x"], ["y"]), w=np.ones((4, 2), "float32")),
        "expected a constant behind what goes through the chain",
    ),
    "batch of a node": (
        lambda: chain(
            ("RNN", ["x", "W", "R"], ["y"], {"hidden_size": H}), inputs={"x": ["T", "B", I]}, **weights_of("RNN")
        ),
        "expected inputs (steps, batch, features), got (batch, steps, features) of the node y (RNN)",
    ),
    "directions left": (lambda: recurrent(output="Y"), "of the last of the nodes, got Y (steps, directions, batch"),
    "backwards": (
        lambda: recurrent(
            ("Squeeze", ["Y", "one"], ["q"]),
            ("Transpose", ["q"], ["y"], {"perm": [1, 0, 2]}),
            direction="reverse",
            one=np.array([1]),
        ),
        "expected steps turned round behind, as a layer of that direction does, got none of the node Y (RNN)",
    ),
    "a start": (
        lambda: recurrent(inputs=("s", "W", "R", "", "", "start"), output="Y", start=np.ones((1, 1, H), "float32")),
        "expected all steps from states of zeros, got initial_h of the node Y (RNN)",
    ),
    "a mean over steps": (
        lambda: recurrent(("ReduceMean", ["Y", "steps"], ["y"], {"keepdims": 0}), steps=np.array([0])),
        "expected the axis of both directions, which is not kept, got steps",
    ),
    "other types": (
        lambda: chain(("MatMul", ["x", "w"], ["y"]), w=np.ones((3, 2), "float16")),
        "of dtype float32 or float64, got float16",
    ),
    "a permutation": (lambda: recurrent(("Transpose", ["Y"], ["y"], {"perm": [0, 9, 1, 1]})), "expected axes of 4"),
    "nothing": (lambda: chain(output="x"), "expected an output (batch, ..., features) of the last of the nodes"),
}


@pytest.mark.parametrize("case", NOT_LOADED)
def test_what_no_layer_has_is_named(case, monkeypatch):
    monkeypatch.setattr(onnx.checker, "check_model", lambda model: None)  # it would refuse outputs without a shape
    source, error = NOT_LOADED[case]
    with pytest.raises(InputError, match="load_onnx: .*" + re.escape(error)):
        load_onnx(source())
