"""Starting kernels that walk through all steps in one launch, and what such a walk leaves to do."""

import functools

import numpy as np

from ...maths import zero
from .arrays import everyone
from .arrays import launch as launch_each
from .tape import RESET
from .target import Kernel


def array(dtype, axes):
    return np.dtype(dtype), axes, True


REAL = {axes: array("float32", axes) for axes in (1, 2, 3, 4)}
FORWARD = (REAL[4], REAL[2], REAL[2], array("uint8", 2), REAL[4], bool)  # z, vectors, recurrent kernel, flags, states
BACKWARD = (REAL[4], REAL[2], array("uint8", 2), REAL[4], REAL[3], REAL[4], bool)  # ... gradients of outputs, states
TOGETHER = (REAL[1], array("int32", 1))  # what blocks tell each other, and their counters


def forward_arguments(tape):
    """Those of the kinds `FORWARD`."""
    return tape.z, tape.vectors, tape.params["recurrent_kernel"], tape.flags, tape.states, tape.reverse


def backward_arguments(tape, d):
    """Those of the kinds `BACKWARD`."""
    return tape.z, tape.params["recurrent_kernel"], tape.flags, tape.states, d.outputs, d.states, tape.reverse


@functools.cache
def compiled(make, cell, plan, kinds):
    """The kernel make(cell, plan)."""
    together = kinds[-len(TOGETHER) :] == TOGETHER
    return Kernel(make(cell, plan), kinds, plan.threads, plan.shared, together)


def start(make, cell, plan, kinds, blocks, *arguments):
    compiled(make, cell, plan, kinds).start((blocks, 1), plan.threads, *arguments)


def finish(tape):
    """After the walk forward: what was fed back where rows were reset."""
    if tape.before is not None:
        launch_each(copy_unless_reset, tape.before.size, tape.before_steps(tape.fed), tape.flags, tape.before)


def copy_unless_reset(source, flags, to):
    B, n = source.shape[1:]
    for i in everyone(source.size):
        t, b, u = i // (B * n), i // n % B, i % n
        to[t, b, u] = zero(source[t, b, u]) if flags[t, b] & RESET else source[t, b, u]
