"""Files that are written whole or not at all."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def whole_file(path):
    """Open a binary file to write; when the block ends well it takes the name `path`, replacing what stands there.

    A block that raises, or a process that is killed, leaves what stood there before.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_folder(caller, folder):
    """Make `folder` where it is missing; raises `InputError` unless files can be written there."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".{secrets.token_hex(8)}.tmp"
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise InputError(f"{caller}: cannot write into the folder {folder}: {error}") from error
    return folder
