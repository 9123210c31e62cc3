"""Back-propagation through time for any cell.

Stage 0 transposes the weights. Then each block of steps has a stage, the last block first: its steps run backwards, the
cell's equations turn the saved values into dz, in place, and dz R^T flows to the step before. The next stage begins
with the block's part of the parameters' gradients, while dz is still in the cache. The last stage unpacks these
gradients, and computes dx if that is hoisted out of the steps.

Rows may change threads (see `work_stealing`), or teams of threads share the units (see `teams`), but no sum is ever
split between threads, so results do not depend on their number.
"""

import functools
from typing import Any, NamedTuple

from ...runtime.compile import compiled
from ...runtime.invoke import invoke
from ...runtime.memory import (
    BYTE,
    WHOLE,
    ahead,
    get,
    lanes,
    load,
    load_part,
    pointer,
    pointer_like,
    put,
    store,
    store_part,
)
from ...runtime.simd import Static, helper, sum_of_lanes
from ...runtime.threads import KERNEL, share
from .barrier import BARRIER, WORD, finish, invite, meet, share_of_team, try_join
from .forward import FEW, PanelRows, Rows, Steps, q_product
from .gemm import Operand, TileView, even_part, multiply, tile_width
from .kernel_arguments import read
from .packing import matrices, pack_transposed, unpack
from .work_stealing import offer_rows, start, steal_rows

CHUNK = 128  # terms of a partial sum of a weight gradient: they fit the cache, and rounding errors stay small


class TransposedWeights(NamedTuple):
    """Transposed weights [panel, `panels`, `of` slots, k, V]; from `data` on, `slots` of them belong to the slots of z
    from `slot` on."""

    data: Any
    of: int
    slot: int
    slots: int
    panels: int


class Factor(NamedTuple):
    """The factor of dz in a weight gradient: K numbers, `each` apart, in `steps`. They feed `slots` slots from `slot`
    on; the gradient is out[p, k, `of` slots, V]."""

    steps: Any
    each: int
    K: int
    out: Any
    of: int
    slot: int
    slots: int


class PartialSum(NamedTuple):
    """A partial sum of a weight gradient; the `first` overwrites the output, later ones accumulate."""

    outer: int
    inner: int
    first: bool


class PanelSteps(NamedTuple):
    """`Steps` of rows of panels, which are `panel` apart."""

    data: Any
    panel: int
    outer: int
    inner: int


@helper
def transposed_product(n, p0, p1, rows, out, accumulate, dz, R):
    """Compute out = dz R^T, or add it to `out`: vectors p0..p1 of each row."""
    V = lanes(out.data)
    size = R.panels * R.of * V * V
    p = p0
    while p < p1:
        width = tile_width(p1 - p, rows)
        place = TileView(ahead(out.data, p * V), out.row, V)
        start = place if accumulate else TileView(pointer_like(out.data, n.zeros), 0, 0)
        a = Operand(ahead(dz.data, R.slot * V), dz.row, 1, dz.panel)
        b = Operand(ahead(R.data, p * size), size, V, R.of * V * V)
        multiply(n.product, rows, width, place, start, a, b, R.slots * V, R.panels)
        p += width


@helper
def input_gradient(n, rows, dz, dx, scratch, member, team):
    """Compute a member's share of dx = dz W^T, by way of rows of whole vectors, or number by number if there are few
    inputs."""
    V = lanes(scratch)
    if 2 * n.I <= V:
        first, last = share_of_team(n.I, member, team)
        narrow_input_gradient(n, first, last, rows, dz, dx)
    else:
        first, last = share_of_team(n.Q, member, team)
        W = TransposedWeights(pointer_like(scratch, n.wt), n.x_slots, n.x_slot, n.x_slots, n.P)
        transposed_product(n, first, last, rows, Rows(scratch, n.Q * V), False, dz, W)
        for m in range(rows):
            for i in range(first * V, min(n.I, last * V), V):
                store_part(dx.data, m * dx.row + i, n.I - i, load(scratch, m * n.Q * V + i))
    if n.own_input >= 0:
        own_input_gradient(n, rows, dz, Rows(ahead(dx.data, n.own_input), dx.row))


@helper
def own_input_gradient(n, rows, dz, dx):
    """Add dz of the inputs that units read one by one to their dx, or store it if no product reads them."""
    V = lanes(dz.data)
    for m in range(rows):
        for p in range(n.P):
            d, at = load(dz.data, m * dz.row + p * dz.panel + n.m_slot * V), m * dx.row + p * V
            if n.own_input < n.I:
                d = d + load_part(dx.data, at, n.H - p * V)
            store_part(dx.data, at, n.H - p * V, d)


@helper
def narrow_input_gradient(n, first, last, rows, dz, dx):
    """Compute the numbers first..last of each row of dx = dz W^T as dot products."""
    V, w = lanes(dz.data), pointer_like(dz.data, n.w)
    for m in range(rows):
        for i in range(first, last):
            total = load(pointer_like(dz.data, n.zeros), 0)
            for p in range(n.P):
                at, of_p = m * dz.row + p * dz.panel + n.x_slot * V, (p * n.I + i) * n.x_slots * V
                for s in range(n.x_slots):
                    total = total + load(dz.data, at + s * V) * load(w, of_p + s * V)
            put(dx.data, m * dx.row + i, sum_of_lanes(total))


@helper
def q_gradients(n, p0, p1, lo, rows, dz):
    """Compute dq of each q that is multiplied."""
    V, seen = lanes(dz.data), -1
    for j in range(n.q_products):
        product = q_product(n, j)
        R = TransposedWeights(
            ahead(pointer_like(dz.data, n.rqt), (product.slot - n.q_slot) * V * V),
            n.q_slots,
            product.slot,
            product.slots,
            n.P,
        )
        out = Rows(ahead(pointer_like(dz.data, n.dq), lo * n.q_b + product.kind * n.q_kind), n.q_b)
        transposed_product(n, p0, p1, rows, out, product.kind <= seen, dz, R)
        seen = max(seen, product.kind)


@helper
def backward_steps(n, t0, t1, lo, hi, barrier, member, team, z):
    """Run steps t0..t1 backwards for rows lo..hi and a member's share of the panels; dh, dv and dc become the gradients
    of the states before t0, in the rows that this thread kept to the end. Returns the size of the team at the end."""
    times, (first, last) = 0, share_of_team(n.P, member, team)
    R = TransposedWeights(pointer_like(z, n.rt), n.h_slots, n.h_slot, n.h_slots, n.P)
    dvs = Rows(ahead(pointer_like(z, n.dv), lo * n.v_b), n.v_b)
    scratch = ahead(pointer_like(z, n.dx_rows), lo * n.Q * lanes(z))
    for t in range(t1 - 1, t0 - 1, -1):
        hi = offer_rows(n.stealing, t + 1, lo, hi)
        rows = hi - lo
        dz = PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
        if n.project_backward:
            invoke(n.project_backward, (t, lo, hi, 0, n.PF, n.args_address))
        invoke(n.equations_backward, (t, lo, hi, first, last, n.args_address))
        times = meet(barrier, team, times)
        if n.feedback_backward:
            if n.groups > n.early_groups:
                invoke(n.normalise_backward, (t, lo, hi, n.early_groups, n.groups, n.args_address))
            q_gradients(n, first, last, lo, rows, dz)
            invoke(n.feedback_backward, (t, lo, hi, first, last, n.args_address))
            times = meet(barrier, team, times)
        if n.early_groups:
            invoke(n.normalise_backward, (t, lo, hi, 0, n.early_groups, n.args_address))
        transposed_product(n, first if team > 1 else 0, last if team > 1 else n.PF, rows, dvs, True, dz, R)
        if not n.hoisted and not n.tokens:
            dx = ahead(pointer_like(z, n.dx), t * n.dx_t + lo * n.dx_b)
            input_gradient(n, rows, dz, Rows(dx, n.dx_b), scratch, member, team)
        if n.cut:
            truncate_gradient(n, t, lo, hi, first, last, z)
        joined = invite(barrier, team, n.team, t)
        if joined != team:
            team, (first, last) = joined, share_of_team(n.P, member, joined)
    return team


@helper
def team_backward(n, t0, t1, stage, shard, shards, z):
    """Run steps t0..t1 backwards as a member of the team of some rows."""
    group, groups, member = shard // n.team, shards // n.team, shard % n.team
    barrier = n.barriers + (stage * groups + group) * WORD * BARRIER
    team, invitation = try_join(barrier, n.team)
    if team:
        lo, hi = share(n.B, group, groups)
        t1 = invitation - 1 if invitation else t1
        finish(barrier, backward_steps(n, t0, t1, lo, hi, barrier, member, team, z))


@helper
def shared_backward_steps(n, t0, t1, stage, shard, shards, z):
    """Run steps t0..t1 backwards for a share of the rows, alone or in a team."""
    if n.barriers:
        team_backward(n, t0, t1, stage, shard, shards, z)
    else:
        lo, hi = share(n.B, shard, shards)
        while lo < hi:
            backward_steps(n, t0, t1, lo, hi, 0, 0, 1, z)
            t1, lo, hi = steal_rows(n.stealing)


@helper
def truncate_gradient(n, t, lo, hi, first, last, like):
    """Clear the gradients of the states before step t in rows that are cut there: panels first..last, all of dv."""
    V, cut = lanes(like), pointer(BYTE, n.cut)
    for b in range(lo, hi):
        if get(cut, t * n.cut_t + b * n.cut_b) != 0:
            clear(n, first, last, pointer_like(like, n.dh), b * n.h_b)
            for c in range(b * n.c_b, (b + 1) * n.c_b, n.P * V):
                clear(n, first, last, pointer_like(like, n.dc), c)
            if n.project_backward:
                clear(n, 0, n.PF, pointer_like(like, n.dv), b * n.v_b)


@helper
def clear(n, first, last, out, at):
    """Store zeros in the vectors first..last."""
    V = lanes(out)
    for p in range(first, last):
        store(out, at + p * V, load(pointer_like(out, n.zeros), 0))


@helper
def hoisted_input_gradients(n, shard, shards, z):
    """Compute a share of dx after all steps, with products over many rows of the batch, or of time if these are few."""
    dx = pointer_like(z, n.dx)
    along_batch = n.B >= FEW or n.B >= n.T
    outer, inner = (n.T, n.B) if along_batch else (n.B, n.T)
    z_outer, z_inner, x_outer, x_inner = (
        (n.z_t, n.z_b, n.dx_t, n.dx_b) if along_batch else (n.z_b, n.z_t, n.dx_b, n.dx_t)
    )
    lo, hi = (0, inner) if along_batch else share(inner, shard, shards)
    first, last = share(outer, shard, shards) if along_batch else (0, outer)
    scratch = ahead(pointer_like(z, n.dx_rows), shard * max(n.B, n.T) * n.Q * lanes(z))
    for o in range(first, last):
        dz = PanelRows(ahead(z, o * z_outer + lo * z_inner), z_inner, n.z_p)
        input_gradient(n, hi - lo, dz, Rows(ahead(dx, o * x_outer + lo * x_inner), x_inner), scratch, 0, 1)


@helper
def weight_gradient(n, p0, p1, k0, k1, a, dz, terms):
    """Compute a partial sum of out[p, k, slot, V] = sum of a[k] dz[slot], for panels p0..p1 and rows k0..k1 of K."""
    V = lanes(a.out)
    zeros = TileView(pointer_like(a.out, n.zeros), 0, 0)
    left = Operand(ahead(a.steps.data, k0 * a.each), a.each, a.steps.inner, a.steps.outer)
    p, s = p0, 0
    while p < p1 and a.slots:
        width = tile_width(p1 - p if a.slots == 1 else a.slots - s, k1 - k0)
        step = a.K * a.of * V if a.slots == 1 else V
        place = TileView(ahead(a.out, ((p * a.K + k0) * a.of + s) * V), a.of * V, step)
        start = ahead(dz.data, p * dz.panel + (a.slot + s) * V)
        right = Operand(start, dz.panel if a.slots == 1 else V, dz.inner, dz.outer)
        multiply(
            n.product, k1 - k0, width, place, zeros if terms.first else place, left, right, terms.inner, terms.outer
        )
        if a.slots == 1:
            p += width
        else:
            s += width
            if s == a.slots:
                p, s = p + 1, 0


@helper
def scatter_add(n, p0, p1, tokens, dz, terms):
    """Compute `weight_gradient` for one-hot x, given by their indices: scatter-add in the order of the terms."""
    V, dw = lanes(dz.data), pointer_like(dz.data, n.dw)
    if terms.first:
        clear(n, p0 * n.I * n.x_slots, p1 * n.I * n.x_slots, dw, 0)
    for p in range(p0, p1):
        for o in range(terms.outer):
            for i in range(terms.inner):
                row = p * n.I + get(tokens.data, o * tokens.outer + i * tokens.inner)
                at, source = row * n.x_slots * V, p * dz.panel + o * dz.outer + i * dz.inner + n.x_slot * V
                for s in range(0, n.x_slots * V, V):
                    store(dw, at + s, load(dw, at + s) + load(dz.data, source + s))


@helper
def weight_gradient_share(n, panels, shard, shards, a, dz, terms):
    """Compute a partial sum of a share of a weight gradient: whole panels, and part of the rows of the end ones."""
    begin, end = panels * shard, panels * (shard + 1)  # in fractions 1/shards of a panel
    while begin < end:
        p0, p1, f0, f1 = begin // shards, end // shards, begin % shards, shards
        if f0 != 0 or p1 == p0:
            p1, f1 = p0 + 1, min(shards, end - p0 * shards)
        weight_gradient(n, p0, p1, a.K * f0 // shards, a.K * f1 // shards, a, dz, terms)
        begin = (p1 - 1) * shards + f1


@helper
def parameter_gradients(n, t0, t1, shard, shards, z):
    """Add steps t0..t1 of all rows to a share of the parameters' gradients."""
    along_batch = n.B >= FEW or n.B >= n.T
    O, N = (t1 - t0, n.B) if along_batch else (n.B, t1 - t0)
    part, steps = even_part(N, CHUNK), max(1, CHUNK // N)
    xo, xi = (n.x_t, n.x_b) if along_batch else (n.x_b, n.x_t)
    ko, ki = (n.tokens_t, n.tokens_b) if along_batch else (n.tokens_b, n.tokens_t)
    ho, hi = (n.h_t, n.h_b) if along_batch else (n.h_b, n.h_t)
    vo, vi = (n.v_t, n.v_b) if along_batch else (n.v_b, n.v_t)
    qo, qi = (n.q_t, n.q_b) if along_batch else (n.q_b, n.q_t)
    ro, ri = (n.r_t, n.r_b) if along_batch else (n.r_b, n.r_t)
    zo, zi = (n.z_t, n.z_b) if along_batch else (n.z_b, n.z_t)
    V, (p0, p1) = lanes(z), share(n.P, shard, shards)
    latest = t1 == n.T and n.continues == 0
    for o in range(0, O, steps):
        for i in range(0, N, part):
            terms = PartialSum(min(steps, O - o), min(part, N - i), latest and o + i == 0)
            dz = PanelSteps(ahead(z, t0 * n.z_t + o * zo + i * zi), n.z_p, zo, zi)
            if n.tokens:
                k = Steps(ahead(pointer(WHOLE, n.tokens), t0 * n.tokens_t + o * ko + i * ki), ko, ki)
                scatter_add(n, p0, p1, k, dz, terms)
            else:
                x = Steps(ahead(pointer_like(z, n.x), t0 * n.x_t + o * xo + i * xi), xo, xi)
                dw = Factor(x, 1, n.I, pointer_like(z, n.dw), n.x_slots, n.x_slot, n.x_slots)
                weight_gradient_share(n, n.P, shard, shards, dw, dz, terms)
            v = Steps(ahead(pointer_like(z, n.v), t0 * n.v_t + o * vo + i * vi), vo, vi)
            dr = Factor(v, 1, n.F, pointer_like(z, n.dr), n.h_slots, n.h_slot, n.h_slots)
            weight_gradient_share(n, n.P, shard, shards, dr, dz, terms)
            for j in range(n.q_products):
                product = q_product(n, j)
                at = t0 * n.q_t + o * qo + i * qi + product.kind * n.q_kind
                q = Steps(ahead(pointer_like(z, n.q), at), qo, qi)
                out = ahead(pointer_like(z, n.drq), (product.slot - n.q_slot) * V)
                drq = Factor(q, 1, n.H, out, n.q_slots, product.slot, product.slots)
                weight_gradient_share(n, n.P, shard, shards, drq, dz, terms)
            if n.project:
                h = Steps(ahead(pointer_like(z, n.h1), t0 * n.h_t + o * ho + i * hi), ho, hi)
                r = PanelSteps(ahead(pointer_like(z, n.r), t0 * n.r_t + o * ro + i * ri), V, ro, ri)
                dp = Factor(h, 1, n.H, pointer_like(z, n.dp), 1, 0, 1)
                weight_gradient_share(n, n.PF, shard, shards, dp, r, terms)
            ones = Steps(pointer_like(z, n.ones), 0, 0)
            db = Factor(ones, 0, 1, pointer_like(z, n.db), n.gates, 0, n.gates)
            weight_gradient(n, p0, p1, 0, 1, db, dz, terms)


@functools.cache
def backward_kernel(dtype):
    """Compile the backward pass for a dtype, which serves every cell; returns the kernel's address."""
    real = Static(dtype)

    def backward(stage, shard, shards, args_address):
        n = read(args_address)
        z = pointer(real, n.z)
        if stage == 0:
            m = matrices(n, z, n.kernel, n.recurrent, n.feedback_kernel, n.projection, n.bias, n.scale, n.shift)
            if not n.tokens:
                pack_transposed(m.x, shard, shards, pointer_like(z, n.wt))
            pack_transposed(m.h, shard, shards, pointer_like(z, n.rt))
            pack_transposed(m.q, shard, shards, pointer_like(z, n.rqt))
            pack_transposed(m.projection, shard, shards, pointer_like(z, n.pt))
        elif stage <= n.step_blocks + 1:
            t = n.T - (stage - 1) * n.step_block  # dz is complete from this step on
            if stage <= n.step_blocks:
                start(n.stealing)
            if stage > 1:
                parameter_gradients(n, max(0, t), min(n.T, t + n.step_block), shard, shards, z)
            if stage <= n.step_blocks:
                shared_backward_steps(n, max(0, t - n.step_block), t, stage, shard, shards, z)
        else:
            if n.hoisted and not n.tokens:
                hoisted_input_gradients(n, shard, shards, z)
            m = matrices(n, z, n.d_kernel, n.d_recurrent, n.d_feedback, n.d_projection, n.d_bias, n.d_scale, n.d_shift)
            unpack(pointer_like(z, n.dw), shard, shards, m.x)
            unpack(pointer_like(z, n.dr), shard, shards, m.h)
            unpack(pointer_like(z, n.drq), shard, shards, m.q)
            unpack(pointer_like(z, n.dp), shard, shards, m.projection)
            unpack(pointer_like(z, n.db), shard, shards, m.bias)
            if n.sum_rows:
                invoke(n.sum_rows, (shard, shards, 0, 0, 0, n.args_address))

    return compiled(KERNEL, backward)
