"""Train a recipe from end to end: data, progress, test result, and files of what came out."""

import json
import math
import time
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

from ..errors import InputError
from ..recipes import RECIPES, about, curves
from ..utils.files import make_folder, whole_file


def train(name, *, data=None, epochs=None, batch_size=None, seed=0, dtype="float32", out=None, json_file=None):
    """Train the recipe `name`, print how it goes, and write weights, report and figures into the folder `out`
    (runs/NAME).

    Returns {"recipe", "seed", "epochs": [{name: value} of each], "final": {name: value} on the test set, "seconds"} (of
    the training alone; values that are not finite are None). `json_file` gets the same. A recipe that compares models
    has values named MODEL/NAME and a weights file for each model.
    Ctrl-C in the training writes weights, report and result (with "interrupted": true) as far as they came.
    Figures are drawn where matplotlib is installed. Raises `InputError`, before the training where it can.
    """
    if name not in RECIPES:
        raise InputError(f"train: expected one of the recipes {', '.join(RECIPES)}, got {name!r}")
    recipe = RECIPES[name]
    if hasattr(recipe, "show") and (epochs, batch_size) != (None, None):
        raise InputError(f"{name}: expected no epochs or batch_size, it trains nothing")
    out = make_folder("train", out or Path("runs") / name)
    if json_file is not None:
        if Path(json_file).is_dir():
            raise InputError(f"train: expected a file to write the result to, got the folder {json_file}")
        make_folder("train", Path(json_file).parent)
    if data is not None and not hasattr(recipe, "READS"):
        print(f"{name} reads no files; the folder {data} is not used")
    if hasattr(recipe, "show"):
        report, course = recipe.show(seed, dtype), {"epochs": [], "final": {}, "seconds": 0.0}
        print(f"{about(recipe)}\n\n{report}\n")
    else:
        report, course = _train(
            recipe, data, epochs or recipe.EPOCHS, batch_size or recipe.BATCH_SIZE, seed, dtype, out
        )
    result = {"recipe": name, "seed": seed} | course
    _write(out / "report.txt", report)
    if json_file is not None:
        _write(Path(json_file), json.dumps(result, indent=2))
    if "interrupted" in result:
        raise KeyboardInterrupt
    return result


def _train(recipe, data, epochs, batch_size, seed, dtype, out):
    """Train, write weights and figures; returns the report, and {"epochs", "final", "seconds"}."""
    train, test = recipe.load(data, dtype)
    built = recipe.build(seed, dtype)
    models = built if isinstance(built, dict) else {"": built}
    print(f"{about(recipe)}\n{len(train[0]):,} sequences to train on, {len(test[0]):,} to test on")
    histories, start = {}, time.perf_counter()
    for label, model in models.items():
        print(f"\n{label}" if label else "")
        model.summary()
        print()
        try:
            histories[label] = _fit(recipe, model, train, test, epochs, batch_size, seed)
        except KeyboardInterrupt:
            histories[label] = model.history
            seconds = time.perf_counter() - start
            report = f"interrupted in epoch {len(model.history.epoch) + 1} of {epochs}; nothing was tested"
            print(f"\n{report}\n")
            _save_weights({label: models[label] for label in histories}, out)
            return report, {"epochs": _epochs(histories), "final": {}, "seconds": seconds, "interrupted": True}
        print(_best(histories[label]))
    seconds = time.perf_counter() - start
    report, final = recipe.report(built, *test), {}
    print(f"\n{report}\n")
    for label, model in models.items():
        model.reset_states()
        final |= _named(label, model.evaluate(*test, batch_size=batch_size, return_dict=True))
    _save_weights(models, out)
    if find_spec("matplotlib") is None:
        print("no figures: they need matplotlib (pip install 'numbarnn[plot]')")
    else:
        _save(curves.figures(histories) | recipe.figures(built, *test), out)
    return report, {"epochs": _epochs(histories), "final": final, "seconds": seconds}


def _save_weights(models, out):
    for label, model in models.items():
        file = out / (f"weights-{label}.npz" if label else "weights.npz")
        model.save_weights(file)
        print(f"wrote {file}")


def _fit(recipe, model, train, test, epochs, batch_size, seed):
    if hasattr(recipe, "fit"):
        return recipe.fit(model, train, test, epochs, batch_size, seed)
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_data=test)


def _best(history):
    """The epoch with the best last metric, or loss, on what the training was validated on."""
    key = [key for key in history.history if key.startswith("val_")][-1]
    values = history.history[key]
    best = min(values) if key == "val_loss" else max(values)
    return f"best {key}: {best:.4f}, in epoch {values.index(best) + 1} of {len(values)}"


def _epochs(histories):
    """The histories as one {name: value} for each epoch."""
    rows = []
    for label, history in histories.items():
        values = history.history
        rows.append([_named(label, dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True)])
    return [{k: v for part in parts if part for k, v in part.items()} for parts in zip_longest(*rows)]


def _named(label, values):
    return {
        f"{label}/{name}" if label else name: value if math.isfinite(value) else None for name, value in values.items()
    }


def _save(figures, out):
    for name, figure in figures.items():
        with whole_file(out / name) as file:
            figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
        print(f"wrote {out / name}")


def _write(path, text):
    with whole_file(path) as file:
        file.write(text.encode())
    print(f"wrote {path}")
