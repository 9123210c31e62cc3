"""JapaneseVowels: nine speakers, to be told apart by two vowels."""

import numpy as np

from ..errors import InputError
from .files import check_float, find_file, read_text

FILES = {"train": "JapaneseVowels_TRAIN.ts", "test": "JapaneseVowels_TEST.ts"}
CHANNELS = 12


def japanese_vowels(folder=None, dtype="float32"):
    """JapaneseVowels: 270 utterances to train on and 370 to test on, of 7 to 29 steps and 12 channels, 9 speakers.

    The files `JapaneseVowels_TRAIN.ts` and `JapaneseVowels_TEST.ts` lie in `folder` or in its subfolder
    `japanesevowels`; without `folder`: see `numbarnn.datasets`. `pad_sequences` makes arrays of the utterances.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x a list of N arrays (steps, 12) of `dtype`, y (N,) int64 in 0..8

    Raises
    ------
    InputError : no files found, or a file is not what it should be (names the file and what is wrong)

    Source: M. Kudo, J. Toyama, M. Shimbo 1999, UCI Machine Learning Repository (CC BY 4.0).
    """
    what = f"{FILES['train']} and {FILES['test']} from the UEA archive of time series"
    folder = find_file("japanese_vowels", "japanesevowels", (FILES["train"],), folder, what).parent
    return tuple(_read(folder / file, check_float("japanese_vowels", dtype)) for file in FILES.values())


def _read(path, dtype):
    """Utterances and speakers; a line of the file is channel:channel:...:speaker, a channel is number,number,..."""
    _, data, lines = read_text("japanese_vowels", path).partition("@data\n")
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
    return utterances, np.array(speakers)
