import io
import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import Sequential, checkpoint
from numbarnn.layers import LSTM, Dense, Input


def small_model(seed=0, dtype="float32", units=2):
    return Sequential([Input((None, 1)), LSTM(units), Dense(1)], seed=seed, dtype=dtype)


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert_array_equal(a[name], b[name])
        assert a[name].dtype == b[name].dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip(tmp_path, dtype):
    path = tmp_path / "weights.npz"
    saved, loaded = small_model(1, dtype), small_model(2, dtype)
    saved.params["lstm/kernel"][0, :3] = np.nan, np.inf, -0.0
    saved.save_weights(path)
    arrays = loaded.params["lstm/kernel"]
    loaded.load_weights(str(path))
    assert_same(saved.params, loaded.params)
    assert np.signbit(arrays[0, 2]) and loaded.layers[0].params["kernel"] is arrays
    assert [p.name for p in tmp_path.iterdir()] == ["weights.npz"]


def test_the_file_is_plain_npz_with_a_header(tmp_path):
    small_model().save_weights(tmp_path / "weights")  # the name is taken as it is
    with np.load(tmp_path / "weights", allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        assert_array_equal(archive["dense/kernel"], small_model().params["dense/kernel"])
    assert (header["format"], header["version"]) == ("numbarnn weights", 1)
    assert header["arrays"]["lstm/bias"].keys() == {"shape", "dtype", "sha256"}
    assert header["arrays"]["lstm/bias"]["shape"] == [8]


def test_layout_of_memory_does_not_matter(tmp_path):
    arrays = {"a": np.arange(12.0).reshape(3, 4).T, "b": np.arange(10)[::-2], "c": np.zeros((0, 3)), "d": np.float32(2)}
    checkpoint.save(tmp_path / "w", arrays)
    assert_same(checkpoint.load(tmp_path / "w"), {name: np.asarray(a) for name, a in arrays.items()})


def test_every_damage_is_noticed(tmp_path):
    path, damaged = tmp_path / "weights.npz", tmp_path / "damaged.npz"
    model = small_model(1)
    model.save_weights(path)
    whole, kept = path.read_bytes(), {name: a.copy() for name, a in model.params.items()}
    refused = 0
    positions = range(0, len(whole), 17)
    for position in positions:
        damaged.write_bytes(whole[:position])
        with pytest.raises(nr.InputError):
            model.load_weights(damaged)
        damaged.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            model.load_weights(damaged)  # a date in the zip may change: the weights are right all the same
        except nr.InputError:
            refused += 1
        assert_same(model.params, kept)
    assert refused > len(positions) / 2


def write(path, kind):
    """Files that are not weights."""
    header = {"format": "numbarnn weights", "version": 1, "arrays": {}}
    as_bytes = lambda h: np.frombuffer(json.dumps(h).encode(), np.uint8)  # noqa: E731
    with open(path, "wb") as file:
        if kind == "npy":
            np.save(file, np.zeros(3))
        elif kind == "other npz":
            np.savez(file, kernel=np.zeros(3))
        elif kind == "pickled objects":
            np.savez(file, header=np.array([{"format": "numbarnn weights"}]), allow_pickle=True)
        elif kind == "pickle":
            pickle.dump(header, file)
        elif kind == "later version":
            np.savez(file, header=as_bytes({**header, "version": 2}))
        elif kind == "other format":
            np.savez(file, header=as_bytes({**header, "format": "weights"}))
        elif kind == "header is a list":
            np.savez(file, header=as_bytes([1, 2]))
        elif kind == "array too many":
            np.savez(file, header=as_bytes(header), extra=np.zeros(2))
        elif kind == "array too few":
            np.savez(file, header=as_bytes({**header, "arrays": {"a": {}}}))
        elif kind == "text":
            file.write(b"not a zip at all")


@pytest.mark.parametrize(
    "kind",
    [
        *("npy", "other npz", "pickled objects", "pickle", "later version", "other format"),
        *("header is a list", "array too many", "array too few", "text", "empty"),
    ],
)
def test_foreign_files(tmp_path, kind):
    path, model = tmp_path / "foreign", small_model()
    write(path, kind)
    before = model.get_weights()
    with pytest.raises(nr.InputError, match="foreign: not a whole and unchanged file of numbarnn weights"):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def zipped(*names):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, b"")
        return file.getvalue()


KNOWN = {
    "an HDF5 file: nr.interop.load_keras reads": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "one array: numpy.load reads": b"\x93NUMPY\x01\x00" + bytes(40),
    "a pickle": pickle.dumps({"kernel": 1}),
    "a protocol buffer, such as an ONNX model": b"\x08\x08\x12\x07pytorch" + bytes(40),
    "a file of safetensors: nr.interop.load_torch reads": (128).to_bytes(8, "little") + b"{}" + bytes(126),
    "a file of torch.save: nr.interop.load_torch reads": zipped("model/data.pkl", "model/data/0"),
    "a model of Keras 3: nr.interop.load_keras reads": zipped("metadata.json", "model.weights.h5"),
    "other arrays of numpy.savez: numpy.load reads": zipped("kernel.npy", "bias.npy"),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_files_of_other_programs_are_named(tmp_path, kind):
    path, model = tmp_path / "foreign", small_model()
    path.write_bytes(KNOWN[kind])
    model.compile("adam", "mse")
    for read in (model.load_weights, model.load_training, checkpoint.load):
        with pytest.raises(nr.InputError, match=f"foreign: not a whole .* file of numbarnn weights: it is {kind}"):
            read(path)


@pytest.mark.parametrize(
    "other, message",
    [
        (small_model(units=3), r"expected dense/kernel \(\(2, 1\), 'float32'\), got \(\(3, 1\), 'float32'\)"),
        (small_model(dtype="float64"), r"expected dense/bias \(\(1,\), 'float32'\), got \(\(1,\), 'float64'\)"),
        (Sequential([Input((4,)), Dense(1)]), r"expected dense/kernel \(\(2, 1\), 'float32'\), got \(\(4, 1\)"),
    ],
)
def test_weights_of_another_model(tmp_path, other, message):
    other.save_weights(tmp_path / "other")
    model = small_model()
    before = model.get_weights()
    with pytest.raises(nr.InputError, match="not the weights of this model: " + message):
        model.load_weights(tmp_path / "other")
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "weights.npz"
    model = small_model(1)
    model.save_weights(path)
    old = path.read_bytes()

    def fails_half_way(file, **arrays):
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fails_half_way)
    with pytest.raises(OSError, match="disk full"):
        model.save_weights(path)
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == ["weights.npz"]


def test_missing_file_and_unbuilt_model(tmp_path):
    with pytest.raises(FileNotFoundError):
        small_model().load_weights(tmp_path / "none")
    with pytest.raises(nr.InputError, match="load_weights needs parameters"):
        Sequential([Dense(1)]).load_weights(tmp_path / "none")


def test_memory_is_bounded_by_the_file(tmp_path):
    """A header that announces more than the file holds, and a compressed array that would become large."""
    path = tmp_path / "wrong.npz"
    announced, large = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(announced, {"shape": (10**12,), "fortran_order": False, "descr": "<f8"})
    announced.write(bytes(96))
    np.save(large, np.zeros(1 << 23))
    for content, kind in ((announced.getvalue(), zipfile.ZIP_STORED), (large.getvalue(), zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(path, "w", kind) as archive:
            archive.writestr("w.npy", content)
        tracemalloc.start()
        with pytest.raises(nr.InputError, match="not a whole and unchanged file"):
            checkpoint.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
        tracemalloc.stop()
