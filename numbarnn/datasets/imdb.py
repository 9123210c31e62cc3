"""IMDB film reviews: did they like it?"""

import json
import zipfile
from itertools import pairwise

import numpy as np

from ..errors import InputError
from .files import find_file, read_text

TOKENS, WORDS = "imdb_top10k.npz", "imdb_top10k_vocab.json"
WHAT = f"{TOKENS} and {WORDS}, made from the reviews of the Large Movie Review Dataset"
NO_WORDS = ["<pad>", "<start>", "<unknown>", "<unused>"]


def imdb(folder=None):
    """IMDB film reviews: 25,000 to train on and 25,000 to test on, each a row of words, and whether it is in favour.

    A word is its rank among the 9,996 most frequent ones of the training reviews, plus 4; 1 starts a review, 2 is any
    other word, and 0 is free for padding (Keras' numbering). The file `imdb_top10k.npz` lies in `folder` or in its
    subfolder `imdb`; without `folder`: see `numbarnn.datasets`. `pad_sequences` makes arrays of the reviews.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x a list of N arrays (words,) uint16, y (N,) int64, 1 in favour

    Raises
    ------
    InputError : no file found, or one that is not what it should be

    Source: Maas et al. 2011, Learning Word Vectors for Sentiment Analysis.
    """
    path = find_file("imdb", "imdb", (TOKENS,), folder, WHAT)
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            return tuple(_part(file, part) for part in ("train", "test"))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"imdb: cannot read {path}: {error}") from error


def imdb_words(folder=None):
    """The word behind each number of `imdb`: a list of 10,000."""
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
