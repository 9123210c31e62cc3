"""Files of weights while the training goes on."""

from pathlib import Path

from ..utils.files import make_folder
from .monitor import Monitor


class ModelCheckpoint(Monitor):
    """Writes a file after each epoch, or with ``save_best_only`` after those that improve on ``monitor``.

    ``path`` may name values of the epoch, which counts from 1 there: "{epoch:02d}-{val_loss:.3f}.npz". ``save``:
    "weights" for `Sequential.load_weights`, or "training" for `Sequential.load_training`, to go on from. Files are
    written whole or not at all; one of the same name is replaced in one step.
    """

    @property
    def remembered(self):
        return ("best",) if self.save_best_only else ()

    def __init__(self, path, monitor="val_loss", *, save_best_only=False, mode="auto", min_delta=0.0, save="weights"):
        super().__init__(monitor, min_delta, mode)
        if save not in ("weights", "training"):
            self._fail("save to be 'weights' or 'training'", repr(save))
        self.path, self.save_best_only, self.save = str(path), save_best_only, save

    def on_train_begin(self):
        if self.save_best_only:
            super().on_train_begin()
        if not self.logs_may_grow:
            self._path(0, dict.fromkeys(self.params["metrics"], 0.0))
        make_folder(type(self).__name__, Path(self.path).parent)

    def on_epoch_end(self, epoch, logs):
        if self.save == "weights":
            self._write(epoch, logs)

    def on_epoch_finished(self, epoch, logs):
        if self.save == "training":  # what the other callbacks remember is in it
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
