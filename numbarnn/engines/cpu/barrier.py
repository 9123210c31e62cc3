"""A spin barrier with a fallback, for threads that share the units of the same rows and meet in every step.

The threads must run at the same time, which a threading layer does not promise. Therefore the first thread polls for
the others at most SPIN_LIMIT times. Then it does all the work alone, and late threads return.
"""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ...runtime.simd import INTP, helper

SPIN_LIMIT = 4000  # polls of the barrier before a thread runs alone, some 50 us
RUNS_ALONE = -(1 << 32)  # value of the barrier: a thread runs alone
LINE = 8  # integers in a cache line


def as_pointer(builder, address):
    return builder.inttoptr(address, address.type.as_pointer())


@intrinsic
def fetch_add(typingctx, address, number):
    """Add atomically to the integer at an address; returns the old value."""

    def codegen(context, builder, sig, args):
        return builder.atomic_rmw("add", as_pointer(builder, args[0]), args[1], "acq_rel")

    return INTP(INTP, INTP), codegen


@intrinsic
def load_acquire(typingctx, address):
    """Load the integer at an address atomically, with acquire order."""

    def codegen(context, builder, sig, args):
        return builder.load_atomic(as_pointer(builder, args[0]), "acquire", 8)

    return INTP(INTP), codegen


@intrinsic
def compare_exchange(typingctx, address, old, new):
    """Replace the integer at an address atomically if it equals `old`; returns whether it did."""

    def codegen(context, builder, sig, args):
        done = builder.cmpxchg(as_pointer(builder, args[0]), args[1], args[2], "acq_rel", "acquire")
        return builder.extract_value(done, 1)

    return types.boolean(INTP, INTP, INTP), codegen


@intrinsic
def pause(typingctx):
    """Hint to the processor that this is a spin loop (PAUSE on x86)."""

    def codegen(context, builder, sig, args):
        if "x86" in binding.get_process_triple():
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen


# Spin barrier with a fallback: after SPIN_LIMIT polls the first thread runs alone; late threads return.
@helper
def try_join(barrier, shards):
    """Enter a fresh barrier; returns the size of the team that this thread works in, or 0 if it must return."""
    if fetch_add(barrier, 1) < 0:
        return 0
    polls = 0
    while True:
        arrived = load_acquire(barrier)
        if arrived == shards:
            return shards
        if arrived < 0:
            return 0
        polls += 1
        if polls > SPIN_LIMIT and compare_exchange(barrier, arrived, RUNS_ALONE):
            return 1
        pause()


@helper
def wait(barrier, team_size, times):
    """Wait until the whole team has arrived here for the n-th time; the count is on the barrier's second cache line."""
    if team_size > 1:
        count = barrier + 8 * LINE
        fetch_add(count, 1)
        while load_acquire(count) < team_size * times:
            pause()
