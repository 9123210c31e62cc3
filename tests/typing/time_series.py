"""A cell with an output projection learns a series and then writes one; truncated BPTT over a stream."""

import numpy as np

import numbarnn as nr

n_steps = 20
series = nr.datasets.sine_mixture().astype("float32")
X, y = nr.datasets.make_windows(series, n_steps, count=100, rng=1)

cell = nr.OutputProjectionWrapper(nr.BasicRNNCell(10, activation="relu"), output_size=1)
params = cell.init_params(1, rng=42)
optimizer, mse = nr.optimizers.RMSprop(nr.optimizers.CosineDecay(0.01, decay_steps=2)), nr.losses.get("mse")
for X_batch, y_batch in zip(np.split(X, 2), np.split(y, 2), strict=True):
    run = nr.dynamic_rnn(cell, params, X_batch)
    loss, d_outputs = mse.value_and_gradient(y_batch, run.outputs)
    optimizer.apply(params, run.backward(d_outputs).params)
    print(f"loss {loss:.3f}")

sequence = [0.0] * n_steps
for _ in range(5):
    X_batch = np.array(sequence[-n_steps:], "float32").reshape(1, n_steps, 1)
    y_pred, _ = nr.dynamic_rnn(cell, params, X_batch, save="minimal")
    sequence.append(float(y_pred[0, -1, 0]))

prepared, state = nr.prepare(cell, params), cell.zero_state(1)
for x in X[:1].swapaxes(0, 1):
    output, state = prepared.step(x, state)
print(output.shape, nr.forward(prepared, X).outputs.shape)

for step in nr.truncated_bptt(cell, params, [(X[:4], y[:4])], "mse", truncate=(5, 10)):
    optimizer.apply(params, step.gradients)
    print(step.loss)
