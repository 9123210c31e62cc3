"""The progress line of a pass over the data."""

import shutil
import sys
import time

from ..errors import InputError

SECONDS_BETWEEN_REDRAWS = 0.1
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Prints how far a pass over the data has come: batches, samples a second, time left, running values.

    ``batches``: how many there are, or None if that is not known. ``done``: how many are gone already.

    ``verbose`` 1 keeps one line up to date on a terminal and prints a line every ten seconds elsewhere; 2 prints only
    the last line of the pass, 0 nothing.
    """

    def __init__(self, label, batches, verbose, done=0):
        if verbose not in (0, 1, 2):
            raise InputError(f"expected verbose to be 0, 1 or 2, got {verbose!r}")
        self.label, self.batches, self.verbose = label, batches, verbose
        self.live = verbose == 1 and sys.stdout.isatty()
        self.interval = SECONDS_BETWEEN_REDRAWS if self.live else SECONDS_BETWEEN_LINES
        self.start = self.updated = self.printed = time.perf_counter()
        self.done, self.samples, self.width = done, 0, 0

    def update(self, samples, means):
        """Count one more batch, of so many samples, with the values so far, ``means`` (`Means`)."""
        self.done += 1
        self.samples += samples
        self.updated = now = time.perf_counter()
        if self.verbose == 1 and self.done != self.batches and now - self.printed > self.interval:
            self.printed = now
            left = "" if self.batches is None else _clock((now - self.start) * (self.batches / self.done - 1))
            self._print(f"ETA {left}" if left else "", means.values(), end="" if self.live else "\n")

    def finish(self, values):
        """End the pass with its result, ``values`` {name: float}."""
        if self.verbose:
            self._print(f"{time.perf_counter() - self.start:.1f} s", values, end="\n")

    def _print(self, clock, values, end):
        rate = self.samples / max(self.updated - self.start, 1e-9)
        batches = f"{self.done} batches" if self.batches is None else f"{self.done}/{self.batches} batches"
        shown = [f"{name}: {value:.4f}" for name, value in values.items()]
        line = "  ".join(part for part in (self.label, batches, f"{rate:,.0f} samples/s", clock, *shown) if part)
        if self.live:
            line = (
                line if end else line[: shutil.get_terminal_size().columns - 1]
            )  # a line that wraps cannot be redrawn
            line, self.width = "\r" + line.ljust(self.width), len(line)
        print(line, end=end, flush=True)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
