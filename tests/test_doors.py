"""Each door to another library imports nothing until it is used, and names its extra if the library is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    *("torch", "jax", "keras", "tensorflow", "onnx", "onnxruntime", "h5py", "safetensors", "sklearn", "pandas"),
    *("joblib", "matplotlib", "pooch", "autograd", "mpi4py"),
)
DOORS = {  # a use of each, and the sentence without its library
    "nr.torch.RNN": "nr.torch needs PyTorch: pip install 'numbarnn[torch]'",
    "nr.jax.rnn": "nr.jax needs JAX: pip install 'numbarnn[jax]'",
    "nr.keras.RNN": "nr.keras needs Keras 3: pip install 'numbarnn[keras]'",
    "nr.sklearn.RNNClassifier": "nr.sklearn needs scikit-learn: pip install 'numbarnn[sklearn]'",
    "nr.sklearn.RNNRegressor": "nr.sklearn needs scikit-learn: pip install 'numbarnn[sklearn]'",
    "nr.sklearn.RNNForecaster": "nr.sklearn needs scikit-learn: pip install 'numbarnn[sklearn]'",
    "nr.distributed.Communicator()": "nr.distributed needs mpi4py: pip install 'numbarnn[mpi]'",
    "interop.to_torch(cell, params)": "to_torch needs PyTorch: pip install 'numbarnn[torch]'",
    "interop.to_torch(model)": "to_torch needs PyTorch: pip install 'numbarnn[torch]'",
    "interop.from_torch('a')": "reading a file of safetensors needs safetensors: pip install 'numbarnn[safetensors]'",
    "interop.load_torch(model, 'a')": (
        "reading a file of safetensors needs safetensors: pip install 'numbarnn[safetensors]'"
    ),
    "interop.save_safetensors('a', model)": "save_safetensors needs safetensors: pip install 'numbarnn[safetensors]'",
    "interop.load_keras(model, 'a')": "load_keras needs h5py for files of Keras: pip install 'numbarnn[keras-files]'",
    "interop.save_keras_weights('a.weights.h5', model)": (
        "save_keras_weights needs h5py for files of Keras: pip install 'numbarnn[keras-files]'"
    ),
    "interop.from_tensorflow1('a')": (
        "from_tensorflow1 needs TensorFlow to read a checkpoint: pip install 'numbarnn[tensorflow]'"
    ),
    "interop.from_onnx('a')": "from_onnx needs ONNX: pip install 'numbarnn[onnx]'",
    "interop.load_onnx('a')": "load_onnx needs ONNX: pip install 'numbarnn[onnx]'",
    "interop.to_onnx(cell, params)": "to_onnx needs ONNX: pip install 'numbarnn[onnx]'",
    "interop.to_onnx(model)": "to_onnx needs ONNX: pip install 'numbarnn[onnx]'",
    "interop.save_onnx('a', model)": "to_onnx needs ONNX: pip install 'numbarnn[onnx]'",
    "model.history.plot()": "History.plot needs matplotlib: pip install 'numbarnn[plot]'",
    "nr.inspection.plot_saturation({'i': (0, 1)})": "plot_saturation needs matplotlib: pip install 'numbarnn[plot]'",
    "nr.sweep(lambda a, seed: {'final': {}, 'epochs': [{'loss': a}]}, {'a': [1]}).plot('loss')": (
        "Sweep.plot needs matplotlib: pip install 'numbarnn[plot]'"
    ),
    "nr.sweep(dict, {'a': [1]}, jobs=2)": "sweep with several jobs needs joblib: pip install 'numbarnn[sweep]'",
}
MADE = """
import sys
import numpy as np
import numbarnn as nr

interop, cell = nr.interop, nr.LSTMCell(3)
params = cell.init_params(2, rng=0)
model = nr.Sequential([nr.layers.Input((4, 2)), nr.layers.LSTM(3), nr.layers.Dense(1)], device="numpy")
model.compile("adam", "mse")
model.fit(np.ones((2, 4, 2)), np.ones((2, 1)), verbose=0)
"""
# what needs none of the libraries
PLAIN = """
for door in (nr.torch, nr.jax, nr.keras, nr.sklearn, nr.interop, nr.distributed):
    dir(door), repr(door)
arrays = {"weight_ih": np.ones((4, 3)), "weight_hh": np.ones((4, 1))}
assert interop.from_torch(arrays)[0] == nr.LSTMCell(1, use_bias=False)
interop.from_keras(interop.to_keras(cell, params))
interop.load_keras(model, interop.to_keras(model))
interop.from_tensorflow1(interop.to_tensorflow1(cell, params))
"""


def shown(program):
    """What a program prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_imported_before_a_door_is_used():
    assert shown(MADE + PLAIN + f"print(*set({LIBRARIES}) & sys.modules.keys())") == "\n"


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """What each door says in a process where all these libraries are missing, {use: sentence}."""
    hidden = f"import os, sys\nsys.modules.update(dict.fromkeys({LIBRARIES}))\n"
    uses = (
        f"os.chdir({str(tmp_path_factory.mktemp('doors'))!r})\n"
        f"for use in {tuple(DOORS)}:\n"
        "    try:\n        eval(use)\n"
        "    except ImportError as error:\n        print(use, error, sep='\\t')\n"
        "assert not os.listdir()\n"
    )
    return dict(line.split("\t") for line in shown(hidden + MADE + PLAIN + uses).splitlines() if "\t" in line)


@pytest.mark.parametrize("use", DOORS)
def test_a_missing_library_is_named_in_one_sentence_with_its_extra(sentences, use):
    assert sentences.get(use) == DOORS[use]
