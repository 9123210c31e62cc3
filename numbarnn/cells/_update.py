"""How the update gate u of a GRU mixes the old state with the new one."""

from numba.extending import register_jitable

from ..maths import one


@register_jitable
def kept(u, old, new):
    """Mix u of the old state with 1 - u of the new one."""
    return new + u * (old - new)


@register_jitable
def d_kept(u, old, new, d):
    """Return the gradients of u, old and new."""
    return d * (old - new), d * u, d * (one(u) - u)


@register_jitable
def renewed(u, old, new):
    """Mix 1 - u of the old state with u of the new one."""
    return old + u * (new - old)


@register_jitable
def d_renewed(u, old, new, d):
    return d * (new - old), d * (one(u) - u), d * u


UPDATES = {"keep": (kept, d_kept), "seed": (renewed, d_renewed)}
