"""States by name: nested tuples as {"0/h": array, "0/c": array, ...}, and back."""

from numbarnn.utils.tree import leaves, nested, rebuilt


def names(tree, prefix=""):
    """The tree with the name of each leaf in its place: the path to it, "state" where there is but one."""
    if not isinstance(tree, tuple | list):
        return prefix.removesuffix("/") or "state"
    keys = getattr(tree, "_fields", range(len(tree)))
    return rebuilt(tree, [names(part, f"{prefix}{key}/") for key, part in zip(keys, tree, strict=True)])


def by_name(tree):
    """{name: leaf}."""
    return dict(zip(leaves(names(tree)), leaves(tree), strict=True))


def nest(tree, named):
    """What `named` holds, nested like the tree."""
    return nested(named.__getitem__, names(tree))
