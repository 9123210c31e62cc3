"""What composite cells refuse."""

import numpy as np
import pytest
from helpers.wrapper_problems import B, I, T, gru, lstm, rnn

import numbarnn as nr

D, tokens = nr.DropoutWrapper, nr.EmbeddingWrapper(rnn(3), 4, 2)
REFUSED = {
    "no cell": (lambda: nr.ResidualWrapper("lstm"), "ResidualWrapper: expected a cell such as .* got 'lstm'"),
    "no cell in a stack": (lambda: nr.MultiRNNCell([lstm(2), None]), "MultiRNNCell: expected a cell such as"),
    "no list": (lambda: nr.MultiRNNCell(lstm(2)), "MultiRNNCell: expected a list of cells"),
    "no cells": (lambda: nr.MultiRNNCell([]), r"MultiRNNCell: expected a list of cells, got \[\]"),
    "misspelt": (
        lambda: nr.MultiRNNCell([lstm(2)], state_is_tupe=False),
        "unexpected keyword argument 'state_is_tupe'",
    ),
    "unknown option": (
        lambda: D(lstm(2), keep_prob=0.5),
        "DropoutWrapper: got an unexpected keyword argument 'keep_prob'",
    ),
    "two states in an array": (
        lambda: nr.MultiRNNCell([gru(2), lstm(2)], state_is_tuple=False),
        "expected cells of one state each .* got LSTMCell",
    ),
    "keep nothing": (lambda: D(lstm(2), input_keep_prob=0.0), r"expected input_keep_prob in \(0, 1\], got 0.0"),
    "keep more": (lambda: D(lstm(2), output_keep_prob=1.5), r"expected output_keep_prob in \(0, 1\], got 1.5"),
    "keep nan": (
        lambda: D(lstm(2), state_keep_prob=float("nan")),
        "state_keep_prob to be a finite number, got nan",
    ),
    "keep true": (lambda: D(lstm(2), state_keep_prob=True), "state_keep_prob to be a finite number, got True"),
    "filter": (lambda: D(lstm(2), dropout_state_filter="c"), "expected dropout_state_filter to be a function"),
    "dropped integers": (lambda: D(tokens, input_keep_prob=0.5), "input_keep_prob needs inputs of floats"),
    "dropped grid": (
        lambda: D(nr.GridLSTMCell(2, feature_size=1, frequency_skip=1, num_frequency_blocks=[3]), state_keep_prob=0.5),
        "no state dropout of a GridLSTMCell",
    ),
    "dropped projection": (
        lambda: D(lstm(4, num_proj=2), state_keep_prob=0.5),
        "no state dropout of a projected output",
    ),
    "rate": (lambda: nr.DropConnectWrapper(lstm(2), 1.0), r"expected rate in \[0, 1\), got 1.0"),
    "no kernel": (lambda: nr.DropConnectWrapper(nr.SRUCell(2), 0.5).init_params(2), "SRUCell has no recurrent kernel"),
    "no function": (lambda: nr.ResidualWrapper(gru(2), "add"), r"residual_fn to be a pair \(function, gradient\)"),
    "sum over the batch": (
        lambda: nr.ResidualWrapper(gru(2), lambda x, y: x + y.sum(0)),
        r"residual_fn to be a formula of single numbers, or a pair \(function, gradient\)",
    ),
    "sum that NumPy computes": (
        lambda: nr.ResidualWrapper(gru(2), lambda x, y: y - np.mean(x, -1, keepdims=True)),
        r"or a pair \(function, gradient\); residual_fn: np.mean has no derivative here",
    ),
    "one thing for numbers, another for arrays": (
        lambda: nr.ResidualWrapper(gru(2), lambda x, y: x * y * getattr(y, "ndim", 1)),
        r"or a pair \(function, gradient\); on arrays it computes something else",
    ),
    "other device": (lambda: nr.DeviceWrapper(rnn(2), "/gpu:1"), "expected the device of number 0, the only one used"),
    "sum of sizes": (lambda: nr.ResidualWrapper(gru(2)).init_params(3), "expected inputs of 2 features, .* got 3"),
    "gate of sizes": (lambda: nr.HighwayWrapper(gru(2)).init_params(3), "expected inputs of 2 features, .* got 3"),
    "sum with integers": (lambda: nr.ResidualWrapper(tokens), "the sum needs inputs of floats"),
    "integers above": (lambda: nr.MultiRNNCell([rnn(2), tokens]), "only the first cell can take integers"),
    "integers twice": (lambda: nr.EmbeddingWrapper(tokens, 3, 4), "the embedding needs inputs of floats"),
    "size": (lambda: nr.InputProjectionWrapper(rnn(2), 0), "expected num_proj to be a positive integer, got 0"),
    "no size": (lambda: nr.OutputProjectionWrapper(rnn(2)), "expected output_size to be a positive integer"),
    "activation": (
        lambda: nr.OutputProjectionWrapper(rnn(2), 3, activation="glu"),
        "expected an activation out of tanh, .* got 'glu'",
    ),
    "device": (lambda: nr.DeviceWrapper(rnn(2), "tpu"), "DeviceWrapper: no device 'tpu'; there are cpu, numpy"),
    "merge mode": (lambda: nr.Bidirectional(rnn(2), merge_mode=None), "no merge_mode None; there are concat, sum"),
    "merged sizes": (
        lambda: nr.Bidirectional(rnn(2), rnn(3), merge_mode="mul"),
        r"outputs of one size to mul, got \[2, 3\]",
    ),
    "half integers": (lambda: nr.Bidirectional(tokens, rnn(3)), "one cell takes integers, and the other does not"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    make, message = REFUSED[case]
    with pytest.raises(nr.InputError, match=message):
        make()


def test_refused_calls():
    params = tokens.init_params()
    for x, message in (
        (np.array([[0, 4]]), "EmbeddingWrapper: expected integers from 0 to 3, got 0 to 4"),
        (np.array([[0.0, 1.0]], "f4"), "EmbeddingWrapper: expected inputs of integers, got float32"),
    ):
        with pytest.raises(nr.InputError, match=message):
            nr.forward(tokens, params, x)
    stack = nr.MultiRNNCell([lstm(2), gru(3)])
    x = np.zeros((B, T, I), "f4")
    for state, message in (
        (np.zeros((B, 7), "f4"), "expected initial_state to be a tuple of 2 states, got ndarray"),
        ((stack.zero_state(B)[0], (np.zeros((B, 2), "f4"),)), r"initial_state.1.h of shape \(4, 3\), got \(4, 2\)"),
    ):
        with pytest.raises(nr.InputError, match=message):
            nr.forward(stack, stack.init_params(I), x, initial_state=state)
    wrong = nr.ResidualWrapper(gru(I), (lambda x, y: y[..., :1], lambda x, y, d: (x, y)))
    with pytest.raises(nr.InputError, match=r"expected float32 of shape \(5, 4, 3\) of residual_fn"):
        nr.forward(wrong, wrong.init_params(I), x, device="numpy")
