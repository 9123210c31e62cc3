"""NVIDIA's driver: memory, copies, and starting the kernels that numba-cuda compiles.

numba-cuda's own arrays and launches keep the host busy for longer than a GPU needs for a short sequence. So kernels are
started here, with arguments in the form that numba-cuda has compiled them for. All work is on the legacy default
stream, which is the default one of PyTorch, CuPy and numba-cuda too.
"""

import ctypes
import functools
import struct
import threading

from cuda.bindings import driver
from numba import cuda, types

from ...errors import InputError
from .gpu import Gpu

DRIVER = "device 'cuda': no NVIDIA driver or GPU was found (nvidia-smi should list one); device='cpu' runs without"
STREAM = driver.CUstream(0)
STATIC_SHARED = 48 * 1024  # bytes of shared memory that need no permission
_thread = threading.local()


def check(answer):
    """What a call of the driver gave, or an error."""
    error, *values = answer
    if int(error):
        kind = MemoryError if error == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY else RuntimeError
        raise kind(f"CUDA driver: {error.name}")
    return values[0] if values else None


def require_gpu():
    """Make the GPU ready for this thread; raises `InputError` where there is none."""
    if not hasattr(_thread, "context"):
        if not cuda.is_available():
            raise InputError(DRIVER)
        _thread.context = cuda.current_context()


@functools.cache
def gpu():
    """What the GPU is like."""
    names, number = driver.CUdevice_attribute, driver.CUdevice(cuda.get_current_device().id)

    def attribute(name):
        return check(driver.cuDeviceGetAttribute(getattr(names, f"CU_DEVICE_ATTRIBUTE_{name}"), number))

    processors, shared = attribute("MULTIPROCESSOR_COUNT"), attribute("MAX_SHARED_MEMORY_PER_BLOCK_OPTIN")
    return Gpu(processors, shared, copies=attribute("COMPUTE_CAPABILITY_MAJOR") >= 8)


def wait():
    """Until the GPU has done all that was asked of it."""
    check(driver.cuStreamSynchronize(STREAM))


def wait_for_stream(stream):
    check(driver.cuStreamSynchronize(driver.CUstream(stream)))


def allocate(size):
    """The address of new memory of the GPU."""
    require_gpu()
    return int(check(driver.cuMemAlloc(size)))


def release(address, free=driver.cuMemFree):  # bound here: it is called when Python ends, too
    free(address)


def copy_from_host(address, array):
    """A contiguous NumPy array to the GPU; the host may change it afterwards."""
    check(driver.cuMemcpyHtoDAsync(address, array.ctypes.data, array.nbytes, STREAM))


def copy_to_host(array, address):
    check(driver.cuMemcpyDtoH(array.ctypes.data, address, array.nbytes))


def copy_on_device(to, address, size):
    check(driver.cuMemcpyDtoDAsync(to, address, size, STREAM))


def zero_bytes(address, size):
    check(driver.cuMemsetD8Async(address, 0, size, STREAM))


class Kernel:
    """A function, compiled for arguments of these kinds: of `DeviceArray.kind`, int, bool, or a tuple of kinds.

    `threads` of a block at most; `shared` bytes of dynamic shared memory; `together`: all blocks run at the same time,
    and where they cannot, the launch fails.
    """

    def __init__(self, function, kinds, threads=None, shared=0, together=False):
        options = {} if threads is None else {"launch_bounds": (threads, 1)}
        compiled = cuda.jit(tuple(map(numba_type, kinds)), **options)(function)
        (self.overload,) = compiled.overloads.values()  # keeps the machine code
        handle = self.overload._codelibrary.get_cufunc().handle
        self.handle = handle if isinstance(handle, driver.CUfunction) else check(driver.cuKernelGetFunction(handle))
        self.shared, self.together = shared, together
        if shared > STATIC_SHARED:  # numba-cuda has no option for it (its issue 94)
            attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            check(driver.cuFuncSetAttribute(self.handle, attribute, shared))
        codes = "".join(map(codes_of, kinds))
        self.values = struct.Struct(codes)
        self.places = [struct.calcsize(codes[: i + 1]) - struct.calcsize(code) for i, code in enumerate(codes)]

    def ready(self, grid, threads, *arguments):
        """A function that starts it on (blocks, blocks) of so many threads; it takes integers for the last ones."""
        return Launch(self, grid, threads, arguments)

    def start(self, grid, threads, *arguments):
        Launch(self, grid, threads, arguments)()


class Launch:
    """A kernel and its arguments."""

    def __init__(self, kernel, grid, threads, arguments):
        fields = []
        for argument in arguments:
            add_fields(fields, argument)
        self.arguments = arguments  # keeps their memory
        self.buffer = (ctypes.c_char * kernel.values.size)()
        kernel.values.pack_into(self.buffer, 0, *fields)
        first = ctypes.addressof(self.buffer)
        self.table = (ctypes.c_void_p * len(kernel.places))(*[first + place for place in kernel.places])
        sizes = *grid, 1, threads, 1, 1, kernel.shared, STREAM, ctypes.addressof(self.table)
        if kernel.together:
            self.call = functools.partial(driver.cuLaunchCooperativeKernel, kernel.handle, *sizes)
        else:
            self.call = functools.partial(driver.cuLaunchKernel, kernel.handle, *sizes, 0)

    def __call__(self, *last):
        if last:
            form = INTEGERS[len(last)]
            form.pack_into(self.buffer, len(self.buffer) - form.size, *last)
        check(self.call())


INTEGERS = [struct.Struct(f"{count}q") for count in range(3)]
SCALARS = {int: (types.int64, "q"), bool: (types.boolean, "?")}
ARRAY = 5  # numbers that numba-cuda hands on of an array, beside its shape and strides


def numba_type(kind):
    if kind in SCALARS:
        return SCALARS[kind][0]
    if not is_array(kind):
        return types.Tuple(tuple(map(numba_type, kind)))
    dtype, axes, is_contiguous = kind
    return types.Array(getattr(types, "boolean" if dtype.kind == "b" else dtype.name), axes, "AC"[is_contiguous])


def is_array(kind):
    return len(kind) == 3 and kind[2] in (True, False)


def codes_of(kind):
    """The codes in `struct` of what numba-cuda hands on of an argument."""
    if kind in SCALARS:
        return SCALARS[kind][1]
    return "q" * (ARRAY + 2 * kind[1]) if is_array(kind) else "".join(map(codes_of, kind))


def add_fields(fields, argument):
    if isinstance(argument, int):
        fields.append(argument)
    elif isinstance(argument, tuple):
        for part in argument:
            add_fields(fields, part)
    else:  # no memory of the host, no parent
        fields += (0, 0, argument.size, argument.dtype.itemsize, argument.address, *argument.shape, *argument.strides)
