"""What is decided once for a cell and sizes: where every array lies, and the integers that kernels are told."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from .backward import CHUNK, backward_kernel
from .call import POSITION, Call
from .equations import (
    backward_equations,
    feedback_backward_equations,
    feedback_equations,
    forward_equations,
    slots_of,
)
from .forward import FEW, forward_kernel
from .products import product_kernel
from .simd import BYTES
from .workspace import rounded

CACHED = 1 << 14  # bytes of z between the products and the equations: with its neighbours they fit the first cache
BLOCK = (
    1 << 19
)  # bytes of dz between the backward walk and the weight gradients: with the rest they fit the second cache
FEW_ROWS = 12  # of a thread; with fewer, x W and dx are done for all steps at once, as products with many rows


class Layout:
    """Places of arrays in one piece of memory, each at the start of a cache line."""

    def __init__(self, dtype, **shapes):
        self.dtype, self.size, self.places = dtype, 0, {}
        for name, shape in shapes.items():
            self.places[name] = (self.size, shape)
            self.size += -(-math.prod(shape) * dtype.itemsize // 64) * 64 + 64

        self.size = rounded(self.size)

    def array(self, name, memory):
        start, shape = self.places[name]
        return np.ndarray(shape, self.dtype, memory, start)


@dataclass
class Plan:
    """All that does not change between calls on the same cell, sizes, dtype and threads."""

    cell: object
    dtype: np.dtype
    threads: int
    row_shards: int
    states: Layout  # h, c, y
    work: Layout  # z, q and packed weights
    gradients: Layout  # what the backward pass works with
    results: Layout  # what it returns
    template: np.ndarray  # of the call's integers: offsets in place of addresses
    offset: np.ndarray  # constants added to the bias
    blocks: int  # of the backward pass
    forward: int  # address of the kernel
    alive: dict  # arrays whose addresses stand in the template

    @functools.cached_property
    def backward(self):
        """Addresses of the kernel and of the cell's two equations; compiled when first needed."""
        second = feedback_backward_equations(self.cell, self.dtype.name) if self.cell.equations.feedback else 0
        return backward_kernel(self.dtype.name), backward_equations(self.cell, self.dtype.name), second


@functools.lru_cache(maxsize=512)
def plan(cell, dtype, T, B, I, keep, masked, threads):
    """The `Plan` of a pass; `keep`: everything the gradient needs stays, `masked`: outputs differ from h."""
    slots, H, V = slots_of(cell), cell.units, BYTES // dtype.itemsize
    P, Q, S, G = -(-H // V), -(-I // V), len(cell.states), len(slots.names)
    width = P * V  # of a row of h
    if width * dtype.itemsize % 1024 == 0:
        width += V  # rows whole KB apart would share few sets of the cache
    row_shards = min(threads, B)
    steps = max(1, CHUNK // B)
    block = max(steps, BLOCK // (P * B * slots.count * BYTES) // steps * steps) if B >= FEW or B >= T else T
    rows = -(-B // row_shards)
    ahead = rows < FEW_ROWS
    z_steps = T if keep or ahead else 1
    (x_slot, x), (h_slot, h), (q_slot, q) = (slots.run(cell, source) for source in "xhq")
    q_steps = (T if keep else 1) if q else 0

    packed = {"w": (P, I, x, V), "r": (P, H, h, V), "rq": (P, H, q, V), "b": (P, 1, G, V)}
    states = Layout(dtype, h=(T + 1, B, width), c=(T + 1 if keep else 1, B, S - 1, P * V), y=(T * masked, B, H))
    work = Layout(dtype, z=(z_steps, P, B, slots.count, V), q=(q_steps, B, width), **packed)
    gradients = Layout(
        dtype,
        dh=(B, width),
        dc=(B, S - 1, P * V),
        dq=(B, width),
        wt=(Q, P, x, V, V),
        rt=(P, P, h, V, V),
        rqt=(P, P, q, V, V),
        dx_rows=(threads, max(B, T), Q * V),
        **{"d" + name: shape for name, shape in packed.items()},
    )
    results = Layout(dtype, dx=(T, B, I), **{"bias": (G * H,)} | cell.param_shapes(I))

    alive = {"zeros": np.zeros(P * V, dtype), "ones": np.ones(V, dtype), "mask": np.ones(1, np.uint8)}
    alive |= blocks_of(cell, slots)
    numbers = dict.fromkeys(Call._fields, 0)
    for layout in states, work, gradients:
        numbers |= {name: start for name, (start, _) in layout.places.items()}
    numbers |= {name: array.__array_interface__["data"][0] for name, array in alive.items()}
    numbers |= dict(T=T, B=B, I=I, H=H, P=P, Q=Q, slots=slots.count, gates=G, ahead=int(ahead))
    numbers |= dict(x_slot=x_slot, x_slots=x, h_slot=h_slot, h_slots=h, q_slot=q_slot, q_slots=q)
    numbers |= dict(h_t=B * width, h_b=width, c_t=B * (S - 1) * P * V * keep, c_b=(S - 1) * P * V)
    numbers |= dict(z_t=P * B * slots.count * V * (z_steps > 1), z_p=B * slots.count * V, z_b=slots.count * V)
    numbers |= dict(q_t=B * width * keep, q_b=width, r_blocks=len(cell.fed_by("hq")))
    numbers |= dict(group=max(4 if slots.count == 1 else 1, CACHED // (rows * slots.count * BYTES)))
    numbers |= dict(block=block, blocks=-(-T // block))
    numbers |= dict(product=product_kernel(dtype.name), equations=forward_equations(cell, dtype.name))
    if q:
        numbers["feedback"] = feedback_equations(cell, dtype.name)
    template = np.array([int(numbers[name]) for name in Call._fields], np.int64)
    offset = np.repeat([cell.offsets.get(name, 0) for name in cell.inputs], H).astype(dtype)
    memory = states, work, gradients, results
    return Plan(
        cell,
        dtype,
        threads,
        row_shards,
        *memory,
        template,
        offset,
        numbers["blocks"],
        forward_kernel(dtype.name),
        alive,
    )


def blocks_of(cell, slots):
    """For each source, the blocks of the parameter that the slots it feeds belong to."""
    fed = {"x": cell.fed_by("x"), "h": cell.fed_by("hq"), "q": cell.fed_by("hq")}
    blocks = {"b_blocks": [list(cell.inputs).index(name) for name in slots.names]}
    for source, order in fed.items():
        first, count = slots.run(cell, source)
        blocks[f"{source}_blocks"] = [order.index(name) for name in slots.names[first : first + count]]
    return {name: np.array(numbers or [0], np.int64) for name, numbers in blocks.items()}


def span(first, last):
    """The part of a call from one field to another."""
    return slice(POSITION[first], POSITION[last] + 1)
