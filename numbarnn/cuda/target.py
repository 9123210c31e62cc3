"""What is different on a GPU and in Numba's simulator of one: other modules import both from here.

Kernels run on a GPU (`device`, `ptx`), or in the simulator where NUMBA_ENABLE_CUDASIM=1 was set before Numba was
imported (`simulated`): there memory is the host's, and `cuda` and the instructions are Python. The simulator that Numba
itself brings is good enough for that.
"""

from importlib.util import find_spec

from numba import config

from ..errors import InputError

SIMULATOR = bool(config.ENABLE_CUDASIM)
INSTALL = "device 'cuda': needs numba-cuda and cuBLAS; install them with pip install 'numbarnn[cuda13]'"

if not SIMULATOR and find_spec("numba_cuda") is None:
    raise InputError(INSTALL)

if SIMULATOR:
    from .simulated import (
        Kernel,
        add_release,
        allocate,
        copy_from_host,
        copy_on_device,
        copy_to_host,
        cuda,
        load4_global,
        load4_shared,
        load_acquire,
        processors,
        release,
        require_gpu,
        shared_address,
        store4_shared,
        wait,
        wait_for_stream,
        warp_barrier,
        zero_bytes,
    )
else:
    from numba import cuda

    from .device import (
        Kernel,
        allocate,
        copy_from_host,
        copy_on_device,
        copy_to_host,
        processors,
        release,
        require_gpu,
        wait,
        wait_for_stream,
        zero_bytes,
    )
    from .ptx import add_release, load4_global, load4_shared, load_acquire, shared_address, store4_shared, warp_barrier

__all__ = [
    "INSTALL",
    "SIMULATOR",
    "Kernel",
    "add_release",
    "allocate",
    "copy_from_host",
    "copy_on_device",
    "copy_to_host",
    "cuda",
    "load4_global",
    "load4_shared",
    "load_acquire",
    "processors",
    "release",
    "require_gpu",
    "shared_address",
    "store4_shared",
    "wait",
    "wait_for_stream",
    "warp_barrier",
    "zero_bytes",
]
