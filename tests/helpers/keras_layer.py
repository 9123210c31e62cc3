"""Checks of `nr.keras.RNN` on the backend that KERAS_BACKEND names: python -m helpers.keras_layer FOLDER."""

import sys
from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_unflatten

B, T, I = 5, 7, 3
CELLS = {
    "peepholes and projection": nr.LSTMCell(4, use_peepholes=True, num_proj=2),
    "stack": nr.MultiRNNCell([nr.GRUCell(4), nr.LSTMCell(6)]),
    "both directions": nr.Bidirectional(nr.UGRNNCell(3)),
}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((B, T, I)).astype("float32")
MASK = np.arange(T) < np.array([7, 0, 3, 1, 6])[:, None]
MASK[0, 2] = False


class Plus(nr.Cell):
    """A cell of one's own."""

    inputs = {"z": "xh"}

    def forward(self, z, s):
        return (nr.maths.tanh(z[0]) + s[0] / 2,), ()


def parameters(layer):
    import keras

    return {name: keras.ops.convert_to_numpy(weight) for name, weight in layer.cell_weights.items()}


def check_outputs_and_states():
    import keras

    for cell in CELLS.values():
        state = [RNG.standard_normal((B, size)).astype("float32") for size in tree_leaves(cell.state_size)]
        for mask in (None, MASK):
            for backwards in (False, True):
                layer = nr.keras.RNN(cell, return_sequences=True, return_state=True, go_backwards=backwards)
                outputs, *final = map(keras.ops.convert_to_numpy, layer(X, initial_state=state, mask=mask))
                initial = tree_unflatten(cell.state_size, state)
                given = {"initial_state": initial, "mask": mask, "reverse": backwards}
                run = nr.forward(cell, parameters(layer), X, **given)
                order = slice(None, None, -1 if backwards else 1)
                assert_array_equal(outputs, run.outputs[:, order])
                for a, b in zip(final, tree_leaves(run.state), strict=True):
                    assert_array_equal(a, b)
                layer.return_sequences = layer.return_state = False
                last = keras.ops.convert_to_numpy(layer(X, initial_state=state, mask=mask))
                steps = np.ones((B, T), bool) if mask is None else mask[:, order]
                for row, found, valid in zip(outputs, last, steps, strict=True):
                    assert_array_equal(found, row[valid][-1] if valid.any() else np.zeros_like(found))


def check_gradients():
    """A step of gradient descent with rate 1 is the gradient."""
    import keras

    y = RNG.standard_normal((B, T, 2)).astype("float32")
    cell = CELLS["peepholes and projection"]
    inputs = keras.Input((T, I))
    layer = nr.keras.RNN(cell, return_sequences=True)
    model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
    x = np.where(MASK[..., None], X, 0)
    before = parameters(layer)
    model.compile(keras.optimizers.SGD(1.0), lambda y, p: keras.ops.sum(y * p, axis=2))
    model.train_on_batch(x, y)
    d_outputs = y * MASK[..., None] / np.float32(MASK.sum())  # Keras takes the mean over valid steps
    grads = nr.forward(cell, before, x, mask=MASK).backward(d_outputs)
    for name, after in parameters(layer).items():
        assert_allclose(before[name] - after, grads.params[name], atol=1e-6)


def classifier(cell, **options):
    import keras

    return keras.Sequential([keras.layers.Masking(), nr.keras.RNN(cell, **options), keras.layers.Dense(1)])


def check_it_learns_and_is_saved(folder):
    import keras

    keras.utils.set_random_seed(0)
    x = RNG.standard_normal((128, T, I)).astype("float32")
    y = (x[:, 0, :1] > 0).astype("float32")
    model = classifier(nr.LSTMCell(8))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    history = model.fit(x, y, epochs=25, batch_size=32, verbose=0)
    assert history.history["loss"][-1] < 0.3
    path = str(folder / "model.keras")
    model.save(path)
    again = keras.saving.load_model(path)
    assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[1].cell == model.layers[1].cell
    again.fit(x, y, verbose=0)


def check_configs_and_cells_of_ones_own():
    import keras

    for cell in CELLS.values():
        layer = nr.keras.RNN(cell, return_state=True, go_backwards=True, seed=3, name="reader")
        again = nr.keras.RNN.from_config(layer.get_config())
        assert again.cell == cell and again.get_config() == layer.get_config()
        layer(X), again(X)
        for name, value in parameters(layer).items():
            assert_array_equal(parameters(again)[name], value)
    keras.saving.get_custom_objects()["Plus"] = Plus
    assert nr.keras.RNN.from_config(nr.keras.RNN(Plus(4)).get_config()).cell == Plus(4)


def check_random_numbers():
    import keras

    cell, found = nr.DropoutWrapper(nr.LSTMCell(8), output_keep_prob=0.5), []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        layer = nr.keras.RNN(cell, return_sequences=True)
        found.append([keras.ops.convert_to_numpy(layer(X, training=training)) for training in (True, True, False)])
        assert_array_equal(found[-1][2], nr.forward(cell, parameters(layer), X).outputs)
    first, second, plain = found[0]
    assert (first != second).any() and (first == 0).mean() > 0.3 and (plain != 0).all()
    assert all(map(np.array_equal, *found))


def check_a_decoder():
    """States of one layer go to another, in a model of Keras' functions; integers go in."""
    import keras

    tokens = keras.Input((None,), dtype="int32")
    reader = nr.EmbeddingWrapper(nr.LSTMCell(4), embedding_classes=9, embedding_size=I)
    _, *states = nr.keras.RNN(reader, return_state=True)(tokens)
    outputs = nr.keras.RNN(nr.LSTMCell(4), return_sequences=True)(
        keras.layers.RepeatVector(3)(states[0]), initial_state=states
    )
    assert outputs.shape == (None, 3, 4)
    model = keras.Model(tokens, keras.layers.Dense(9)(outputs))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = RNG.integers(0, 9, (6, 3)).astype("int32")
    before = model.get_weights()
    model.fit(x, x, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def check_errors():
    for expected, call in {
        "expected a cell such as": lambda: nr.keras.RNN("LSTM"),
        "expected return_state to be True or False": lambda: nr.keras.RNN(nr.GRUCell(3), return_state=1),
        "expected dtype to be float32 or float64": lambda: nr.keras.RNN(nr.GRUCell(3), dtype="bfloat16")(X),
        "(batch, steps, features)": lambda: nr.keras.RNN(nr.GRUCell(3))(X[0]),
    }.items():
        try:
            call()
        except nr.InputError as error:
            assert expected in str(error), error
        else:
            raise AssertionError(f"no error: {expected}")


def main(folder):
    check_outputs_and_states()
    check_gradients()
    check_it_learns_and_is_saved(folder)
    check_configs_and_cells_of_ones_own()
    check_random_numbers()
    check_a_decoder()
    check_errors()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
