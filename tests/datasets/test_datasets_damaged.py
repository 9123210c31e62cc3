"""Damaged files of every kind, read by every reader: a small part of `python -m tests.helpers.damaged_files`."""

import gzip
import json
import struct

import numpy as np
import pytest
from helpers import damaged_files
from helpers.damaged_files import DATASETS, READERS

from numbarnn import datasets
from numbarnn.errors import InputError


@pytest.mark.parametrize("name", DATASETS)
def test_damaged_files_are_read_or_named_in_one_error(name):
    counts, wrong = damaged_files.run(name, cases=25, seed=1)
    assert not wrong and counts["refused"] > 10


def peak(name, folder, files):
    """What became of the files; "took ... MB" if it was more than their data may need."""
    return damaged_files.attempt(READERS[name], files, folder)


@pytest.mark.parametrize("announced", [5, 60_000, 1_600_000, 2**32 - 1])
def test_a_small_file_that_uncompresses_to_more_than_a_gigabyte_takes_no_more_than_its_header_may_say(
    tmp_path, announced
):
    files = damaged_files.packed_mnist_files(np.random.default_rng(0))
    bomb = gzip.compress(struct.pack(">4I", 0x803, announced, 28, 28)) + damaged_files.ZEROS * 25
    assert len(bomb) < 2_600_000
    assert peak("mnist-gz", tmp_path, files | {"train-images-idx3-ubyte.gz": bomb}) == "refused"


@pytest.mark.parametrize("shape", ["(120000000,)", "(10**15,)", "(5,)"])
def test_reviews_take_no_more_memory_than_they_may_need(tmp_path, shape):
    (content,) = damaged_files.imdb_files(np.random.default_rng(0)).values()
    zeros = damaged_files.npy(shape.replace("10**15", str(10**15)), "<u2") + bytes(damaged_files.BOMB)
    bomb = damaged_files.with_member(content, "train_tokens.npy", zeros)
    assert peak("imdb", tmp_path, {"imdb_top10k.npz": bomb}) == "refused"


@pytest.mark.parametrize("name", ["imdb-words", "japanese-vowels", "sunspots", "tiny-shakespeare"])
def test_text_beyond_that_of_the_data_set_is_not_read(tmp_path, name):
    files = READERS[name].files(np.random.default_rng(0))
    first = next(iter(files))
    assert peak(name, tmp_path, files | {first: damaged_files.long(None, files[first])}) == "refused"


def test_deeply_nested_words_are_named(tmp_path):
    (tmp_path / "imdb_top10k_vocab.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"imdb_words: cannot read .*imdb_top10k_vocab.json: .*recursion"):
        datasets.imdb_words(tmp_path)


@pytest.mark.parametrize("place", [4, 6, 8])  # the version that a member needs, its flags, its method
@pytest.mark.parametrize("value", [0xFF, 0x01, 99])
def test_damaged_members_of_an_archive_are_named(tmp_path, place, value):
    (content,) = damaged_files.imdb_files(np.random.default_rng(0)).values()
    directory = content.index(b"PK\x01\x02")
    damaged = bytearray(content)
    damaged[place] = damaged[directory + place + 2] = value
    (tmp_path / "imdb_top10k.npz").write_bytes(damaged)
    try:
        datasets.imdb(tmp_path)
    except InputError as error:
        assert str(tmp_path / "imdb_top10k.npz") in str(error)


def test_words_that_are_no_list_are_named(tmp_path):
    (tmp_path / "imdb_top10k_vocab.json").write_text(json.dumps({"the": {"a": []}}))
    with pytest.raises(InputError, match="expected a list of words"):
        datasets.imdb_words(tmp_path)


def test_data_sets_are_arrays_of_ones_own(tmp_path):
    """They can be written to, as any array that a reader returns."""
    for name in ("mnist", "imdb", "japanese-vowels", "sunspots"):
        for file, content in READERS[name].files(np.random.default_rng(0)).items():
            (tmp_path / file).write_bytes(content)
    (x, y), _ = datasets.mnist(tmp_path)
    reviews, labels = datasets.imdb(tmp_path)[0]
    utterances, speakers = datasets.japanese_vowels(tmp_path)[0]
    for array in (x, y, reviews[0], labels, utterances[0], speakers, *datasets.sunspots(tmp_path)):
        assert array.flags.writeable
