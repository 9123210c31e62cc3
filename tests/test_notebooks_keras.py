"""The lines of the Keras notebooks, as they are printed, with the counts and shapes that they print.

What differs: `numbarnn` stands for `keras`, `tensorflow.keras` and `keras.layers.recurrent`, arrays of the same shapes
take the place of data sets, and fewer epochs are run.
"""

import math
import re

import numpy as np
import pytest
from helpers.real_data import real

import numbarnn as nr
from numbarnn import datasets as sequence
from numbarnn.datasets import imdb
from numbarnn.errors import InputError
from numbarnn.layers import LSTM, Activation, Dense, Embedding, SimpleRNN
from numbarnn.models import Sequential
from numbarnn.optimizers import SGD, RMSprop

n_classes = 10
max_features = 10000  # number of words to consider as features
maxlen = 500  # cut texts after this number of words (among top max_features most common words)


def table(text):
    """The rows (name, shape, count) of a printed summary, and its totals."""
    rows = re.findall(r"^\w+ \((\w+)\) +(\(.*\)) +([\d,]+)", text, re.MULTILINE)
    return [(kind, shape, int(count.replace(",", ""))) for kind, shape, count in rows], re.findall(
        r"params: (.*)", text
    )


# fmt: off
def test_relu_units_on_images(capsys):
    rng = np.random.default_rng(0)
    x_train, y_train = rng.random((300, 28 * 28), "float32"), np.eye(10)[np.arange(300) % 10]
    x_test, y_test = x_train[:100], y_train[:100]
    # preprocessing
    x_train = x_train.reshape(-1, 28, 28)
    x_test = x_test.reshape(-1, 28, 28)

    # build RNN
    model = Sequential()
    model.add(SimpleRNN(units=16, activation='relu', input_shape=(28, 28)))
    model.add(Dense(n_classes))
    model.add(Activation('softmax'))

    model.summary()
    assert table(capsys.readouterr().out) == ([
        ("SimpleRNN", "(None, 16)", 720), ("Dense", "(None, 10)", 170), ("Activation", "(None, 10)", 0),
    ], ["890", "890", "0"])

    # compile and train
    model.compile(loss='categorical_crossentropy',
                  optimizer=RMSprop(lr=0.01),
                  metrics=['accuracy'])
    model.fit(x_train, y_train, batch_size=100, epochs=2)
    assert model.optimizer.iterations == 6 and model.optimizer.learning_rate == 0.01

    score = model.evaluate(x_test, y_test)
    print('\nTest loss:', score[0])
    print('Test Accuracy:', score[1])
    assert len(score) == 2 and 0 <= score[1] <= 1
    assert SGD(lr=0.01).learning_rate == 0.01


def test_functional_model_on_images(capsys):
    input_layer = nr.layers.Input((28, 28))
    rec = nr.layers.SimpleRNN(150, activation='relu')(input_layer)
    dense = nr.layers.Dense(10, activation='softmax')(rec)
    rnn = nr.models.Model(inputs=input_layer, outputs=dense)
    rnn.summary()
    rows, totals = table(capsys.readouterr().out)
    assert rows[-2:] == [("SimpleRNN", "(None, 150)", 26850), ("Dense", "(None, 10)", 1510)]
    assert totals == ["28,360", "28,360", "0"]

    rnn.compile(loss='sparse_categorical_crossentropy', optimizer='adam', metrics=['accuracy'])

    rng = np.random.default_rng(0)
    x_train, y_train = rng.integers(256, size=(64, 28, 28), dtype="uint8"), np.arange(64, dtype="uint8") % 10
    x_test, y_test = x_train[:10], y_train[:10]

    x_train, x_test = x_train/255., x_test/255.

    history = rnn.fit(x_train, y_train, epochs=2, validation_data=(x_test, y_test))
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"} and history.epoch == [0, 1]


def train_test_split(*arrays, test_size):
    """`sklearn.model_selection.train_test_split`."""
    rows, n = np.random.default_rng(0).permutation(len(arrays[0])), math.ceil(len(arrays[0]) * test_size)
    return [[a[i] for i in part] for a in arrays for part in (rows[n:], rows[:n])]


def test_time_series(capsys):
    # We will use the function f(t) = sin(t)/3 + 2*sin(5t) for our time series.
    num_values = 800
    timeSeries = [math.sin(t)/3 + 2*math.sin(5*t) for t in np.linspace(0,30,num=num_values)]
    assert timeSeries[:3] == [0.0, 0.3857803980708031, 0.7584261902904045]
    np.testing.assert_allclose(nr.datasets.sine_mixture(), timeSeries, rtol=0, atol=1e-15)

    n_steps = 20
    n_neurons = 100

    x, y = [], []
    for i in range(int(num_values/n_steps)-1):
        x_batch = timeSeries[n_steps*i:n_steps*(i+1)]
        y_batch = timeSeries[n_steps*i+1:n_steps*(i+1)+1]
        x.append(x_batch)
        y.append(y_batch)
    assert np.array(y).shape == (39, 20)

    rnn = nr.models.Sequential()
    rnn.add(nr.layers.SimpleRNN(n_neurons, activation='relu', input_shape=(20, 1)))
    rnn.add(nr.layers.Dense(1, activation=None))
    rnn.summary()
    assert table(capsys.readouterr().out) == ([
        ("SimpleRNN", "(None, 100)", 10200), ("Dense", "(None, 1)", 101),
    ], ["10,301", "10,301", "0"])

    rnn.compile(optimizer='adam',loss='mse')

    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=.2)

    x_train = np.array(x_train).reshape(-1, 20, 1)
    x_test = np.array(x_test).reshape(-1, 20, 1)
    y_train = np.array(y_train)
    y_test = np.array(y_test).reshape(-1,20,1)

    assert x_train.shape == (31, 20, 1)

    # The predictions are (B, 1) and the targets (B, 20): TensorFlow broadcasts them, and learns something else.
    with pytest.raises(InputError, match=r"MeanSquaredError: expected .* predictions, \(8, 1\), got .* \(8, 20, 1\)"):
        rnn.fit(x_train, y_train, epochs=30, validation_data=(x_test,y_test), shuffle=False)

    assert rnn.output.shape == (None, 1)


@pytest.mark.parametrize(("layer", "count"), [(SimpleRNN, 2080), (LSTM, 8320)])
def test_models_of_words(layer, count, capsys):
    model = Sequential()
    model.add(Embedding(10000, 32))
    model.add(layer(32))
    model.summary()
    rows, totals = table(capsys.readouterr().out)
    assert rows == [("Embedding", "(None, None, 32)", 320000), (layer.__name__, "(None, 32)", count)]
    assert totals == [f"{320000 + count:,}"] * 2 + ["0"]

    model = Sequential()
    model.add(Embedding(10000, 32))
    model.add(layer(32, return_sequences=True))
    model.summary()
    assert table(capsys.readouterr().out)[0][1] == (layer.__name__, "(None, None, 32)", count)

    model = Sequential()
    model.add(Embedding(10000, 32))
    model.add(layer(32, return_sequences=True))
    model.add(layer(32, return_sequences=True))
    model.add(layer(32, return_sequences=True))
    model.add(layer(32))  # This last layer only returns the last outputs.
    model.summary()
    assert [shape for _, shape, _ in table(capsys.readouterr().out)[0]] == ["(None, None, 32)"] * 4 + ["(None, 32)"]


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM])
def test_reviews(layer):
    rng = np.random.default_rng(0)
    input_train = [list(rng.integers(1, max_features, n)) for n in (3, 700, 1, 40, 9, 20, 4, 5, 60, 7)]
    y_train, input_test, y_test = np.arange(10) % 2, input_train[:4], np.arange(4) % 2

    input_train = sequence.pad_sequences(input_train, maxlen=12)
    input_test = sequence.pad_sequences(input_test, maxlen=12)
    print('input_train shape:', input_train.shape, 'y_train shape:', y_train.shape)
    print('input_test shape:', input_test.shape, 'y_test shape:', y_test.shape)
    assert input_train.shape == (10, 12) and not input_train[0, :9].any()

    model = Sequential()
    model.add(Embedding(max_features, 32))
    model.add(layer(32))
    model.add(Dense(1, activation='sigmoid'))

    model.compile(optimizer='rmsprop',
                  loss='binary_crossentropy',
                  metrics=['acc'])

    history = model.fit(input_train, y_train,
                        epochs=2,
                        batch_size=128,
                        validation_split=0.2)

    acc = history.history['acc']
    val_acc = history.history['val_acc']
    loss = history.history['loss']
    val_loss = history.history['val_loss']

    epochs = range(len(acc))
    assert len(acc) == len(val_acc) == len(loss) == len(val_loss) == 2

    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.plot(epochs, acc, 'bo', label='Training acc')
    plt.plot(epochs, val_acc, 'b', label='Validation acc')
    plt.title('Training and validation accuracy')
    plt.legend()
    plt.close("all")

    test_loss, test_accuracy = model.evaluate(input_test, y_test)
    print('Test Loss:', test_loss, 'Test Accuracy:', test_accuracy)
    assert test_loss > 0 and 0 <= test_accuracy <= 1


def test_data_of_the_notebooks():
    (x_train, y_train), (x_test, y_test) = real(nr.datasets.mnist.load_data)
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert x_train.dtype == y_train.dtype == y_test.dtype == "uint8"

    X_train = x_train.astype(np.float32).reshape(-1, 28*28) / 255.0
    y_train = y_train.astype(np.int32)
    X_valid, X_train = X_train[:5000], X_train[5000:]
    y_valid, y_train = y_train[:5000], y_train[5000:]
    assert len(X_valid) == len(y_valid) == 5000 and X_train.max() == 1.0
    batches = [len(y_batch) for _, y_batch in nr.datasets.shuffle_batch(X_train, y_train, 150)]
    assert batches == [151] * 100 + [150] * 266

    mnist = real(nr.datasets.read_data_sets, 'mnist', True)
    x_train = mnist.train.images
    y_train = mnist.train.labels
    assert x_train.shape == (55000, 784) and y_train.shape == (55000, 10)
    assert mnist.train.num_examples // 150 == 366


def test_reviews_of_imdb():
    (input_train, y_train), (input_test, y_test) = real(lambda: imdb.load_data(num_words=max_features))
    print(len(input_train), 'train sequences')
    print(len(input_test), 'test sequences')

    input_train = sequence.pad_sequences(input_train, maxlen=maxlen)
    input_test = sequence.pad_sequences(input_test, maxlen=maxlen)
    assert input_train.shape == input_test.shape == (25000, maxlen)
    assert y_train.shape == y_test.shape == (25000,) and input_train.max() == max_features - 1
# fmt: on
