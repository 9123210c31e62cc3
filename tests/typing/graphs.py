"""Models that are graphs: several inputs and outputs, states handed over, gradients, streams, and configs."""

import numpy as np

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, Add, Average, Concatenate, Dense, Embedding, Input, Multiply

series, words = Input((None, 3), name="series"), Input((None,), name="words")
outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(series)
read = GRU(4, return_sequences=True)(Embedding(20, 3)(words), initial_state=[h])
last = LSTM(4)(read, initial_state=[h, c])
gated = Multiply()([last, Dense(4, "sigmoid")(h)])
both = Concatenate()([gated, Add()([h, c]), Average()([h, c])])
model = nr.Model([series, words], [Dense(3, "softmax", name="label")(both), Dense(1, name="value")(both)])
model.compile(
    "adam",
    loss={"label": "sparse_categorical_crossentropy", "value": "mse"},
    metrics={"label": ["accuracy"]},
    loss_weights={"value": 0.5},
)
rng = np.random.default_rng(0)
x = {"series": rng.standard_normal((6, 5, 3)), "words": rng.integers(0, 20, (6, 4))}
y = {"label": rng.integers(0, 3, 6), "value": rng.standard_normal((6, 1))}
history = model.fit(x, y, epochs=1, verbose=0, gradient_transform=lambda gradients: gradients)
loss, gradients = model.value_and_gradients(x, y, sample_weight=None)
vector = nr.flatten(gradients)
print(history.history, loss, nr.unflatten(vector, like=gradients).keys())
label, value = model.predict(x)
print(label.shape, value.shape, model.predict_on_batch(x)[0].shape, model(x, training=False)[1].shape)


def batches():
    while True:
        yield x, y


model.fit(batches(), steps_per_epoch=2, validation_data=batches(), validation_steps=1, verbose=0)
print(model.evaluate(batches(), steps=2, return_dict=True), model.predict(batches(), steps=1)[0].shape)
again = nr.Model.from_config(model.get_config(), seed=1)
print(again.get_layer("label").get_weights()[0].shape, again.count_params(), again.input_names, again.output_names)
