"""Tiny Shakespeare: a million characters of plays."""

from __future__ import annotations

from os import PathLike

from .files import find_file, read_text


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
        No file was found, or it cannot be read.

    References
    ----------
    Karpathy (2015), char-rnn; the text is in the public domain.
    """
    what = "input.txt of tiny Shakespeare, from char-rnn"
    return read_text("tiny_shakespeare", find_file("tiny_shakespeare", "tinyshakespeare", ("input.txt",), folder, what))
