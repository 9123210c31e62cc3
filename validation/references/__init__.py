"""One module per cell, in the notation of its paper.

Each declares
    CELL      name of numbarnn's cell class
    OPTIONS   {constructor option: values to try}
    step(params, x, state, f, **options) -> output, state, gates
on (B, n) arrays. `state` and `gates` are dictionaries, `f` holds the activations and clips by name. A new file is
simply found. It may also declare
    REQUIRES  {option: other options that it makes no sense without}
    KINKS     options under which states of -1, 0 and 1 and vectors of zeros put something exactly on a kink
    PLANTED   False: the bias cannot put the arguments of the activations on kinks
    INHERITED options that a quick run leaves to another cell
    THOROUGH  True: every shape with every way to call `nr.forward`
    fit(shape, options) -> shape, options    the nearest of which there is a cell
    exact(options)      -> whether the gradient is that of the values (a straight-through gradient is not)
    blocks(name, options) -> (gates, axis) of a packed parameter, where the cell has no declaration that says it
    masks(sizes, options) -> {name: (T, ...) or (1, ...)}    of a training run; the step gets those of its time, `given`
A composite cell's declares
    examples(shape)     -> several tuples of its arguments by position: the cells that it is made of, as Nodes
    exists(arguments, options) -> whether there is such a cell
and its step gets, before all else, the steps of these cells; or, as `run`, everything over whole sequences, like
`unroll`. Names of parameters and states are those of numbarnn ("0/kernel" of the first cell of a stack).
"""

import importlib
import pkgutil
from functools import cache


@cache
def load():
    """{cell class name: reference module}."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {module.CELL: module for module in modules}
