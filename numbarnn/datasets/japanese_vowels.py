"""JapaneseVowels: nine speakers, to be told apart by two vowels."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from .files import check_float, find_folder, read_text, reading

FILES = {"train": "JapaneseVowels_TRAIN.ts", "test": "JapaneseVowels_TEST.ts"}
CHANNELS = 12
UTTERANCES = {"train": 270, "test": 370}


def japanese_vowels(
    folder: str | PathLike[str] | None = None, dtype: DTypeLike = "float32"
) -> tuple[tuple[list[np.ndarray], np.ndarray], tuple[list[np.ndarray], np.ndarray]]:
    """Load JapaneseVowels: utterances of two vowels by nine speakers, 270 to train on and 370 to test on.

    `pad_sequences` makes arrays of the utterances.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the files `JapaneseVowels_TRAIN.ts` and `JapaneseVowels_TEST.ts`, or the folder above it if it is
        called `japanesevowels`. By default the folder that the environment variable NUMBARNN_DATA names; see
        `numbarnn.datasets`.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the inputs.

    Returns
    -------
    train, test : tuple (x, y)
        Utterances x, a list of N arrays (steps, 12) of `dtype` with 7 to 29 steps, and speakers y (N,), int64 from 0
        to 8.

    Raises
    ------
    InputError
        No files were found, or a file is damaged; the message names the file and what is wrong.

    References
    ----------
    Kudo, Toyama, Shimbo (1999), "Multidimensional curve classification using passing-through regions", UCI Machine
    Learning Repository (CC BY 4.0).
    """
    what = f"{FILES['train']} and {FILES['test']} from the UEA archive of time series"
    folder = find_folder("japanese_vowels", "japanesevowels", (FILES["train"], FILES["test"]), folder, what)
    dtype = check_float("japanese_vowels", dtype)
    return _part(folder, "train", dtype), _part(folder, "test", dtype)


def _part(folder, part, dtype):
    path = folder / FILES[part]
    with reading("japanese_vowels", path):
        utterances, speakers = _read(path, dtype)
    if len(utterances) != UTTERANCES[part]:
        expected, got = UTTERANCES[part], len(utterances)
        raise InputError(f"japanese_vowels: {path}: expected {expected} utterances, got {got}; is the file cut off?")
    return utterances, speakers


def _read(path, dtype):
    """Read utterances and speakers; a line is channel:channel:...:speaker, a channel is number,number,..."""
    _, data, lines = read_text("japanese_vowels", path, most=2_000_000).partition("@data\n")
    utterances, speakers = [], []
    for number, line in enumerate(lines.splitlines(), start=1):
        *channels, speaker = line.split(":")
        try:
            utterances.append(np.array([channel.split(",") for channel in channels], dtype).T)
            speakers.append(int(speaker) - 1)
        except ValueError as error:
            raise InputError(f"japanese_vowels: {path}: line {number} after @data: {error}") from error
    if not data or any(u.ndim != 2 or u.shape[1] != CHANNELS for u in utterances) or not set(speakers) <= set(range(9)):
        raise InputError(f"japanese_vowels: {path}: expected lines of {CHANNELS} channels and a speaker 1..9")
    if not all(np.isfinite(utterance).all() for utterance in utterances):
        raise InputError(f"japanese_vowels: {path}: expected finite numbers")
    return utterances, np.array(speakers)
