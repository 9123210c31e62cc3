"""Ctrl-C at a moment that suits."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def deferred_interrupts():
    """Let Ctrl-C wait until the block has ended, so that what it changes is changed whole."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    caught = []
    signal.signal(signal.SIGINT, lambda *arguments: caught.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[0])
