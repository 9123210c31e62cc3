"""What `python -m numbarnn train NAME` trains, one module each; NAME is the module's, with hyphens.

A recipe is a module. Its docstring's first line says what it is; `EPOCHS` and `BATCH_SIZE` are its defaults, and

    load(data, dtype)           -> (x_train, y_train), (x_test, y_test); `data` is a folder with files, or None
    build(seed, dtype)          -> the compiled model, or {name: model} of several to compare
    report(model, x, y)         -> text about the trained model, or {name: model}, on the test set
    figures(model, x, y)        -> {file name: figure} beside the training curves (needs matplotlib)

A recipe that reads files names their data set in `READS`; the others need none, and no folder.

Where it takes more than `Sequential.fit` with the test set to validate on, there is also

    fit(model, train, test, epochs, batch_size, seed) -> History

and where a model can go on by itself, for `python -m numbarnn generate`,

    generate(model, prompt, n, temperature, seed) -> text, or values (n, features); None for defaults

A recipe that trains nothing has `show(seed, dtype)` -> text instead of all that.
"""

from importlib import import_module

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


def about(recipe):
    """What a recipe is, in one line."""
    return recipe.__doc__.partition("\n")[0]
