"""The walk with one matrix product a step: any cell, any sizes, both dtypes; the reference for the other walks.

A walk is a pair of functions: `forward(tape)`, from the tape that `tape.begin` made to all states, and
`backward(tape, d)`, from the `Gradients` of the end to those of the start, with dz in z. All launches and products of a
step are made ready before the first one.
"""

from . import kernels
from .arrays import kernel, threads_for
from .blas import matrix, product
from .filled import fill
from .products import Products


class Step:
    """What is the same in all steps: kernels have a block for each row, or for a part of its units where nothing is
    summed over them."""

    def __init__(self, tape):
        B, H = tape.z.shape[1], tape.cell.units
        self.cell, self.dtype, self.threads = tape.cell, tape.real.name, threads_for(H)
        self.grid = (B, 1 if tape.cell.norms else -(-H // self.threads))

    def ready(self, make, *arguments):
        """The cell's kernel that `make` makes, to be started with t and t0 in the place of two last arguments."""
        return self.plain(make(self.cell, self.dtype), *arguments, 0, 0)

    def plain(self, function, *arguments):
        return kernel(function, arguments).ready(self.grid, self.threads, *arguments)


def place_before(tape, t):
    return t + 1 if tape.reverse else t


def forward(tape):
    fill(tape)
    cell, step, norms, B = tape.cell, Step(tape), tape.norms(), tape.z.shape[1]
    z, flags, H = tape.rows(tape.z).part(0, B), tape.flags, cell.units
    fed = matrix(tape.fed if tape.before is None else tape.before).part(0, B)
    add_fed = Products(tape, "h").to(z, fed, add=True)
    equations = step.ready(kernels.forward, tape.z, tape.states, norms, flags)
    if tape.before is not None:
        feed = step.plain(kernels.feed, tape.fed, tape.before, flags, 0, 0)
    if cell.equations.feedback:
        feedback = step.ready(kernels.feedback, tape.z, tape.states, tape.q, norms, flags)
        q = tape.rows(tape.q).part(0, B)
        add_q = [f for kind in range(tape.slots.kinds) for f in Products(tape, kind).to(z, q.block(kind * H, H), True)]
    if cell.num_proj:
        weights, h, r = matrix(tape.params["projection_kernel"]), matrix(tape.states[0]), tape.rows(tape.r)
        make_r = product(h.part(0, B), weights, r.part(0, B), mode=tape.mode)
        project = step.ready(kernels.project, tape.r, tape.y, flags)
    for t in tape.steps:
        t0 = place_before(tape, t)
        if tape.before is not None:
            feed(t, t0)
        for add in add_fed:
            add((t0 if tape.before is None else t) * B, t * B)
        if cell.equations.feedback:
            feedback(t, t0)
            for add in add_q:
                add(t * B, t * B)
        equations(t, t0)
        if cell.num_proj:
            make_r((2 * t + 1 - t0) * B, t * B)
            project(t, t0)


def backward(tape, d):
    cell, step, norms, B = tape.cell, Step(tape), tape.norms(d.norms), tape.z.shape[1]
    z, flags, H = tape.rows(tape.z).part(0, B), tape.flags, cell.units
    ds = d.states.reshape(len(cell.states), B, H)
    first = matrix(ds).part(0, B)
    back = Products(tape, "h").back(z, first if d.y is None else matrix(d.y), add=True)
    equations = step.ready(kernels.backward, tape.z, tape.states, d.states, d.outputs, norms, flags)
    if cell.num_proj:
        project = step.plain(kernels.project_backward(cell, step.dtype), tape.r, d.y, d.outputs, flags, 0)
        weights, r = matrix(tape.params["projection_kernel"]), tape.rows(tape.r).part(0, B)
        add_h = product(r, weights, first, add=True, turn_b=True, mode=tape.mode)
    if cell.equations.feedback:
        feedback = step.ready(kernels.feedback_backward, tape.z, tape.states, d.states, d.q, norms, flags)
        dq = tape.rows(d.q)
        kinds = range(tape.slots.kinds)
        make_q = [f for kind in kinds for f in Products(tape, kind).back(z, dq.block(kind * H, H), False)]
    stopped = [ds] if d.y is None else [ds, d.y.reshape(1, *d.y.shape)]
    stops = [step.plain(kernels.stop, array, flags, 0) for array in stopped] if d.stops else []
    for t in reversed(tape.steps):
        t0 = place_before(tape, t)
        if cell.num_proj:
            project(t)
            add_h(t * B)
        equations(t, t0)
        if cell.equations.feedback:
            for make in make_q:
                make(t * B)
            feedback(t, t0)
        for add in back:
            add(t * B)
        for stop in stops:
            stop(t)
