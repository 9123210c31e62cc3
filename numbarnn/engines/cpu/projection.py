"""The projection v = clip(h W) of a cell's output, which is fed back in the place of h."""

import functools

from ...runtime.compile import compiled
from ...runtime.memory import ahead, lanes, load, load_part, pointer, store
from ...runtime.simd import Static, first_lanes
from .cell_kernels import EQUATIONS, valid
from .forward import PackedWeights, PanelRows, Rows, affine
from .kernel_arguments import read


@functools.cache
def project_kernel(dtype, clip):
    """Compile v = clip(h W) after a step, for rows lo..hi and panels p0..p1 of v; returns the kernel's address.

    `clip` None: no bound. Padded rows keep their v.
    """
    from ...maths import clip as clipped
    from ...maths import constant

    real, bounded, bound = Static(dtype), clip is not None, float(clip or 0)

    def project(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        h1, v, v1, r = pointer(real, n.h1), pointer(real, n.v), pointer(real, n.v1), pointer(real, n.r)
        V = lanes(v)
        rows = PanelRows(ahead(r, t * n.r_t + lo * n.r_b), n.r_b, V)
        zeros = PanelRows(pointer(real, n.zeros), 0, 0)
        hs = Rows(ahead(h1, t * n.h_t + lo * n.h_b), n.h_b)
        affine(n, p0, p1, hi - lo, rows, zeros, hs, PackedWeights(pointer(real, n.pw), n.H, 1, 0, 1))
        for b in range(lo, hi):
            at = t * n.v_t + b * n.v_b
            for p in range(p0, p1):
                if valid(n, t, b):
                    x = load(r, t * n.r_t + b * n.r_b + p * V)
                    if bounded:
                        x = clipped(x, constant(x, -bound), constant(x, bound))
                    store(v1, at + p * V, x)
                else:
                    store(v1, at + p * V, load(v, at + p * V))

    return compiled(EQUATIONS, project)


@functools.cache
def project_backward_kernel(dtype, clip):
    """Compile the gradient of the projection; returns the kernel's address.

    dr = dv + dy, zero where v was clipped, replaces r, and dh += dr W^T. dv becomes zero in rows that count.
    """
    from ...maths import absolute, constant, where_less, zero
    from .backward import TransposedWeights, transposed_product

    real, bounded, bound = Static(dtype), clip is not None, float(clip or 0)

    def project_backward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        dh, dv, r, dy = pointer(real, n.dh), pointer(real, n.dv), pointer(real, n.r), pointer(real, n.dv_y)
        V = lanes(dh)
        for b in range(lo, hi):
            for p in range(p0, p1):
                at = t * n.r_t + b * n.r_b + p * V
                x = load(r, at)
                if valid(n, t, b):
                    d = load(dv, b * n.v_b + p * V) + load_part(dy, t * n.dv_t + b * n.dv_b + p * V, n.F - p * V)
                    if bounded:
                        d = where_less(constant(x, bound), absolute(x), zero(x), d)
                    store(r, at, first_lanes((d,), n.F - p * V)[0])
                    store(dv, b * n.v_b + p * V, zero(x))
                else:
                    store(r, at, zero(x))
        rows = PanelRows(ahead(r, t * n.r_t + lo * n.r_b), n.r_b, V)
        out = Rows(ahead(dh, lo * n.h_b), n.h_b)
        transposed_product(n, 0, n.P, hi - lo, out, True, rows, TransposedWeights(pointer(real, n.pt), 1, 0, 1, n.PF))

    return compiled(EQUATIONS, project_backward)
