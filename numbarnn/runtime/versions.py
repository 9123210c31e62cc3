"""Describe what numbarnn runs on, for reports of errors and of speed."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from llvmlite.binding import get_host_cpu_name
from numba import config

PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "numba-cuda", "matplotlib")


def environment():
    """Return {name: text or number}: versions of numbarnn, Python and packages that it can use, the CPU and its use."""
    from .. import __version__
    from .compile import folder
    from .simd import BYTES

    return {
        "numbarnn": __version__,
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "compiled_for": config.CPU_NAME or get_host_cpu_name(),
        "vector_bits": 8 * BYTES,
        "threads": config.NUMBA_NUM_THREADS,
        "cache": str(folder()),
    }


def show_versions():
    """Print `environment()`, one line each."""
    for name, value in environment().items():
        print(f"{name:<13} {value}")


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model():
    cpuinfo = Path("/proc/cpuinfo")  # only Linux has it
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
