"""Files from which `fit` goes on where it was broken off, also in the middle of an epoch."""

import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..callbacks.monitor import Monitor
from ..errors import Checked, InputError, Terminated, is_number, is_positive_integer
from ..utils.files import make_folder
from . import resume
from .batches import Means

BEST = "best.npz"


class Checkpoints(Checked):
    """A folder of files from which the same call of `fit` goes on, with the bits of a training without a break.

    A file is written after each epoch, and in the middle of an epoch after some minutes; each holds weights, optimiser,
    random generators, the place in the data, states of layers and callbacks, means so far, and the history. Files are
    written whole or not at all. SIGTERM writes one after the batch and ends the program with exit code 143.

    Parameters
    ----------
    folder : str or path
        The folder, for one training alone.
    keep : int, default 2
        Number of files that are kept, the latest ones.
    minutes : float, default 10
        Time after which a file is written in the middle of an epoch.
    monitor : str, optional
        Name of a value of an epoch, such as "val_loss"; the file of the best epoch is then kept as ``best.npz`` too.
    mode : {"auto", "min", "max"}
        Whether less is better or more; see `nr.callbacks.ModelCheckpoint`.

    Raises
    ------
    InputError
        If an option is out of its range.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        keep: int = 2,
        minutes: float = 10.0,
        monitor: str | None = None,
        mode: str = "auto",
    ):
        if not is_positive_integer(keep):
            raise InputError(f"Checkpoints: expected keep to be a positive integer, got {keep!r}")
        if not is_number(minutes) or minutes < 0:
            raise InputError(f"Checkpoints: expected minutes to be a number of at least 0, got {minutes!r}")
        self.folder, self.keep, self.minutes, self.monitor, self.mode = Path(folder), keep, minutes, monitor, mode
        Monitor(str(monitor), 0.0, mode)

    def files(self) -> list[Path]:
        """List the files from which a training can go on.

        Returns
        -------
        list of Path
            The latest first.
        """
        return sorted(self.folder.glob("[0-9]*-[0-9]*.npz"), reverse=True)


class Course:
    """How far a training has come, without files: from its first epoch on."""

    epoch = batch = 0
    resumed = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def items(self, source: Any, means: Means) -> Iterator:
        """Yield (number, (batch, rows)) of what is left of an epoch."""
        return enumerate(source)

    def after_batch(self, epoch: int, done: int, means: Means) -> None:
        """Write a file, if it is time."""

    def after_epoch(self, epoch: int, results: dict[str, float]) -> None:
        """Write a file."""


class SavedCourse(Course):
    """How far a training has come, kept in files."""

    def __init__(self, checkpoints: Checkpoints, model: Any, communicator: Any):
        self.options, self.model, self.communicator = checkpoints, model, communicator
        self.best = Monitor(str(checkpoints.monitor), 0.0, checkpoints.mode)
        self.stop, self.handler, self.shuffle = False, None, None
        self.sums, self.weights = [], []
        make_folder("Checkpoints", checkpoints.folder)
        names = communicator.share([path.name for path in checkpoints.files()])
        self._load([checkpoints.folder / name for name in names])
        self.written = time.monotonic()

    def _load(self, paths):
        """Take in the latest file that can be read."""
        for path in paths:
            try:
                arrays, facts = checkpoint.load_with_facts(path)
                course = (facts or {})["course"]
            except (InputError, KeyError, OSError) as error:
                warnings.warn(f"fit: {path} cannot be read, an earlier file is taken: {error}", RuntimeWarning, 5)
                continue
            self.epoch, self.batch = resume.take_in(self.model, path, arrays, facts), course["batch"]
            if self.batch:
                self.model._shuffle_rng.bit_generator.state = course["shuffle"]
                self.sums, self.weights = [np.array(s)[()] for s in course["sums"]], course["weights"]
            self.model.history.epoch, self.model.history.history = course["epochs"], course["history"]
            self.best.best, self.resumed = course["best"], True
            return

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self.handler = signal.signal(signal.SIGTERM, self._receive)
        return self

    def __exit__(self, *error):
        if self.handler is not None:
            signal.signal(signal.SIGTERM, self.handler)

    def _receive(self, number, frame):
        self.stop = True

    def items(self, source, means):
        self.shuffle = self.model._shuffle_rng.bit_generator.state
        if not self.resumed:
            return enumerate(source)
        done, self.batch, self.resumed = self.batch, 0, False
        if done:
            means.sums, means.weights = self.sums, self.weights
        return enumerate(source.rest(self.epoch, done), done)

    def after_batch(self, epoch, done, means):
        stop = self.communicator.share(self.stop)
        if stop or time.monotonic() - self.written >= 60 * self.options.minutes:
            self._write(epoch, done, means)
        self._leave(stop)

    def after_epoch(self, epoch, results):
        better = self.options.monitor is not None and self.best.improved(results)
        self._write(epoch + 1, 0, Means(()))
        if better:
            self._save(self.options.folder / BEST, epoch + 1, 0, Means(()))
        self._leave(self.communicator.share(self.stop))

    def _leave(self, stop):
        if stop:
            if self.communicator.rank == 0:
                print(
                    f"numbarnn: stopped by SIGTERM; the same call goes on from {self.options.folder}", file=sys.stderr
                )
            raise Terminated(128 + signal.SIGTERM)

    def _write(self, epoch, done, means):
        """Write the state after so many epochs, and batches of the next one; then delete files that are too old."""
        self.written = time.monotonic()
        if self.communicator.rank == 0 and self._save(self._path(epoch, done), epoch, done, means):
            for path in self.options.files()[self.options.keep :]:
                path.unlink(missing_ok=True)

    def _path(self, epoch, done):
        return self.options.folder / f"{epoch:06}-{done:09}.npz"

    def _save(self, path, epoch, done, means):
        """Write a file; say whether there was room for it."""
        if self.communicator.rank > 0:
            return False
        history = self.model.history
        arrays, facts = resume.state_of(self.model, "fit", epoch)
        facts["course"] = {
            "batch": done,
            "shuffle": self.shuffle,
            "sums": [np.asarray(total).tolist() for total in means.sums],
            "weights": [float(weight) for weight in means.weights],
            "epochs": [int(each) for each in history.epoch],
            "history": {name: [float(value) for value in values] for name, values in history.history.items()},
            "best": None if self.best.best is None else float(self.best.best),
        }
        try:
            checkpoint.save(path, arrays, facts)
        except OSError as error:
            expected = "the training goes on without a new file, and tries again later; free some space there"
            warnings.warn(f"fit: {path} could not be written ({error}); {expected}", RuntimeWarning, 5)
            return False
        return True


def course_of(checkpoints: Any, model: Any, communicator: Any, initial_epoch: int) -> Course:
    """Return the course of a training, which goes on from the files that there are."""
    if checkpoints is None:
        return Course()
    if not isinstance(checkpoints, Checkpoints):
        raise InputError(f"fit: expected checkpoints to be nr.Checkpoints, got {checkpoints!r}")
    if initial_epoch:
        raise InputError(f"fit: expected initial_epoch or checkpoints, which know the epoch, got {initial_epoch} too")
    return SavedCourse(checkpoints, model, communicator)
