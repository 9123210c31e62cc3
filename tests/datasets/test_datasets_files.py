"""Data sets that are read from files: small ones, damaged ones, and the real ones where they are."""

import json
from importlib import import_module

import numpy as np
import pytest
from helpers.real_data import real

from numbarnn import datasets
from numbarnn.errors import InputError


def write_imdb(path, **changes):
    arrays = {
        "train_tokens": np.array([1, 5, 6, 1, 7], np.uint16),
        "train_offsets": np.array([0, 3, 3, 5]),
        "train_labels": np.array([1, 0, 1], np.uint8),
        "test_tokens": np.array([1, 2], np.uint16),
        "test_offsets": np.array([0, 2]),
        "test_labels": np.array([0], np.uint8),
    }
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})


def test_imdb_reads_reviews_of_any_length(tmp_path):
    (tmp_path / "imdb").mkdir()
    write_imdb(tmp_path / "imdb" / "imdb_top10k.npz")
    (x, y), (x_test, y_test) = datasets.imdb(tmp_path)
    assert [review.tolist() for review in x] == [[1, 5, 6], [], [1, 7]] and y.tolist() == [1, 0, 1]
    assert [review.tolist() for review in x_test] == [[1, 2]] and y_test.tolist() == [0] and y.dtype == np.int64
    (tmp_path / "imdb_top10k_vocab.json").write_text(json.dumps(["the", "and"]))
    assert datasets.imdb_words(tmp_path)[4:] == ["the", "and"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_labels": None}, "test_labels"),
        ({"train_offsets": np.array([0, 3, 5])}, "the offsets of train do not fit"),
        ({"train_offsets": np.array([0, 3, 2, 5])}, "the offsets of train do not fit"),
        ({"train_offsets": np.array([0, 3, 3, 6])}, "the offsets of train do not fit"),
        ({"train_offsets": np.array([0, 2**62, -(2**62), 5])}, "the offsets of train do not fit"),
        ({"test_labels": np.array([7], np.uint8)}, "expected labels of test below 2, got 7"),
        ({"test_tokens": np.array([1, 10_000], np.uint16)}, "expected words of test below 10000, got 10000"),
        ({"test_labels": np.array([0.0])}, "expected test_labels of 1 axes, uint8"),
        ({"test_labels": np.array([["no"]])}, "expected test_labels of 1 axes, uint8"),
    ],
)
def test_damaged_imdb_is_named(tmp_path, changes, message):
    path = tmp_path / "imdb_top10k.npz"
    write_imdb(path, **changes)
    with pytest.raises(InputError, match=message) as error:
        datasets.imdb(tmp_path)
    assert f"imdb: cannot read {path}" in str(error.value)


def test_imdb_leaves_out_seldom_words(tmp_path):
    """The notebook's line: `(input_train, y_train), (input_test, y_test) = imdb.load_data(num_words=max_features)`."""
    write_imdb(tmp_path / "imdb_top10k.npz")
    for load in (datasets.imdb, datasets.imdb.load_data):
        (x, _), (x_test, _) = load(tmp_path, num_words=6)
        assert [review.tolist() for review in x] == [[1, 5, 2], [], [1, 2]] and x_test[0].tolist() == [1, 2]
        assert [review.tolist() for review in load(tmp_path, num_words=10_000)[0][0]] == [[1, 5, 6], [], [1, 7]]
    for bad in (2, 10_001, 1e4, "many"):
        with pytest.raises(InputError, match="imdb: expected num_words from 3 to 10000 or None, got"):
            datasets.imdb(tmp_path, num_words=bad)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x80\x04N."])
def test_what_is_no_archive_is_named(tmp_path, content):
    (tmp_path / "imdb_top10k.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"imdb: cannot read .*imdb_top10k.npz"):
        datasets.imdb(tmp_path)


@pytest.mark.parametrize("content", ["[", '{"the": 1}', '["the", 2]'])
def test_damaged_words_are_named(tmp_path, content):
    (tmp_path / "imdb_top10k_vocab.json").write_text(content)
    with pytest.raises(InputError, match=r"imdb_words: .*imdb_top10k_vocab.json"):
        datasets.imdb_words(tmp_path)


def announce(monkeypatch, loader, **values):
    """Let a loader expect other numbers of utterances or characters than the published files have."""
    for name, value in values.items():
        monkeypatch.setattr(import_module(f"numbarnn.datasets.{loader}"), name, value)


def vowels(*lines, head="#comment\n@problemName X\n"):
    return f"{head}@data\n" + "".join(f"{line}\n" for line in lines)


def utterance(steps, speaker, channels=12):
    return ":".join([",".join(str(channel + step / 8) for step in range(steps)) for channel in range(channels)]) + (
        f":{speaker}"
    )


def write_vowels(folder, train, test):
    folder.mkdir(exist_ok=True)
    (folder / "JapaneseVowels_TRAIN.ts").write_text(train)
    (folder / "JapaneseVowels_TEST.ts").write_text(test)


def test_vowels_come_in_steps_of_twelve_channels(tmp_path, monkeypatch):
    announce(monkeypatch, "japanese_vowels", UTTERANCES={"train": 2, "test": 1})
    write_vowels(tmp_path / "japanesevowels", vowels(utterance(3, 9), utterance(7, 1)), vowels(utterance(2, 4)))
    (x, y), (x_test, y_test) = datasets.japanese_vowels(tmp_path)
    assert [u.shape for u in x] == [(3, 12), (7, 12)] and y.tolist() == [8, 0] and x[0].dtype == np.float32
    assert x[1][5].tolist() == [channel + 5 / 8 for channel in range(12)]
    assert x_test[0].shape == (2, 12) and y_test.tolist() == [3]
    (x, _), _ = datasets.japanese_vowels(tmp_path, "float64")
    assert x[0].dtype == np.float64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines of 12 channels"),
        (vowels(utterance(3, 1), "1,2:x,3:1"), "line 2 after @data"),
        (vowels(utterance(3, 1, channels=11)), "expected lines of 12 channels"),
        (vowels(utterance(3, 10)), "a speaker 1..9"),
        (vowels(utterance(3, "a")), "line 1 after @data"),
        (vowels(utterance(3, 1).replace(":", ",9:", 1)), "line 1 after @data"),
        (vowels(utterance(3, 1)), "expected 2 utterances, got 1; is the file cut off?"),
        (vowels(utterance(3, 1), utterance(3, 2), utterance(3, 3)), "expected 2 utterances, got 3"),
        (vowels(utterance(3, 1), utterance(3, 2).replace("2.0", "nan")), "expected finite numbers"),
        (vowels(utterance(3, 1), utterance(3, 2).replace("2.0", "1e99")), "cannot read|expected finite numbers"),
    ],
)
def test_damaged_vowels_are_named(tmp_path, text, message, monkeypatch):
    announce(monkeypatch, "japanese_vowels", UTTERANCES={"train": 1, "test": 2})
    write_vowels(tmp_path, vowels(utterance(3, 1)), text)
    with pytest.raises(InputError, match=message) as error:
        datasets.japanese_vowels(tmp_path)
    assert str(tmp_path / "JapaneseVowels_TEST.ts") in str(error.value)


def test_sunspots_are_years_and_numbers(tmp_path):
    (tmp_path / "sunspots.csv").write_text(SUNSPOTS)
    years, numbers = datasets.sunspots(tmp_path)
    assert years[:2].tolist() == [1700, 1701] and numbers[:2].tolist() == [0.5, 1.5] and years[-1] == 2008


SUNSPOTS = '"YEAR","SUNACTIVITY"\n' + "".join(f"{1700 + i},{i}.5\n" for i in range(309))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "year,number\n",
        "y,n\n1700,5\n1701\n",
        "y,n\n1700,5\n1702,6\n",
        "y,n\n1700,five\n",
        SUNSPOTS[: SUNSPOTS.index("1900,")],
        SUNSPOTS[:-1],
        SUNSPOTS[SUNSPOTS.index("1700,") :],
        SUNSPOTS + "2009,1\n",
        SUNSPOTS.replace("1900,200.5", "1900,nan"),
        SUNSPOTS.replace("1900,200.5", "1900,inf"),
        SUNSPOTS.replace("1900,200.5", "1900,-1"),
        SUNSPOTS + "\n" * 20_000,
    ],
)
def test_damaged_sunspots_are_named(tmp_path, text):
    (tmp_path / "sunspots.csv").write_text(text)
    with pytest.raises(InputError, match=r"sunspots: .*sunspots.csv: expected"):
        datasets.sunspots(tmp_path)


def test_tiny_shakespeare_is_one_string(tmp_path, monkeypatch):
    announce(monkeypatch, "tiny_shakespeare", CHARACTERS=13)
    (tmp_path / "input.txt").write_text("To be,\nor not", encoding="utf-8")
    assert datasets.tiny_shakespeare(tmp_path) == "To be,\nor not"
    (tmp_path / "input.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"tiny_shakespeare: cannot read .*input.txt"):
        datasets.tiny_shakespeare(tmp_path)
    for text, message in (("To be,", "13 characters, got 6; is the file cut off"), ("?" * 14, "at most 13")):
        (tmp_path / "input.txt").write_text(text)
        with pytest.raises(InputError, match=rf"tiny_shakespeare: .*input.txt: expected.*{message}"):
            datasets.tiny_shakespeare(tmp_path)


@pytest.mark.parametrize(
    ("load", "file"),
    [
        (datasets.imdb, "imdb_top10k.npz"),
        (datasets.imdb_words, "imdb_top10k_vocab.json"),
        (datasets.japanese_vowels, "JapaneseVowels_TRAIN.ts"),
        (datasets.sunspots, "sunspots.csv"),
        (datasets.tiny_shakespeare, "input.txt"),
    ],
)
def test_missing_files_are_named_with_what_to_do(load, file, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBARNN_DATA", str(tmp_path))
    with pytest.raises(InputError, match=f"{load.__name__}: expected {file} in {tmp_path} or ") as error:
        load()
    for word in ("--data DIR", f"datasets.{load.__name__}(DIR)", "NUMBARNN_DATA"):
        assert word in str(error.value)


def test_the_real_imdb():
    (x, y), (x_test, y_test) = real(datasets.imdb)
    words = real(datasets.imdb_words)
    assert len(x) == len(x_test) == 25_000 and y.sum() == y_test.sum() == 12_500 and len(words) == 10_000
    assert all(review[0] == 1 for review in x[:100]) and max(review.max() for review in x) == 9999
    assert words[x[0][2]] == words[1059] and words[4] == "the"


def test_the_real_vowels():
    (x, y), (x_test, y_test) = real(datasets.japanese_vowels)
    assert np.bincount(y).tolist() == [30] * 9 and len(y_test) == 370
    lengths = [len(u) for u in x + x_test]
    assert (min(lengths), max(lengths)) == (7, 29) and all(u.any(axis=1).all() for u in x + x_test)


def test_the_real_sunspots():
    years, numbers = real(datasets.sunspots)
    assert (years[0], years[-1], len(numbers)) == (1700, 2008, 309) and numbers.max() == 190.2


def test_the_real_tiny_shakespeare():
    text = real(datasets.tiny_shakespeare)
    assert len(text) == 1_115_394 and len(set(text)) == 65 and text.startswith("First Citizen:\nBefore")
