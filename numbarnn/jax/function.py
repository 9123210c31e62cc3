"""A run and its gradient as a function that JAX differentiates."""

from functools import partial
from typing import Any

import jax  # pyright: ignore[reportMissingImports]  # an extra
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

from ..cells.rnn_cell import RNNCell
from ..utils.tree import tree_leaves
from .host_call import HostFunction, host_call
from .host_runs import Backward, Forward, ForwardAndKeep

Array = jax.ShapeDtypeStruct
HANDLE = Array((2,), jnp.uint32)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def run(how: tuple[RNNCell, bool, bool], arguments: dict[str, Any]) -> list[Any]:
    """Run a cell; `how` and `arguments` are those of `host_runs.Runner`. Return outputs and the final states."""
    return host_call(forward_pass(how, arguments), *jax.tree.leaves(arguments))


def forward_rule(how, arguments):
    """Run a cell, and remember its arguments and where the run is kept."""
    plain = forward_pass(how, arguments)
    kept = ForwardAndKeep(*how, jax.tree.structure(arguments))
    function = HostFunction(kept, (*plain.results, HANDLE), without_last=plain)
    *results, handle = host_call(function, *jax.tree.leaves(arguments))
    return results, (arguments, handle)


def backward_rule(how, residuals, d_results):
    """Back-propagate through time."""
    arguments, handle = residuals
    names = "params", "x", "initial_state"
    of = {name: arguments[name] for name in names}
    if jnp.issubdtype(of["x"].dtype, jnp.integer):
        of["x"] = None
    results = tuple(Array(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(of))
    function = HostFunction(Backward(*how, jax.tree.structure(arguments)), results)
    grads = host_call(function, handle, *d_results, *jax.tree.leaves(arguments))
    return (dict.fromkeys(arguments) | jax.tree.unflatten(jax.tree.structure(of), grads),)


run.defvjp(forward_rule, backward_rule)


def forward_pass(how: tuple[RNNCell, bool, bool], arguments: dict[str, Any]) -> HostFunction:
    """Describe the forward pass that keeps nothing."""
    cell, time_major, _ = how
    x, dtype = arguments["x"], jax.tree.leaves(arguments["params"])[0].dtype
    batch = 1 if time_major else 0
    states = [Array((x.shape[batch], size), dtype) for size in tree_leaves(cell.state_size)]
    results = Array((*x.shape[:2], cell.output_size), dtype), *states
    axes = {"x": batch, "mask": batch, "reset_mask": batch, "lengths": 0, "initial_state": 0}
    rows = tuple(axes.get(path[0].key) for path, _ in jax.tree.leaves_with_path(arguments))
    if arguments["seed"] is not None:  # rows that are mapped have equal random numbers, and rows of one run have not
        rows = None
    return HostFunction(Forward(*how, jax.tree.structure(arguments)), results, rows, (batch, *(0 for _ in states)))
