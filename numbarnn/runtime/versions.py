"""Describe what numbarnn runs on, for reports of errors and of speed."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from llvmlite.binding import get_host_cpu_name
from numba import config

from .compile import folder
from .simd import BYTES

PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "numba-cuda", "matplotlib")


def environment() -> dict[str, str | int]:
    """Return versions of numbarnn, Python and the packages that it can use, the CPU, and how it is used, by name."""
    from .. import __version__  # the package may still be loading when this module is imported

    return {
        "numbarnn": __version__,
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "compiled_for": config.CPU_NAME or get_host_cpu_name(),
        "vector_bits": 8 * BYTES,
        "threads": config.NUMBA_NUM_THREADS,
    }


def show_versions() -> None:
    """Print what numbarnn runs with, for a bug report.

    One line each: the versions of numbarnn, Python, Numba, llvmlite, NumPy, SciPy and of the optional packages; the
    system, the CPU and the one that kernels are compiled for; the width of vectors in bits, the number of threads,
    and the folder of compiled kernels.

    Examples
    --------
    >>> import numbarnn as nr
    >>> nr.show_versions()  # doctest: +SKIP
    numbarnn      0.1.0
    python        3.12.3
    ...
    """
    for name, value in (environment() | {"cache": folder()}).items():
        print(f"{name:<13} {value}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # only Linux has it
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
