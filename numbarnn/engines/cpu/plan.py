"""What is decided once for a cell and sizes: where every array lies, and the integers that kernels are told."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from ...runtime.arrays import address
from ...runtime.simd import BYTES
from ...runtime.workspace import rounded
from ...utils.lazy import cached_property
from .backward import CHUNK, backward_kernel
from .cell_kernels import (
    backward_equations,
    feedback_backward_equations,
    feedback_equations,
    forward_equations,
    slots_of,
)
from .forward import FEW, forward_kernel
from .gemm import product_kernel
from .host_layout import state_places, vector_places
from .kernel_arguments import POSITION, KernelArguments
from .layer_norm import normalise_backward_kernel, normalise_kernel, sum_rows_kernel
from .projection import project_backward_kernel, project_kernel

CACHED = 1 << 14  # bytes of z between the products and the equations: with its neighbours they fit the first cache
BLOCK = 1 << 21  # bytes of dz between the backward walk and the gradients: threads meet seldom, and dz stays close
FEW_ROWS = 12  # of a thread; with fewer, x W and dx are done for all steps at once, as products with many rows


class Layout:
    """Places of arrays in one piece of memory, each at the start of a cache line."""

    def __init__(self, dtype, **shapes):
        self.dtype, self.size, self.places = dtype, 0, {}
        for name, shape in shapes.items():
            self.places[name] = (self.size, shape)
            self.size += -(-math.prod(shape) * dtype.itemsize // 64) * 64 + 64

        self.size = rounded(self.size)

    def shift(self, name, of, entries):
        """Let `name` be the array `of` without its first entries."""
        start, (count, *shape) = self.places[of]
        self.places[name] = start + entries * math.prod(shape) * self.dtype.itemsize, (count - entries, *shape)

    def array(self, name, memory):
        start, shape = self.places[name]
        return np.ndarray(shape, self.dtype, memory, start)


@dataclass
class Plan:
    """All that does not change between calls on the same cell, sizes, dtype and threads."""

    cell: object
    dtype: np.dtype
    threads: int
    states: Layout  # h, v, c, h1, v1, c1, y
    work: Layout  # z and what else the gradient needs, and packed weights
    gradients: Layout  # what the backward pass works with
    results: Layout  # what it returns
    template: np.ndarray  # of the call's integers: offsets in place of addresses
    carried: tuple  # `state_places`
    first: tuple  # arrays of states that there are
    vectors: dict  # `vector_places`
    offset: np.ndarray  # constants added to the pre-activations, [pre-activation, H] in the order of the inputs
    draws: tuple  # names of the pre-activations that are given, by slot
    blocks: int  # of the backward pass
    together: bool  # whether threads walk together
    forward: int  # address of the kernel
    alive: dict  # arrays whose addresses stand in the template

    @cached_property
    def backward(self):
        """Address of the kernel, and of those that it calls, {field: address}; compiled when first needed."""
        cell, dtype = self.cell, self.dtype.name
        kernels = {"equations_backward": backward_equations(cell, dtype)}
        if cell.equations.feedback:
            kernels["feedback_backward"] = feedback_backward_equations(cell, dtype)
        if cell.norms:
            kernels |= {"normalise_backward": normalise_backward_kernel(dtype), "sum_rows": sum_rows_kernel(dtype)}
        if cell.num_proj is not None:
            kernels["project_backward"] = project_backward_kernel(dtype, cell.proj_clip)
        return backward_kernel(dtype), {POSITION[name]: address for name, address in kernels.items()}


def forward_kernels(cell, dtype):
    """Addresses of the kernels that a forward pass calls, {field: address}."""
    kernels = {"product": product_kernel(dtype), "equations": forward_equations(cell, dtype)}
    if cell.equations.feedback:
        kernels["feedback"] = feedback_equations(cell, dtype)
    if cell.norms:
        kernels["normalise"] = normalise_kernel(dtype, cell.norm_epsilon)
    if cell.num_proj is not None:
        kernels["project"] = project_kernel(dtype, cell.proj_clip)
    return kernels


@functools.lru_cache(maxsize=512)
def plan(cell, dtype, T, B, I, keep, masked, threads, resets=False, tokens=False):
    """The `Plan` of a pass; `keep`: everything the gradient needs stays, `masked`: outputs differ from what is fed
    back, `resets`: states after a step from those before the next one, `tokens`: integers below I in the place of x,
    which have no gradient."""
    slots, H, F, V = slots_of(cell), cell.units, cell.state_width, BYTES // dtype.itemsize
    shapes, inputs = cell.engine_shapes(I), I
    I = shapes["kernel"][0]  # what no unit reads on its own
    projected = cell.num_proj is not None
    P, Q, PF, S, G = -(-H // V), -(-I // V), -(-F // V), len(cell.states), len(slots.names)
    width, v_width = spread_rows(P * V, V, dtype), spread_rows(PF * V, V, dtype) if projected else 0
    rows = -(-B // min(threads, B))
    ahead = rows < FEW_ROWS
    together = B < threads <= P and not cell.norms and not projected
    rows = B if together else rows
    steps = max(1, CHUNK // B)
    block = max(steps, BLOCK // (P * B * slots.count * BYTES) // steps * steps) if B >= FEW or B >= T else T
    z_steps, kept_steps = (T if keep or ahead else 1), (T if keep else 1)
    q_steps = kept_steps * any(slots.links)
    c_steps = T + 1 if keep or any(cell.output_states) else 1
    (x_slot, x), (h_slot, h), (q_slot, q) = (slots.run(cell, source) for source in "xhq")
    draws = tuple(name for name in slots.names if cell.inputs[name] in ("m", "u"))
    own = inputs - H if "u" in cell.inputs.values() else -1
    normed, groups = len(cell.normed), len(cell.norms)

    packed = {"w": (P, I, x, V), "rw": (P, F, h, V), "rq": (P, H, q, V), "pw": (PF, H, projected, V), "b": (P, 1, G, V)}
    norms = {"scales": (P, 1, normed, V), "shifts": (P, 1, normed, V)}
    others = dict(q=(q_steps, B, slots.kinds, width), r=(kept_steps * projected, B, PF * V))
    others |= dict(u=(kept_steps, B, P, normed, V), i=(kept_steps, B, groups))
    first = dict(h=(T + 1, B, width), v=((T + 1) * projected, B, v_width), c=(c_steps, B, S - 1, P * V))
    after = {f"{name}1": (max(1, shape[0] - 1), *shape[1:]) for name, shape in first.items() if resets}
    outputs = len(cell.output_states)
    states = Layout(dtype, **first, **after, y=(T * (masked or outputs > 1), B, outputs * F))
    if not resets:
        for name, (steps, *_) in first.items():
            states.shift(f"{name}1", name, int(steps > 1))
    work = Layout(dtype, z=(z_steps, P, B, slots.count, V), **others, **packed, **norms)
    gradients = Layout(
        dtype,
        dh=(B, width),
        dv=(B, v_width),
        dc=(B, S - 1, P * V),
        dq=(B, slots.kinds, width),
        wt=(0 if tokens else Q, P, x, V, V),
        rt=(PF, P, h, V, V),
        rqt=(P, P, q, V, V),
        pt=(P, PF, int(projected), V, V),
        dx_rows=(threads, max(B, T), 0 if tokens else Q * V),
        dn=(B, P, normed, 2, V),
        dw=packed["w"],
        dr=packed["rw"],
        drq=packed["rq"],
        dp=packed["pw"],
        db=packed["b"],
    )
    results = Layout(dtype, dx=(T, B, 0 if tokens else inputs), vectors=(G, H), **matrices_of(shapes))

    alive = {"zeros": np.zeros(max(outputs * P, PF) * V, dtype)}
    alive |= {"ones": np.ones(V, dtype), "mask": np.ones(1, np.uint8)}
    alive |= blocks_of(cell, slots) | tables_of(cell, slots)
    numbers = dict.fromkeys(KernelArguments._fields, 0)
    for layout in states, work, gradients:
        numbers |= {name: start for name, (start, _) in layout.places.items()}
    if not projected:
        numbers |= dict(v=numbers["h"], v1=numbers["h1"], dv=numbers["dh"])
    numbers |= {name: address(array) for name, array in alive.items()}
    numbers |= dict(T=T, B=B, I=I, H=H, F=F, P=P, Q=Q, PF=PF, slots=slots.count, gates=G, ahead=int(ahead))
    numbers |= dict(x_slot=x_slot, x_slots=x, h_slot=h_slot, h_slots=h, q_slot=q_slot, q_slots=q)
    m_slot = slots.names.index(draws[0]) if draws else 0
    numbers |= dict(m_slot=m_slot, draws=len(draws), own=own, links=len(slots.links), outputs=outputs)
    numbers |= dict(groups=groups, later=groups_before_feedback(cell), normed=normed)
    numbers |= dict(h_t=B * width, h_b=width, c_t=B * (S - 1) * P * V * (c_steps > 1), c_b=(S - 1) * P * V)
    numbers |= dict(v_t=B * v_width, v_b=v_width) if projected else dict(v_t=B * width, v_b=width)
    numbers |= dict(z_t=P * B * slots.count * V * (z_steps > 1), z_p=B * slots.count * V, z_b=slots.count * V)
    numbers |= dict(q_t=B * slots.kinds * width * keep, q_b=slots.kinds * width, q_kind=width)
    numbers |= dict(r_t=B * PF * V * keep, r_b=PF * V, i_t=B * groups * keep)
    numbers |= dict(u_t=P * B * normed * V * keep, u_p=normed * V, u_b=P * normed * V)
    split = projected and q > 0  # the feedback kernel is a parameter of its own
    numbers |= dict(
        h_width=H * len(cell.fed_by("h" if split else "hq")), q_width=H * len(cell.fed_by("q" if split else "hq"))
    )
    group = P if groups else max(4 if slots.count == 1 else 1, CACHED // (rows * slots.count * BYTES))
    numbers |= dict(group=group, block=block, blocks=-(-T // block)) | forward_kernels(cell, dtype.name)
    template = np.array([int(numbers[name]) for name in KernelArguments._fields], np.int64)
    offset = np.repeat([[cell.offsets.get(name, 0)] for name in cell.inputs], H, axis=1).astype(dtype)
    exists = ("h", *("v",) * projected, *("c",) * (S > 1))
    memory, forward = (states, work, gradients, results), forward_kernel(dtype.name)
    carried, vectors = (state_places(cell), exists), vector_places(cell)
    decided = template, *carried, vectors, offset, draws, numbers["blocks"], together, forward, alive
    return Plan(cell, dtype, threads, *memory, *decided)


def spread_rows(width, V, dtype):
    """Numbers of a row: rows whole KB apart would share few sets of the cache."""
    return width + V if width * dtype.itemsize % 1024 == 0 else width


def matrices_of(shapes):
    """The parameters that are no vectors of pre-activations."""
    return {n: shape for n, shape in shapes.items() if n.endswith("kernel") or n.startswith("norm_")}


def groups_before_feedback(cell):
    """Number of normalised groups that `feedback` needs; they come first."""
    return sum(not set(cell.inputs[names[0]]) & set("q=") for names in cell.norms)


def blocks_of(cell, slots):
    """For each source, the blocks of the parameter that the slots it feeds belong to."""
    split = cell.num_proj is not None
    fed = {"x": cell.fed_by("x"), "h": cell.fed_by("h" if split else "hq"), "q": cell.fed_by("q" if split else "hq")}
    blocks = {"b_blocks": [list(cell.inputs).index(name) for name in slots.names], "n_blocks": range(len(cell.normed))}
    for source, order in fed.items():
        first, count = slots.run(cell, source)
        blocks[f"{source}_blocks"] = [order.index(name) for name in slots.names[first : first + count]]
    return {name: np.array([*numbers] or [0], np.int64) for name, numbers in blocks.items()}


def tables_of(cell, slots):
    """Products with q and groups of layer norm, three integers each, and the output states (see `KernelArguments`)."""
    groups = []
    for names in cell.norms:
        places = [slots.names.index(name) for name in names]
        if places != list(range(places[0], places[0] + len(names))):
            raise NotImplementedError(f"{type(cell).__name__}: {names} are not fed by the same, so not neighbours")
        groups.append((places[0], len(names), cell.normed.index(names[0])))
    tables = {"link_table": slots.links, "group_table": groups}
    tables = {name: np.array([*rows] or [(0, 0, 0)], np.int64) for name, rows in tables.items()}
    return tables | {"output_table": np.array(cell.output_states, np.int64)}


def span(first, last):
    """The part of a call from one field to another."""
    return slice(POSITION[first], POSITION[last] + 1)
