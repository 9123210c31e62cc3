"""Compile kernels in other processes, while this one compiles other kernels.

Each process takes this one's paths of modules and compiles one kernel into the store. It imports nothing of a user's
and runs no program again, so it works wherever a process can be started, and it ends with the process that started it.
Where it cannot help, everything is compiled here, as it is if it fails.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from .compile import can_be_kept

_children = {}  # of each (kernel, *arguments)
_of_parent = []  # of the process from which this one was forked: not ours to end


def compile_elsewhere(kernel: Callable[..., int], *args: str) -> None:
    """Let another process call a function of a module, which compiles a kernel, if that can help."""
    if (kernel, *args) not in _children and can_help():
        call = kernel.__module__, kernel.__name__, *args
        with suppress(OSError):  # no such program, or no more processes
            _children[kernel, *args] = subprocess.Popen(
                python(f"from {__name__} import serve; serve{call}"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that Ctrl-C reaches only the process that has started it
            )


def from_child(kernel: Callable[..., int], *args: str) -> int:
    """Return kernel(*args), after the process that compiles it has ended."""
    if process := _children.get((kernel, *args)):
        with process:
            process.wait()
    return kernel(*args)


def can_help() -> bool:
    """Return whether another process could be started, has a core to run on, and could hand a kernel over."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A program that holds an interpreter, or is frozen, has itself there.
    interpreter = os.path.basename(sys.executable or "").startswith("python") and not getattr(sys, "frozen", False)
    return cores > 1 and interpreter and can_be_kept()


def python(code: str) -> list[str]:
    """Return the command that runs code in a new interpreter, with the paths of modules of this one."""
    paths = [path for path in sys.path if isinstance(path, str)]
    return [sys.executable, "-c", f"import sys; sys.path[:] = {paths}; {code}"]


def serve(module: str, name: str, *args: str) -> None:
    """Compile a kernel, unless the process at the other end of standard input ends before."""

    def end_with_parent():
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    getattr(import_module(module), name)(*args)


@atexit.register
def stop_children() -> None:
    """End the processes that still compile."""
    for process in _children.values():
        with process:
            process.kill()


def after_fork_in_child() -> None:
    """Leave the processes to the one that started them."""
    _of_parent.append(dict(_children))
    _children.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
