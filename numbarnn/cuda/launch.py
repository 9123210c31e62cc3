"""Starting kernels that walk through all steps in one launch, and what such a walk leaves to do."""

import functools

from numba import boolean, float32, int32, types, uint8

from ..maths import zero
from .arrays import everyone
from .arrays import launch as launch_each
from .tape import RESET
from .target import allow_shared, kernel

REAL = {axes: types.Array(float32, axes, "C") for axes in (1, 2, 3, 4)}
WALK = (REAL[4], REAL[2], types.Array(uint8, 2, "C"), REAL[4])  # z, recurrent kernel, flags, states
FORWARD = (*WALK, boolean)
BACKWARD = (*WALK, REAL[3], REAL[4], boolean)  # gradients of outputs and states, reverse
TOGETHER = (REAL[1], types.Array(int32, 1, "C"))  # what blocks tell each other, and their counters


@functools.cache
def compiled(make, cell, plan, signature):
    """The kernel make(cell, plan), allowed to use the shared memory that it needs."""
    ready = kernel(make(cell, plan), signature, launch_bounds=(plan.threads, 1))
    allow_shared(ready, plan.shared)
    return ready


def start(make, cell, plan, signature, blocks, *arguments):
    compiled(make, cell, plan, signature)[blocks, plan.threads, 0, plan.shared](*arguments)


def finish(tape):
    """After the walk forward: what was fed back where rows were reset."""
    if tape.before is not None:
        launch_each(copy_unless_reset, tape.before.size, tape.before_steps(tape.fed), tape.flags, tape.before)


def copy_unless_reset(source, flags, to):
    B, n = source.shape[1:]
    for i in everyone(source.size):
        t, b, u = i // (B * n), i // n % B, i % n
        to[t, b, u] = zero(source[t, b, u]) if flags[t, b] & RESET else source[t, b, u]
