"""Nested tuples of arrays: map a function over the leaves, list them, rebuild the nesting."""


def tree_map(function, tree, *others):
    """The tree with `function` of its leaves, and of those at the same places of `others`, in their place; named tuples
    keep their names."""
    if not isinstance(tree, tuple | list):
        return function(tree, *others)
    return tree_unflatten(tree, [tree_map(function, *parts) for parts in zip(tree, *others, strict=True)])


def tree_unflatten(tree, parts):
    """The parts in a tuple like the tree."""
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def tree_leaves(tree):
    """The leaves of nested tuples, from left to right."""
    return [leaf for part in tree for leaf in tree_leaves(part)] if isinstance(tree, tuple | list) else [tree]
