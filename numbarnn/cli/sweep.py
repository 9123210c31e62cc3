"""Sweep a recipe: train it for every point of a grid and several seeds, and compare."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..recipes import RECIPES
from ..sweeps.result import name_of
from ..sweeps.run import sweep
from ..utils.files import make_folder, write_text
from .train import change_optimizer, save_figures, train

OF_TRAINING = "epochs", "batch_size"  # values of a grid that are no options of the optimiser


def sweep_recipe(
    name: str,
    grid: Mapping[str, Sequence[Any]],
    *,
    seeds: int = 1,
    jobs: int = 1,
    data: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    dtype: str = "float32",
    out: str | Path | None = None,
) -> int:
    """Train a recipe for every point of a grid and every seed; print a table and write it, with curves.

    What a case prints and writes goes to a folder of its own. The same call goes on where it was interrupted.

    Parameters
    ----------
    name : str
        Name of the recipe.
    grid : dict of {str: sequence}
        Values of "epochs", "batch_size", or options of the recipe's optimiser, such as "lr".
    seeds : int
        Each point is trained with the seeds 0 to seeds - 1.
    jobs : int
        Trainings at a time.
    data, epochs, batch_size, dtype
        As for `train`.
    out : path, optional
        Folder for all files; runs/NAME-sweep by default.

    Returns
    -------
    int
        1 if a case failed, else 0.

    Raises
    ------
    InputError
        If an argument cannot be used, before any training.
    """
    if name not in RECIPES or hasattr(RECIPES[name], "show"):
        known = ", ".join(name for name, recipe in RECIPES.items() if not hasattr(recipe, "show"))
        raise InputError(f"sweep: expected one of the recipes {known}, got {name!r}")
    check_options(name, grid, dtype)
    out = make_folder("sweep", out or Path("runs") / f"{name}-sweep")
    fixed = {"data": data, "epochs": epochs, "batch_size": batch_size, "dtype": dtype}
    run = partial(train_case, name, fixed, str(out))
    done = sweep(run, grid, seeds=seeds, jobs=jobs, out=out)
    print(f"\n{done.table()}\n")
    write_text(out / "table.txt", done.table() + "\n")
    if find_spec("matplotlib") is None:
        print("no curves: they need matplotlib (pip install 'numbarnn[plot]')")
    else:
        keys = dict.fromkeys(key for case in done.cases for epoch in case.epochs for key in epoch)
        save_figures({f"{key.replace('/', '-')}.png": done.plot(key) for key in keys}, out)
    for case in done.failed:
        print(f"failed: {case.name}: {case.error}")
    return 1 if done.failed else 0


def check_options(name: str, grid: Mapping[str, Sequence[Any]], dtype: str) -> None:
    """Make an optimiser with each value of the grid, so that a wrong one is refused before any training."""
    built = RECIPES[name].build(0, dtype)
    model = next(iter(built.values())) if isinstance(built, dict) else built
    for option, values in grid.items():
        for value in values:
            if option in OF_TRAINING:
                if not isinstance(value, int) or value < 1:
                    raise InputError(f"sweep: expected whole numbers >= 1 for {option}, got {value!r}")
            else:
                change_optimizer(model, {option: value})


def train_case(name: str, fixed: Mapping[str, Any], out: str, *, seed: int, **values: Any) -> dict[str, Any]:
    """Train a recipe at a point of the grid, in a folder of its own, and keep there what it prints."""
    folder = make_folder("sweep", Path(out) / name_of(values | {"seed": seed}))
    training = dict(fixed) | {option: values.pop(option) for option in OF_TRAINING if option in values}
    with open(folder / "log.txt", "w", encoding="utf-8") as log, redirect_stdout(log):
        return train(name, seed=seed, optimizer=values, out=folder, **training)
