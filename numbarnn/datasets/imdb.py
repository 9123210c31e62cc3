"""IMDB film reviews: did they like it?"""

from __future__ import annotations

import json
import zipfile
from itertools import pairwise
from os import PathLike

import numpy as np

from ..errors import InputError
from .files import find_file, read_text

TOKENS, WORDS = "imdb_top10k.npz", "imdb_top10k_vocab.json"
WHAT = f"{TOKENS} and {WORDS}, made from the reviews of the Large Movie Review Dataset"
NO_WORDS = ["<pad>", "<start>", "<unknown>", "<unused>"]


def imdb(
    folder: str | PathLike[str] | None = None,
) -> tuple[tuple[list[np.ndarray], np.ndarray], tuple[list[np.ndarray], np.ndarray]]:
    """Load IMDB film reviews: 25,000 to train on and 25,000 to test on, each a row of words and a judgement.

    A word is its rank among the 9,996 most frequent ones of the training reviews, plus 4; 1 starts a review, 2 is any
    other word, and 0 is free for padding (Keras' numbering). `pad_sequences` makes arrays of the reviews.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the file `imdb_top10k.npz`, or the folder above it if it is called `imdb`. By default the folder that
        the environment variable NUMBARNN_DATA names; see `numbarnn.datasets`.

    Returns
    -------
    train, test : tuple (x, y)
        Reviews x, a list of N arrays (words,) of uint16, and labels y (N,), int64: 1 in favour, 0 against.

    Raises
    ------
    InputError
        No file was found, or it is damaged.

    References
    ----------
    Maas et al. (2011), "Learning word vectors for sentiment analysis".
    """
    path = find_file("imdb", "imdb", (TOKENS,), folder, WHAT)
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            return _part(file, "train"), _part(file, "test")
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"imdb: cannot read {path}: {error}") from error


def imdb_words(folder: str | PathLike[str] | None = None) -> list[str]:
    """Load the words behind the numbers of `imdb`.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the file `imdb_top10k_vocab.json`; see `imdb`.

    Returns
    -------
    list of str
        10,000 words; the number of a word is its index.

    Raises
    ------
    InputError
        No file was found, or it is damaged.
    """
    path = find_file("imdb_words", "imdb", (WORDS,), folder, WHAT)
    try:
        words = json.loads(read_text("imdb_words", path))
    except ValueError as error:
        raise InputError(f"imdb_words: {path}: {error}") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"imdb_words: {path}: expected a list of words")
    return NO_WORDS + words


def _part(file, part):
    tokens, offsets, labels = (file[f"{part}_{name}"] for name in ("tokens", "offsets", "labels"))
    fits = len(offsets) == len(labels) + 1 and offsets[0] == 0 and offsets[-1] == len(tokens)
    if not fits or (np.diff(offsets) < 0).any():
        raise ValueError(f"the offsets of {part} do not fit its tokens and labels")
    return [tokens[a:b] for a, b in pairwise(offsets)], labels.astype(np.int64)
