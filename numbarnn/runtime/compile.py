"""Compile kernels, and keep their machine code on disk.

`compiled` turns a function into machine code and returns its address. The next process finds the machine code in
`folder()` under a key made of everything it depends on: the sources of the package, the function with all that it
captures, Numba's version and the processor. Numba's own cache does not look into called functions, and it trusts
damaged files.

A kept kernel is a pickle, and loading a pickle runs code. So only files that this user alone can write are read, and
each holds a digest of its key and its content.
"""

import hashlib
import itertools
import os
import pickle
import secrets
import stat
import types as python_types
import warnings
from functools import cache
from pathlib import Path

import llvmlite
import numba
import numpy as np
from llvmlite.binding.ffi import lib as llvm
from numba.core import compiler, serialize
from numba.core.bytecode import FunctionIdentity
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import rtsys
from numba.extending import register_jitable

from .pipeline import EquationsCompiler, KernelCompiler
from .simd import Static
from .whole_file import remove_left_behind, whole_file

PACKAGE = Path(__file__).parents[1]
FOLDERS = ("runtime", "ops", "engines/cpu")  # of the sources that reach every kernel


def number_functions_anew():
    """Let Numba number the functions that it compiles from a random number on.

    Numba starts at 1 in each process, and machine code is linked by name and number: kernels kept by two processes
    would take each other's functions. A forked process needs a start of its own as well.
    """
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(48))


def hold_compiler():
    """Wait until no other thread compiles, and keep it so: otherwise a fork would copy a locked compiler."""
    global_compiler_lock.acquire()
    llvm._lock.__enter__()


def release_compiler():
    """Let other threads compile again."""
    llvm._lock.__exit__(None, None, None)
    global_compiler_lock.release()


def release_compiler_in_child():
    """Let the forked process compile, under numbers of its own."""
    release_compiler()
    number_functions_anew()


number_functions_anew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=hold_compiler, after_in_parent=release_compiler, after_in_child=release_compiler_in_child
    )


def sources():
    """List the files of the package that reach every kernel; cells come in by their `fingerprint`."""
    return [PACKAGE / "maths.py", *(path for folder in FOLDERS for path in sorted(PACKAGE.glob(f"{folder}/*.py")))]


@cache
def source_id():
    """Return a digest of `sources`."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources())).hexdigest()


def fingerprint(value):
    """Describe a value that a kernel captures, as text that is equal in every process.

    The text of a function includes that of every function that it calls.
    """
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
    """Return the folder of kept machine code, an absolute path, or None if there is no place for one.

    It is NUMBARNN_CACHE_DIR, else `numbarnn` in NUMBA_CACHE_DIR, XDG_CACHE_HOME or `~/.cache`. A relative path would
    mean another folder, of unknown owner, in each working directory; it is passed over.
    """
    own = os.path.expanduser(os.environ.get("NUMBARNN_CACHE_DIR", ""))
    if os.path.isabs(own):
        return Path(own)
    if own:
        _warn_once(f"numbarnn: expected NUMBARNN_CACHE_DIR to be an absolute path, got {own!r}; it is passed over")
    for shared in (os.environ.get("NUMBA_CACHE_DIR", ""), os.environ.get("XDG_CACHE_HOME", ""), "~/.cache"):
        if os.path.isabs(path := os.path.expanduser(shared)):
            return Path(path) / "numbarnn"
    return None


def kept_files():
    """List the files of kept kernels."""
    place = folder()
    return [] if place is None else list(place.glob("*.kernel"))


def clear():
    """Delete all kept machine code; return the number of files."""
    files = kept_files()
    for file in files:
        file.unlink(missing_ok=True)
    if (place := folder()) is not None:
        remove_left_behind(place)
    return len(files)


@cache
def _warn_once(message):
    warnings.warn(message, RuntimeWarning, stacklevel=2)


class Untrusted(OSError):
    """Other users may have written a file or folder."""


def expect_trusted(status):
    """Raise `Untrusted` unless this user, or root, alone can write what has this `os.stat_result`."""
    if not hasattr(os, "geteuid"):
        return
    if status.st_uid not in (os.geteuid(), 0):  # root could replace the interpreter as well
        raise Untrusted("it belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Untrusted("other users may write to it")


class Store:
    """The place of one kernel on disk, with the interface that Numba's compiler expects of a cache."""

    def __init__(self, key):
        self.key, self.folder = key, folder()

    @property
    def path(self):
        return self.folder / f"{self.key}.kernel"

    def load_overload(self, signature, target_context):
        """Return the kept kernel; None if there is none that can be trusted and used."""
        try:
            payload = self.read()
            if payload is None:
                return None
            rtsys.initialize(target_context)  # Numba's own symbols; all else that it prepares serves compilation only
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Untrusted as error:
            reason = f"not trusted: {error}"
        except Exception:
            reason = "damaged"
        _warn_once(f"numbarnn: a kernel file in {self.folder} is {reason}; compiling it again")

    def read(self):
        """Return the pickle of the kernel, or None if there is none. Raises `Untrusted`, or what reading raises."""
        if self.folder is None:
            return None
        try:
            expect_trusted(os.stat(self.folder))
            with open(self.path, "rb") as file:
                status, data = os.fstat(file.fileno()), file.read()
        except OSError:  # `save_overload` says what is wrong with the folder
            return None
        expect_trusted(status)
        digest, payload = data[:32], data[32:]
        if digest != self.digest(payload):
            raise ValueError
        return payload

    def digest(self, payload):
        """Return the SHA-256 of key and pickle: the file of one kernel does not pass for that of another."""
        return hashlib.sha256(self.key.encode() + payload).digest()

    def save_overload(self, signature, result):
        """Write the kernel whole or not at all, for this user alone."""
        payload = serialize.dumps(result._reduce())
        try:
            if self.folder is None:
                raise FileNotFoundError("no absolute path in NUMBARNN_CACHE_DIR, XDG_CACHE_HOME or HOME")
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            expect_trusted(os.stat(self.folder))
            with whole_file(self.path) as file:
                os.chmod(file.name, 0o600)  # whatever the umask: kernels that others can write are not loaded
                file.write(self.digest(payload) + payload)
        except OSError as error:
            where = "anywhere" if self.folder is None else f"in {self.folder}"
            _warn_once(f"numbarnn: cannot keep compiled kernels {where} ({error}); each process will compile anew")


_kept = []  # machine code lives as long as the process


def key_of(signature, function, options):
    """Return the key of a kernel: a digest of all that its machine code depends on."""
    target = CFunc._targetdescr.target_context.codegen().magic_tuple()
    parts = (source_id(), function.__module__, fingerprint(function), str(signature), repr(options), repr(target))
    versions = (numba.__version__, llvmlite.__version__, np.__version__)
    return hashlib.sha256(repr((parts, versions)).encode()).hexdigest()


def is_kept(signature, function, **options):
    """Return whether the machine code of a kernel is on disk."""
    store = Store(key_of(signature, function, options))
    return store.folder is not None and store.path.exists()


def can_be_kept():
    """Return whether this process can write machine code that others read."""
    place = folder()
    try:
        if place is None:
            return False
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        expect_trusted(os.stat(place))
    except OSError:
        return False
    return os.access(place, os.W_OK)


@global_compiler_lock
def compiled(signature, function, **options):
    """Compile `function` for a signature of Numba types, or load it; return its address."""
    # A parallel loop is a function of its own, which needs all of Numba's passes.
    pipeline = compiler.Compiler if options.get("parallel") else KernelCompiler
    flags = {"error_model": "numpy", **options}
    kernel = CFunc(function, (signature.args, signature.return_type), {}, flags, pipeline)
    kernel._cache = Store(key_of(signature, function, options))
    kernel.compile()
    _kept.append(kernel)
    return kernel.address


def inlined(function):
    """Return a copy of a cell's equations that the compiler inlines."""
    # Inlined, they load their constants before the loop, not for each vector. The cell's own function is registered
    # already, without this option.
    copy = python_types.FunctionType(
        function.__code__, function.__globals__, function.__name__, None, function.__closure__
    )
    copy.__qualname__ = function.__qualname__  # by which the store of kernels knows it
    return register_jitable(forceinline=True, no_cfunc_wrapper=True, pipeline_class=EquationsCompiler)(copy)
