"""Trees: nested tuples, such as the states of a composite cell; everything else is a leaf."""

from collections.abc import Callable, Iterable
from typing import Any


def tree_map(function: Callable, tree: Any, *others: Any) -> Any:
    """Call a function on each leaf of a tree, with the leaves of others at the same place; return the tree of results.

    Named tuples stay named.
    """
    if not isinstance(tree, tuple | list):
        return function(tree, *others)
    return tuple_like(tree, [tree_map(function, *parts) for parts in zip(tree, *others, strict=True)])


def tree_leaves(tree: Any) -> list:
    """List the leaves of a tree from left to right."""
    return [leaf for part in tree for leaf in tree_leaves(part)] if isinstance(tree, tuple | list) else [tree]


def tree_lists(tree: Any) -> Any:
    """Return a tree with lists for its tuples."""
    return [tree_lists(part) for part in tree] if isinstance(tree, tuple | list) else tree


def tree_unflatten(tree: Any, leaves: Iterable) -> Any:
    """Replace the leaves of a tree by others, from left to right."""
    leaves = iter(leaves)
    return tree_map(lambda _: next(leaves), tree)


def tuple_like(node: Any, parts: Iterable) -> Any:
    """Put the parts of a tree into a tuple of the type of `node`, which may be named."""
    return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
