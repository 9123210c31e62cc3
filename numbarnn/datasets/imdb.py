"""IMDB film reviews: did they like it?"""

from __future__ import annotations

import json
from itertools import pairwise
from os import PathLike
from typing import TypeAlias

import numpy as np

from ..errors import InputError
from .files import find_folder, read_text, reading
from .loader import Loader
from .npz import read_arrays

Reviews: TypeAlias = tuple[tuple[list[np.ndarray], np.ndarray], tuple[list[np.ndarray], np.ndarray]]

TOKENS, WORDS = "imdb_top10k.npz", "imdb_top10k_vocab.json"
WHAT = f"{TOKENS} and {WORDS}, made from the reviews of the Large Movie Review Dataset"
# of each part: the dtype, and more values than there are
ARRAYS = {
    "tokens": (np.uint16, 20_000_000),
    "offsets": (np.int64, 100_000),
    "labels": (np.uint8, 100_000),
}
VOCABULARY = 10_000
UNKNOWN = 2
NO_WORDS = ["<pad>", "<start>", "<unknown>", "<unused>"]


def _imdb(folder: str | PathLike[str] | None = None, num_words: int | None = None) -> Reviews:
    """Load IMDB film reviews: 25,000 to train on and 25,000 to test on, each a row of words and a judgement.

    A word is its rank among the 9,996 most frequent ones of the training reviews, plus 4; 1 starts a review, 2 is any
    other word, and 0 is free for padding (Keras' numbering). `pad_sequences` makes arrays of the reviews.
    `imdb.load_data(num_words=10000)`, as the notebooks have it, is the same.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the file `imdb_top10k.npz`, or the folder above it if it is called `imdb`. By default the folder that
        the environment variable NUMBARNN_DATA names; see `numbarnn.datasets`.
    num_words : int, optional
        Words of this number and above become 2, the unknown word. At most 10,000, which is the default: the file has
        no other words.

    Returns
    -------
    train, test : tuple (x, y)
        Reviews x, a list of N arrays (words,) of uint16, and labels y (N,), int64: 1 in favour, 0 against.

    Raises
    ------
    InputError
        No file was found, it is damaged, or `num_words` is not from 3 to 10,000.

    References
    ----------
    Maas et al. (2011), "Learning word vectors for sentiment analysis".
    """
    if num_words is not None and not (isinstance(num_words, int | np.integer) and 3 <= num_words <= VOCABULARY):
        raise InputError(f"imdb: expected num_words from 3 to {VOCABULARY} or None, got {num_words!r}")
    path = find_folder("imdb", "imdb", (TOKENS,), folder, WHAT) / TOKENS
    with reading("imdb", path):
        return _part(path, "train", num_words), _part(path, "test", num_words)


imdb = Loader("imdb", _imdb, load_data=_imdb)


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
    path = find_folder("imdb_words", "imdb", (WORDS,), folder, WHAT) / WORDS
    with reading("imdb_words", path):
        words = json.loads(read_text("imdb_words", path, most=1_000_000))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"imdb_words: {path}: expected a list of words")
    return NO_WORDS + words


def _part(path, part, num_words):
    described = {f"{part}_{name}": of for name, of in ARRAYS.items()}
    tokens, offsets, labels = read_arrays(path, described, ndim=1).values()
    fits = len(offsets) == len(labels) + 1 and offsets[0] == 0 and offsets[-1] == len(tokens)
    if not fits or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"the offsets of {part} do not fit its tokens and labels")
    for what, values, end in (("words", tokens, VOCABULARY), ("labels", labels, 2)):
        if values.max(initial=0) >= end:
            raise ValueError(f"expected {what} of {part} below {end}, got {values.max()}")
    if num_words is not None:
        tokens[tokens >= num_words] = UNKNOWN
    return [tokens[a:b] for a, b in pairwise(offsets)], labels.astype(np.int64)
