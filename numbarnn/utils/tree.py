"""Nested tuples of arrays: map a function over the leaves, list them, rebuild the nesting."""


def nested(function, tree, *others):
    """The tree with `function` of its leaves, and of those at the same places of `others`, in their place; named tuples
    keep their names."""
    if not isinstance(tree, tuple | list):
        return function(tree, *others)
    return rebuilt(tree, [nested(function, *parts) for parts in zip(tree, *others, strict=True)])


def rebuilt(tree, parts):
    """The parts in a tuple like the tree."""
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def leaves(tree):
    """The leaves of nested tuples, from left to right."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple | list) else [tree]
