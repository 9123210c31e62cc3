"""Let Ctrl-C interrupt work at moments that suit alone."""

import signal
import threading
from typing import Any


class Interrupts:
    """Make Ctrl-C wait while something changes that must change whole.

    ``with interrupts:`` around the work, ``with interrupts.deferred():`` around each change. Python drops an exception
    that is raised in a finaliser; the end of the next change, or of the work, then raises it again. Outside the main
    thread, which alone receives signals, both do nothing.
    """

    def __init__(self):
        self.handler: Any = None  # the one before, while this one is installed
        self.depth = 0
        self.changing = False
        self.caught: Any = None  # what the handler was given, until the exception has left the work

    def __enter__(self):
        handler = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not self.depth and main and callable(handler):
            self.handler = handler
            signal.signal(signal.SIGINT, self._receive)
        self.depth += 1
        return self

    def __exit__(self, kind, *error):
        self.depth -= 1
        if not self.depth and self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
            handler, caught = self.handler, self.caught
            self.handler = self.caught = None
            if caught and kind is None:
                handler(*caught)

    def deferred(self):
        """Return a context in which Ctrl-C waits until its block has ended."""
        return _Deferred(self)

    def _receive(self, number, frame):
        self.caught = number, frame
        if not self.changing and not _in_own_code(frame):
            self.handler(number, frame)


def _in_own_code(frame):
    """Say whether an interrupt fell into the methods that install and remove the handler: they must end."""
    while frame is not None:
        if frame.f_code in (Interrupts.__enter__.__code__, Interrupts.__exit__.__code__):
            return True
        frame = frame.f_back
    return False


class _Deferred:
    """Make Ctrl-C wait until the block has ended; a generator would take five times as long, in each batch."""

    def __init__(self, interrupts):
        self.interrupts = interrupts

    def __enter__(self):
        self.interrupts.changing = True

    def __exit__(self, *error):
        interrupts = self.interrupts
        interrupts.changing = False
        if interrupts.caught:
            interrupts.handler(*interrupts.caught)
