"""Files of weights while the training goes on."""

from os import PathLike
from pathlib import Path

from ..utils.docs import inherit_parameters
from ..utils.files import make_folder
from .monitor import Monitor


@inherit_parameters
class ModelCheckpoint(Monitor):
    """Write a file of weights after each epoch, or after those that improve.

    Files are written whole or not at all; one of the same name is replaced in one step.

    Parameters
    ----------
    path : str or path
        The file. It may name values of the epoch, which counts from 1 here: "{epoch:02d}-{val_loss:.3f}.npz".
    save_best_only : bool, default False
        Whether only epochs that improve on ``monitor`` are saved.
    save : {"weights", "training"}, default "weights"
        What is saved: weights for `Sequential.load_weights`, or all that `Sequential.load_training` resumes from.

    Raises
    ------
    InputError
        An option is unknown or out of its range; or, when training begins, the folder cannot be written to, or the path
        or ``monitor`` names what is not measured.
    """

    @property
    def remembered(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("best",) if self.save_best_only else ()

    def __init__(
        self,
        path: str | PathLike[str],
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        mode: str = "auto",
        min_delta: float = 0.0,
        save: str = "weights",
    ):
        super().__init__(monitor, min_delta, mode)
        if save not in ("weights", "training"):
            self._fail("save to be 'weights' or 'training'", repr(save))
        self.path, self.save_best_only, self.save = str(path), save_best_only, save

    def on_train_begin(self) -> None:
        if self.save_best_only:
            super().on_train_begin()
        if not self.logs_may_grow:
            self._path(0, dict.fromkeys(self.params["metrics"], 0.0))
        make_folder(type(self).__name__, Path(self.path).parent)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.save == "weights":
            self._write(epoch, logs)

    def on_epoch_finished(self, epoch: int, logs: dict[str, float]) -> None:
        # what the other callbacks remember is in it
        if self.save == "training":
            self._write(epoch, logs)

    def _write(self, epoch, logs):
        if self.save_best_only and not self.improved(logs):
            return
        path = self._path(epoch, logs)
        if self.save == "training":
            self.model.save_training(path, epoch + 1)
        else:
            self.model.save_weights(path)

    def _path(self, epoch, logs):
        try:
            return self.path.format(**(logs | {"epoch": epoch + 1}))
        except (KeyError, ValueError, IndexError) as error:
            self._fail(f"a path that names epoch, {', '.join(logs)} or nothing", f"{self.path!r} ({error})")
