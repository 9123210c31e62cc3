"""The walk with one matrix product a step: any cell, any sizes, both dtypes; the reference for the other walks.

A walk is a pair of functions: `forward(tape)`, from the tape that `tape.begin` made to all states, and
`backward(tape, d)`, from the `Gradients` of the end to those of the start, with dz in z.
"""

from . import kernels
from .arrays import compiled, threads_for
from .blas import matrix, multiply
from .products import Products


class Step:
    """What is the same in all steps: kernels, with a block for each row, or for a part of its units where nothing is
    summed over them; and products."""

    def __init__(self, tape):
        B, H = tape.z.shape[1], tape.cell.units
        self.cell, self.dtype, self.threads = tape.cell, tape.real.name, threads_for(H)
        self.grid = (B, 1 if tape.cell.norms else -(-H // self.threads))
        self.back, self.of_q = Products(tape, "h"), [Products(tape, kind) for kind in range(tape.slots.kinds)]

    def kernel(self, make):
        """The cell's kernel that `make` makes, ready to be called."""
        return self.plain(make(self.cell, self.dtype))

    def plain(self, function):
        return compiled(function)[self.grid, self.threads]


def place_before(tape, t):
    return t + 1 if tape.reverse else t


def forward(tape):
    cell, step, norms, B = tape.cell, Step(tape), tape.norms(), tape.z.shape[1]
    equations, feedback = step.kernel(kernels.forward), cell.equations.feedback and step.kernel(kernels.feedback)
    project, feed = cell.num_proj and step.kernel(kernels.project), step.plain(kernels.feed)
    z, fed, first = tape.rows(tape.z), matrix(tape.fed), matrix(tape.states[0])
    for t in tape.steps:
        t0, z_t = place_before(tape, t), z.part(t * B, B)
        source = fed.part(t0 * B, B)
        if tape.before is not None:
            feed(tape.fed, tape.before, tape.flags, t, t0)
            source = tape.rows(tape.before, t)
        step.back.add_to(z_t, source)
        if feedback:
            feedback(tape.z, tape.states, tape.q, norms, tape.flags, t, t0)
            for kind, products in enumerate(step.of_q):
                products.add_to(z_t, tape.rows(tape.q, t).block(kind * cell.units, cell.units))
        equations(tape.z, tape.states, norms, tape.flags, t, t0)
        if project:
            h, weights = first.part((2 * t + 1 - t0) * B, B), matrix(tape.params["projection_kernel"])
            multiply(h, weights, tape.rows(tape.r, t), mode=tape.mode)
            project(tape.r, tape.y, tape.flags, t, t0)


def backward(tape, d):
    cell, step, norms, B = tape.cell, Step(tape), tape.norms(d.norms), tape.z.shape[1]
    equations, stop = step.kernel(kernels.backward), step.plain(kernels.stop)
    feedback = cell.equations.feedback and step.kernel(kernels.feedback_backward)
    project = cell.num_proj and step.kernel(kernels.project_backward)
    z, dq, ds = tape.rows(tape.z), tape.rows(d.q), d.states.reshape(len(cell.states), B, cell.units)
    first = matrix(ds).part(0, B)
    back = first if d.y is None else matrix(d.y)
    for t in reversed(tape.steps):
        t0, z_t = place_before(tape, t), z.part(t * B, B)
        if project:
            project(tape.r, d.y, d.outputs, tape.flags, t)
            weights = matrix(tape.params["projection_kernel"])
            multiply(tape.rows(tape.r, t), weights, first, add=True, turn_b=True, mode=tape.mode)
        equations(tape.z, tape.states, d.states, d.outputs, norms, tape.flags, t, t0)
        if feedback:
            for kind, products in enumerate(step.of_q):
                products.backward(z_t, dq.block(kind * cell.units, cell.units), add=False)
            feedback(tape.z, tape.states, d.states, d.q, norms, tape.flags, t, t0)
        step.back.backward(z_t, back, add=True)
        if d.stops:
            stop(ds, tape.flags, t)
            if d.y is not None:
                stop(d.y.reshape(1, *d.y.shape), tape.flags, t)
