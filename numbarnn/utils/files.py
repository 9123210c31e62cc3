"""Text files, and folders to write into."""

import os
import tempfile
from pathlib import Path

from ..errors import InputError
from ..runtime.whole_file import whole_file


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def make_folder(caller: str, folder: str | os.PathLike) -> Path:
    """Make a folder if there is none; raise `InputError` if files cannot be written there."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"{caller}: cannot write into the folder {folder}: {error}") from error
    return folder
