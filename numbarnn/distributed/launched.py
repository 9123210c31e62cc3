"""Whether this process was started as one of several, by mpiexec or a scheduler."""

import os

from .mpi import Communicator

# Open MPI; MPICH, Intel MPI and others that start processes by PMI; Slurm's srun
SIZES = "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS"


def launched() -> Communicator | None:
    """Return the communicator of all processes, if there are several.

    Returns
    -------
    Communicator or None
        For ``fit(communicator=...)``; None if the environment names no more than one process.

    Raises
    ------
    ImportError
        If there are several processes, and mpi4py or an MPI is not installed.
    """
    sizes = [os.environ.get(name, "") for name in SIZES]
    if not any(size.isdecimal() and int(size) > 1 for size in sizes):
        return None
    return Communicator()
