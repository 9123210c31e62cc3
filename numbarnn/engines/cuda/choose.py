"""Which walk runs a pass, forward and backward each for itself: they share one tape.

small        one launch, a block for a few rows: weights in registers, blocks never wait for each other.
small_twice  the same for cells that multiply twice a step.
persistent   one launch, all blocks at the same time: weights in shared memory, a barrier a step.
per_step     one cuBLAS product and one kernel a step: any cell, any sizes, float32 and float64.

small and persistent are for float32 and for plain cells: one product with h a step, nothing normalised or projected.
Of all their plans that fit the registers and the shared memory of the GPU, the one of the fewest clocks a step runs,
unless per_step should take fewer: it takes what cuBLAS needs for the product, or the host to launch. The plans say how
they count clocks; from the sizes come H, the rows B and the pre-activations that h feeds, from the GPU its `Gpu`.
small_twice is for float32 too, and taken wherever a cell fits.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from . import per_step, persistent, small, small_twice
from .persistent_plan import persistent_plan
from .small_plan import SmallPlan, small_plan
from .small_twice import multiplies_twice
from .target import SIMULATOR, gpu
from .tuples import fed_by

LAUNCHES = 26_000  # clocks in which the host launches the kernels of a step, 13 microseconds
BETWEEN = 8000  # clocks for the equations of a step, and between its kernels
FMA = 128  # multiply-adds of a multiprocessor in a clock, of which cuBLAS reaches 40 % in products of one step


class Walk(NamedTuple):
    forward: Any  # (tape)
    backward: Any  # (tape, gradients)


def is_plain(cell):
    one_product = not (cell.equations.feedback or cell.norms or cell.num_proj) and bool(fed_by(cell))
    return one_product and len(cell.output_states) == 1


def plan_for(cell, B, gpu, backward):
    """The plan of the walk in one launch that should be fastest; None where a walk step by step should be."""
    H, gates = cell.units, len(fed_by(cell))
    if multiplies_twice(cell):
        return small_plan(H, gates + len(fed_by(cell, "q")), B, gpu, backward, small_twice.WORKING)
    if not is_plain(cell):
        return None
    alone = small_plan(H, gates, B, gpu, backward)
    together = persistent_plan(H, gates, B, gpu, backward) if gpu.copies else None
    clocks = {None: max(LAUNCHES, B * H * gates * H / (0.4 * FMA * gpu.processors) + BETWEEN)}
    clocks |= {alone: alone.clocks(B, gpu)} if alone else {}
    clocks |= {together: together.clocks} if together else {}
    return min(clocks, key=clocks.get)


def walk_for(tape):
    """The walk for this tape. The simulator, which runs one block after the other, walks step by step."""
    if SIMULATOR or tape.real != np.float32:
        return Walk(per_step.forward, per_step.backward)
    return walk_of(tape.cell, tape.z.shape[1], gpu())


@cache
def walk_of(cell, B, gpu):
    """For float32."""
    return Walk(*(walk_with(cell, plan_for(cell, B, gpu, d == "backward"), d) for d in Walk._fields))


def walk_with(cell, plan, direction):
    """The function of the walk that follows a plan."""
    if plan is None:
        return getattr(per_step, direction)
    return partial(getattr(module_of(cell, plan), direction), plan=plan)


def module_of(cell, plan):
    if isinstance(plan, SmallPlan):
        return small_twice if multiplies_twice(cell) else small
    return persistent
