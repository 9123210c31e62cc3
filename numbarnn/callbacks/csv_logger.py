"""The course of a training as a table in a file."""

import csv
import io
from os import PathLike
from pathlib import Path

from ..runtime.whole_file import whole_file
from ..utils.files import make_folder
from .base import Callback


class CSVLogger(Callback):
    """Write the values of every epoch as a row of a CSV file, which is complete after each epoch.

    Parameters
    ----------
    path : str or path
        The file. Its first column is the epoch, from 0.
    separator : str, default ","
        One character between columns.
    append : bool, default False
        Whether rows of an existing file are kept, but for those of epochs that are run again. Its columns have to be
        the same.

    Raises
    ------
    InputError
        The separator is not one character; or, when training begins, the folder cannot be written to or the existing
        file is another one.
    """

    adds_values = False

    def __init__(self, path: str | PathLike[str], *, separator: str = ",", append: bool = False):
        if not isinstance(separator, str) or len(separator) != 1:
            self._fail("separator to be one character", repr(separator))
        self.path, self.separator, self.append = Path(path), separator, append

    def on_train_begin(self) -> None:
        make_folder(type(self).__name__, self.path.parent)
        self.rows = self._rows_before() if self.append and self.path.is_file() else []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        row = {"epoch": str(epoch)} | {name: repr(float(value)) for name, value in logs.items()}
        self.rows = [old for old in self.rows if int(old["epoch"]) < epoch]
        if self.rows and list(self.rows[0]) != list(row):
            self._fail(f"a file with the columns {', '.join(row)}", f"{self.path} with {', '.join(self.rows[0])}")
        self.rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(row), delimiter=self.separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with whole_file(self.path) as file:
            file.write(text.getvalue().encode())

    def _rows_before(self):
        rows = list(csv.DictReader(io.StringIO(self.path.read_text()), delimiter=self.separator))
        if any(not row.get("epoch", "").isdecimal() or None in row for row in rows):
            self._fail("a file that CSVLogger wrote", f"{self.path}")
        return rows
