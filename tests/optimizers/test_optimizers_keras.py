"""The optimisers beside Keras 3's: many steps with changing rates.

Needs Keras 3 and PyTorch (pip install keras torch); a longer run installs them.
"""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose

from numbarnn import optimizers as ours

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs Keras 3 (pip install keras torch)")
pytest.importorskip("torch", reason="needs PyTorch, on which Keras runs here (pip install torch)")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras'

SAME = {
    "SGD": ("SGD", {}),
    "SGD, Nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "RMSprop": ("RMSprop", {"momentum": 0.8, "centered": True}),
    "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}),
    "Nadam": ("Nadam", {}),
    "Nadam, other averages": ("Nadam", {"beta_1": 0.8, "beta_2": 0.9}),
    "Adagrad": ("Adagrad", {}),
    "Adagrad from 0.5": ("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": 1e-3}),
    "Adadelta": ("Adadelta", {}),
    "Lion": ("Lion", {}),
    "Lion with decay": ("Lion", {"weight_decay": 0.1, "beta_1": 0.8}),
}
OTHER_NAME = {"RMSprop": "Keras3RMSprop"}


@pytest.mark.parametrize("name, options", SAME.values(), ids=SAME)
def test_as_keras(name, options):
    rng = np.random.default_rng(4)
    w = rng.standard_normal((3, 4))
    variable = keras.Variable(w.copy(), dtype="float64")
    theirs = getattr(keras.optimizers, name)(**options)
    mine = getattr(ours, OTHER_NAME.get(name, name))(float(theirs.learning_rate), **options)
    for step in range(40):
        if step == 20:
            mine.learning_rate = float(np.float32(0.3 * mine.learning_rate))
            theirs.learning_rate = mine.learning_rate
        g = rng.standard_normal(w.shape) * 10.0 ** rng.integers(-4, 3, w.shape)
        mine.apply({"w": w}, {"w": g})
        theirs.apply([keras.ops.convert_to_tensor(g, "float64")], [variable])
        # Keras keeps rates and powers in float32
        assert_allclose(w, keras.ops.convert_to_numpy(variable), rtol=2e-6, atol=2e-6, err_msg=f"step {step}")
