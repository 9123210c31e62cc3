"""The callback for TensorBoard, read back with TensorBoard's own reader."""

import sys

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.callbacks import TensorBoard

pytest.importorskip("tensorboard", reason="needs TensorBoard (pip install tensorboard)")
X = np.random.default_rng(0).standard_normal((20, 5, 3), dtype="float32")
Y = X.sum((1, 2))[:, None]


def trained(folder, epochs=3, **options):
    model = nr.Sequential([nr.layers.Input((5, 3)), nr.layers.SimpleRNN(4), nr.layers.Dense(1)], seed=1)
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    callback = TensorBoard(folder, **options)
    history = model.fit(X, Y, batch_size=5, epochs=epochs, validation_data=(X, Y), callbacks=[callback], verbose=0)
    return history.history


def read(folder):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    for file in sorted(folder.iterdir()):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, float(make_ndarray(value.tensor))))
    return found


def test_epochs_are_those_of_the_history(tmp_path):
    history = trained(tmp_path)
    for folder, prefix in (("train", ""), ("validation", "val_")):
        expected = {
            f"epoch_{name}": [(epoch, pytest.approx(v, rel=1e-6)) for epoch, v in enumerate(history[prefix + name])]
            for name in ("loss", "mae")
        }
        assert read(tmp_path / folder) == expected


def test_batches(tmp_path):
    history = trained(tmp_path, update_freq=3)
    found = read(tmp_path / "train")
    assert [step for step, _ in found["batch_loss"]] == [3, 6, 9, 12]
    # the last batch ends the last epoch
    assert found["batch_loss"][-1][1] == pytest.approx(history["loss"][-1], rel=1e-6), (
        "the last batch of the last epoch"
    )


@pytest.mark.parametrize("value", (0, 1.5, "batch", True, None))
def test_bad_input(value):
    with pytest.raises(nr.InputError, match='expected update_freq to be "epoch" or a positive integer'):
        TensorBoard(update_freq=value)


def test_without_the_package_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(ImportError, match=r"needs tensorboard: pip install 'numbarnn\[tensorboard\]'"):
        trained(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
