"""Decide once for a cell and its sizes: where arrays lie, how threads share the work, and which kernels run."""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import config

from ...runtime.arrays import address
from ...runtime.child import compile_elsewhere, from_child
from ...runtime.compile import is_kept
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
from .gemm import PRODUCT, product, product_kernel
from .host_layout import state_places, state_views, vector_places
from .kernel_arguments import POSITION, KernelArguments
from .layer_norm import normalise_backward_kernel, normalise_kernel, sum_rows_kernel
from .projection import project_backward_kernel, project_kernel
from .teams import FEW_ROWS, rows_of_team, team_of

Z_BYTES = 1 << 14  # cache blocking: z between the products and the equations fits the first-level cache, with room
DZ_BYTES = 1 << 21  # of a block of steps in the backward pass: threads meet seldom, and dz stays in a cache


class Layout:
    """Places of arrays in one block of memory, each at the start of a cache line."""

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
        """View an array in the memory."""
        start, shape = self.places[name]
        return np.ndarray(shape, self.dtype, memory, start)

    def view(self, name, i, width):
        """Return shape, start and strides, in bytes, of the part [..., :width] of an array, or of [..., i, :width]."""
        start, (*shape, _) = self.places[name]
        strides = [math.prod(self.places[name][1][axis + 1 :]) * self.dtype.itemsize for axis in range(len(shape) + 1)]
        if i is not None:
            start, shape = start + i * strides.pop(-2), shape[:-1]
        return (*shape, width), start, tuple(strides)

    def strides(self, name):
        """Return an array's strides in numbers; that of the first axis is 0 if its only entry serves all steps."""
        count, *shape = self.places[name][1]
        time, *rest = (math.prod(shape[axis:]) for axis in range(len(shape) + 1))
        return time if count > 1 else 0, *rest

    def offsets(self):
        """Return {name: bytes from the start of the memory}."""
        return {name: start for name, (start, _) in self.places.items()}


class Sizes(NamedTuple):
    """Sizes of a pass; single letters as in `kernel_arguments`."""

    T: int
    B: int
    inputs: int  # of x, those included that units read one by one
    I: int
    H: int
    F: int
    V: int
    P: int
    Q: int
    PF: int
    states: int
    gates: int
    width: int  # stride of the rows of h and q
    v_width: int  # the same of v; 0 without projection


class Schedule(NamedTuple):
    """How threads share the work of a pass, and in which order it is done."""

    threads: int
    team: int  # threads that share the units of the same rows and meet in each step
    hoisted: bool  # x W before all steps, dx after them
    panel_block: int  # panels between the products and the equations
    step_block: int  # steps in a block of the backward pass
    step_blocks: int


class Layouts(NamedTuple):
    """The arrays of a pass, and what they depend on; nothing is compiled for it."""

    sizes: Sizes
    schedule: Schedule
    states: Layout  # h, v, c, h1, v1, c1, y
    work: Layout  # z and the other arrays of the steps
    packed: Layout  # packed parameters
    gradients: Layout  # what the backward pass works with
    results: Layout  # what the backward pass returns


@dataclass
class Plan:
    """All that does not change between calls with the same cell, sizes, dtype and threads."""

    cell: object
    dtype: np.dtype
    schedule: Schedule
    states: Layout  # h, v, c, h1, v1, c1, y
    work: Layout  # z and the other arrays of the steps
    packed: Layout  # packed parameters
    gradients: Layout  # what the backward pass works with
    results: Layout  # what the backward pass returns
    template: np.ndarray  # kernel arguments with offsets in the place of addresses
    before: tuple  # `Layout.view` of each state in the public order, before each step
    after: tuple  # after each step
    d_states: tuple  # of the gradient of each state
    state_names: tuple  # those out of h, v and c that the cell has
    vector_places: dict
    offset: np.ndarray  # constants added to the pre-activations, [pre-activation, H] in the order of the inputs
    noise_names: tuple  # pre-activations that are read from memory, not computed by a product, in the order of slots
    forward: int  # address of the kernel
    held: dict  # arrays whose addresses are in the template

    @cached_property
    def backward(self):
        """Address of the backward kernel, and {position: address} of those that it calls; compiled when first used."""
        cell, dtype = self.cell, self.dtype.name
        kernels = {"equations_backward": backward_equations(cell, dtype)}
        if cell.equations.feedback:
            kernels["feedback_backward"] = feedback_backward_equations(cell, dtype)
        if cell.norms:
            kernels |= {"normalise_backward": normalise_backward_kernel(dtype), "sum_rows": sum_rows_kernel(dtype)}
        if cell.num_proj is not None:
            kernels["project_backward"] = project_backward_kernel(dtype, cell.proj_clip)
        return from_child(backward_kernel, dtype), {POSITION[name]: address for name, address in kernels.items()}


@functools.lru_cache(maxsize=512)
def plan(cell, dtype, T, B, I, keep, masked, threads, resets=False, tokens=False):
    """Make the `Plan` of a pass over T steps of B rows of I inputs.

    `keep`: keep everything that the gradient needs. `masked`: outputs are zero at padding, unlike the states. `resets`:
    allocate separate arrays for the states after a step and before the next. `tokens`: x holds int64 indices below I,
    treated as one-hot vectors, which have no gradient.
    """
    slots, places = slots_of(cell), state_places(cell)
    sizes, schedule, states, work, packed, gradients, results = layouts(
        cell, dtype, T, B, I, keep, masked, threads, resets, tokens
    )
    held = held_arrays(cell, dtype, sizes, slots)
    numbers = sizes._asdict() | schedule._asdict() | slot_numbers(cell, slots, I)
    numbers |= states.offsets() | work.offsets() | packed.offsets() | gradients.offsets() | strides_of(states, work)
    if cell.num_proj is None:  # v is h
        numbers |= {v: numbers[h] for v, h in (("v", "h"), ("v1", "h1"), ("dv", "dh"), ("v_t", "h_t"), ("v_b", "h_b"))}
    numbers |= {name: address(array) for name, array in held.items()}
    forward, kernels = forward_kernels(cell, dtype.name)
    numbers |= kernels
    return Plan(
        cell=cell,
        dtype=dtype,
        schedule=schedule,
        states=states,
        work=work,
        packed=packed,
        gradients=gradients,
        results=results,
        template=np.array([int(numbers.get(name, 0)) for name in KernelArguments._fields], np.int64),
        before=state_views(places, states),
        after=state_views(places, states, "{}1"),
        d_states=state_views(places, gradients, "d{}"),
        state_names=("h", *("v",) * (cell.num_proj is not None), *("c",) * (len(cell.states) > 1)),
        vector_places=vector_places(cell),
        offset=np.repeat([[cell.offsets.get(name, 0)] for name in cell.inputs], sizes.H, axis=1).astype(dtype),
        noise_names=noise_names(cell, slots),
        forward=forward,
        held=held,
    )


def layouts(cell, dtype, T, B, I, keep, masked, threads, resets=False, tokens=False):
    """Make the `Layouts` of a pass; arguments are those of `plan`."""
    slots, shapes = slots_of(cell), cell.engine_shapes(I)
    sizes = sizes_of(cell, dtype, T, B, I, shapes["kernel"][0])
    schedule = schedule_of(cell, sizes, slots, threads)
    packed = packed_shapes(cell, sizes, slots)
    return Layouts(
        sizes,
        schedule,
        states=state_layout(cell, dtype, sizes, keep, masked, resets),
        work=work_layout(cell, dtype, sizes, slots, schedule, keep),
        packed=Layout(dtype, **packed),
        gradients=gradient_layout(cell, dtype, sizes, slots, threads, tokens, packed),
        results=Layout(dtype, dx=(T, B, 0 if tokens else I), vectors=(sizes.gates, sizes.H), **matrices_of(shapes)),
    )


def sizes_of(cell, dtype, T, B, inputs, I):
    """Make the `Sizes` of a pass; the kernel multiplies the first I of the inputs."""
    H, F, V = cell.units, cell.state_width, BYTES // dtype.itemsize
    P, Q, PF = -(-H // V), -(-I // V), -(-F // V)
    return Sizes(
        T=T,
        B=B,
        inputs=inputs,
        I=I,
        H=H,
        F=F,
        V=V,
        P=P,
        Q=Q,
        PF=PF,
        states=len(cell.states),
        gates=len(cell.inputs),
        width=spread_rows(P * V, V, dtype),
        v_width=0 if cell.num_proj is None else spread_rows(PF * V, V, dtype),
    )


def schedule_of(cell, sizes, slots, threads):
    """Make the `Schedule` of a pass on so many threads."""
    P = sizes.P
    team = team_of(cell, sizes, slots, threads)
    rows = rows_of_team(sizes, threads, team)
    step_block = steps_of_block(sizes, slots)
    return Schedule(
        threads=threads,
        team=team,
        hoisted=rows < FEW_ROWS,
        panel_block=P if cell.norms else max(4 if slots.count == 1 else 1, Z_BYTES // (rows * slots.count * BYTES)),
        step_block=step_block,
        step_blocks=-(-sizes.T // step_block),
    )


def steps_of_block(sizes, slots):
    """Return the steps in a block of the backward pass: whole partial sums of the weight gradients."""
    along_batch = sizes.B >= FEW or sizes.B >= sizes.T
    partial_sum_steps = max(1, CHUNK // sizes.B) if along_batch else CHUNK
    dz_bytes = sizes.P * sizes.B * slots.count * BYTES  # of a step
    return max(1, DZ_BYTES // dz_bytes // partial_sum_steps) * partial_sum_steps


def spread_rows(width, V, dtype):
    """Return the stride of rows of a width, in numbers: rows whole KB apart would share few sets of the cache."""
    return width + V if width * dtype.itemsize % 1024 == 0 else width


def packed_shapes(cell, sizes, slots):
    """Return the shapes of the packed parameters, {name: [panel, k, slot, V]}."""
    I, H, F, V, P = sizes.I, sizes.H, sizes.F, sizes.V, sizes.P
    x, h, q = (slots.run(cell, source)[1] for source in "xhq")
    projection = (sizes.PF, H, int(cell.num_proj is not None), V)
    shapes = {"w": (P, I, x, V), "rw": (P, F, h, V), "rq": (P, H, q, V), "pw": projection}
    norm = (P, 1, len(cell.normed), V)
    return shapes | {"b": (P, 1, sizes.gates, V), "scales": norm, "shifts": norm}


def state_layout(cell, dtype, sizes, keep, masked, resets):
    """Lay out the states before and after each step, and the outputs if they are not simply one state."""
    T, B, outputs = sizes.T, sizes.B, len(cell.output_states)
    projected = cell.num_proj is not None
    c_steps = T + 1 if keep or any(cell.output_states) else 1
    shapes = {
        "h": (T + 1, B, sizes.width),
        "v": ((T + 1) * projected, B, sizes.v_width),
        "c": (c_steps, B, sizes.states - 1, sizes.P * sizes.V),
    }
    after = {f"{name}1": (max(1, steps - 1), *shape) for name, (steps, *shape) in shapes.items() if resets}
    layout = Layout(dtype, **shapes, **after, y=(T * (masked or outputs > 1), B, outputs * sizes.F))
    if not resets:  # the states after a step are those before the next one
        for name, (steps, *_) in shapes.items():
            layout.shift(f"{name}1", name, int(steps > 1))
    return layout


def work_layout(cell, dtype, sizes, slots, schedule, keep):
    """Lay out z and what else a step computes; all steps share one entry if nothing is kept."""
    T, B, V, P = sizes.T, sizes.B, sizes.V, sizes.P
    kept, normed = T if keep else 1, len(cell.normed)
    return Layout(
        dtype,
        z=(T if keep or schedule.hoisted else 1, P, B, slots.count, V),
        q=(kept * any(slots.q_products), B, slots.kinds, sizes.width),
        r=(kept * (cell.num_proj is not None), B, sizes.PF * V),
        u=(kept, B, P, normed, V),
        i=(kept, B, len(cell.norms)),
    )


def gradient_layout(cell, dtype, sizes, slots, threads, tokens, packed):
    """Lay out the gradients of the states of one step, transposed weights, and packed gradients of the parameters."""
    T, B, V, P, Q, PF = sizes.T, sizes.B, sizes.V, sizes.P, sizes.Q, sizes.PF
    x, h, q = (slots.run(cell, source)[1] for source in "xhq")
    return Layout(
        dtype,
        dh=(B, sizes.width),
        dv=(B, sizes.v_width),
        dc=(B, sizes.states - 1, P * V),
        dq=(B, slots.kinds, sizes.width),
        wt=(0 if tokens else Q, P, x, V, V),
        rt=(PF, P, h, V, V),
        rqt=(P, P, q, V, V),
        pt=(P, PF, int(cell.num_proj is not None), V, V),
        dn=(B, P, len(cell.normed), 2, V),
        dw=packed["w"],
        dr=packed["rw"],
        drq=packed["rq"],
        dp=packed["pw"],
        db=packed["b"],
        dx_rows=(threads, max(B, T), 0 if tokens else Q * V),  # the last: the places of the sums do not depend on T
    )


def matrices_of(shapes):
    """Return {name: shape} of the parameters that are not vectors of pre-activations."""
    return {n: shape for n, shape in shapes.items() if n.endswith("kernel") or n.startswith("norm_")}


def strides_of(states, work):
    """Return the kernel arguments that are strides of the arrays of the steps."""
    h_t, h_b, _ = states.strides("h")
    v_t, v_b, _ = states.strides("v")
    c_t, c_b, *_ = states.strides("c")
    z_t, z_p, z_b, *_ = work.strides("z")
    q_t, q_b, q_kind, _ = work.strides("q")
    r_t, r_b, _ = work.strides("r")
    u_t, u_b, u_p, *_ = work.strides("u")
    i_t, *_ = work.strides("i")
    numbers = dict(h_t=h_t, h_b=h_b, v_t=v_t, v_b=v_b, c_t=c_t, c_b=c_b, z_t=z_t, z_p=z_p, z_b=z_b)
    return numbers | dict(q_t=q_t, q_b=q_b, q_kind=q_kind, r_t=r_t, r_b=r_b, u_t=u_t, u_b=u_b, u_p=u_p, i_t=i_t)


def slot_numbers(cell, slots, inputs):
    """Return the kernel arguments that describe a cell: its slots, products, norms, outputs and rows of its kernels."""
    (x_slot, x), (h_slot, h), (q_slot, q) = (slots.run(cell, source) for source in "xhq")
    noise = noise_names(cell, slots)
    has_feedback_kernel = cell.num_proj is not None and q > 0
    return dict(
        slots=slots.count,
        x_slot=x_slot,
        x_slots=x,
        h_slot=h_slot,
        h_slots=h,
        q_slot=q_slot,
        q_slots=q,
        m_slot=slots.names.index(noise[0]) if noise else 0,
        m_slots=len(noise),
        own_input=inputs - cell.units if "u" in cell.inputs.values() else -1,
        q_products=len(slots.q_products),
        outputs=len(cell.output_states),
        groups=len(cell.norms),
        early_groups=groups_before_feedback(cell),
        normed=len(cell.normed),
        h_width=cell.units * len(cell.fed_by("h" if has_feedback_kernel else "hq")),
        q_width=cell.units * len(cell.fed_by("q" if has_feedback_kernel else "hq")),
    )


def noise_names(cell, slots):
    """Return the pre-activations that are noise or a unit's own input, in the order of the slots."""
    return tuple(name for name in slots.names if cell.inputs[name] in ("m", "u"))


def groups_before_feedback(cell):
    """Return the number of normalised groups that `feedback` needs; they come first."""
    return sum(not set(cell.inputs[names[0]]) & set("q=") for names in cell.norms)


def must_compile(dtype):
    """Return whether the kernels that serve all cells of a dtype have to be compiled, which takes some seconds."""
    return not config.DISABLE_JIT and not is_kept(PRODUCT, product(dtype))


@functools.cache
def begin_compiling(dtype):
    """Let other processes begin with the kernels that serve all cells of a dtype, unless they are on disk."""
    if must_compile(dtype):
        compile_elsewhere(product_kernel, dtype)
        compile_elsewhere(backward_kernel, dtype)  # a gradient follows, most likely


def forward_kernels(cell, dtype):
    """Compile the forward kernel, and those that it calls; returns its address and {field: address}."""
    begin_compiling(dtype)
    kernels = {"equations": forward_equations(cell, dtype)}
    if cell.equations.feedback:
        kernels["feedback"] = feedback_equations(cell, dtype)
    if cell.norms:
        kernels["normalise"] = normalise_kernel(dtype, cell.norm_epsilon)
    if cell.num_proj is not None:
        kernels["project"] = project_kernel(dtype, cell.proj_clip)
    return forward_kernel(dtype), kernels | {"product": from_child(product_kernel, dtype)}


def held_arrays(cell, dtype, sizes, slots):
    """Make the arrays whose addresses are in the template: constants, a mask without padding, and tables."""
    held = {"zeros": np.zeros(max(len(cell.output_states) * sizes.P, sizes.PF) * sizes.V, dtype)}
    held |= {"ones": np.ones(sizes.V, dtype), "mask": np.ones(1, np.uint8)}
    return held | parameter_blocks(cell, slots) | tables_of(cell, slots)


def parameter_blocks(cell, slots):
    """Return, for each source, the blocks of its parameter that the slots it feeds belong to."""
    split = cell.num_proj is not None
    fed = {"x": cell.fed_by("x"), "h": cell.fed_by("h" if split else "hq"), "q": cell.fed_by("q" if split else "hq")}
    blocks = {"b_blocks": [list(cell.inputs).index(name) for name in slots.names], "n_blocks": range(len(cell.normed))}
    for source, order in fed.items():
        first, count = slots.run(cell, source)
        blocks[f"{source}_blocks"] = [order.index(name) for name in slots.names[first : first + count]]
    return {name: np.array([*numbers] or [0], np.int64) for name, numbers in blocks.items()}


def tables_of(cell, slots):
    """Make the tables of products with q, of groups of layer norm and of output states (see `KernelArguments`)."""
    groups = []
    for names in cell.norms:
        places = [slots.names.index(name) for name in names]
        if places != list(range(places[0], places[0] + len(names))):
            raise NotImplementedError(f"{type(cell).__name__}: {names} are not fed by the same, so not neighbours")
        groups.append((places[0], len(names), cell.normed.index(names[0])))
    tables = {"q_product_table": slots.q_products, "group_table": groups}
    tables = {name: np.array([*rows] or [(0, 0, 0)], np.int64) for name, rows in tables.items()}
    return tables | {"output_table": np.array(cell.output_states, np.int64)}
