"""Whole models of ONNX: onnxruntime computes what our layers do."""

from dataclasses import dataclass

import numpy as np
import pytest
from helpers.onnx_reference import check_close, run

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.errors import InputError
from numbarnn.interop import load_onnx, save_onnx, to_onnx
from numbarnn.maths import ACTIVATIONS
from numbarnn.utils.tree import tree_leaves

onnx = pytest.importorskip("onnx", reason="needs ONNX (pip install onnx)")
from onnx.reference import ReferenceEvaluator  # noqa: E402

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")

RNG = np.random.default_rng(0)
B, T, I, WORDS = 4, 6, 3, 11
MODELS = {
    "classifier": lambda: [L.Input((None, I)), L.LSTM(5), L.Dense(4, activation="softmax")],
    "tagger": lambda: [
        L.Input((None,)),
        L.Embedding(WORDS, I),
        L.Bidirectional(L.LSTM(5, return_sequences=True, dropout=0.2)),
        L.Dropout(0.5),
        L.TimeDistributed(L.Dense(4, activation="relu")),
        L.BatchNormalization(),
        L.Activation("softmax"),
    ],
    "backwards": lambda: [
        L.Input((None, I)),
        L.GRU(5, return_sequences=True, go_backwards=True, recurrent_dropout=0.2),
        L.Bidirectional(L.GRU(4, reset_after=False, go_backwards=True, return_sequences=True)),
        L.Bidirectional(L.SimpleRNN(3, go_backwards=True), merge_mode="ave"),
        L.Dense(2, use_bias=False),
    ],
    "encoder and decoder": lambda: [
        L.Input((None, I)),
        L.Bidirectional(L.GRU(5), backward_layer=L.GRU(5, activation="relu", go_backwards=True), merge_mode="mul"),
        L.RepeatVector(3),
        L.BatchNormalization(scale=False),
        L.LSTM(4, return_sequences=True, use_bias=False),
        L.Flatten(),
        L.Dense(2, activation="hard_sigmoid"),
    ],
    "cells": lambda: [
        L.Input((None, I)),
        L.RNN([nr.LSTMCell(4, use_peepholes=True), nr.Bidirectional(nr.BasicLSTMCell(3))], return_sequences=True),
        L.RNN(nr.CoupledInputForgetGateLSTMCell(4), go_backwards=True),
        L.BatchNormalization(epsilon=0.1, center=False),
        L.Activation("elu"),
    ],
    "images": lambda: [L.Input((T, I)), L.Flatten(), L.Dense(4, activation="leaky_relu"), L.Activation("softsign")],
    "nothing": lambda: [L.Input((I,)), L.Dropout(0.5)],
}


def made(layers, dtype="float32"):
    """A model with random weights, positive variances among them."""
    model = nr.Sequential(layers, device="numpy", dtype=dtype)
    draw = lambda name, shape: RNG.random(shape) + 0.1 if "variance" in name else RNG.standard_normal(shape) * 0.5  # noqa: E731
    model.set_weights([draw(name, array.shape).astype(dtype) for name, array in model.weights.items()])
    return model


def inputs_of(model):
    if model.layers[0].takes_integers:
        return RNG.integers(0, WORDS, (B, T))
    return RNG.standard_normal([B, *(size or T for size in model.input_shape[1:])]).astype("float32")


@pytest.mark.parametrize("case", MODELS)
def test_onnxruntime_computes_the_same(case):
    model = made(MODELS[case]())
    x = inputs_of(model)
    written = to_onnx(model)
    check_close(run(written, inputs=x)["outputs"], model.predict(x))
    if model.input_shape[1] is None:
        check_close(run(written, inputs=x[:1, :2])["outputs"], model.predict(x[:1, :2]))


@pytest.mark.parametrize("case", ["classifier", "backwards"])
def test_float64_is_computed_by_onnx_itself(case):
    model = made(MODELS[case](), "float64")
    x = inputs_of(model).astype("float64")
    (outputs,) = ReferenceEvaluator(to_onnx(model)).run(None, {"inputs": x})
    assert outputs.dtype == np.float64 and abs(outputs - model.predict(x)).max() <= 1e-12


A = nr.activations
OPERATORS = (
    *("tanh", "sigmoid", "relu", "hard_sigmoid", "softsign", "softplus", "elu", "leaky_relu", "exponential", "gelu"),
    *("gelu_tanh", "hard_silu", "mish", "selu", "celu", "relu6", "hard_tanh", "hard_shrink", "soft_shrink", "softmax"),
    *("log_softmax", "hard_sigmoid_keras2", A.CELU(0.5), A.ELU(0.4), A.HardShrink(0.3), A.SoftShrink(0.3)),
    *(A.LeakyReLU(0.3), A.ThresholdedReLU(0.2), A.HardSigmoid(0.3, 0.4)),
    *("silu", "log_sigmoid", "tanh_shrink", "sparse_sigmoid", "sparse_plus", "squareplus", A.Squareplus(0.5)),
    *(A.Affine(0.7, -0.3), A.ScaledTanh(1.7, 0.6), A.Threshold(-0.25, 0.1)),
)


def test_every_activation_goes_out():
    names = {getattr(activation, "formula", activation) for activation in OPERATORS}
    assert names >= (ACTIVATIONS.keys() - {"linear"})
    assert {getattr(A, name) for name in A.__all__} - {type(a) for a in OPERATORS} == {A.Activation}


@pytest.mark.parametrize("activation", OPERATORS, ids=str)
def test_activations_of_layers(activation):
    model = made([L.Input((None, I)), L.Dense(5, activation=activation), L.Activation(activation)])
    x, written = inputs_of(model), to_onnx(model)
    onnx.checker.check_model(written, full_check=True)
    check_close(run(written, inputs=x)["outputs"], model.predict(x))
    again = load_onnx(written, device="numpy")
    assert [layer.activation for layer in again.layers] == [layer.activation for layer in model.layers]


# numbers such as 0.2 and 1 / 6 are float32 in ONNX, in the evaluator's Gelu too
ROUNDED = {"gelu", "gelu_tanh", "hard_sigmoid", "hard_sigmoid_keras2", "hard_silu", "leaky_relu", "selu"}
WITH = [A.Affine(0.5, -0.25), A.CELU(0.5), A.ELU(0.5), A.HardShrink(0.25), A.HardSigmoid(0.25, 0.5), A.LeakyReLU(0.25)]
WITH += [A.ScaledTanh(1.75, 0.5), A.SoftShrink(0.25), A.Squareplus(0.5), A.Threshold(-0.25, 0.5)]
WITH += [A.ThresholdedReLU(0.25)]


@pytest.mark.parametrize("activation", [a for a in OPERATORS if isinstance(a, str)] + WITH, ids=str)
def test_activations_of_layers_in_float64(activation):
    model = made([L.Input((None, I)), L.Dense(5), L.Activation(activation)], "float64")
    x = inputs_of(model).astype("float64")
    (outputs,) = ReferenceEvaluator(to_onnx(model)).run(None, {"inputs": x})
    expected, bound = model.predict(x), 1e-7 if activation in ROUNDED else 1e-12
    assert outputs.dtype == np.float64 and abs(outputs - expected).max() <= bound * max(1, abs(expected).max())


@dataclass(frozen=True)
class Squared(A.Activation):
    """An activation of one's own."""

    formula = staticmethod(lambda x: x * x)


def test_an_activation_of_ones_own_is_named():
    expected = r"to_onnx: expected an activation that ONNX has there, tanh, .*CELU.*; got .*Squared\(\)"
    with pytest.raises(InputError, match=expected):
        to_onnx(made([L.Input((None, I)), L.Dense(5, activation=Squared())]))


def test_a_function_with_another_body_is_refused():
    model = to_onnx(made([L.Input((None, I)), L.Dense(5, activation="silu")]))
    (function,) = model.functions
    assert function.name == "silu" and [node.op_type for node in function.node] == ["Sigmoid", "Mul"]
    function.node[0].op_type = "Tanh"
    with pytest.raises(InputError, match="load_onnx: expected functions of numbarnn as to_onnx writes them, affine,"):
        load_onnx(model)


def test_a_functional_model_and_names_of_inputs_and_outputs_go_out():
    x = L.Input((None, I))
    y = L.Dense(3, name="inputs")(L.Dense(2, name="outputs")(L.LSTM(4)(x)))
    model, x = nr.Model(x, y, device="numpy"), RNG.standard_normal((B, T, I)).astype("float32")
    check_close(run(to_onnx(model), inputs=x)["outputs"], model.predict(x))


def test_an_encoder_with_a_decoder_is_refused():
    coder = nr.EncoderDecoder([L.LSTM(4)], [L.LSTM(4, return_sequences=True), L.Dense(I)], start=np.zeros(I))
    coder.build((None, None, I))
    assert coder.built
    with pytest.raises(InputError, match="to_onnx: expected a Sequential or a Model, got EncoderDecoder"):
        to_onnx(coder)


def graphs():
    x, z, words = L.Input((None, I)), L.Input((None, I), name="z"), L.Input((None,), name="words")
    vector = L.Input((4,))
    twice, h = L.Dense(I, "tanh"), L.GRU(4, return_sequences=True)(x)
    yield "called twice", [x], twice(twice(x))
    yield "read twice, and an output on the way", [x], [h, L.Dense(2)(h)]
    yield "one output twice", [x], [h, h]
    yield "branches", [x], [L.Dense(2)(x), L.LSTM(3)(x)]
    yield "Add", [x, z], L.Add()([x, L.Dense(I)(z), L.LSTM(I, return_sequences=True)(x)])
    yield "Multiply", [x, z], L.Multiply()([x, L.Dense(I)(z), L.Dense(1)(x)])
    yield "Average", [x, z], L.Average()([L.Dense(2)(x), L.GRU(2, return_sequences=True)(z)])
    yield "Concatenate", [x, z], L.Concatenate()([L.LSTM(3)(x), L.GRU(2)(z)])
    yield "steps", [x, z], L.Concatenate(axis=1)([x, L.SimpleRNN(I, return_sequences=True, go_backwards=True)(z)])
    yield "tokens and numbers", [words, x], L.Concatenate()([L.LSTM(3)(L.Embedding(9, 2)(words)), L.GRU(3)(x)])
    yield "states", [x], L.LSTM(4, return_state=True)(x)
    yield "states of both directions", [x], L.Bidirectional(L.LSTM(4, return_state=True))(x)
    yield "states of a stack", [x], L.RNN([nr.LSTMCell(3), nr.GRUCell(2)], return_state=True, go_backwards=True)(x)
    yield "state given", [x, vector], L.GRU(4)(x, initial_state=[vector])
    _, *states = L.LSTM(4, return_state=True)(x)
    y, *after = L.LSTM(4, return_sequences=True, return_state=True)(z, initial_state=states)
    yield "sequence to sequence", [x, z], [L.Dense(3, "softmax")(y), *after]
    _, *states = L.Bidirectional(L.GRU(4, return_state=True))(x)
    yield "both directions handed over", [x, z], L.Bidirectional(L.GRU(4))(z, initial_state=states)
    yield "names", [x, z], [L.Dense(2, name="z")(x), L.Dense(2, name="outputs")(z)]


@pytest.mark.parametrize(("inputs", "outputs"), [pytest.param(*graph, id=name) for name, *graph in graphs()])
def test_graphs_go_out(inputs, outputs):
    model = nr.Model(inputs, outputs, device="numpy")
    model.set_weights([RNG.standard_normal(w.shape) * 0.5 for w in model.get_weights()])
    shapes = [(B, *(size or T for size in given.shape)) for given in inputs]
    x = [RNG.standard_normal(shape).astype("float32") for shape in shapes]
    if inputs[0].name == "words":
        x[0] = RNG.integers(0, 9, (B, T + 1))
    exported = to_onnx(model)
    onnx.checker.check_model(exported, full_check=True)
    names = [given.name for given in exported.graph.input]
    assert names == (["inputs"] if len(inputs) == 1 else model.input_names)
    found = run(exported, **dict(zip(names, x, strict=True)))
    expected = tree_leaves(model.predict(x if len(x) > 1 else x[0]))
    for got, wanted in zip(found.values(), expected, strict=True):
        check_close(got, wanted)


def test_outputs_have_the_names_of_layers():
    x = L.Input((None, I))
    model = nr.Model(x, [L.Dense(2, name="label")(x), L.Dense(1, name="value")(x)], device="numpy")
    assert [output.name for output in to_onnx(model).graph.output] == model.output_names == ["label", "value"]
    with pytest.raises(InputError, match="load_onnx: expected a"):
        load_onnx(to_onnx(model))
    chain = nr.Sequential([L.Input((None, I)), L.LSTM(2, return_state=True)], device="numpy")
    assert [output.name for output in to_onnx(chain).graph.output] == ["lstm", "lstm_1", "lstm_2"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [case for case in MODELS if case != "nothing"])
def test_a_model_comes_back(case, dtype, tmp_path):
    model = made(MODELS[case](), dtype)
    x = inputs_of(model)
    x = x if x.dtype.kind == "i" else x.astype(dtype)
    save_onnx(tmp_path / "model.onnx", model)
    again = load_onnx(tmp_path / "model.onnx", device="numpy")
    assert again.built and again.dtype == dtype and again.output_shape == model.output_shape
    expected = model.predict(x)
    assert abs(again.predict(x) - expected).max() <= 4 * np.finfo(dtype).eps * max(1, abs(expected).max())
    once = to_onnx(again)
    assert to_onnx(load_onnx(once)) == once


def test_training_goes_on():
    model = load_onnx(to_onnx(made([L.Input((None, I)), L.LSTM(5), L.Dense(4, activation="softmax")])), device="numpy")
    x, y = RNG.standard_normal((B, T, I)).astype("float32"), RNG.integers(0, 4, B)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    before = model.evaluate(x, y)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y) < before
    check_close(run(to_onnx(model), inputs=x)["outputs"], model.predict(x))


@pytest.mark.parametrize(
    ("layer", "error"),
    [
        (L.Masking(), "no counterpart of the layer masking (Masking)"),
        (L.LSTM(2, stateful=True), "expected lstm with stateful=False, got True"),
        (L.Bidirectional(L.LSTM(2), merge_mode=None), "expected a merge_mode of bidirectional, got None"),
        (L.Bidirectional(L.RNN([nr.LSTMCell(2), nr.LSTMCell(2)])), "no counterpart of MultiRNNCell"),
        (L.RNN(nr.UGRNNCell(2)), "no counterpart of UGRNNCell(2)"),
        (L.TimeDistributed(L.Flatten()), "no counterpart of the layer time_distributed (Flatten at each step)"),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_what_onnx_lacks_is_named(layer, error):
    model = nr.Sequential([L.Input((None, I)), layer], device="numpy")
    with pytest.raises(InputError, match="to_onnx: ") as caught:
        to_onnx(model)
    assert error in str(caught.value)


def test_masks_and_subclasses_are_refused():
    with pytest.raises(InputError, match="expected embedding with mask_zero=False"):
        to_onnx(nr.Sequential([L.Input((None,)), L.Embedding(3, 2, mask_zero=True)]))

    class Other(L.Dense):
        pass

    with pytest.raises(InputError, match=r"no counterpart of the layer other \(Other\)"):
        to_onnx(nr.Sequential([L.Input((3,)), Other(2)]))
    with pytest.raises(InputError, match="expected a built model"):
        to_onnx(nr.Sequential([L.Dense(2)]))
    with pytest.raises(InputError, match="expected a model without lengths, which belongs to a cell"):
        to_onnx(made(MODELS["classifier"]()), lengths=True)


def test_functions_can_be_expanded_beforehand():
    from onnx.inliner import inline_local_functions

    layers = [L.Input((None, I)), L.Dense(5, activation="silu"), L.Dense(2, activation=A.Squareplus(0.3))]
    model = made([*layers, L.Activation("gelu")])
    x, written = inputs_of(model), to_onnx(model)
    assert {function.name for function in written.functions} == {"silu", "squareplus"}
    inlined = inline_local_functions(written)
    assert not inlined.functions and {node.domain for node in inlined.graph.node} == {""}
    for version in (written, inlined):
        check_close(run(version, inputs=x)["outputs"], model.predict(x))
