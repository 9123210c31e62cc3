"""What is different on a GPU and in Numba's simulator of one: other modules import both from here.

Kernels run on a GPU (`device`, `ptx`), or in the simulator where NUMBA_ENABLE_CUDASIM=1 was set before Numba was
imported (`simulated_device`, `simulated_ptx`): there memory is the host's, and `cuda` and the instructions are Python.
The simulator that Numba itself brings is good enough for that.
"""

from importlib.util import find_spec

from numba import config

from ...errors import InputError

SIMULATOR = bool(config.ENABLE_CUDASIM)
INSTALL = "device 'cuda': needs numba-cuda and cuBLAS; install them with pip install 'numbarnn[cuda13]'"

if not SIMULATOR and find_spec("numba_cuda") is None:
    raise InputError(INSTALL)

if SIMULATOR:
    from .simulated_device import (
        Kernel,
        allocate,
        copy_from_host,
        copy_on_device,
        copy_to_host,
        gpu,
        release,
        require_gpu,
        wait,
        wait_for_stream,
        zero_bytes,
    )
    from .simulated_ptx import (
        add_release,
        copy4,
        cuda,
        element,
        end_of_group,
        load4_shared,
        load_acquire,
        load_shared,
        power_of_two,
        reciprocal,
        set_element,
        set_shared,
        shared_address,
        store4_shared,
        wait_for_groups,
        wide_sum,
    )
else:
    from numba import cuda

    from .device import (
        Kernel,
        allocate,
        copy_from_host,
        copy_on_device,
        copy_to_host,
        gpu,
        release,
        require_gpu,
        wait,
        wait_for_stream,
        zero_bytes,
    )
    from .ptx import (
        add_release,
        copy4,
        element,
        end_of_group,
        load4_shared,
        load_acquire,
        load_shared,
        power_of_two,
        reciprocal,
        set_element,
        set_shared,
        shared_address,
        store4_shared,
        wait_for_groups,
        wide_sum,
    )

__all__ = [
    "INSTALL",
    "SIMULATOR",
    "Kernel",
    "add_release",
    "allocate",
    "copy4",
    "copy_from_host",
    "copy_on_device",
    "copy_to_host",
    "cuda",
    "element",
    "end_of_group",
    "gpu",
    "load4_shared",
    "load_acquire",
    "load_shared",
    "power_of_two",
    "reciprocal",
    "release",
    "require_gpu",
    "set_element",
    "set_shared",
    "shared_address",
    "store4_shared",
    "wait",
    "wait_for_groups",
    "wait_for_stream",
    "wide_sum",
    "zero_bytes",
]
