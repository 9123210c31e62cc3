"""Compiled kernels, kept on disk.

`compiled` turns a function into machine code and returns its address. The next process finds the machine code in
`folder()` under a key made of everything it depends on: the sources of the package, the function with all that it
captures, Numba's version and the processor. Numba's own cache does not look into called functions, and trusts
damaged files.
"""

import contextlib
import hashlib
import itertools
import os
import pickle
import secrets
import tempfile
import types as python_types
import warnings
from functools import cache
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba.core import compiler, serialize
from numba.core.bytecode import FunctionIdentity
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.extending import register_jitable

from .simd import Static

PACKAGE = Path(__file__).parents[1]
FOLDERS = ("runtime", "ops", "engines/cpu")  # of the sources that reach every kernel

# Numba numbers the functions that it compiles, from 1 in each process, and machine code is linked by name and number:
# kernels kept by two processes would take each other's functions. So each process starts at a number of its own.
FunctionIdentity._unique_ids = itertools.count(secrets.randbits(48))


def sources():
    """The files of the package that reach every kernel; cells come in by their `fingerprint`."""
    return [PACKAGE / "maths.py", *(path for folder in FOLDERS for path in sorted(PACKAGE.glob(f"{folder}/*.py")))]


@cache
def source_id():
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources())).hexdigest()


def fingerprint(value):
    """What a value that a kernel captures is made of; equal in every process. Functions count with all that they
    call."""
    seen = set()

    def describe(v):
        if isinstance(v, python_types.FunctionType):
            if v in seen or (v.__module__ or "").split(".")[0] in ("numba", "numpy", "llvmlite"):
                return v.__qualname__
            seen.add(v)
            cells = [c.cell_contents for c in v.__closure__ or ()]
            used = [v.__globals__[n] for n in names(v.__code__) if n in v.__globals__]
            return (v.__qualname__, *describe_code(v.__code__), *map(describe, cells), *map(describe, used))
        if isinstance(v, tuple | list):
            return tuple(map(describe, v))
        if isinstance(v, Static):
            return describe(v.value)
        if isinstance(v, python_types.ModuleType | type):
            return v.__name__
        return repr(v)

    def names(code):
        inner = [n for c in code.co_consts if isinstance(c, python_types.CodeType) for n in names(c)]
        return sorted({*code.co_names, *inner})

    def describe_code(code):
        constants = (describe_code(c) if isinstance(c, python_types.CodeType) else repr(c) for c in code.co_consts)
        return (code.co_code.hex(), *code.co_names, *constants)

    return repr(describe(value))


def folder():
    """Where machine code is kept: NUMBARNN_CACHE_DIR, else `numbarnn` in NUMBA_CACHE_DIR or the user's cache folder."""
    own = os.environ.get("NUMBARNN_CACHE_DIR")
    if own:
        return Path(own)
    shared = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(shared) / "numbarnn"


def clear():
    """Delete all kept machine code; returns the number of files."""
    files = list(folder().glob("*.kernel"))
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


@cache
def _warn_once(message):
    warnings.warn(message, RuntimeWarning, stacklevel=2)


class Store:
    """The place of one kernel on disk, with the interface that Numba's compiler expects of a cache."""

    def __init__(self, key):
        self.path = folder() / f"{key}.kernel"

    def load_overload(self, signature, target_context):
        """The kept kernel; None where there is none, or where its file is damaged."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None
        digest, payload = data[:32], data[32:]
        if hashlib.sha256(payload).digest() == digest:
            rtsys.initialize(target_context)  # Numba's own symbols; all else that it prepares serves compilation only
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))
        _warn_once(f"numbarnn: the kernel file {self.path} is damaged; compiling it again")
        return None

    def save_overload(self, signature, result):
        """Write beside and rename: a reader never sees half a file."""
        payload = serialize.dumps(result._reduce())
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(payload).digest() + payload)
                os.replace(temporary, self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            where = f"cannot keep compiled kernels in {self.path.parent} ({error})"
            _warn_once(f"numbarnn: {where}; each process will compile anew")


_kept = []  # machine code lives as long as the process


def compiled(signature, function, **options):
    """Address of `function` compiled for a signature of Numba types."""
    target = CFunc._targetdescr.target_context.codegen().magic_tuple()
    parts = (source_id(), function.__module__, fingerprint(function), str(signature), repr(options), repr(target))
    versions = (numba.__version__, llvmlite.__version__, np.__version__)
    key = hashlib.sha256(repr((parts, versions)).encode()).hexdigest()
    kernel = CFunc(function, (signature.args, signature.return_type), {}, {"error_model": "numpy", **options})
    kernel._cache = Store(key)
    kernel.compile()
    _kept.append(kernel)
    return kernel.address


def inlined(function):
    """The equations without a call: their constants are then loaded before the loop, not for each vector. A copy, as
    the cell's own function is registered already, without this option."""
    copy = python_types.FunctionType(
        function.__code__, function.__globals__, function.__name__, None, function.__closure__
    )
    copy.__qualname__ = function.__qualname__  # by which the store of kernels knows it
    return register_jitable(forceinline=True, no_cfunc_wrapper=True)(copy)
