"""Recipes: complete programs that `python -m numbarnn train NAME` runs, one module each, with hyphens in NAME.

The first line of the module's docstring says what it is; `EPOCHS` and `BATCH_SIZE` are its defaults. It has

    load(data, dtype)           -> (x_train, y_train), (x_test, y_test); `data` is a folder with files, or None
    build(seed, dtype)          -> the compiled model, or {name: model} of several to compare
    report(model, x, y)         -> text about the trained model, or {name: model}, on the test set
    figures(model, x, y)        -> {file name: figure} beside the training curves (needs matplotlib)

A recipe that reads files names their data set in `READS`; the others need no folder.

If it trains in another way than by `Sequential.fit`, validated on the test set, it also has

    fit(model, train, test, epochs, batch_size, seed, **options) -> History; the options are those of `Sequential.fit`

and for `python -m numbarnn generate`

    generate(model, prompt, n, temperature, seed) -> text, or values (n, features); None for defaults

A recipe that trains nothing has only `show(seed, dtype)` -> text.
"""

from importlib import import_module
from types import ModuleType

NAMES = (
    "digits",
    "mnist",
    "mnist-orthogonal",
    "mnist-keras",
    "mnist-relu16-collapse",
    "toy",
    "series",
    "sine-windows",
    "creative",
    "deep",
    "deep-dropout",
    "sunspots",
    "imdb-rnn",
    "imdb-lstm",
    "imdb-stack",
    "imdb",
    "vowels",
    "shakespeare",
    "adding",
    "copy",
    "reverse",
)
RECIPES = {name: import_module(f".{name.replace('-', '_')}", __name__) for name in NAMES}


def about(recipe: ModuleType) -> str:
    """Return the first line of a recipe's docstring."""
    return str(recipe.__doc__).partition("\n")[0]
