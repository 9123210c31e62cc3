"""Files that are written whole or not at all."""

import os
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a binary file to write, which replaces `path` when the block ends without an error.

    If the block raises or the process is killed, `path` stays as it was. The new file keeps the old one's mode, and a
    symbolic link stays one: the file that it points to is replaced. Temporary files that killed
    processes of this machine left beside the file are removed.
    """
    path = Path(path).resolve()
    for left in _left_behind(path):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def _left_behind(path: Path) -> Iterator[Path]:
    """Yield the temporary files beside `path` whose process has ended."""
    start = f".{path.name}.{_host()}."
    names = os.listdir(path.parent) if os.name == "posix" and path.parent.is_dir() else ()
    for name in names:
        if name.startswith(start) and name.endswith(".tmp"):
            process = name[len(start) :].partition(".")[0]
            if process.isdecimal() and not _runs(int(process)):
                yield path.with_name(name)


def _runs(process: int) -> bool:
    """Say whether a process is running."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no number of a process
        return True
    return True


def _host() -> str:
    """Return the name of this machine, in letters, digits and hyphens."""
    return "".join(c if c.isalnum() else "-" for c in socket.gethostname())


def make_folder(caller: str, folder: str | os.PathLike) -> Path:
    """Make a folder if there is none; raise `InputError` if files cannot be written there."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".{secrets.token_hex(8)}.tmp"
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise InputError(f"{caller}: cannot write into the folder {folder}: {error}") from error
    return folder
