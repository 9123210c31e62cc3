"""Stacks of cells, dropout in training alone, states as tuples or in one array, both directions."""

import numpy as np

import numbarnn as nr

X = np.random.default_rng(42).standard_normal((6, 20, 1), "float32")
cells: list[nr.BasicRNNCell] = [nr.BasicRNNCell(8) for _ in range(3)]
multi_layer_cell = nr.MultiRNNCell([nr.DropoutWrapper(cell, input_keep_prob=0.5) for cell in cells])
params = multi_layer_cell.init_params(1, rng=42)
outputs, states = nr.dynamic_rnn(multi_layer_cell, params, X)
dropped = nr.dynamic_rnn(multi_layer_cell, params, X, training=True, rng=1)
print([state.h.shape for state in states], float(abs(outputs - dropped.outputs).max()))

gated = nr.MultiRNNCell([nr.BasicLSTMCell(num_units=7), nr.LSTMCell(8, use_peepholes=True), nr.GRUCell(num_units=9)])
outputs, states = nr.dynamic_rnn(gated, gated.init_params(1), X)
print(outputs.shape, states[1].c.shape, gated.output_size)

together, state = nr.dynamic_rnn(nr.ConcatenatedState(nr.BasicLSTMCell(5)), nr.BasicLSTMCell(5).init_params(1), X)
print(state.shape)

pair = nr.LSTMCell(5), nr.GRUCell(6)
both = nr.bidirectional_dynamic_rnn(pair, (pair[0].init_params(1), pair[1].init_params(1)), X)
(forth, back), (state_forth, state_back) = both
print(both.backward((forth, back)).params[1]["kernel"].shape)

cell = nr.GRUCell(4)
run = nr.forward(cell, cell.init_params(1), X)
for name, saturation in nr.inspection.gate_saturation(run).items():
    print(name, saturation.low.mean(), saturation.high.mean())
