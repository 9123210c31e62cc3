"""The memory of the passes of `engine` and of `segments`, planned step by step without compiling or running them."""

from ...runtime.threads import threads_for
from . import segments
from .barrier import BARRIER
from .engine import multiply_adds
from .plan import layouts


class Pass:
    """A planned pass of `engine`."""

    def __init__(self, memory, cell, inputs, keep):
        T, B, I, dtype, masked, tokens = inputs
        threads = threads_for(multiply_adds(cell, T, B, 1 if tokens else I))
        self.memory = memory
        self.layouts = layouts(cell, dtype, T, B, I, keep, masked, threads, tokens=tokens)
        self.states = memory.take("states", self.layouts.states.size)
        self.work = [memory.take("gates", self.layouts.work.size)]
        self.work.append(memory.take("packed weights", self.layouts.packed.size))
        schedule = self.layouts.schedule
        if schedule.team > 1:
            meetings = schedule.step_blocks + 1, schedule.threads // schedule.team, BARRIER
            self.work.append(memory.array("barriers", meetings, 8))
        if not keep:
            memory.release(*self.work)

    def backward(self, work=None):
        """Plan the gradient, in memory to work in; returns its results."""
        own = None if work else self.memory.take("gradients of a step and packed ones", self.layouts.gradients.size)
        results = self.memory.take("gradients", self.layouts.results.size)
        self.memory.release(*self.work, own)
        return results


class PassInSegments:
    """A planned pass of `segments`."""

    def __init__(self, memory, cell, inputs, keep, counts):
        T, B, I, dtype, _, tokens = inputs
        self.memory, self.cell, self.inputs, self.counts = memory, cell, inputs, counts
        self.states, self.work_size = None, 0
        self.dx_size = 0 if tokens else T * B * I * dtype.itemsize
        for steps in counts:
            part = Pass(memory, cell, inputs._replace(steps=steps), keep)
            if self.states is None:
                self.states = memory.take("outputs", T * B * cell.output_size * dtype.itemsize)
            memory.array("states between segments", (B, sum(cell.state_size)), dtype.itemsize)
            self.work_size = max(self.work_size, part.layouts.gradients.size)
            memory.release(part.states, *(part.work if keep else ()))

    def backward(self):
        """Plan the gradient."""
        work, results = self.memory.take("gradients of a step and packed ones", self.work_size), None
        if self.dx_size:
            self.memory.take("gradients", self.dx_size)
        for steps in reversed(self.counts):
            part = Pass(self.memory, self.cell, self.inputs._replace(steps=steps), keep=True)
            before, results = results, part.backward(work)
            self.memory.release(before, part.states)
        self.memory.release(work)


def plan_memory(cell, memory, inputs, options):
    """Plan a forward pass; returns a function that plans its gradient."""
    planned = planned_pass(cell, memory, inputs, options, options.keep)
    if options.keep:
        return planned.backward

    def backward():
        again = planned_pass(cell, memory, inputs, options, keep=True)
        if isinstance(again, PassInSegments):
            memory.release(again.states)
        again.backward()

    return backward


def planned_pass(cell, memory, inputs, options, keep):
    """Plan a forward pass as `options` want it."""
    T, B, I, dtype, *_ = inputs
    counts = segments.lengths(cell, dtype, T, B, I, keep) if options.segments else [T]
    return Pass(memory, cell, inputs, keep) if len(counts) == 1 else PassInSegments(memory, cell, inputs, keep, counts)
