"""Train a recipe from end to end: load, fit, report, and write weights and figures."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

from ..distributed import launched
from ..distributed.chosen import chosen
from ..engines.cpu.plan import must_compile
from ..errors import InputError
from ..models.sequential import Sequential
from ..optimizers.base import ALIASES
from ..recipes import RECIPES, about, curves
from ..runtime.interrupts import Interrupts
from ..runtime.whole_file import whole_file
from ..training.checkpoints import Checkpoints
from ..training.history import History
from ..utils.files import make_folder, write_text
from ..utils.options import changed_options


def train(
    name: str,
    *,
    data: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: str = "float32",
    optimizer: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    json_file: str | Path | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Train a recipe, print its progress, and write weights, report and figures.

    A recipe that compares models writes a weights file for each, and calls its values MODEL/NAME. Figures are drawn if
    matplotlib is installed. Ctrl-C during the training or the test writes weights, report and result as far as they
    came; the result then has "interrupted": True.

    Of several processes, started by mpiexec, each trains on its rows of every batch, and rank 0 does all the rest.

    Parameters
    ----------
    name : str
        Name of the recipe.
    data : str, optional
        Folder with the recipe's files, if it reads any; by default that of NUMBARNN_DATA or the user's data folder.
    epochs, batch_size : int, optional
        The recipe's own by default.
    seed : int
        Seed of the initial weights and of the training.
    dtype : {"float32", "float64"}
        Precision.
    optimizer : dict of {str: value}, optional
        Options of the recipe's optimiser in the place of its own, such as {"learning_rate": 0.003}.
    out : path, optional
        Folder for weights, report and figures; runs/NAME by default.
    json_file : path, optional
        File for the result.
    resume : bool
        Whether checkpoints are kept in ``out``, from which the same call goes on where it was broken off.

    Returns
    -------
    dict
        "recipe", "seed", "epochs" (a list of {name: value}), "final" ({name: value} on the test set), and "seconds" of
        the training alone. Values that are not finite are None. Nothing on other ranks than 0.

    Raises
    ------
    InputError
        If an argument or a file cannot be used; before the training if possible.
    KeyboardInterrupt
        If the training was interrupted, after the files have been written.
    """
    if name not in RECIPES:
        raise InputError(f"train: expected one of the recipes {', '.join(RECIPES)}, got {name!r}")
    recipe = RECIPES[name]
    if hasattr(recipe, "show") and (epochs, batch_size, optimizer or None) != (None, None, None):
        raise InputError(f"{name}: expected no epochs, batch_size or optimizer, it trains nothing")
    communicator, out = chosen(launched()), Path(out or Path("runs") / name)
    options = {"communicator": communicator} | ({"checkpoints": out / "checkpoints"} if resume else {})
    training = Training(recipe, data, epochs, batch_size, seed, dtype, optimizer or {}, options)
    with communicator.guard():
        if communicator.rank > 0:
            if not hasattr(recipe, "show"):
                training.beside()
            return {}
        make_folder("train", out)
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
            report, course = _train(training, out)
        result = {"recipe": name, "seed": seed} | course
        interrupts = Interrupts()
        with interrupts, interrupts.deferred():
            _write(out / "report.txt", report)
            if json_file is not None:
                _write(json_file, json.dumps(result, indent=2))
        if "interrupted" in result:
            raise KeyboardInterrupt
        return result


@dataclass(frozen=True)
class Training:
    """A recipe and how it is trained; `options` are more options of `fit`."""

    recipe: ModuleType
    data: str | None
    epochs: int | None
    batch_size: int | None
    seed: int
    dtype: str
    optimizer: Mapping[str, Any]
    options: dict[str, Any]

    @property
    def sizes(self) -> tuple[int, int]:
        """Epochs, and samples in a batch: the recipe's unless others are given."""
        return self.epochs or self.recipe.EPOCHS, self.batch_size or self.recipe.BATCH_SIZE

    def load(self) -> tuple[Any, Any]:
        """Load what to train on and to test on."""
        return self.recipe.load(self.data, self.dtype)

    def build(self) -> tuple[Any, dict[str, Sequential]]:
        """Build the models; return what `report` takes, and {label: model}."""
        built = self.recipe.build(self.seed, self.dtype)
        models = built if isinstance(built, dict) else {"": built}
        for model in models.values() if self.optimizer else ():
            change_optimizer(model, self.optimizer)
        return built, models

    def fit(self, label: str, model: Sequential, train: tuple, test: tuple) -> History:
        """Train a model in the recipe's own way, or by `Sequential.fit`; each has its own checkpoints."""
        options, (epochs, batch_size) = self.options, self.sizes
        if "checkpoints" in options:
            options = options | {"checkpoints": Checkpoints(options["checkpoints"] / label)}
        if hasattr(self.recipe, "fit"):
            return self.recipe.fit(model, train, test, epochs, batch_size, self.seed, **options)
        return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_data=test, **options)

    def beside(self) -> None:
        """Train beside rank 0, in silence."""
        train, test = self.load()
        for label, model in self.build()[1].items():
            self.fit(label, model, train, test)


def _train(training: Training, out: Path) -> tuple[str, dict[str, Any]]:
    """Train, write weights and figures; return the report and {"epochs", "final", "seconds"}."""
    recipe, (train, test), (built, models) = training.recipe, training.load(), training.build()
    epochs, batch_size = training.sizes
    print(f"{about(recipe)}\n{len(train[0]):,} sequences to train on, {len(test[0]):,} to test on")
    if must_compile(training.dtype):
        print("The first training compiles kernels, which takes some seconds; later ones load them from the disk.")
    histories, start = {}, time.perf_counter()
    for label, model in models.items():
        print(f"\n{label}" if label else "")
        model.summary()
        print()
        try:
            histories[label] = training.fit(label, model, train, test)
        except KeyboardInterrupt:
            histories[label] = history = model.history or History()  # there is none before the first epoch
            seconds = time.perf_counter() - start
            report = f"interrupted in epoch {len(history.epoch) + 1} of {epochs}; nothing was tested"
            print(f"\n{report}\n")
            _save_weights({label: models[label] for label in histories}, out)
            return report, {"epochs": _epochs(histories), "final": {}, "seconds": seconds, "interrupted": True}
        print(_best(histories[label]))
    course = {"epochs": _epochs(histories), "final": {}, "seconds": time.perf_counter() - start}
    report = "interrupted after the training; the test is not complete"
    try:
        _save_weights(models, out)
        tested = recipe.report(built, *test)
        print(f"\n{tested}\n")
        final = {}
        for label, model in models.items():
            model.reset_states()
            final |= _named(label, model.evaluate(*test, batch_size=batch_size, return_dict=True))
        report, course["final"] = tested, final
        if find_spec("matplotlib") is None:
            print("no figures: they need matplotlib (pip install 'numbarnn[plot]')")
        else:
            _import_matplotlib()
            save_figures(curves.figures(histories) | recipe.figures(built, *test), out)
    except KeyboardInterrupt:
        course["interrupted"] = True
    return report, course


def change_optimizer(model: Sequential, options: Mapping[str, Any]) -> None:
    """Give a compiled model an optimiser with other options, by their names or Keras' (`lr`)."""
    given = {ALIASES.get(name, name): value for name, value in options.items()}
    model.optimizer = type(model.optimizer)(**changed_options(model.optimizer) | given)


def _save_weights(models: dict[str, Sequential], out: Path) -> None:
    """Write a weights file for each model; Ctrl-C waits until they are there."""
    interrupts = Interrupts()
    with interrupts, interrupts.deferred():
        for label, model in models.items():
            file = out / (f"weights-{label}.npz" if label else "weights.npz")
            model.save_weights(file)
            print(f"wrote {file}")


def _best(history: History) -> str:
    """Say in which epoch the last validation metric, or the loss, was best."""
    key = [key for key in history.history if key.startswith("val_")][-1]
    values = history.history[key]
    best = min(values) if key == "val_loss" else max(values)
    return f"best {key}: {best:.4f}, in epoch {values.index(best) + 1} of {len(values)}"


def _epochs(histories: dict[str, History]) -> list[dict[str, Any]]:
    """Merge histories into one {name: value} for each epoch."""
    rows = []
    for label, history in histories.items():
        values = history.history
        rows.append([_named(label, dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True)])
    return [{k: v for part in parts if part for k, v in part.items()} for parts in zip_longest(*rows)]


def _named(label: str, values: dict[str, float]) -> dict[str, float | None]:
    """Prefix names by the label of a model; replace values that are not finite by None."""
    return {
        f"{label}/{name}" if label else name: value if math.isfinite(value) else None for name, value in values.items()
    }


def _import_matplotlib() -> None:
    """Import what draws; Ctrl-C waits, since inside a class that is being made Python turns it into a RuntimeError."""
    interrupts = Interrupts()
    with interrupts, interrupts.deferred():
        import_module("matplotlib.figure")
        import_module("matplotlib.backends.backend_agg")


def save_figures(figures: dict[str, Any], out: Path) -> None:
    """Write {file name: figure} into a folder."""
    for name, figure in figures.items():
        with whole_file(out / name) as file:
            figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
        print(f"wrote {out / name}")


def _write(path: str | Path, text: str) -> None:
    """Write a text file and say so."""
    write_text(path, text)
    print(f"wrote {path}")
