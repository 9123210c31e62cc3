"""States by name: nested tuples as {"0/h": array, "0/c": array, ...}, and back."""

from numbarnn.utils.tree import tree_leaves, tree_map, tuple_like


def names(tree, prefix=""):
    """The tree with the name of each leaf in its place: the path to it, "state" where there is but one."""
    if not isinstance(tree, tuple | list):
        return prefix.removesuffix("/") or "state"
    keys = getattr(tree, "_fields", range(len(tree)))
    return tuple_like(tree, [names(part, f"{prefix}{key}/") for key, part in zip(keys, tree, strict=True)])


def by_name(tree):
    """{name: leaf}."""
    return dict(zip(tree_leaves(names(tree)), tree_leaves(tree), strict=True))


def nest(tree, named):
    """What `named` holds, nested like the tree."""
    return tree_map(named.__getitem__, names(tree))
