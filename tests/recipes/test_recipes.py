"""Every recipe is what the registry says, and goes through from its data to its figures."""

import json

import numpy as np
import pytest
from helpers.recipe_runs import data, fit

from numbarnn.cli.train import train
from numbarnn.errors import InputError
from numbarnn.recipes import RECIPES, about, curves, toy

TRAINED = [name for name, recipe in RECIPES.items() if not hasattr(recipe, "show")]
PART = {  # rows to train on and to test on, and steps, where all would take long
    "mnist": (300, 100, None),
    "mnist-orthogonal": (300, 100, None),
    "mnist-keras": (64, 100, None),
    "mnist-relu16-collapse": (200, 100, None),
    "imdb-rnn": (128, 64, 30),
    "imdb-lstm": (128, 64, 30),
    "imdb-stack": (128, 64, 30),
    "imdb": (128, 64, 30),
    "shakespeare": (64, 32, 20),
    "adding": (50, 50, 100),
    "copy": (50, 50, 40),
    "reverse": (50, 50, None),
}


def part_of(name):
    """Train and test sets, cut down."""
    train_part, test = data(name)
    rows, rows_to_test, steps = PART.get(name, (100, 50, None))
    in_steps = lambda a: steps and a.ndim > 1 and a.shape[1] >= steps  # noqa: E731
    cut = lambda a, n: a[:n, :steps] if in_steps(a) else a[:n]  # noqa: E731
    return [tuple(cut(a, n) for a in part) for part, n in ((train_part, rows), (test, rows_to_test))]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is_in_a_line(name):
    assert about(RECIPES[name]).endswith(".") and len(about(RECIPES[name])) < 115


@pytest.mark.parametrize("name", TRAINED)
def test_a_recipe_goes_from_its_data_to_its_figures(name):
    recipe = RECIPES[name]
    assert recipe.EPOCHS >= 1 and recipe.BATCH_SIZE >= 1
    train_part, test = part_of(name)
    built = recipe.build(0, "float32")
    models = built if isinstance(built, dict) else {"": built}
    histories = {label: fit(name, model, train_part, test, epochs=1) for label, model in models.items()}
    for history in histories.values():
        assert np.isfinite(history.history["loss"]).all() and "val_loss" in history.history
    report = recipe.report(built, *test)
    assert len(report.splitlines()) >= 2 and all(label in report for label in models)
    pytest.importorskip("matplotlib")
    drawn = curves.figures(histories) | recipe.figures(built, *test)
    assert "loss.png" in drawn and all(name.endswith(".png") and figure.axes for name, figure in drawn.items())


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if hasattr(recipe, "generate")])
def test_a_recipe_that_goes_on_does_so_from_any_prompt_and_repeats_itself(name):
    recipe = RECIPES[name]
    model = recipe.build(0, "float32")
    model.params["dense/kernel"] *= 50  # untrained, characters would be equally likely after any prompt
    prompt = "KING:" if name == "shakespeare" else "0.5,1,-1"
    first, again, other = (recipe.generate(model, p, 7, None, 3) for p in (None, None, prompt))
    assert len(first) == 7 and np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_comparison_names_its_values_and_files_after_its_models(tmp_path, monkeypatch, capsys):
    parts = part_of("adding")
    monkeypatch.setattr(RECIPES["adding"], "load", lambda data, dtype: parts)
    result = train("adding", epochs=2, out=tmp_path, json_file=tmp_path / "result.json")
    names = ["LSTM/loss", "LSTM/val_loss", "SimpleRNN/loss", "SimpleRNN/val_loss"]
    assert [list(epoch) for epoch in result["epochs"]] == [names] * 2
    assert result["final"] == {name: result["epochs"][-1][name.replace("/", "/val_")] for name in names[::2]}
    assert json.loads((tmp_path / "result.json").read_text()) == result
    files = {path.name for path in tmp_path.iterdir()}
    assert files >= {"weights-LSTM.npz", "weights-SimpleRNN.npz", "report.txt"}
    assert capsys.readouterr().out.count("best val_loss: ") == 2


def test_a_recipe_without_training_is_a_report(tmp_path):
    result = train("toy", seed=4, out=tmp_path)
    assert result == {"recipe": "toy", "seed": 4, "epochs": [], "final": {}, "seconds": 0.0}
    assert (tmp_path / "report.txt").read_text() == toy.show(4, "float32")
    with pytest.raises(InputError, match="toy: expected no epochs, batch_size or optimizer"):
        train("toy", epochs=3, out=tmp_path)


def test_curves_of_several_models_share_a_figure():
    pytest.importorskip("matplotlib")
    train_part, test = part_of("sine-windows")
    models = {label: RECIPES["sine-windows"].build(seed, "float32") for seed, label in enumerate("ab")}
    histories = {label: fit("sine-windows", model, train_part, test, epochs=2) for label, model in models.items()}
    (name, figure), *others = curves.figures(histories).items()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert not others and name == "loss.png"
    assert labels == [f"{part} loss of {label}" for label in "ab" for part in ("training", "validation")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_toy_batch_by_hand_statically_and_dynamically(dtype):
    x = toy.X.astype(dtype)
    by_hand = toy.by_hand(toy.weights(5, dtype), x)
    parts = toy.outputs(5, dtype)
    close = {"rtol": 0, "atol": 3e-6 if dtype == "float32" else 1e-13}
    assert by_hand.dtype == dtype and by_hand.shape == (4, 2, 5)
    for name in ("by hand", "static_rnn", "dynamic_rnn"):
        np.testing.assert_allclose(parts[name], by_hand, **close)
    with_lengths, state = parts["dynamic_rnn with lengths [2, 1, 2, 2]"], parts["its state"]
    by_hand[1, 1] = 0
    np.testing.assert_allclose(with_lengths, by_hand, **close)
    assert not with_lengths[1, 1].any() and np.array_equal(state[1], with_lengths[1, 0])
    assert all(name in toy.show(5, dtype) for name in parts)
