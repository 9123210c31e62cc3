"""Loaders that have Keras' name too: `mnist()` is numbarnn's, `mnist.load_data()` gives what Keras gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")


class Loader(Generic[P, R, Q, S]):
    """A function that loads a data set, with the function `load_data` beside it.

    Parameters
    ----------
    name : str
        The name of both, in the file that defines the function.
    load : callable
        The function.
    load_data : callable
        The function of this name in `keras.datasets`.
    """

    def __init__(self, name: str, load: Callable[P, R], load_data: Callable[Q, S]) -> None:
        update_wrapper(self, load)
        self.__name__ = self.__qualname__ = name
        self.load_data = load_data
        self._load = load

    def __call__(self, *args: P.args, **options: P.kwargs) -> R:
        return self._load(*args, **options)

    def __repr__(self) -> str:
        return f"<data set {self.__name__}>"

    # pickled by its name, like a function
    def __reduce__(self) -> str:
        return self.__name__
