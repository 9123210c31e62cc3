"""How a block of the kernels in `small` shares out its work."""

import functools
from typing import NamedTuple

REGISTERS = 1 << 16  # of a multiprocessor, which has four parts
MOST_REGISTERS = 255  # of a thread
WORKING = (64, 80)  # registers of a thread for all but weights, forward and backward
MOST_THREADS = 1024
EQUATIONS = 100  # instructions of a step, in each warp, for all but the product
LATENCY = 300  # clocks of a step with next to no work: a chain of loads, sums, equations and a barrier
SLOWER = 2  # times what is counted: so many clocks an H100 took


class SmallPlan(NamedTuple):
    """A block runs `rows` rows of the batch; `lanes` neighbouring threads share a unit, and each multiplies `part`
    places of h (or of one pre-activation's dz). The weights of the first `kept` places stay in registers."""

    units: int
    gates: int  # pre-activations that products with h, and with q, feed
    lanes: int
    rows: int
    part: int
    stride: int  # from one lane's part to the next in shared memory
    kept: int
    threads: int
    backward: bool

    @property
    def rest(self):
        """Weights of all threads that stay in shared memory."""
        return (self.part - self.kept) * self.gates * self.threads

    @property
    def vector(self):
        """Places in shared memory of a number for each unit."""
        return self.lanes * self.stride

    @property
    def row(self):
        """Places of a row: h forward, dz of all gates backward."""
        return self.vector * (self.gates if self.backward else 1)

    @property
    def half(self):
        """Places of the rows of a step."""
        return self.rows * self.row

    @property
    def shared(self):
        """Bytes of shared memory: what is told in two steps, and weights."""
        return 4 * (2 * self.half + self.rest)

    def clocks(self, B, gpu):
        """Of a step of all rows, roughly."""
        warps, ins = self.threads // 32, self.gates if self.backward else 1
        adds = self.gates * self.part * self.rows * -(-warps // 4)
        loads = self.rows * ins * self.part // 4 * warps + 4 * self.rest // 128
        equations = EQUATIONS * -(-warps // 4)
        resident = max(1, REGISTERS // (self.threads * (self.gates * self.kept + WORKING[self.backward])))
        blocks = -(-B // (self.rows * gpu.processors))  # of a multiprocessor
        return SLOWER * (-(-blocks // resident) * LATENCY + blocks * (max(adds, loads) + equations))


def registers_of(threads):
    """Registers that a thread may have, in blocks of this many threads."""
    warps_of_part = -(-threads // 128)
    return min(MOST_REGISTERS, REGISTERS // 128 // warps_of_part // 8 * 8)


def plan_with(units, gates, lanes, rows, backward, working=0):
    part, threads = -(-units // (4 * lanes)) * 4, -(-units * lanes // 32) * 32
    stride = part
    while len({lane * stride % 32 for lane in range(lanes)}) < lanes:  # each lane reads from other banks
        stride += 4
    free = max(0, registers_of(threads) - WORKING[backward] - working)
    kept = min(part, free // gates // 4 * 4)
    return SmallPlan(units, gates, lanes, rows, part, stride, kept, threads, backward)


@functools.cache
def small_plan(units, gates, B, gpu, backward, working=0):
    """The plan that should be fastest for a batch of B rows; None where a cell does not fit one block. `working`: how
    many registers more than others a kernel needs beside weights."""
    shapes = [(lanes, rows) for lanes in (1, 2, 4) for rows in (1, 2, 4) if lanes >= rows]
    found = [plan_with(units, gates, lanes, rows, backward, working) for lanes, rows in shapes]
    fitting = [plan for plan in found if plan.kept and plan.threads <= MOST_THREADS and plan.shared <= gpu.shared]
    return min(fitting, key=lambda plan: (plan.clocks(B, gpu), plan.rows, plan.lanes), default=None)
