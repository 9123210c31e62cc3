"""Tiny Shakespeare: a million characters of plays."""

from .files import find_file, read_text


def tiny_shakespeare(folder=None):
    """Tiny Shakespeare: 1,115,394 characters out of Shakespeare's plays, 65 different ones, as one string.

    The file `input.txt` lies in `folder` or in its subfolder `tinyshakespeare`; without `folder`: see
    `numbarnn.datasets`. Raises `InputError` where there is none.

    Source: A. Karpathy, char-rnn, 2015; the text is in the public domain.
    """
    what = "input.txt of tiny Shakespeare, from char-rnn"
    return read_text("tiny_shakespeare", find_file("tiny_shakespeare", "tinyshakespeare", ("input.txt",), folder, what))
