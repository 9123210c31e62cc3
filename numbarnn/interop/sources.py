"""What weights are read from: a file, or what another library has in memory."""

from os import PathLike
from typing import Any


def with_path(caller: str, source: Any) -> str:
    """Return what an error begins with: the caller, and the file if the source is one."""
    return f"{caller}: {source}" if isinstance(source, str | PathLike) else caller
