"""Teams: threads that share the units of the same rows and meet in every step, at a spin barrier with a fallback.

The threads must run at the same time, which a threading layer does not promise. Therefore the first thread polls for
the others at most SPIN_LIMIT times. Then it begins to run all steps alone. Once the others have come, it invites them
to share the steps that are left; if they have not come when it is done, they return.

A barrier is two cache lines of integers. On the first is the number of arrivals, plus ALONE if a thread runs alone; on
the second how often members have arrived in steps, and the invitation.
"""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ...runtime.simd import INTP, helper
from ...runtime.threads import share

# Polls before a thread runs alone or, later on, lets another have its core: some 50 us. One that gives way sooner loses
# its core to other programs at every small delay, and one that never does may wait for a thread of its own core.
SPIN_LIMIT = 4000
ALONE = -(1 << 32)  # added to the arrivals
OVER = -1  # the invitation when nothing is left to share; else 1 + a step
WORD = 8  # bytes
LINE = 8  # integers in a cache line
BARRIER = 2 * LINE  # integers
STEPS, INVITATION = WORD * LINE, WORD * (LINE + 1)  # bytes from the start of a barrier


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


@intrinsic
def give_way(typingctx):
    """Let the operating system run another thread on this core, if one waits for it."""

    def codegen(context, builder, sig, args):
        name = "SwitchToThread" if "windows" in binding.get_process_triple() else "sched_yield"
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@helper
def poll(polls):
    """Wait for a moment between two polls; returns their number."""
    pause()
    if polls > SPIN_LIMIT:
        give_way()
    return polls + 1


@helper
def try_join(barrier, members):
    """Enter a fresh barrier of a team.

    Returns the number of threads that this one works with, itself included (0: it must return, 1: it runs alone), and
    the invitation if it came late: 1 + the step from which the team works together.
    """
    arrived, polls = fetch_add(barrier, 1) + 1, 0
    while arrived > 0:
        if arrived == members:
            return members, 0
        if polls > SPIN_LIMIT and compare_exchange(barrier, arrived, arrived + ALONE):
            return 1, 0
        polls = poll(polls)
        arrived = load_acquire(barrier)
    invitation, polls = 0, 0
    while invitation == 0:
        polls = poll(polls)
        invitation = load_acquire(barrier + INVITATION)
    if invitation == OVER:
        return 0, 0
    return members, invitation


@helper
def meet(barrier, team, times):
    """Wait until all of the team have arrived here once more; returns how often they have."""
    if team > 1:
        times += 1
        fetch_add(barrier + STEPS, 1)
        polls = 0
        while load_acquire(barrier + STEPS) < team * times:
            polls = poll(polls)
    return times


@helper
def invite(barrier, team, members, step):
    """Invite the others to share the steps from `step` on, if this thread runs alone and all have come; returns the
    size of the team from then on."""
    if team == 1 and barrier != 0 and load_acquire(barrier) == members + ALONE:
        fetch_add(barrier + INVITATION, 1 + step)
        return members
    return team


@helper
def finish(barrier, team):
    """Tell those who come late that nothing is left to share."""
    if team == 1 and barrier != 0:
        fetch_add(barrier + INVITATION, OVER)


@helper
def share_of_team(panels, member, team):
    """Return the first panel of a member, and the one after its last; those of a thread that runs alone are all."""
    return share(panels, member if team > 1 else 0, team)
