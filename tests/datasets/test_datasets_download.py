"""Where files of data sets are looked for: the folder that is given, NUMBARNN_DATA, the user's data folder."""

import hashlib
import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from helpers import damaged_files

import numbarnn
from numbarnn import datasets
from numbarnn.datasets import download
from numbarnn.errors import InputError

LOADERS = {
    datasets.mnist: "train-images-idx3-ubyte.gz",
    datasets.imdb: "imdb_top10k.npz",
    datasets.imdb_words: "imdb_top10k_vocab.json",
    datasets.japanese_vowels: "JapaneseVowels_TRAIN.ts",
    datasets.sunspots: "sunspots.csv",
    datasets.tiny_shakespeare: "input.txt",
}


@pytest.fixture
def user(tmp_path, monkeypatch):
    """The data folder of a user who has set no NUMBARNN_DATA."""
    monkeypatch.delenv("NUMBARNN_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "numbarnn"


@pytest.mark.parametrize("load", LOADERS, ids=lambda load: load.__name__)
def test_without_any_folder_the_message_says_what_to_do(load, user, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=f"{load.__name__}: expected {LOADERS[load]} in {user}/") as error:
        load()
    for word in ("--data DIR", f"datasets.{load.__name__}(DIR)", "NUMBARNN_DATA"):
        assert word in str(error.value)
    way = "numbarnn cannot download it" if load.__name__.startswith("imdb") else "pip install 'numbarnn[data]'"
    assert way in str(error.value)


def test_a_user_without_a_home_is_told(monkeypatch):
    monkeypatch.delenv("NUMBARNN_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setattr(Path, "home", None)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(InputError, match=r"sunspots: .*home.*NUMBARNN_DATA"):
        datasets.sunspots()


def test_the_users_folder_is_in_the_home_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.user_folder() == tmp_path / ".local" / "share" / "numbarnn"


def test_a_folder_may_start_with_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, content in damaged_files.sunspots_files(np.random.default_rng(0)).items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("NUMBARNN_DATA", "~")
    assert len(datasets.sunspots()[0]) == len(datasets.sunspots("~")[0]) == 309


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Other files in the place of the published ones, and a server on this machine that has them: {name: bytes}."""
    pytest.importorskip("pooch")
    rng, files = np.random.default_rng(0), {}
    for name in ("mnist-gz", "japanese-vowels", "sunspots", "tiny-shakespeare"):
        files |= damaged_files.READERS[name].files(rng)
    folder = tmp_path / "published"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    place = f"http://127.0.0.1:{server.server_port}"
    announced = {name: (hashlib.sha256(content).hexdigest(), place) for name, content in files.items()}
    assert announced.keys() == download.PUBLISHED.keys()
    monkeypatch.setattr(download, "PUBLISHED", announced)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield files
    server.shutdown()
    thread.join()
    server.server_close()


def test_missing_files_are_downloaded_once_into_the_users_folder(user, published, monkeypatch):
    (x, _), (x_test, _) = datasets.mnist()
    assert len(x) == 12 and len(x_test) == 7
    assert len(datasets.japanese_vowels()[0][0]) == 270 and len(datasets.sunspots()[0]) == 309
    assert len(datasets.tiny_shakespeare()) == 1_115_394
    for name, content in published.items():
        (path,) = user.rglob(name)
        assert path.read_bytes() == content
    monkeypatch.setitem(sys.modules, "pooch", None)  # nothing is left to download
    assert np.array_equal(datasets.mnist()[0][0], x)
    assert len(datasets.sunspots(user)[0]) == 309  # and the folder can be named, too


def test_a_file_that_is_not_the_published_one_is_not_kept(user, published, tmp_path):
    (tmp_path / "published" / "sunspots.csv").write_bytes(published["sunspots.csv"][:-9])
    with pytest.raises(InputError, match=r"sunspots: .*could not be downloaded.*SHA256|sunspots: .*hash") as error:
        datasets.sunspots()
    assert "NUMBARNN_DATA" in str(error.value) and not [path for path in user.rglob("*") if path.is_file()]


def test_without_a_network_the_message_says_what_to_do(user, published, monkeypatch):
    digest = download.PUBLISHED["input.txt"][0]
    monkeypatch.setitem(download.PUBLISHED, "input.txt", (digest, "http://127.0.0.1:9"))  # nobody listens there
    with pytest.raises(InputError, match=r"http://127.0.0.1:9/input.txt could not be downloaded") as error:
        datasets.tiny_shakespeare()
    for word in ("--data DIR", "datasets.tiny_shakespeare(DIR)", "NUMBARNN_DATA", str(user)):
        assert word in str(error.value)


def test_nothing_is_downloaded_into_a_folder_that_is_named(user, published, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=f"expected input.txt in {empty} or {empty}/tinyshakespeare, found none"):
        datasets.tiny_shakespeare(empty)
    monkeypatch.setenv("NUMBARNN_DATA", str(empty))
    with pytest.raises(InputError, match="found none"):
        datasets.tiny_shakespeare()
    assert not list(empty.iterdir()) and not user.exists()


def test_no_folder_beside_the_checkout_is_looked_into(user, tmp_path, monkeypatch):
    """Every place that a loader asks for is below the user's data folder."""
    monkeypatch.setitem(sys.modules, "pooch", None)
    asked, is_file = [], Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: asked.append(path) or is_file(path))
    for load in LOADERS:
        with pytest.raises(InputError):
            load()
    assert asked and all(path.is_relative_to(user) for path in asked)


def test_checksums_are_those_of_the_published_files():
    """Where the files are at hand."""
    folder = os.environ.get("NUMBARNN_DATA")
    if not folder:
        pytest.skip("reads published files: set NUMBARNN_DATA to their folder")
    found = {path.name: path for path in Path(folder).rglob("*") if path.name in download.PUBLISHED}
    for name, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == download.PUBLISHED[name][0], name


def test_the_package_names_no_place_outside_itself():
    root = Path(numbarnn.__file__).parent
    for path in root.rglob("*.py"):
        text = path.read_text()
        assert "parents[3]" not in text and "parents[2]" not in text, path
