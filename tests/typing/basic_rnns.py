"""Four instances, two steps, three inputs, five neurons: unrolled by hand, statically and dynamically."""

import numpy as np

import numbarnn as nr

X_batch = np.arange(24, dtype="float32").reshape(4, 2, 3) / 24
n_inputs, n_neurons = 3, 5

basic_cell = nr.BasicRNNCell(n_neurons)
params = basic_cell.init_params(n_inputs, rng=42)
Y0, state = basic_cell.step(params, X_batch[:, 0])
Y1, state = basic_cell.step(params, X_batch[:, 1], state)

output_seqs, states = nr.static_rnn(basic_cell, params, nr.unstack_time(X_batch))
assert np.array_equal(nr.stack_time(output_seqs), np.stack([Y0, Y1], axis=1))

seq_length = np.array([2, 1, 2, 2])
outputs, states = nr.dynamic_rnn(basic_cell, params, X_batch, lengths=seq_length)
assert outputs.shape == (4, 2, 5) and states.h.shape == (4, 5)
assert not outputs[1, 1].any()

cell = nr.LSTMCell(7, use_peepholes=True)
run = nr.forward(cell, cell.init_params(n_inputs), X_batch)
grads = run.backward(2 * run.outputs / run.outputs.size)
print(run.state.c.shape, run.gates["f"].mean(), grads.params["peephole"].shape, grads.inputs.shape)
