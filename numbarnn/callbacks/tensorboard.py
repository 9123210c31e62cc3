"""The course of a training as TensorBoard shows it."""

from os import PathLike
from pathlib import Path

from ..errors import is_positive_integer
from ..utils.files import make_folder
from .base import Callback


class TensorBoard(Callback):
    """Write the values of every epoch for `tensorboard --logdir FOLDER`, with the names that Keras gives them.

    A value "loss" of the training becomes "epoch_loss" in the folder ``train``, "val_loss" the same in ``validation``,
    so that both share a plot.

    Parameters
    ----------
    log_dir : str or path, default "logs"
        The folder.
    update_freq : "epoch" or int, default "epoch"
        Number of batches after which the values of the epoch so far are written too, as "batch_loss" at the number of
        batches since the training began.

    Raises
    ------
    InputError
        ``update_freq`` is something else; or, when training begins, the folder cannot be written to.
    ImportError
        When training begins, if the package tensorboard is missing (the extra "tensorboard").
    """

    adds_values = False
    remembered = ("batches",)

    def __init__(self, log_dir: str | PathLike[str] = "logs", *, update_freq: str | int = "epoch"):
        if update_freq != "epoch" and not is_positive_integer(update_freq):
            self._fail('update_freq to be "epoch" or a positive integer', repr(update_freq))
        self.log_dir, self.update_freq, self.batches = Path(log_dir), update_freq, 0

    def on_train_begin(self) -> None:
        self.writer, self.writers = _writer(), {}
        make_folder(type(self).__name__, self.log_dir)

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.batches += 1
        if self.update_freq != "epoch" and self.batches % int(self.update_freq) == 0:
            for name, value in logs.items():
                self._add("train", f"batch_{name}", value, self.batches)

    def on_epoch_finished(self, epoch: int, logs: dict[str, float]) -> None:
        for name, value in logs.items():
            folder = "validation" if name.startswith("val_") else "train"
            self._add(folder, f"epoch_{name.removeprefix('val_')}", value, epoch)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self) -> None:
        for writer in self.writers.values():
            writer.close()

    def _add(self, folder, name, value, step):
        if folder not in self.writers:
            self.writers[folder] = self.writer(str(self.log_dir / folder))
        self.writers[folder].add_scalar(name, float(value), int(step))


def _writer():
    """Import the class that writes TensorBoard's files."""
    try:
        from tensorboard.summary import Writer  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError("TensorBoard needs tensorboard: pip install 'numbarnn[tensorboard]'") from error
    return Writer
