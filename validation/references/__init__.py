"""One module per cell, in the notation of its paper.

Each declares
    CELL      name of numbarnn's cell class
    OPTIONS   {constructor option: values to try}
    step(params, x, state, f, **options) -> output, state, gates
on (B, n) arrays. `state` and `gates` are dictionaries, `f` holds the activations by name. A new file is simply found.
"""

import importlib
import pkgutil


def load():
    """{cell class name: reference module}."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {module.CELL: module for module in modules}
