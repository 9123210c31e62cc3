"""Compile kernels in another process, while this one compiles other kernels.

The process takes this one's paths of modules, compiles into the store of kernels, and writes a line after each. It
imports nothing of a user's and runs no program again, so it works wherever a process can be started. It ends with the
process that started it. Where it cannot help, everything is compiled here, as it is if it fails.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from .compile import can_be_kept


def python(code: str) -> list[str]:
    """Return the command that runs code in a new interpreter, with the paths of modules of this one."""
    paths = [path for path in sys.path if isinstance(path, str)]
    return [sys.executable, "-c", f"import sys; sys.path[:] = {paths}; {code}"]


class Child:
    """A process that compiles kernels one after the other."""

    def __init__(self, tasks):
        self.tasks, self.done, self.lock = tasks, 0, threading.Lock()
        names = [(kernel.__module__, kernel.__name__, *args) for kernel, *args in tasks]
        self.process = subprocess.Popen(
            python(f"from {__name__} import serve; serve({names})"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C reaches only the process that has started it
        )

    def wait_for(self, task):
        """Wait until a kernel is compiled, or the process has ended."""
        with self.lock:
            while self.done <= self.tasks.index(task) and self.process.stdout.readline():
                self.done += 1

    def stop(self):
        """End the process."""
        with self.process:
            self.process.kill()


_children = {}  # of each task
_of_parent = []  # of the process from which this one was forked: not ours to end


def compile_elsewhere(*tasks: tuple[Any, ...]) -> None:
    """Let another process compile kernels, if it can help: each is a function of a module, and its arguments."""
    if tasks[0] not in _children and can_help():
        with suppress(OSError):  # no such program, or no more processes
            _children.update(dict.fromkeys(tasks, Child(tasks)))


def from_child(kernel: Callable[..., int], *args: str) -> int:
    """Return kernel(*args), after the process that compiles it has done so."""
    task = kernel, *args
    if task in _children:
        _children[task].wait_for(task)
    return kernel(*args)


def can_help() -> bool:
    """Return whether another process could be started, has a core to run on, and could hand kernels over."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A program that holds an interpreter, or is frozen, has itself there.
    interpreter = os.path.basename(sys.executable or "").startswith("python") and not getattr(sys, "frozen", False)
    return cores > 1 and interpreter and can_be_kept()


def serve(tasks: list[tuple[str, ...]]) -> None:
    """Compile kernels, and write a line after each, for the process at the other end of standard input and output."""

    def end_with_parent():
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    for module, name, *args in tasks:
        getattr(import_module(module), name)(*args)
        print(flush=True)


@atexit.register
def stop_children() -> None:
    """End the processes that still compile."""
    for child in set(_children.values()):
        child.stop()


def after_fork_in_child() -> None:
    """Leave the processes to the one that started them."""
    _of_parent.append(dict(_children))
    _children.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
