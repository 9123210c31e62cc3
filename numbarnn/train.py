"""Train a recipe from end to end: data, progress, test result, and files of what came out."""

import json
import math
import time
from importlib.util import find_spec
from pathlib import Path

from .errors import InputError
from .files import make_folder, whole_file
from .recipes import RECIPES, about


def train(name, *, data=None, epochs=None, batch_size=None, seed=0, dtype="float32", out=None, json_file=None):
    """Train the recipe `name`, print how it goes, and write weights and figures into the folder `out` (runs/NAME).

    Returns {"recipe", "seed", "epochs": [{name: value} of each], "final": {name: value} on the test set, "seconds"} (of
    the training alone; values that are not finite are None). `json_file` gets the same.
    Figures are drawn where matplotlib is installed. Raises `InputError`, before the training where it can.
    """
    if name not in RECIPES:
        raise InputError(f"train: expected one of the recipes {', '.join(RECIPES)}, got {name!r}")
    recipe = RECIPES[name]
    out = make_folder("train", out or Path("runs") / name)
    if json_file is not None:
        if Path(json_file).is_dir():
            raise InputError(f"train: expected a file to write the result to, got the folder {json_file}")
        make_folder("train", Path(json_file).parent)
    (x, y), test = recipe.load(data, dtype)
    model = recipe.build(seed, dtype)
    print(f"{name}: {about(recipe)}\n{len(x):,} sequences to train on, {len(test[0]):,} to test on (val_ below)\n")
    model.summary()
    print()
    batch_size = batch_size or recipe.BATCH_SIZE
    start = time.perf_counter()
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs or recipe.EPOCHS, validation_data=test)
    seconds = time.perf_counter() - start
    print(f"\n{recipe.report(model, *test)}\n")

    result = {
        "recipe": name,
        "seed": seed,
        "epochs": _epochs(history),
        "final": _finite(model.evaluate(*test, batch_size=batch_size, return_dict=True)),
        "seconds": seconds,
    }
    _save(model, _figures(recipe, model, history, test), out)
    if json_file is not None:
        with whole_file(json_file) as file:
            file.write(json.dumps(result, indent=2).encode())
        print(f"wrote {json_file}")
    return result


def _epochs(history):
    """The history as one {name: value} for each epoch."""
    return [
        _finite(dict(zip(history.history, row, strict=True))) for row in zip(*history.history.values(), strict=True)
    ]


def _finite(values):
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _figures(recipe, model, history, test):
    """{file name: figure}: training curves, and what the recipe adds."""
    if find_spec("matplotlib") is None:
        print("no figures: they need matplotlib (pip install 'numbarnn[plot]')")
        return {}
    curves = [key for key in history.history if not key.startswith("val_")]
    return {
        **{f"{key}.png": figure for key, figure in zip([*curves[1:], curves[0]], history.plot(), strict=True)},
        **recipe.figures(model, *test),
    }


def _save(model, figures, out):
    model.save_weights(out / "weights.npz")
    for name, figure in figures.items():
        with whole_file(out / name) as file:
            figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
    print("\n".join(f"wrote {out / name}" for name in ("weights.npz", *figures)))
