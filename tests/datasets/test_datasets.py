"""Data sets and sequence helpers: golden values, and damaged files of every kind."""

import gzip
import inspect
import pickle

import numpy as np
import pytest
from helpers.damaged_files import idx
from helpers.real_data import real

from numbarnn import datasets
from numbarnn.datasets import input_data
from numbarnn.errors import InputError


def test_digits_are_the_published_ones_split_once_and_for_all():
    (x_train, y_train), (x_test, y_test) = datasets.digits()
    assert x_train.shape == (1442, 8, 8) and x_test.shape == (355, 8, 8)
    assert x_train.dtype == x_test.dtype == np.float32 and y_train.dtype == y_test.dtype == np.int64
    classes = np.bincount(y_train) + np.bincount(y_test)
    assert classes.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(y_test).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert x_train.min() == 0.0 and x_train.max() == 1.0
    assert 16.0 * (x_train.sum(dtype=np.float64) + x_test.sum(dtype=np.float64)) == 561718.0
    assert y_train[:3].tolist() == [0, 1, 2]
    assert (16 * x_train[0]).tolist()[:2] == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]


def test_digits_in_float64_are_the_same_numbers():
    (single, _), _ = datasets.digits()
    (double, _), _ = datasets.digits(dtype="float64")
    assert double.dtype == np.float64 and np.array_equal(single, double)  # sixteenths are exact in both
    with pytest.raises(InputError, match=r"digits: expected dtype .* got 'int32'"):
        datasets.digits(dtype="int32")


def test_sine_mixture_golden_values():
    series = datasets.sine_mixture()
    assert series.shape == (800,) and series.dtype == np.float64
    golden = [0.0, 0.3857803980708031, 0.7584261902904045, 1.1052637379071897, 1.4145251384022537]
    np.testing.assert_allclose(series[:5], golden, rtol=1e-14)
    np.testing.assert_allclose(series[-1], np.sin(30.0) / 3 + 2 * np.sin(150.0), rtol=1e-13)


def test_windows_of_the_notebooks_do_not_overlap_and_targets_are_one_step_on():
    series = datasets.sine_mixture()
    x, y = datasets.make_windows(series, 20)
    assert x.shape == y.shape == (39, 20, 1)
    assert np.array_equal(x.ravel(), series[:780]) and np.array_equal(y.ravel(), series[1:781])


def test_windows_with_a_stride_reach_the_last_step_and_keep_dtype_and_features():
    series = np.arange(22, dtype=np.float32).reshape(11, 2)
    x, y = datasets.make_windows(series, 4, stride=3)
    assert x.dtype == np.float32 and x.shape == (3, 4, 2)
    assert x[:, 0, 0].tolist() == [0, 6, 12] and np.array_equal(y, x + 2) and y[-1, -1, -1] == series[-1, -1]


def test_random_windows_come_from_anywhere_and_a_seed_repeats_them():
    series = np.arange(8.0)
    x, y = datasets.make_windows(series, 5, count=200, rng=3)
    assert np.array_equal(np.unique(x[:, 0, 0]), [0, 1, 2]) and np.array_equal(y, x + 1)
    assert np.array_equal(datasets.make_windows(series, 5, count=200, rng=np.random.default_rng(3))[0], x)


@pytest.mark.parametrize(
    ("shape", "options"),
    [((5,), {}), ((3, 3, 3), {}), ((9,), {"stride": 0}), ((9,), {"stride": 2, "count": 3}), ((9,), {"count": -1})],
)
def test_windows_refuse_bad_input(shape, options):
    with pytest.raises(InputError, match="make_windows: expected"):
        datasets.make_windows(np.zeros(shape), 5, **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1, 2], [3, 4, 5, 6], [0, 0, 0, 0]]),
        ({"maxlen": 3}, [[0, 1, 2], [4, 5, 6], [0, 0, 0]]),
        ({"maxlen": 3, "padding": "post"}, [[1, 2, 0], [4, 5, 6], [0, 0, 0]]),
        ({"maxlen": 3, "truncating": "post"}, [[0, 1, 2], [3, 4, 5], [0, 0, 0]]),
        ({"maxlen": 2, "value": -1, "dtype": "float64"}, [[1, 2], [5, 6], [-1, -1]]),
        ({"maxlen": 0}, [[], [], []]),
    ],
)
def test_pad_sequences(options, expected):
    padded = datasets.pad_sequences([[1, 2], [3, 4, 5, 6], []], **options)
    assert padded.dtype == options.get("dtype", "int32") and padded.tolist() == expected


def test_pad_sequences_of_feature_rows_and_of_nothing():
    padded = datasets.pad_sequences([np.ones((2, 3)), np.ones((1, 3))], padding="post", dtype="float32")
    assert padded.shape == (2, 2, 3) and padded.sum(axis=(1, 2)).tolist() == [6, 3]
    assert datasets.pad_sequences([]).shape == (0, 0)


def test_pad_sequences_refuses_bad_input():
    with pytest.raises(InputError, match="expected padding 'pre' or 'post', got 'left'"):
        datasets.pad_sequences([[1]], padding="left")
    with pytest.raises(InputError, match=r"items of one shape, got \[\(2,\), \(3,\)\]"):
        datasets.pad_sequences([np.ones((2, 3)), np.ones((2, 2))])


@pytest.mark.parametrize(
    ("sequences", "options", "lost"),
    [
        ([[1, 2], [0.5]], {}, "0.5 of sequence 1"),
        ([np.array([[0.25, 3.0]], "float32")], {}, "0.25 of sequence 0"),
        ([[np.nan]], {}, "nan of sequence 0"),
        ([[np.inf, 1.0]], {"dtype": "int64"}, "inf of sequence 0"),
        ([[1], [2**31]], {}, "2147483648 of sequence 1"),
        ([[1], [300]], {"dtype": "uint8"}, "300 of sequence 1"),
        ([[-1]], {"dtype": "uint64"}, "-1 of sequence 0"),
        ([[1, 2]], {"dtype": "bool"}, "2 of sequence 0"),
        ([[1e300]], {"dtype": "float32"}, "1e.300 of sequence 0"),
        ([[1], [2, 3]], {"value": 0.5}, "0.5 of value"),
        ([[1], [2, 3]], {"value": np.nan}, "nan of value"),
    ],
)
def test_pad_sequences_loses_no_value_in_silence(sequences, options, lost):
    dtype = options.get("dtype", "int32")
    with pytest.raises(InputError, match=f"dtype {dtype} cannot hold {lost}"):
        datasets.pad_sequences(sequences, **options)


@pytest.mark.parametrize(
    ("sequences", "options", "expected"),
    [
        ([[1.0, 2.0], [3]], {}, [[1, 2], [0, 3]]),
        ([[0.5], [1, 2]], {"dtype": "float32"}, [[0, 0.5], [1, 2]]),
        ([[0.1]], {"dtype": "float32"}, [[np.float32(0.1)]]),
        ([[np.inf, np.nan]], {"dtype": "float32"}, [[np.inf, np.nan]]),
        ([["a"], ["b", "c"]], {"dtype": object, "value": "-"}, [["-", "a"], ["b", "c"]]),
    ],
)
def test_pad_sequences_keeps_what_its_dtype_holds(sequences, options, expected):
    padded = datasets.pad_sequences(sequences, **options)
    assert padded.dtype == options.get("dtype", "int32")
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize(
    ("sequences", "options"),
    [
        ([1, 2, 3], {}),
        ([[1, [2, 3]]], {}),
        ([["a"]], {}),
        ([[1j]], {"dtype": "float32"}),
        ([[1]], {"maxlen": -1}),
        ([[1]], {"maxlen": 2.5}),
        ([[1]], {"value": "x"}),
    ],
)
def test_pad_sequences_refuses_what_are_no_sequences_of_numbers(sequences, options):
    with pytest.raises(InputError, match="pad_sequences: "):
        datasets.pad_sequences(sequences, **options)


@pytest.fixture
def mnist_files():
    """The bytes of a tiny MNIST: 5 images to train on, 3 to test on."""
    rng = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 5), ("t10k", 3)):
        files[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (n, 28, 28)))
        files[f"{part}-labels-idx1-ubyte"] = idx(rng.integers(0, 10, n))
    return files


def write(folder, files, pack=gzip.compress, ending=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / (name + ending)).write_bytes(pack(content))


def test_mnist_reads_packed_and_unpacked_files_from_the_folder_or_its_subfolder(tmp_path, mnist_files, monkeypatch):
    write(tmp_path / "packed" / "mnist", mnist_files)
    write(tmp_path / "plain", mnist_files, bytes, "")
    (x, y), (x_test, y_test) = datasets.mnist(tmp_path / "packed")
    pixels = np.frombuffer(mnist_files["train-images-idx3-ubyte"][16:], np.uint8).reshape(5, 28, 28)
    assert x.dtype == np.float32 and np.array_equal(x, pixels / np.float32(255))
    assert y.dtype == np.int64 and y.tolist() == list(mnist_files["train-labels-idx1-ubyte"][8:])
    assert x_test.shape == (3, 28, 28) and y_test.shape == (3,)

    monkeypatch.setenv("NUMBARNN_DATA", str(tmp_path / "packed"))
    from_environment = datasets.mnist()
    from_argument = datasets.mnist(tmp_path / "plain")
    for part in (from_environment, from_argument):
        assert np.array_equal(part[0][0], x) and np.array_equal(part[1][1], y_test)
    assert datasets.mnist(dtype="float64")[0][0].dtype == np.float64


def test_mnist_not_found_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBARNN_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz") as error:
        datasets.mnist()
    for word in (str(tmp_path), "--data DIR", "NUMBARNN_DATA"):
        assert word in str(error.value)


def notebook_files(folder, mnist_files):
    """Keras' three lines for the data, as they are printed but for the name of the library."""
    write(folder, mnist_files)
    return datasets.mnist.load_data(folder)


def test_mnist_for_keras_is_scaled_once_by_the_lines_of_the_notebooks(tmp_path, mnist_files):
    (x_train, y_train), (x_test, y_test) = notebook_files(tmp_path, mnist_files)
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    pixels = np.frombuffer(mnist_files["train-images-idx3-ubyte"][16:], np.uint8).reshape(5, 28, 28)
    assert np.array_equal(x_train, pixels) and x_train.flags.writeable and x_test.shape == (3, 28, 28)
    x_train, x_test = x_train/255., x_test/255.  # fmt: skip
    (x, y), _ = datasets.mnist(tmp_path)
    np.testing.assert_allclose(x_train, x, rtol=1e-7)
    assert x_train.max() > 0.9 and np.array_equal(y_train, y)
    (x, y), _ = datasets.mnist(tmp_path, "uint8")
    assert x.dtype == np.uint8 and np.array_equal(x, pixels) and y.dtype == np.int64
    with pytest.raises(InputError, match="got 'int32'"):
        datasets.mnist(tmp_path, "int32")


def test_mnist_splits_off_the_first_images_to_validate_on(tmp_path, mnist_files):
    write(tmp_path, mnist_files)
    (x, y), (x_test, _) = datasets.mnist(tmp_path)
    train, validation, test = datasets.mnist(tmp_path, validation=2)
    assert np.array_equal(train[0], x[2:]) and np.array_equal(train[1], y[2:])
    assert np.array_equal(validation[0], x[:2]) and np.array_equal(validation[1], y[:2])
    assert np.array_equal(test[0], x_test)
    for bad in (-1, 6, 0.5, None):
        with pytest.raises(InputError, match="mnist: expected validation from 0 to 5, got"):
            datasets.mnist(tmp_path, validation=bad)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_one_hot_labels_have_the_dtype_of_a_model(tmp_path, mnist_files, dtype):
    write(tmp_path, mnist_files)
    (_, y), _ = datasets.mnist(tmp_path)
    (_, rows), (_, test_rows) = datasets.mnist(tmp_path, dtype, one_hot=True)
    assert rows.dtype == ("float64" if dtype == "float64" else "float32") and test_rows.shape == (3, 10)
    assert np.array_equal(rows.argmax(axis=1), y) and np.array_equal(rows.sum(axis=1), np.ones(5))


@pytest.mark.parametrize("one_hot", [False, True])
def test_mnist_as_the_tutorials_of_tensorflow_read_it(tmp_path, mnist_files, one_hot):
    write(tmp_path, mnist_files)
    mnist = input_data.read_data_sets(tmp_path, one_hot=one_hot, validation_size=1)
    (x, y), (x_test, y_test) = datasets.mnist(tmp_path, one_hot=one_hot)
    assert np.array_equal(mnist.train.images, x[1:].reshape(4, 784)) and np.array_equal(mnist.train.labels, y[1:])
    assert np.array_equal(mnist.validation.images, x[:1].reshape(1, 784)) and mnist.validation.num_examples == 1
    assert np.array_equal(mnist.test.images.reshape((-1, 28, 28)), x_test) and np.array_equal(mnist.test.labels, y_test)
    batches = [mnist.train.next_batch(3) for _ in range(4)]  # three orders of four samples
    seen = np.concatenate([images for images, _ in batches]).reshape(3, 4, 784)
    for order in seen:
        assert sorted(map(bytes, order)) == sorted(map(bytes, mnist.train.images))
    of = {image.tobytes(): label for image, label in zip(mnist.train.images, mnist.train.labels, strict=True)}
    assert all(np.array_equal(of[i.tobytes()], label) for a, b in batches for i, label in zip(a, b, strict=True))
    with pytest.raises(InputError, match="next_batch: expected batches of 1 to 4 samples, got 5"):
        mnist.train.next_batch(5)


def test_a_folder_that_tensorflow_would_download_to_may_be_empty(tmp_path, mnist_files, monkeypatch):
    write(tmp_path / "mnist", mnist_files)
    monkeypatch.setenv("NUMBARNN_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert input_data.read_data_sets("tmp/data/", validation_size=0).train.num_examples == 5


def test_loaders_with_the_name_of_keras_are_functions_to_their_users():
    for name in ("mnist", "imdb"):
        loader = getattr(datasets, name)
        assert pickle.loads(pickle.dumps(loader)) is loader and loader.__name__ == name and name in repr(loader)
        assert next(iter(inspect.signature(loader).parameters)) == "folder" and loader.__doc__.startswith("Load ")


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
DAMAGES = {
    "cut off in the values": (IMAGES, lambda b: b[:-1], "expected 3920 values of shape .5, 28, 28., got 3919"),
    "more than announced": (IMAGES, lambda b: b + b"\0", "expected 3920 values .* got 3921"),
    "cut off in the header": (IMAGES, lambda b: b[:11], "header ends after 11 of 16 bytes"),
    "empty": (IMAGES, lambda b: b"", "got an empty file"),
    "another type": (IMAGES, lambda b: b[:2] + b"\x0d" + b[3:], "first bytes 00 00 08 03.*got 00 00 0d 03"),
    "labels in place of images": (IMAGES, lambda b: idx(np.zeros(5)), "with 3 axes .*got 00 00 08 01"),
    "images of another size": (IMAGES, lambda b: idx(np.zeros((5, 8, 8))), "expected images of 28 x 28 pixels"),
    "sizes beyond any file": (IMAGES, lambda b: b[:4] + b"\xff" * 12 + b[16:], "expected 792281624"),
    "another count": (LABELS, lambda b: idx(np.zeros(4)), "3 images but 4 labels"),
    "classes beyond 9": (LABELS, lambda b: b[:-1] + b"\x0a", "expected labels 0..9, got 10"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_damaged_mnist_files_are_named(tmp_path, mnist_files, damage, ending):
    name, spoil, message = DAMAGES[damage]
    mnist_files[name] = spoil(mnist_files[name])
    write(tmp_path, mnist_files, gzip.compress if ending else bytes, ending)
    with pytest.raises(InputError, match=message) as error:
        datasets.mnist(tmp_path)
    assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:-400], lambda b: b[:-6] + bytes([b[-6] ^ 1]) + b[-5:], lambda b: b"not gzip" + b, lambda b: b[:9]],
    ids=["cut off", "bit flipped", "foreign", "only a header"],
)
def test_damaged_gzip_is_named(tmp_path, mnist_files, spoil):
    write(tmp_path, mnist_files)
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match=f"cannot read {path}"):
        datasets.mnist(tmp_path)


def test_a_missing_fourth_file_is_named(tmp_path, mnist_files):
    del mnist_files[LABELS]
    write(tmp_path, mnist_files)
    with pytest.raises(InputError, match=f"{LABELS}.gz"):
        datasets.mnist(tmp_path)


def test_the_real_mnist():
    (x_train, y_train), (x_test, y_test) = real(datasets.mnist)
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    train, validation, _ = real(lambda: datasets.mnist(validation=5000))
    assert len(train[0]) == 55_000 and np.array_equal(validation[0], x_train[:5000])
    assert np.count_nonzero(y_test == 6) == 958  # the seed notebook's collapsed network scored 0.0958
    np.testing.assert_allclose(x_train.mean(dtype=np.float64), 0.1307, atol=5e-5)
