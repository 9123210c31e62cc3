"""The table of `summary`: parameters counted by hand, shapes with None where free, for every topology."""

import pytest

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Embedding,
    Input,
    Masking,
    RepeatVector,
    SimpleRNN,
    TimeDistributed,
)


def table(model):
    """{row: (output shape, parameters)} and the totals, of what `summary` prints."""
    printed = []
    model.summary(printed.append)
    _, _, _, _, *rows, _, total, trainable, frozen = printed[0].splitlines()
    cells = [(row[: row.index("  ")], row[row.index("(None") : row.rindex(")") + 1], row.split()[-1]) for row in rows]
    return {name: (shape, int(count)) for name, shape, count in cells}, [total, trainable, frozen]


def lstm(inputs, units):
    return 4 * units * (inputs + units + 1)


def gru(inputs, units):
    return 3 * units * (inputs + units) + 6 * units  # reset after the product: two biases


def test_topologies():
    """Sequence to sequence, to vector, vector to sequence, both directions, stacks, any cell; time unknown."""
    layers = [
        Input((None, 3)),
        Masking(name="mask"),
        Bidirectional(LSTM(4, return_sequences=True), name="both"),
        Bidirectional(GRU(5, return_sequences=True), merge_mode="sum", name="sum"),
        TimeDistributed(Dense(7), name="each"),
        RNN([nr.LSTMCell(6, use_peepholes=True), nr.UGRNNCell(2)], return_sequences=True, name="stack"),
        Bidirectional(SimpleRNN(3), name="ends"),
        RepeatVector(9, name="repeat"),
        GRU(4, return_sequences=True, name="decoder"),
        Dense(2, name="scores"),
    ]
    model = Sequential(layers)
    rows, totals = table(model)
    assert rows == {
        "mask (Masking)": ("(None, None, 3)", 0),
        "both (Bidirectional)": ("(None, None, 8)", 2 * lstm(3, 4)),
        "sum (Bidirectional)": ("(None, None, 5)", 2 * gru(8, 5)),
        "each (TimeDistributed)": ("(None, None, 7)", 6 * 7),
        "stack (RNN)": ("(None, None, 2)", lstm(7, 6) + 3 * 6 + 2 * 2 * (6 + 2 + 1)),
        "ends (Bidirectional)": ("(None, 6)", 2 * 3 * (2 + 3 + 1)),
        "repeat (RepeatVector)": ("(None, 9, 6)", 0),
        "decoder (GRU)": ("(None, 9, 4)", gru(6, 4)),
        "scores (Dense)": ("(None, 9, 2)", 10),
    }
    assert totals[0] == f"Total params: {sum(count for _, count in rows.values()):,}"
    assert model.count_params() == sum(layer.count_params() for layer in model.layers)


def test_the_whole_table():
    printed = []
    Sequential([Input((None, 1)), SimpleRNN(100), Dense(1)], name="series").summary(printed.append)
    assert printed == [
        'Model: "series"\n'
        "--------------------------------------------------\n"
        "Layer (type)             Output shape   Param #\n"
        "--------------------------------------------------\n"
        "simple_rnn (SimpleRNN)   (None, 100)    10200\n"
        "dense (Dense)            (None, 1)      101\n"
        "--------------------------------------------------\n"
        "Total params: 10,301\n"
        "Trainable params: 10,301\n"
        "Non-trainable params: 0"
    ]


def test_shapes_that_the_first_data_decides():
    with pytest.raises(nr.InputError, match=r"sequential: summary needs parameters: start with Input\(shape\), or"):
        Sequential([Bidirectional(LSTM(4)), Dense(1)]).summary()
    model = Sequential([Embedding(50, 8), Bidirectional(LSTM(4)), Dense(1)], device="numpy")
    model.predict([[1, 2, 3]])
    rows, _ = table(model)
    assert list(rows.values()) == [("(None, None, 8)", 400), ("(None, 8)", 2 * lstm(8, 4)), ("(None, 1)", 9)]
