"""Files that are written whole or not at all."""

import os
import re
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .interrupts import Interrupts


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a binary file to write, which replaces `path` when the block ends without an error.

    If the block raises or the process is killed, `path` stays as it was; Ctrl-C waits for the end of the block, since a
    writer of zip or HDF5 files may turn it into an error of its own. The new file keeps the old one's mode, and a
    symbolic link stays one: the file that it points to is replaced. Temporary files that killed processes of this
    machine left in the folder are removed.
    """
    path = Path(path).resolve()
    remove_left_behind(path.parent)
    temporary = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    interrupts = Interrupts()
    with interrupts, interrupts.deferred():
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


def remove_left_behind(folder: Path) -> None:
    """Remove the temporary files of `whole_file` in a folder whose process has ended."""
    temporary = re.compile(rf"\..+\.{re.escape(_host())}\.(\d+)\.[0-9a-f]{{8}}\.tmp")
    for name in os.listdir(folder) if os.name == "posix" and folder.is_dir() else ():
        found = temporary.fullmatch(name)
        if found and not _runs(int(found[1])):
            (folder / name).unlink(missing_ok=True)


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
