"""Other libraries as witnesses beside autograd.

Each file here is a peer and has

    NAME            of the library, as in the results
    PACKAGES        what has to be installed
    has(case)       -> whether it can run the case, and its answer is the definition of ours
    values(problem) -> {"forward" or name of a cotangent: {(quantity, gate): array}}, as far as it shows them, in the
                       dtype of the problem; None if it has no such dtype

Weights go out through `numbarnn.interop`, and gradients come back through it, so its tables are proven as well.
"""

from importlib import import_module
from importlib.util import find_spec

FILES = {"torch": "pytorch", "keras": "keras", "onnx": "onnx", "tensorflow": "tensorflow1"}


def peer(name):
    """The peer of this name; importing it imports no library yet."""
    return import_module(f".{FILES[name]}", __name__)


def missing(name):
    """The packages that a peer lacks."""
    return [package for package in peer(name).PACKAGES if find_spec(package) is None]


def installed(names):
    """The names of those whose packages are there."""
    return tuple(name for name in names if not missing(name))
