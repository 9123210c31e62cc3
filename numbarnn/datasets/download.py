"""Published files: kept in the user's data folder, and downloaded there by pooch (the extra "data")."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError

MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
GITHUB = "https://raw.githubusercontent.com"
VOWELS = f"{GITHUB}/aeon-toolkit/aeon/v1.6.0/aeon/datasets/data/JapaneseVowels"
# SHA-256 and address of each file
PUBLISHED = {
    "train-images-idx3-ubyte.gz": ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", MNIST),
    "train-labels-idx1-ubyte.gz": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", MNIST),
    "t10k-images-idx3-ubyte.gz": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", MNIST),
    "t10k-labels-idx1-ubyte.gz": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", MNIST),
    "JapaneseVowels_TRAIN.ts": ("68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd", VOWELS),
    "JapaneseVowels_TEST.ts": ("b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462", VOWELS),
    "sunspots.csv": (
        "f67889b1d9002cd5227f0e0ef54e35b419cdd85a31279adef6f73fb41e5c0a9b",
        f"{GITHUB}/statsmodels/statsmodels/v0.14.4/statsmodels/datasets/sunspots",
    ),
    "input.txt": (
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        f"{GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare",
    ),
}


def user_folder() -> Path:
    """Name the user's data folder of numbarnn, ~/.local/share/numbarnn by default."""
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path("~/.local/share").expanduser()) / "numbarnn"


def kept(name: str, subfolder: str, files: Sequence[str], help: str) -> Path:
    """Return the subfolder of the user's data folder with all of `files`, which are downloaded if they are missing.

    `name` is the loader's, `help` says how else to get the files; both are for the message of the `InputError`.
    """
    try:
        folder = user_folder() / subfolder
    except RuntimeError as error:
        raise InputError(f"{name}: no data folder of a user: {error}; {help}") from error
    for file in files:
        if not (folder / file).is_file():
            _download(name, folder, file, help)
    return folder


def _download(name, folder, file, help):
    missing = f"{name}: expected {file} in {folder}, found none"
    if file not in PUBLISHED:
        raise InputError(f"{missing}, and numbarnn cannot download it: {help}")
    try:
        import pooch  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise InputError(f"{missing}. To download it: pip install 'numbarnn[data]'. Or {help}") from error
    digest, place = PUBLISHED[file]
    # no network, another file, no room: pooch and requests raise errors of many types
    try:
        pooch.retrieve(f"{place}/{file}", known_hash=f"sha256:{digest}", fname=file, path=folder)
    except Exception as error:
        raise InputError(f"{missing}, and {place}/{file} could not be downloaded ({error}): {help}") from error
