"""The communicator of a training, from what a caller gives."""

from typing import Any

from ..errors import InputError
from .alone import Alone
from .mpi import Communicator


def chosen(communicator: Any) -> Alone:
    """Return the communicator: one process for None; a communicator of mpi4py is wrapped."""
    if communicator is None:
        return Alone()
    if isinstance(communicator, Alone):
        return communicator
    if not hasattr(communicator, "Allreduce"):
        expected = "an nr.distributed.Communicator or a communicator of mpi4py"
        raise InputError(f"fit: expected communicator to be {expected}, got {communicator!r}")
    return Communicator(communicator)
