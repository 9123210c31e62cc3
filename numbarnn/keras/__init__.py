"""numbarnn's cells as layers of Keras 3, which is imported when `RNN` is first used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rnn import RNN as RNN

__all__ = ["RNN"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module 'numbarnn.keras' has no attribute {name!r}")
    try:
        import keras  # pyright: ignore[reportMissingImports]  # noqa: F401  # an extra
    except ImportError as error:
        raise ImportError("nr.keras needs Keras 3: pip install 'numbarnn[keras]'") from error
    from .rnn import RNN

    return RNN


def __dir__():
    return __all__
