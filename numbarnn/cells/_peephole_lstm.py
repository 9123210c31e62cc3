"""The equations of an LSTM in full: peepholes p (Gers, Schraudolph, Schmidhuber 2002) and a clipped cell state.

i = sigma(z_i + p_i c)   f = sigma(z_f + p_f c)   g = phi(z_g)      each z = x W + h R + b
c' = clip(f c + i g)
o = sigma(z_o + p_o c')
h' = o phi(c')
"""

from functools import cache

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import zero


@cache
def equations(phi, d_phi, sigma, d_sigma, clip, through_clip):
    @register_jitable
    def forward(z, s):
        pi, pf, po = z[4:]
        c = s[1]
        i, f, g = sigma(z[0] + pi * c), sigma(z[1] + pf * c), phi(z[2])
        c = clip(f * c + i * g)
        o = sigma(z[3] + po * c)
        return (o * phi(c), c), (i, f, g, o, pi, pf, po)

    @register_jitable
    def backward(saved, s, s1, ds1):
        i, f, g, o, pi, pf, po = saved
        c, c1 = s[1], s1[1]
        dh, dc = ds1
        a = phi(c1)
        do = dh * a * d_sigma(o)
        dc = dc + dh * o * d_phi(a) + do * po
        dc = through_clip(f * c + i * g, dc)
        di = dc * g * d_sigma(i)
        df = dc * c * d_sigma(f)
        dg = dc * i * d_phi(g)
        return (di, df, dg, do, di * c, df * c, do * c1), (zero(dh), dc * f + di * pi + df * pf)

    return Equations(forward, backward, hidden=3)
