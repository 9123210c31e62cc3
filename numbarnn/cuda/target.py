"""Everything that knows numba-cuda: other modules of this package import CUDA from here.

Kernels run on a GPU, or in Numba's simulator where NUMBA_ENABLE_CUDASIM=1 was set before Numba was imported: there
`cuda` and the instructions are Python. The simulator that Numba itself brings is good enough for that.
"""

import functools
from importlib.util import find_spec

from numba import config

from ..errors import InputError

SIMULATOR = bool(config.ENABLE_CUDASIM)
INSTALL = "device 'cuda': needs numba-cuda and cuBLAS; install them with pip install 'numbarnn[cuda13]'"
DRIVER = "device 'cuda': no NVIDIA driver or GPU was found (nvidia-smi should list one); device='cpu' runs without"

if not SIMULATOR and find_spec("numba_cuda") is None:
    raise InputError(INSTALL)

if SIMULATOR:
    from .simulated import (
        add_release,
        cuda,
        load4_global,
        load4_shared,
        load_acquire,
        shared_address,
        store4_shared,
        warp_barrier,
    )
else:
    from numba import cuda

    from .ptx import add_release, load4_global, load4_shared, load_acquire, shared_address, store4_shared, warp_barrier

__all__ = [
    "SIMULATOR",
    "add_release",
    "allow_shared",
    "cuda",
    "kernel",
    "load4_global",
    "load4_shared",
    "load_acquire",
    "max_cooperative_blocks",
    "processors",
    "require_gpu",
    "shared_address",
    "store4_shared",
    "warp_barrier",
]

UNKNOWN_TO_SIMULATOR = ("launch_bounds", "max_registers", "lineinfo", "lto")
STATIC_SHARED = 48 * 1024  # bytes of shared memory that need no permission


@functools.cache
def require_gpu():
    """Raises `InputError` where nothing can run a kernel."""
    if not SIMULATOR and not cuda.is_available():
        raise InputError(DRIVER)


def kernel(function, signature=None, **options):
    """`cuda.jit` of a kernel; the options that the simulator does not know are dropped there."""
    if SIMULATOR:
        options = {name: value for name, value in options.items() if name not in UNKNOWN_TO_SIMULATOR}
    return cuda.jit(**options)(function) if signature is None else cuda.jit(signature, **options)(function)


def allow_shared(compiled, size):
    """Let the one specialisation of a kernel (one that was compiled for a signature) use `size` bytes of dynamic shared
    memory: numba-cuda has no option for more than 48 KiB (its issue 94)."""
    if SIMULATOR or size <= STATIC_SHARED:
        return
    from cuda.bindings import driver

    attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    (overload,) = compiled.overloads.values()
    handle = overload._codelibrary.get_cufunc().handle
    try:
        error, *_ = driver.cuKernelSetAttribute(attribute, size, handle, driver.CUdevice(cuda.get_current_device().id))
    except TypeError:  # a CUfunction, not a CUkernel
        error, *_ = driver.cuFuncSetAttribute(handle, attribute, size)
    if int(error):
        raise RuntimeError(f"CUDA driver: {error!r} for {size} bytes of shared memory")


def max_cooperative_blocks(compiled, threads, size):
    """How many blocks of the one specialisation of a kernel can run at the same time."""
    (overload,) = compiled.overloads.values()
    return overload.max_cooperative_grid_blocks(threads, size)


@functools.cache
def processors():
    """Multiprocessors of the GPU."""
    return cuda.get_current_device().MULTIPROCESSOR_COUNT
