"""Tiny Shakespeare: a million characters of plays."""

from __future__ import annotations

from os import PathLike

from ..errors import InputError
from .files import find_folder, read_text

FILE = "input.txt"
CHARACTERS = 1_115_394


def tiny_shakespeare(folder: str | PathLike[str] | None = None) -> str:
    """Load tiny Shakespeare: 1,115,394 characters of Shakespeare's plays, 65 different ones.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the file `input.txt`, or the folder above it if it is called `tinyshakespeare`. By default the folder
        that the environment variable NUMBARNN_DATA names; see `numbarnn.datasets`.

    Returns
    -------
    str
        The text.

    Raises
    ------
    InputError
        No file was found, it cannot be read, or it has another number of characters.

    References
    ----------
    Karpathy (2015), char-rnn; the text is in the public domain.
    """
    what = "input.txt of tiny Shakespeare, from char-rnn"
    path = find_folder("tiny_shakespeare", "tinyshakespeare", (FILE,), folder, what) / FILE
    text = read_text("tiny_shakespeare", path, most=CHARACTERS)
    if len(text) < CHARACTERS:
        raise InputError(
            f"tiny_shakespeare: {path}: expected {CHARACTERS:,} characters, got {len(text):,}; is the file cut off?"
        )
    return text
