"""Training on several processes that talk by MPI; mpi4py is imported when a `Communicator` is made."""

from .launched import launched
from .mpi import Communicator

__all__ = ["Communicator", "launched"]


def __dir__():
    return __all__
