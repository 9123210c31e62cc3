"""Read damaged files: every reader gives what the file holds, or an `InputError` that names the file.

    python -m tests.helpers.damaged_files [--cases 800] [--seed 0] [READER ...]

Files are cut, filled up, swapped, their bits flipped, their parts exchanged and repeated, and some are made to be
uncompressed to a thousand times their size, to announce what they do not hold, or to be nested without end. Exit code 1
when a reader raised another error, named no file, took more memory than its data may need, or changed a model before it
refused a file.
"""

import argparse
import gzip
import io
import json
import struct
import sys
import tempfile
import time
import traceback
import tracemalloc
import zipfile
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import numbarnn as nr

MEMORY = 100e6  # bytes; what the readers allow are 55 MB of images or 80 MB of reviews
BOMB = 120_000_000  # bytes that a small file is uncompressed to
SECONDS = 60


def idx(array):
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def mnist_files(rng):
    files = {}
    for part, n in (("train", 12), ("t10k", 7)):
        files[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (n, 28, 28)))
        files[f"{part}-labels-idx1-ubyte"] = idx(rng.integers(0, 10, n))
    return files


def packed_mnist_files(rng):
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in mnist_files(rng).items()}


def imdb_files(rng):
    arrays = {}
    for part, n in (("train", 30), ("test", 20)):
        offsets = np.concatenate([[0], rng.integers(1, 60, n).cumsum()])
        arrays[f"{part}_tokens"] = rng.integers(1, 10_000, offsets[-1]).astype(np.uint16)
        arrays[f"{part}_offsets"] = offsets
        arrays[f"{part}_labels"] = rng.integers(0, 2, n).astype(np.uint8)
    return {"imdb_top10k.npz": npz(**arrays)}


def words_files(rng):
    words = ["".join(map(chr, rng.integers(97, 123, 5))) for _ in range(300)]
    return {"imdb_top10k_vocab.json": json.dumps(words).encode()}


def vowels_files(rng):
    def text(n):
        lines = []
        for _ in range(n):
            numbers = rng.standard_normal((12, 2)).round(3)
            lines.append(":".join(",".join(map(str, channel)) for channel in numbers) + f":{rng.integers(1, 10)}\n")
        return ("@problemName JapaneseVowels\n@data\n" + "".join(lines)).encode()

    return {"JapaneseVowels_TRAIN.ts": text(270), "JapaneseVowels_TEST.ts": text(370)}


def sunspots_files(rng):
    lines = [f"{year},{rng.random() * 100:.1f}\n" for year in range(1700, 2009)]
    return {"sunspots.csv": ('"YEAR","SUNACTIVITY"\n' + "".join(lines)).encode()}


def shakespeare_files(rng):
    text = (b"First Citizen:\nBefore we proceed any further, hear me speak.\n\n" * 18_000)[:1_115_394]
    return {"input.txt": text}


def model():
    chain = [nr.layers.Input((None, 2)), nr.layers.SimpleRNN(3, stateful=True), nr.layers.Dense(1)]
    built = nr.Sequential(chain, seed=0)
    built.compile(optimizer="adam", loss="mse")
    return built


def weights_files(rng):
    return saved(lambda path: model().save_weights(path))


def training_files(rng):
    trained = model()
    trained.train_on_batch(rng.standard_normal((4, 3, 2), "float32"), np.zeros((4, 1), "float32"))
    return saved(lambda path: trained.save_training(path, epoch=1))


def whole_model_files(rng):
    trained = model()
    trained.train_on_batch(rng.standard_normal((4, 3, 2), "float32"), np.zeros((4, 1), "float32"))
    return saved(lambda path: trained.save(path, training=True, epoch=1))


def keras_weights_files(rng):
    return saved(lambda path: nr.interop.save_keras_weights(path, model()), "saved.weights.h5")


def keras_files(rng):
    """The archive of Keras, of which the weights alone are read."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("model.weights.h5", keras_weights_files(rng)["saved.weights.h5"])
    return {"saved.keras": archive.getvalue()}


def safetensors_files(rng):
    return saved(lambda path: nr.interop.save_safetensors(path, model()), "saved.safetensors")


def onnx_files(rng):
    layers = [nr.layers.Input((None, 2)), nr.layers.Bidirectional(nr.layers.GRU(3)), nr.layers.Dense(1)]
    return saved(lambda path: nr.interop.save_onnx(path, nr.Sequential(layers, seed=0)), "saved.onnx")


def tensorflow1_files(rng):
    """The two files of a checkpoint that hold variables."""
    tf = import_module("tensorflow").compat.v1
    cell = nr.BasicLSTMCell(3)
    variables = nr.interop.to_tensorflow1(cell, cell.init_params(2, rng=0))
    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        made = [tf.Variable(value, name=name) for name, value in variables.items()]
        session.run(tf.global_variables_initializer())
        tf.train.Saver(made).save(session, f"{folder}/saved.ckpt")
        return {path.name: path.read_bytes() for path in Path(folder).glob("saved.ckpt.[id]*")}


def saved(save, name="saved.npz"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return {path.name: path.read_bytes()}


def load_into_a_model(load, path):
    """Load a file into a model, which must be as before if the file is refused."""
    target = model()
    before = [w.copy() for w in target.get_weights()], target.optimizer.iterations, target.optimizer.learning_rate
    try:
        load(target, path)
    except Exception:
        after = target.get_weights(), target.optimizer.iterations, target.optimizer.learning_rate
        same = all(map(np.array_equal, before[0], after[0])) and before[1:] == after[1:]
        assert same, "the model has changed, though its file was refused"
        raise


def read_checkpoint(folder):
    nr.checkpoint.load(folder / "saved.npz")


def load_weights(folder):
    load_into_a_model(lambda target, path: target.load_weights(path), folder / "saved.npz")


def load_training(folder):
    load_into_a_model(lambda target, path: target.load_training(path), folder / "saved.npz")


def load_whole_model(folder):
    nr.load_model(folder / "saved.npz")


def load_keras_weights(folder):
    load_into_a_model(nr.interop.load_keras, folder / "saved.weights.h5")


def load_keras_archive(folder):
    load_into_a_model(nr.interop.load_keras, folder / "saved.keras")


def load_safetensors(folder):
    load_into_a_model(nr.interop.load_torch, folder / "saved.safetensors")


def load_onnx_model(folder):
    nr.interop.load_onnx(folder / "saved.onnx")


def load_onnx_node(folder):
    nr.interop.from_onnx(folder / "saved.onnx")


def load_checkpoint(folder):
    nr.interop.from_tensorflow1(folder / "saved.ckpt")


@dataclass(frozen=True)
class Reader:
    """A reader, the files that it reads, and the kinds of files made to harm it."""

    read: object  # of a folder
    files: object  # rng -> {name: bytes}
    made: tuple  # of functions (rng, content) -> content
    share: float = 0.05  # of the cases that such a function makes
    needs: str = "numbarnn"  # the package that reads


def gzip_bomb(rng, content):
    """Uncompressed 1.2 GB of zeros, behind a header that allows some of it or all."""
    header = struct.pack(">4I", 0x803, int(rng.choice([5, 60_000, 1_600_000, 2**32 - 1])), 28, 28)
    return gzip.compress(header) + ZEROS * 24


def header_bomb(rng, content):
    """A header that announces far more than there is, and the values."""
    sizes = rng.choice([1, 28, 2**16, 2**31, 2**32 - 1], 3)
    return struct.pack(">4I", 0x803, *map(int, sizes)) + content[16:]


def packed_header_bomb(rng, content):
    return gzip.compress(header_bomb(rng, gzip.decompress(content)))


def npy(shape, dtype):
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n"


def with_member(content, name, written, method=zipfile.ZIP_DEFLATED):
    """The archive with another content of one of its members."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(file, "w", compresslevel=1) as changed:
        for other in archive.namelist():
            if other == name:
                changed.writestr(name, written, method)
            else:
                changed.writestr(other, archive.read(other), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def archive_bomb(rng, content):
    """Far too many zeros as one of the arrays, which the header announces or not."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = str(rng.choice(archive.namelist()))
    shape = rng.choice(["(120000000,)", "(5,)", "(10**15,)", "(2**63,)", "(-1,)", "(1, 120000000)", "()"])
    dtype = str(rng.choice(["<u2", "|u1", "<i8", "|V1000000000", "|O", "<U10000000", "[('a', '<i8')]"]))
    methods = [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    method = int(rng.choice(methods, p=[0.8, 0.1, 0.1]))  # the last two take seconds
    return with_member(content, name, npy(shape, dtype) + bytes(int(rng.choice([10, BOMB]))), method)


def keras_bomb(rng, content):
    """An archive of Keras whose weights are too many zeros."""
    return with_member(content, "model.weights.h5", bytes(BOMB))


def hdf5_harm(rng, content):
    """A whole file of HDF5 whose arrays have other shapes, dtypes, places or names, or announce what is not there."""
    h5py, file = import_module("h5py"), io.BytesIO(content)
    with h5py.File(file, "r+") as archive:
        places = []
        archive.visititems(lambda name, item: places.append(name) if hasattr(item, "shape") else None)
        name = places[rng.integers(len(places))]
        del archive[name]
        kind = rng.integers(5)
        if kind == 0:
            archive.create_dataset(name, (BOMB,), "float64", chunks=True)
        elif kind == 1:
            archive.create_dataset(name, (BOMB,), "uint8", data=np.zeros(BOMB, "uint8"), compression="gzip")
        elif kind == 2:
            values = (b"text", "text", 1, np.zeros(0), np.zeros((2, 3), bool), np.ones(3, complex), h5py.Empty("f4"))
            archive[name] = values[rng.integers(len(values))]
        elif kind == 3:
            links = (h5py.SoftLink(f"/{name}"), h5py.SoftLink("/none"), h5py.ExternalLink("/etc/passwd", "/"))
            archive[name] = links[rng.integers(len(links))]
        else:
            archive.create_group(name)["0"] = np.zeros(3, "float32")
    return file.getvalue()


def foreign_header(rng, content):
    """A file of safetensors whose header says something else."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    names = [name for name in header if name != "__metadata__"]
    name = names[rng.integers(len(names))]
    values = [None, -1, "x", [], {}, 10**30, [10**12, 10**12], "F16", "BF16", "I64", "BOOL"]
    if rng.random() < 0.5:
        del header["__metadata__"]  # and the checksum in it, which other programs do not write
    kind = rng.integers(3)
    if kind == 0:
        header[name] = values[rng.integers(len(values))]
    elif kind == 1:
        header["__metadata__"] = values[rng.integers(len(values))]
    else:
        header[name][list(header[name])[rng.integers(3)]] = values[rng.integers(len(values))]
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + content[8 + size :]


def foreign_nodes(rng, content):
    """A model of ONNX with one name, operator, attribute, size or dtype changed."""
    onnx = import_module("onnx")
    changed = onnx.load_model_from_string(content)
    graph, kind = changed.graph, rng.integers(7)
    node, tensor = graph.node[rng.integers(len(graph.node))], graph.initializer[rng.integers(len(graph.initializer))]
    if kind == 0:
        node.op_type = str(rng.choice(["LSTM", "GRU", "RNN", "Identity", "Loop", "If", "Gemm", "Add", "Nothing", ""]))
    elif kind == 1 and node.input:
        node.input[rng.integers(len(node.input))] = str(rng.choice(["", "inputs", tensor.name, node.output[0]]))
    elif kind == 2 and node.attribute:
        attribute = node.attribute[rng.integers(len(node.attribute))]
        values = (-1, 0, 10**9, 0.5, "x", [1], [0.5], ["x"])
        attribute.CopyFrom(onnx.helper.make_attribute(attribute.name, values[rng.integers(len(values))]))
    elif kind == 3:
        tensor.dims[:] = [int(n) for n in rng.choice([0, 1, 3, 2**31, 2**62], rng.integers(0, 4))]
    elif kind == 4:
        tensor.data_type = int(rng.integers(0, 24))
    elif kind == 5:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", str(rng.choice(["/etc/passwd", "../none", "none"]))
        tensor.ClearField("raw_data")
    else:
        del graph.node[rng.integers(len(graph.node))]
    return changed.SerializeToString()


def deep(rng, content):
    """Lists in lists, or an object of lists."""
    return (b"[" if rng.random() < 0.5 else b'{"a":') * int(rng.integers(1000, 150_000))


def long(rng, content):
    """Far too much text."""
    return content + b"1," * (BOMB // 2)


def foreign_facts(rng, content):
    """A whole and unchanged file of `numbarnn.checkpoint` with other arrays and facts than a model writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.npz"
        path.write_bytes(content)
        arrays, facts = nr.checkpoint.load_with_facts(path)
        values = [None, -1, 0, "x", [], {}, 1e400, True, {"a": 1}, [[1]], 10**30, float("nan")]
        other = values[rng.integers(len(values))]
        names = list(arrays)
        name = names[rng.integers(len(names))]
        kind = rng.integers(6)
        if kind == 0:
            facts = other
        elif kind == 1 and isinstance(facts, dict):
            facts[list(facts)[rng.integers(len(facts))]] = other
        elif kind == 2 and isinstance(facts, dict):
            del facts[list(facts)[rng.integers(len(facts))]]
        elif kind == 3:
            shapes = [(), (0,), (1,), (3, 3), (2, 3), (1, 1, 1)]
            dtype = str(rng.choice(["float32", "float64", "int64", "bool", "U3", "S2"]))
            arrays[name] = np.zeros(shapes[rng.integers(len(shapes))], dtype)
        elif kind == 4:
            new = ["x", "slot:m:none", "slot", "slot:none:dense/bias", "state:0:x", "parameter:", ":", "a:b:c:d"]
            arrays[new[rng.integers(len(new))]] = arrays.pop(name)
        else:
            del arrays[name]
        nr.checkpoint.save(path, arrays, facts)
        return path.read_bytes()


ZEROS = gzip.compress(bytes(50_000_000))  # a member of a gzip file
READERS = {
    "mnist": Reader(nr.datasets.mnist, mnist_files, (header_bomb,)),
    "mnist-gz": Reader(nr.datasets.mnist, packed_mnist_files, (gzip_bomb, packed_header_bomb)),
    "imdb": Reader(nr.datasets.imdb, imdb_files, (archive_bomb,)),
    "imdb-words": Reader(nr.datasets.imdb_words, words_files, (deep, long)),
    "japanese-vowels": Reader(nr.datasets.japanese_vowels, vowels_files, (long,)),
    "sunspots": Reader(nr.datasets.sunspots, sunspots_files, (long,)),
    "tiny-shakespeare": Reader(nr.datasets.tiny_shakespeare, shakespeare_files, (long,)),
    "checkpoint": Reader(read_checkpoint, weights_files, (archive_bomb,)),
    "weights": Reader(load_weights, weights_files, (archive_bomb, foreign_facts), 0.2),
    "training": Reader(load_training, training_files, (archive_bomb, foreign_facts, foreign_facts, foreign_facts), 0.5),
    "model": Reader(load_whole_model, whole_model_files, (archive_bomb, foreign_facts, foreign_facts), 0.5),
    "keras-weights": Reader(load_keras_weights, keras_weights_files, (hdf5_harm,), 0.3, "h5py"),
    "keras": Reader(load_keras_archive, keras_files, (keras_bomb, archive_bomb), 0.1, "h5py"),
    "safetensors": Reader(load_safetensors, safetensors_files, (foreign_header,), 0.3, "safetensors"),
    "onnx": Reader(load_onnx_model, onnx_files, (foreign_nodes,), 0.5, "onnx"),
    "onnx-node": Reader(load_onnx_node, onnx_files, (foreign_nodes,), 0.5, "onnx"),
    "tensorflow1": Reader(load_checkpoint, tensorflow1_files, (), 0, "tensorflow"),
}
DATASETS = tuple(READERS)[:7]


def flip(rng, content):
    changed = bytearray(content)
    for place in rng.integers(0, 8 * len(content), rng.integers(1, 9)):
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def flip_near_an_end(rng, content):
    """Where headers and directories are."""
    changed, span = bytearray(content), min(len(content), 64)
    for place in rng.integers(-span, span, rng.integers(1, 4)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def cut(rng, content):
    return content[: rng.integers(len(content))]


def cut_in_front(rng, content):
    return content[rng.integers(1, len(content)) :]


def fill_up(rng, content):
    place = rng.integers(len(content) + 1)
    return content[:place] + rng.bytes(int(rng.integers(1, 100))) + content[place:]


def blank(rng, content):
    a, b = np.sort(rng.integers(0, len(content) + 1, 2))
    return content[:a] + bytes(int(b - a)) + content[b:]


def exchange(rng, content):
    a, b, c = np.sort(rng.integers(0, len(content) + 1, 3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def repeat(rng, content):
    a, b = np.sort(rng.integers(0, len(content) + 1, 2))
    return content[:b] + content[a:]


def noise(rng, content):
    return rng.bytes(int(rng.integers(0, 200)))


OFTEN, SELDOM = (flip, flip_near_an_end, cut), (cut_in_front, fill_up, blank, exchange, repeat, noise)
DAMAGES = OFTEN * 2 + SELDOM


def damage(reader, files, rng):
    """One file damaged, or two files exchanged: ({name: bytes}, what was done)."""
    files, names = dict(files), list(files)
    if len(names) > 1 and rng.random() < 0.05:
        a, b = rng.choice(names, 2, replace=False)
        files[a], files[b] = files[b], files[a]
        return files, "swap"
    name = names[rng.integers(len(names))]
    changes = reader.made if rng.random() < reader.share else DAMAGES
    change = changes[rng.integers(len(changes))]
    files[name] = change(rng, files[name])
    return files, change.__name__


def attempt(reader, files, folder):
    """Read the files in a folder: "read", "refused", or what went wrong."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    tracemalloc.start()
    start = time.perf_counter()
    try:
        reader.read(folder)
        outcome = "read"
    except nr.InputError as error:
        outcome = "refused" if str(folder) in str(error) else f"names no file: {error}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        outcome = f"{type(error).__name__} from {Path(place.filename).name}:{place.lineno}: {str(error)[:100]}"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for name in files:
        (folder / name).unlink()
    if peak > MEMORY:
        return f"took {peak / 1e6:.0f} MB"
    if time.perf_counter() - start > SECONDS:
        return f"took more than {SECONDS} s"
    return outcome


def run(name, cases, seed):
    """Damage and read; returns how many were read and refused, and {what went wrong: number of times}."""
    reader, counts, wrong = READERS[name], Counter(), Counter()
    import_module(reader.needs)  # its memory is not that of a file
    files = reader.files(np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as folder:
        whole = attempt(reader, files, Path(folder))
        assert whole == "read", f"{name}: whole files are not read: {whole}"
        for case in range(cases):
            damaged, what = damage(reader, files, np.random.default_rng([seed, case]))
            outcome = attempt(reader, damaged, Path(folder)).replace(folder, "")
            if outcome in ("read", "refused"):
                counts[outcome] += 1
            else:
                wrong[f"{what}: {outcome}"] += 1
    return counts, wrong


def read_all(readers, cases, seed):
    """Run `cases` for each of these readers, print what came of them, and return whether something went wrong."""
    failed = 0
    for name in readers:
        start = time.perf_counter()
        if not find_spec(READERS[name].needs):
            print(f"{name:<18} left out: it needs {READERS[name].needs}")
            continue
        counts, wrong = run(name, cases, seed)
        failed += wrong.total()
        counted = f"{counts['refused']:4} refused  {counts['read']:4} read  {wrong.total():4} wrong"
        print(f"{name:<18} {counted}  {time.perf_counter() - start:5.0f} s", flush=True)
        for outcome, times in wrong.most_common():
            print(f"    {times:4}  {outcome}")
    return failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)} (default: all)")
    parser.add_argument("--cases", type=int, default=800, help="damaged files for each reader (default: 800)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    return read_all(options.readers or READERS, options.cases, options.seed)


if __name__ == "__main__":
    sys.exit(main())
