"""What `python -m numbarnn train NAME` trains, one module each.

A recipe is a module. Its docstring's first line says what it is; `EPOCHS` and `BATCH_SIZE` are its defaults, and

    load(data, dtype)           -> (x_train, y_train), (x_test, y_test); `data` is a folder or None
    build(seed, dtype)          -> the compiled model
    report(model, x, y)         -> text about the trained model on the test set
    figures(model, x, y)        -> {file name: figure} beside the training curves (needs matplotlib)
"""

from . import digits, mnist, series

RECIPES = {module.__name__.rpartition(".")[2]: module for module in (digits, mnist, series)}


def about(recipe):
    """What a recipe is, in one line."""
    return recipe.__doc__.partition("\n")[0]
