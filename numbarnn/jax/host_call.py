"""`host_call`: a function of NumPy arrays as an operation of JAX.

`jax.pure_callback` puts its arguments on a device first, and waits for that on a thread which may have to do it: where
XLA has one thread, it hangs (issue 24255 of JAX). Here the function gets XLA's own memory, without a copy.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax  # pyright: ignore[reportMissingImports]  # an extra
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
from jax.core import ShapedArray  # pyright: ignore[reportMissingImports]
from jax.extend.core import Primitive  # pyright: ignore[reportMissingImports]
from jax.interpreters import ad, batching, mlir, partial_eval  # pyright: ignore[reportMissingImports]

from ..errors import InputError

operation = Primitive("numbarnn")
operation.multiple_results = True


class HostFunction(NamedTuple):
    """A function of NumPy arrays; hashable, as JAX finds compiled programs by it.

    Attributes
    ----------
    run : callable
        Takes arrays, which it may read until it returns, and returns as many arrays as there are ``results``.
    results : tuple of ShapeDtypeStruct
        Shapes and dtypes of what it returns.
    batch_axes : tuple of (int or None), optional
        The batch axis of each argument, None for one that all rows share, if rows are independent of each other. Then
        `vmap` over rows makes one call with a larger batch; else it makes one call after the other.
    batch_axes_out : tuple of int, optional
        The batch axis of each result.
    without_last : HostFunction, optional
        What runs instead where nobody reads the last result.
    """

    run: Callable[..., list]
    results: tuple[jax.ShapeDtypeStruct, ...]
    batch_axes: tuple[int | None, ...] | None = None
    batch_axes_out: tuple[int, ...] = ()
    without_last: Any = None


@partial(jax.jit, static_argnums=0)
def host_call(function: HostFunction, *arrays: Any) -> list[Any]:
    """Call a function of NumPy arrays on the host."""
    return operation.bind(*arrays, function=function)


@operation.def_abstract_eval
def shapes(*arrays, function):
    return [ShapedArray(result.shape, result.dtype) for result in function.results]


def lowered(context, *arrays, function):
    def call(*arrays):
        return tuple(function.run(*arrays))

    types = context.avals_in, context.avals_out
    return mlir.emit_python_callback(context, call, None, list(arrays), *types, has_side_effect=False)[0]


def mapped(arrays, axes, *, function):
    """Return the results of `vmap` over some axes of the arguments, and which axes of theirs are mapped."""
    at, out = function.batch_axes, function.batch_axes_out
    if at is None or any(axis is not None and i is None for axis, i in zip(axes, at, strict=True)):
        return _one_after_the_other(arrays, axes, function)
    (size,) = {array.shape[axis] for array, axis in zip(arrays, axes, strict=True) if axis is not None}
    rows = [_as_rows(*one, size) for one in zip(arrays, axes, at, strict=True)]
    split = [(*r.shape[:i], size, *r.shape[i:]) for r, i in zip(function.results, out, strict=True)]
    joint = [_joint(shape, i) for shape, i in zip(split, out, strict=True)]
    types = tuple(jax.ShapeDtypeStruct(shape, r.dtype) for shape, r in zip(joint, function.results, strict=True))
    results = operation.bind(*rows, function=function._replace(results=types))
    return [result.reshape(shape) for result, shape in zip(results, split, strict=True)], out


def _one_after_the_other(arrays, axes, function):
    first = [jnp.moveaxis(a, axis, 0) for a, axis in zip(arrays, axes, strict=True) if axis is not None]

    def one(elements):
        elements = iter(elements)
        given = (a if axis is None else next(elements) for a, axis in zip(arrays, axes, strict=True))
        return operation.bind(*given, function=function)

    results = jax.lax.map(one, first)
    return results, [0] * len(results)


def _as_rows(array, axis, at, size):
    """Make one of a mapped axis and the batch axis `at`; where none is mapped, the rows are repeated."""
    if at is None:
        return array
    if axis is None:
        array, axis = jnp.broadcast_to(array, (size, *array.shape)), 0
    array = jnp.moveaxis(array, axis, at)
    return array.reshape(_joint(array.shape, at))


def _joint(shape, at):
    """Return a shape with two axes as one."""
    return (*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :])


def not_differentiable(*_, **__):
    raise InputError("nr.jax.rnn: expected one derivative, in reverse mode; the gradient has no derivative of its own")


def without_dead_code(used, equation):
    """Return which arguments are read, and the equation for the results that are; none if nobody reads any."""
    function = equation.params["function"]
    if not any(used):
        return [False] * len(equation.invars), None
    if not used[-1] and function.without_last:
        outvars, params = equation.outvars[:-1], equation.params | {"function": function.without_last}
        equation = equation.replace(outvars=outvars, params=params)
    return [True] * len(equation.invars), equation


mlir.register_lowering(operation, lowered)
batching.primitive_batchers[operation] = mapped
ad.primitive_jvps[operation] = not_differentiable
partial_eval.dce_rules[operation] = without_dead_code
