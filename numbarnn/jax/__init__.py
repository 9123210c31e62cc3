"""numbarnn's cells as functions of JAX, which is imported when `rnn` is first used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recurrence import rnn as rnn

__all__ = ["rnn"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module 'numbarnn.jax' has no attribute {name!r}")
    try:
        import jax  # pyright: ignore[reportMissingImports]  # noqa: F401  # an extra
    except ImportError as error:
        raise ImportError("nr.jax needs JAX: pip install 'numbarnn[jax]'") from error
    from .recurrence import rnn

    return rnn


def __dir__():
    return __all__
