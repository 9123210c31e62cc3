"""Variables of TensorFlow 1 as a tree of scopes: {name: array or the tree of a scope}."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..errors import InputError
from .layouts import listed

OF_CUDNN = re.compile(r"(^|/)bias_cudnn[_ ]\d$")
OLD_NAMES = {"weights": "kernel", "biases": "bias"}  # before TensorFlow 1.2
Tree: TypeAlias = dict[str, Any]


def tree_of(caller: str, variables: Mapping[str, Any], scope: str = "") -> Tree:
    """Sort the variables of a scope into a tree.

    Those of optimizers, which stand below other variables, are left out, and the two parts of its bias that CudnnLSTM
    keeps beside it.
    """
    names = {str(name).removesuffix(":0"): value for name, value in variables.items()}
    start = f"{scope.rstrip('/')}/" if scope else ""
    own = {name.removeprefix(start): value for name, value in names.items() if name.startswith(start)}
    own = {name: value for name, value in own.items() if not OF_CUDNN.search(name)}
    if not own:
        raise InputError(f"{caller}: expected variables in the scope {scope!r}, got {listed(names)}")
    tree: Tree = {}
    for name in sorted(own):  # a variable comes before those below it
        *scopes, last = name.split("/")
        last = OLD_NAMES.get(last, last)
        if isinstance(own[name], Mapping):
            raise InputError(f"{caller}: expected {name} to be an array, got {type(own[name]).__name__}")
        node: Any = tree
        for part in scopes:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[last] = own[name]
    return tree


def flat(tree: Tree, path: str = "") -> dict[str, Any]:
    """Return all variables of a tree by name."""
    found = {}
    for name, value in tree.items():
        found |= flat(value, f"{path}{name}/") if isinstance(value, dict) else {path + name: value}
    return found


def only_scope(tree: Tree) -> tuple[str, Tree] | None:
    """Return the name and tree of the scope that is all that a tree has; None if it has more."""
    scopes = [(name, value) for name, value in tree.items() if isinstance(value, dict)]
    return scopes[0] if len(scopes) == len(tree) == 1 else None


def entered(caller: str, tree: Tree, path: str, wanted: set[str], all_of_it: bool) -> tuple[Tree, str]:
    """Pass through scopes of one entry to the one with these entries, and nothing else if it has to be all of it."""
    while not wanted <= tree.keys() and (inside := only_scope(tree)):
        name, tree = inside
        path += f"{name}/"
    for name in sorted(wanted - tree.keys()):
        raise InputError(f"{caller}: expected {path}{name}, got {listed(tree)}{place_of(path)}")
    for name in sorted(tree.keys() - wanted):
        if all_of_it:
            got = f"{path}{name} too; scope='...' leaves other variables out"
            raise InputError(f"{caller}: expected {listed(wanted)} alone{place_of(path)}, got {got}")
    return tree, path


def place_of(path: str) -> str:
    return f" in {path.rstrip('/')}" if path else ""
