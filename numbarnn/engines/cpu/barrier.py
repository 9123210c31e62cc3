"""Threads that walk through time together, each with its own units of the same rows, and meet in every step.

They must run at the same time, which a threading layer does not promise. Whoever comes first therefore waits a little
for the others; then it does all the work itself, and those who come later leave.
"""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ...runtime.simd import INTP, helper

SPIN_LIMIT = 4000  # looks at the gate before working alone, some 50 us
NEGATIVE = -(1 << 32)  # at the gate: somebody works alone
LINE = 8  # integers in a cache line


def word(builder, address):
    return builder.inttoptr(address, address.type.as_pointer())


@intrinsic
def add_to(typingctx, address, number):
    """Add to the integer at an address, seen by all threads; returns what was there."""

    def codegen(context, builder, sig, args):
        return builder.atomic_rmw("add", word(builder, args[0]), args[1], "acq_rel")

    return INTP(INTP, INTP), codegen


@intrinsic
def look_at(typingctx, address):
    def codegen(context, builder, sig, args):
        return builder.load_atomic(word(builder, args[0]), "acquire", 8)

    return INTP(INTP), codegen


@intrinsic
def change(typingctx, address, old, new):
    """Put `new` at an address if `old` stands there; returns whether it did."""

    def codegen(context, builder, sig, args):
        done = builder.cmpxchg(word(builder, args[0]), args[1], args[2], "acq_rel", "acquire")
        return builder.extract_value(done, 1)

    return types.boolean(INTP, INTP, INTP), codegen


@intrinsic
def pause(typingctx):
    """Tell the processor that this is a loop that waits."""

    def codegen(context, builder, sig, args):
        if "x86" in binding.get_process_triple():
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@helper
def try_join(gate, shards):
    """Come to a gate, which nobody has used: how many walk, of whom this thread is one; 0: leave."""
    if add_to(gate, 1) < 0:
        return 0
    looks = 0
    while True:
        arrived = look_at(gate)
        if arrived == shards:
            return shards
        if arrived < 0:
            return 0
        looks += 1
        if looks > SPIN_LIMIT and change(gate, arrived, NEGATIVE):
            return 1
        pause()


@helper
def wait(gate, team_size, times):
    """Wait until all walkers have come here for the n-th time."""
    if team_size > 1:
        met = gate + 8 * LINE
        add_to(met, 1)
        while look_at(met) < team_size * times:
            pause()
