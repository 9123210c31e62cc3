"""`nr.memory_plan` against the measured peak: within 5 %."""

import gc
import tracemalloc

import numpy as np
import pytest

import numbarnn as nr
from numbarnn import losses
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Masking,
    RepeatVector,
    TimeDistributed,
)
from numbarnn.runtime import workspace

B, T, I, C = 64, 60, 40, 30


def measured(call):
    """Measure the most bytes that Python and NumPy hold at a time, from an empty pool on."""
    call()
    workspace.clear()
    gc.collect()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


CELLS = {
    "LSTM": nr.LSTMCell(96),
    "GRU": nr.ResetAfterGRUCell(65),
    "projection": nr.LSTMCell(96, num_proj=50),
    "stack": nr.MultiRNNCell([nr.LSTMCell(96), nr.ResetAfterGRUCell(65)]),
    "both directions": nr.Bidirectional(nr.LSTMCell(96), nr.LSTMCell(96)),
    "residual": nr.ResidualWrapper(nr.ResetAfterGRUCell(I)),
    "projections": nr.InputProjectionWrapper(nr.OutputProjectionWrapper(nr.LSTMCell(96), 70), 80),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("save", ["all", "sqrt", "minimal"])
@pytest.mark.parametrize("name", CELLS)
def test_cells(name, save, masked):
    cell = CELLS[name]
    params = cell.init_params(I)
    x = np.ones((200, 48, I), np.float32)
    d_outputs = np.ones((200, 48, cell.output_size), np.float32)
    lengths = np.arange(48) * 4 if masked else None

    def run():
        nr.forward(cell, params, x, time_major=True, save=save, lengths=lengths).backward(d_outputs)

    plan = nr.memory_plan(cell, 48, 200, input_size=I, save=save, masked=masked)
    assert plan.peak == pytest.approx(measured(run), rel=0.05)
    assert plan.peak == sum(plan.parts.values())


@pytest.mark.parametrize("size", [3, 48])  # by vectors, and by products of the table
def test_a_cell_behind_a_table(size):
    cell = nr.EmbeddingWrapper(nr.LSTMCell(96), 500, size)
    params, x = cell.init_params(), np.arange(64 * 100).reshape(64, 100) % 500
    d_outputs = np.ones((64, 100, 96), np.float32)
    plan = nr.memory_plan(cell, 64, 100)
    peak = measured(lambda: nr.forward(cell, params, x).backward(d_outputs))
    assert plan.peak == pytest.approx(peak, rel=0.05)


CLASSES = "sparse_categorical_crossentropy"
MODELS = {  # layers, loss, shape of the labels
    "last": ([LSTM(96), Dense(C, activation="softmax")], CLASSES, ()),
    "stack": (
        [LSTM(96, return_sequences=True), GRU(65), Dense(C, activation="relu"), Dense(C), Activation("softmax")],
        CLASSES,
        (),
    ),
    "every step": ([LSTM(96, return_sequences=True), Dense(C, activation="softmax")], CLASSES, (T,)),
    "every step, alone": ([LSTM(96, return_sequences=True), TimeDistributed(Dense(C))], "mse", (T, C)),
    "averages": ([LSTM(96, return_sequences=True), BatchNormalization(), LSTM(96), Dense(1)], "mse", (1,)),
    "dropout": ([LSTM(96, dropout=0.2, return_sequences=True), Dropout(0.3), LSTM(96), Dense(1)], "mse", (1,)),
    "mask": ([Masking(), LSTM(96, return_sequences=True), LSTM(96), Dense(C, activation="softmax")], CLASSES, ()),
    "mask at every step": (
        [Masking(), LSTM(96, return_sequences=True), TimeDistributed(Dense(C, activation="softmax"))],
        CLASSES,
        (T,),
    ),
    "stack of cells": ([RNN([nr.LSTMCell(96), nr.ResetAfterGRUCell(65)]), Dense(1)], "mse", (1,)),
    "flat": ([LSTM(96, return_sequences=True), Flatten(), Dense(1)], "mse", (1,)),
    "repeated": ([LSTM(96), RepeatVector(T), LSTM(96, return_sequences=True), Dense(C)], "mse", (T, C)),
    "directions": ([Bidirectional(LSTM(96)), Dense(1, activation="sigmoid")], "binary_crossentropy", (1,)),
}
TEXTS = {
    "language": ([Embedding(2000, 48), LSTM(96, return_sequences=True), Dense(2000, activation="softmax")], (T,)),
    "reviews": ([Embedding(500, 48, mask_zero=True), Bidirectional(LSTM(96)), Dense(2, activation="softmax")], ()),
}


def check_model(layers, loss, x, y):
    model = nr.Sequential([Input(x.shape[1:]), *layers])
    model.compile("adam", loss)
    plan = nr.memory_plan(model, B)
    fixed = plan.parts["parameters"] + plan.parts["optimizer"]
    peak = measured(lambda: model.fit(x, y, batch_size=B, verbose=0))
    assert plan.peak == pytest.approx(peak + fixed, rel=0.05)


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    layers, loss, of_labels = MODELS[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3 * B, T, I), np.float32)
    if "mask" in name:
        x[: 2 * B, 40:] = 0
    y = rng.integers(0, 2, (3 * B, *of_labels))
    check_model(layers, loss, x, y if loss == CLASSES else y.astype(np.float32))


@pytest.mark.parametrize("name", TEXTS)
def test_models_of_tokens(name):
    layers, of_labels = TEXTS[name]
    rng = np.random.default_rng(0)
    x = rng.integers(1, 500, (3 * B, T))
    x[: 2 * B, 50:] = 0
    check_model(layers, CLASSES, x, rng.integers(0, 2, (3 * B, *of_labels)))


def test_a_model_of_two_branches():
    x = Input((T, I))
    made = Concatenate()([LSTM(96)(x), LSTM(96, go_backwards=True)(x)])
    model = nr.Model(x, Dense(1)(made))
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3 * B, T, I), np.float32), np.ones((3 * B, 1), np.float32)
    plan = nr.memory_plan(model, B)
    fixed = plan.parts["parameters"] + plan.parts["optimizer"]
    assert plan.peak == pytest.approx(measured(lambda: model.fit(x, y, batch_size=B, verbose=0)) + fixed, rel=0.05)


@pytest.mark.parametrize(
    "loss",
    [
        losses.MeanSquaredError(),
        losses.MeanAbsoluteError(),
        losses.Huber(),
        losses.Pinball(),
        losses.BinaryCrossentropy(),
        losses.BinaryCrossentropy(from_logits=True),
        losses.CategoricalCrossentropy(),
        losses.CategoricalCrossentropy(from_logits=True),
        losses.SparseCategoricalCrossentropy(),
        losses.SparseCategoricalCrossentropy(from_logits=True),
    ],
    ids=repr,
)
def test_arrays_of_losses(loss):
    p = np.full((5000, 40), 1 / 40, np.float32)
    y = (
        np.zeros(5000, int)
        if isinstance(loss, losses.SparseCategoricalCrossentropy)
        else np.eye(40)[np.arange(5000) % 40]
    )
    y = y.astype(p.dtype) if y.ndim == 2 else y
    assert measured(lambda: loss.value_and_gradient(y, p)) / p.nbytes == pytest.approx(loss.arrays_at_once, rel=0.05)


def test_fit_does_not_hold_the_pass_before():
    x, y = np.ones((4 * B, T, I), np.float32), np.ones((4 * B, 1), np.float32)
    model = nr.Sequential([Input((T, I)), LSTM(96), Dense(1)])
    model.compile("sgd", "mse")
    one, four = (measured(lambda n=n: model.fit(x[: n * B], y[: n * B], batch_size=B, verbose=0)) for n in (1, 4))
    batch = x[:B].nbytes
    assert four < one + 1.2 * batch  # the next batch, but no states


def test_a_plan_is_shown():
    plan = nr.memory_plan(nr.LSTMCell(1024), 64, 1000, input_size=512)
    assert list(plan.parts) == sorted(plan.parts, key=plan.parts.get, reverse=True)
    assert (
        "gates" in str(plan).splitlines()[0]
        and "1.07 GB" in str(plan)
        and str(plan).splitlines()[-1].startswith("peak")
    )
    assert "<td>gates</td><td>1.07 GB</td>" in plan._repr_html_()


def model_of(*layers, shape=(T, I)):
    model = nr.Sequential([Input(shape), *layers])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("message", "arguments", "options"),
    [
        ("expected batch to be a positive integer, got 0", (nr.LSTMCell(3), 0, 5), {"input_size": 2}),
        ("expected steps and input_size of a cell, got None and 2", (nr.LSTMCell(3), 4), {"input_size": 2}),
        ("expected steps and input_size of a cell, got 5 and None", (nr.LSTMCell(3), 4, 5), {}),
        ("expected save to be 'all'", (nr.LSTMCell(3), 4, 5), {"input_size": 2, "save": "some"}),
        ("the memory of a ZoneoutWrapper is not known", (nr.ZoneoutWrapper(nr.LSTMCell(3)), 4, 5), {"input_size": 2}),
        ("the memory of a GLSTMCell is not known", (nr.GLSTMCell(4, number_of_groups=2), 4, 5), {"input_size": 2}),
        ("expected a cell or a model, got int", (3, 4, 5), {}),
        ("expected a model that is built and compiled", (nr.Sequential([Input((3, 2)), LSTM(4)]), 4), {}),
        ("expected 60 steps, those of the model's inputs, got 5", (model_of(LSTM(4)), 4, 5), {}),
        ("expected steps, as the model's inputs have shape", (model_of(LSTM(4), shape=(None, 2)), 4), {}),
        ("the memory of a RecurrentDropoutWrapper is not known", (model_of(LSTM(4, recurrent_dropout=0.5)), 4), {}),
    ],
)
def test_what_cannot_be_planned(message, arguments, options):
    with pytest.raises(nr.InputError, match=message):
        nr.memory_plan(*arguments, **options)
