import re
import sys
import time

import numpy as np
import pytest
from helpers.toy import X, Y, classifier, data, fit
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.training.batches import Means
from numbarnn.training.history import History
from numbarnn.training.progress import Progress


def test_progress_without_a_terminal(capsys):
    model = classifier()
    model.fit(X, Y, batch_size=8, epochs=2, validation_data=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    number = r"\d+\.\d{4}"
    values = "  ".join(f"{name}: {number}" for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    assert len(lines) == 2
    for epoch, text in enumerate(lines, 1):
        assert re.fullmatch(rf"epoch {epoch}/2  3/3 batches  [\d,]+ samples/s  \d+\.\d s  {values}", text)
    model.fit(X, Y, verbose=0)
    model.predict(X)
    model.evaluate(X, Y)
    assert capsys.readouterr().out == ""
    model.evaluate(X, Y, verbose=1)
    assert capsys.readouterr().out.startswith("evaluate  1/1 batches")


def test_progress_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "51")
    clock = iter(np.arange(0, 100, 2.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    means = Means(["loss"])
    progress = Progress("epoch 1/1", 125, 1)
    for _ in range(2):
        means.add([0.5], [4])
        progress.update(4, means)
    progress.finish({"loss": 0.25})
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1 and shown.endswith("\n")
    parts = shown.strip().split("\r")
    assert parts[0].rstrip() == "epoch 1/1  1/125 batches  2 samples/s  ETA 4:08  l"
    assert parts[1].rstrip() == "epoch 1/1  2/125 batches  2 samples/s  ETA 4:06  l"
    assert parts[2].startswith("epoch 1/1  2/125 batches  2 samples/s  6.0 s  loss: 0.2500")


def test_history_plots_the_two_figures_of_the_notebooks(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    history = fit(classifier(), *data(24), epochs=3, validation_split=0.5)
    accuracy, loss = history.plot()
    for figure, name in ((accuracy, "accuracy"), (loss, "loss")):
        (axes,) = figure.axes
        dots, line = axes.lines
        assert (dots.get_marker(), dots.get_linestyle(), line.get_linestyle()) == ("o", "None", "-")
        assert_array_equal(dots.get_xdata(), [0, 1, 2])
        assert_array_equal(dots.get_ydata(), history.history[name])
        assert_array_equal(line.get_ydata(), history.history[f"val_{name}"])
        assert axes.get_title() == f"Training and validation {name}"
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"Training {name}", f"Validation {name}"]
        matplotlib.pyplot.close(figure)
    with pytest.raises(nr.InputError, match="at least one epoch"):
        History().plot()


def test_plot_without_matplotlib(monkeypatch):
    history = fit(classifier(), *data(8))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"History.plot needs matplotlib: pip install 'numbarnn\[plot\]'"):
        history.plot()


def test_table_in_a_notebook():
    history = History()
    history.append(0, {"loss": 0.5, "val_<a>": 0.25})
    history.append(1, {"loss": 0.12345, "val_<a>": 2.0})
    table = history._repr_html_()
    assert re.findall(r"<th>(.*?)</th>", table) == ["epoch", "loss", "val_&lt;a&gt;"]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[1:]]
    assert rows == [["1", "0.5", "0.25"], ["2", "0.1235", "2"]]
    assert History()._repr_html_().count("<td>") == 0
