"""A forward pass that is run again and again, with the same parameters and in the same memory."""

import numpy as np

from ...runtime import workspace
from ...runtime.arrays import address
from ...runtime.threads import run, threads_for
from .engine import STATES, WORK, X, Y, meeting_place, multiply_adds, time_strides
from .host_layout import arrays_of
from .plan import plan
from .weights import ARGS_ADDRESS, HOISTED, weights_of


class RepeatedPass:
    """T steps of B rows of a cell, without masks, random numbers or a gradient.

    Call `run` with arrays of the right shapes and dtype, from one thread at a time; it checks nothing.
    """

    def __init__(self, cell, params, T, B, I):
        dtype, self.multiply_adds = params["kernel"].dtype, multiply_adds(cell, T, B, I)
        self.sizes, self.threads = (T, B), threads_for(self.multiply_adds)
        p = plan(cell, dtype, T, B, I, False, False, self.threads)
        self.kernel, self.weights = p.forward, weights_of(p, params)
        self.states, self.work = np.asarray(workspace.take(p.states.size)), workspace.take(p.work.size)
        self.x, self.numbers = np.empty((T, B, I), dtype), p.template.copy()
        self.args_address = self.numbers[ARGS_ADDRESS] = address(self.numbers)
        self.numbers[STATES] += address(self.states)
        self.numbers[WORK] += self.work.address
        self.numbers[X] = time_strides(address(self.x), self.x, False)
        if len(cell.output_states) == 1:
            self.numbers[Y] = 0
        self.weights.enter(self.numbers)
        if T == 1:
            self.numbers[HOISTED] = 0  # one stage less
        self.first_stage = 0 if self.numbers[HOISTED] else 1
        self.meeting_place = meeting_place(self.numbers, p.schedule, B)
        self.first = [p.states.array(name, self.states)[0] for name in p.state_names]
        self.before = [a[0] for a in arrays_of(p.before, dtype, self.states)]
        after = arrays_of(p.after, dtype, self.states)
        self.after = [a[-1] for a in after]
        self.outputs = p.states.array("y", self.states) if self.numbers[Y] else after[cell.output_states[0]]
        for array in self.first:  # the padding of the states, too
            array[:] = 0

    def serves(self, T, B):
        """Return whether it is one over so many steps and rows, on the threads that are worth waking now."""
        return self.sizes == (T, B) and self.threads == threads_for(self.multiply_adds)

    def run(self, x, state):
        """Run the steps from a state, None for zeros; returns outputs and final states, which the next run
        overwrites."""
        self.x[:] = x
        if state is None:
            for array in self.first:
                array[:] = 0
        else:
            for array, value in zip(self.before, state, strict=True):
                array[:] = value
        if self.meeting_place is not None:
            self.meeting_place[:] = 0
        run(self.kernel, 2, self.threads, self.args_address, self.first_stage)
        return self.outputs, self.after
