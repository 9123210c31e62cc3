"""Models as Keras has them: layers, callbacks, weights in a file, sequence to sequence."""

import numpy as np

import numbarnn as nr
from numbarnn.layers import LSTM, Bidirectional, Dense, Embedding, Input, Masking, TimeDistributed

(x, y), test = nr.datasets.digits()
model = nr.Sequential()
model.add(Input((8, 8)))
model.add(nr.layers.SimpleRNN(16, activation="relu", kernel_initializer=nr.initializers.normal(0.0, 0.1)))
model.add(nr.layers.BatchNormalization())
model.add(nr.layers.Dropout(0.2))
model.add(Dense(10, activation="softmax", kernel_regularizer=nr.regularizers.L2(1e-4), kernel_constraint="max_norm"))
model.compile(loss="sparse_categorical_crossentropy", optimizer=nr.optimizers.SGD(lr=0.01), metrics=["accuracy"])
callbacks = [nr.callbacks.EarlyStopping(patience=3), nr.callbacks.ReduceLROnPlateau(factor=0.5)]
history = model.fit(x, y, batch_size=150, epochs=1, validation_data=test, callbacks=callbacks, verbose=0)
model.summary()
loss, accuracy = model.evaluate(*test)
print(history.history["val_loss"][-1] > 0, accuracy, model.predict(x[:2]).argmax(axis=-1), model.layers[0])

tagger = nr.Sequential([Embedding(50, 8, mask_zero=True), Bidirectional(LSTM(4, return_sequences=True))])
tagger.add(TimeDistributed(Dense(3)))
print(tagger.predict(np.array([[1, 2, 0]])).shape, tagger.count_params())

inputs = Input((None, 3))
functional = nr.Model(inputs, Dense(1)(nr.layers.RNN(nr.UGRNNCell(4))(Masking(mask_value=-1.0)(inputs))))
functional.compile("adam", nr.losses.Huber(delta=0.5), metrics=["mae"])
functional.fit(np.zeros((4, 5, 3)), np.zeros((4, 1)), epochs=1, verbose=0, class_weight=None)

sources = [np.array([2, 3, 4]), np.array([5])]
targets = [np.append(source[::-1], 1) for source in sources]
translator = nr.EncoderDecoder(
    [Embedding(12, 4), LSTM(6)], [Embedding(12, 4), LSTM(6, return_sequences=True), Dense(12, "softmax")], start=0
)
translator.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
translator.fit(sources, targets, epochs=1, verbose=0)
print(translator.generate(sources, 3, stop=1).rows())
