"""The projection of outputs, where a cell asks for it: v = clip(h W), put out and fed back in the place of h."""

import functools

from ...runtime.compile import compiled
from ...runtime.memory import ahead, lanes, load, load_part, pointer, store
from ...runtime.simd import Static, first_lanes
from .cell_kernels import EQUATIONS, valid
from .forward import PanelRows, Panels, Rows, affine
from .kernel_arguments import read


@functools.cache
def project_kernel(dtype, clip):
    """Address of the kernel v = clip(h W) after step t for rows lo..hi and the panels p0..p1 of outputs; `clip` None:
    no bound. Masked rows keep their v."""
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
        affine(n, p0, p1, hi - lo, rows, zeros, hs, Panels(pointer(real, n.pw), n.H, 1, 0, 1))
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
    """Address of the kernel dr = dv + dy where not clipped, in place of r, and dh += dr W^T; of valid rows dv becomes
    zero."""
    from ...maths import absolute, constant, where_less, zero
    from .backward import Turned, transposed

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
        transposed(n, 0, n.P, hi - lo, out, True, rows, Turned(pointer(real, n.pt), 1, 0, 1, n.PF))

    return compiled(EQUATIONS, project_backward)
