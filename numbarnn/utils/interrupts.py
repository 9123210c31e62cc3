"""Ctrl-C at a moment that suits."""

import signal
import threading
from typing import Any


class Interrupts:
    """Lets Ctrl-C wait while something changes that must change whole.

    ``with interrupts:`` around the work, ``with interrupts.deferred():`` around each change. Outside the main thread,
    which alone receives signals, both do nothing.
    """

    def __init__(self):
        self.handler: Any = None  # the one before, while this one is installed
        self.depth = 0
        self.changing = False
        self.caught = None

    def __enter__(self):
        self.depth += 1
        handler = signal.getsignal(signal.SIGINT)
        if self.depth > 1:
            return self
        if threading.current_thread() is threading.main_thread() and callable(handler):
            self.handler = handler
            signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(self, *error):
        self.depth -= 1
        if not self.depth and self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
            self.handler = None

    def deferred(self):
        """Return a context in which Ctrl-C waits until its block has ended."""
        return _Deferred(self)

    def _receive(self, *arguments):
        if self.changing:
            self.caught = arguments
        else:
            self.handler(*arguments)


class _Deferred:
    """What `Interrupts.deferred` returns; a generator would take five times as long, in each batch."""

    def __init__(self, interrupts):
        self.interrupts = interrupts

    def __enter__(self):
        self.interrupts.changing = True

    def __exit__(self, *error):
        interrupts = self.interrupts
        interrupts.changing = False
        if interrupts.caught:
            caught, interrupts.caught = interrupts.caught, None
            interrupts.handler(*caught)
