"""Images read row by row: a cell, a dense layer by hand on its final state, and an optimiser."""

import numpy as np

import numbarnn as nr

n_steps = n_inputs = 8
n_neurons, n_outputs = 30, 10
(X_train, y_train), (X_test, y_test) = nr.datasets.digits()

basic_cell = nr.BasicRNNCell(n_neurons)
params = basic_cell.init_params(n_inputs, rng=42)
params["w"] = nr.initializers.glorot_uniform((n_neurons, n_outputs), np.random.default_rng(42), "float32")
params["b"] = np.zeros(n_outputs, "float32")
rnn = {name: params[name] for name in basic_cell.param_shapes(n_inputs)}
xentropy = nr.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = nr.optimizers.Adam(learning_rate=0.001, clip_global_norm=5.0)

for X_batch, y_batch in nr.datasets.shuffle_batch(X_train, y_train, batch_size=150, rng=0):
    unrolled = nr.dynamic_rnn(basic_cell, rnn, X_batch)
    outputs, states = unrolled
    logits = states.h @ params["w"] + params["b"]
    loss, d_logits = xentropy.value_and_gradient(y_batch, logits)
    grads = unrolled.backward(d_state=(d_logits @ params["w"].T,)).params
    optimizer.apply(params, grads | {"w": states.h.T @ d_logits, "b": d_logits.sum(0)})
    print(f"{loss:.3f}", optimizer.rate())

outputs, states = nr.dynamic_rnn(basic_cell, rnn, X_test)
print(nr.metrics.in_top_k(y_test, states.h @ params["w"] + params["b"]))
