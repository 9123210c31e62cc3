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


def test_an_encoder_with_a_decoder_is_no_chain():
    coder = nr.EncoderDecoder([L.LSTM(4)], [L.LSTM(4, return_sequences=True), L.Dense(I)], start=np.zeros(I))
    coder.build((None, None, I))
    assert coder.built
    with pytest.raises(
        InputError, match="to_onnx: expected a model whose layers follow each other, got EncoderDecoder"
    ):
        to_onnx(coder)


def graphs():
    x, y = L.Input((None, I)), L.Input((None, I))
    twice, h = L.Dense(I), L.GRU(4, return_sequences=True)(x)
    *_, state = L.GRU(4, return_state=True)(x)
    yield nr.Model(x, twice(twice(x)))
    yield nr.Model(x, [h, L.Dense(2)(h)])
    yield nr.Model(x, [L.Dense(2)(x), L.Dense(3)(x)])
    yield nr.Model([x, y], L.Add()([x, y]))
    yield nr.Model([x, y], L.GRU(4)(y, initial_state=state))


@pytest.mark.parametrize("model", list(graphs()))
def test_a_graph_is_no_chain(model):
    with pytest.raises(nr.InputError, match="to_onnx: expected a model whose layers follow each other, got Model"):
        to_onnx(model)


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
        (L.LSTM(2, return_state=True), "expected lstm with return_state=False, got True"),
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
