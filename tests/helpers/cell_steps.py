"""One step of each cell in NumPy, written from the papers: step(params, x, state by name, options) -> new state."""

import numpy as np


def sigma(v):
    return 1 / (1 + np.exp(-v))


def relu(v):
    return np.where(v > 0, v, 0)


def parts(params, x, h, blocks):
    """x W + h R + b in blocks."""
    return np.split(x @ params["kernel"] + h @ params["recurrent_kernel"] + params.get("bias", 0), blocks, axis=1)


def emitted(params, m, proj_clip):
    if "projection_kernel" not in params:
        return m
    r = m @ params["projection_kernel"]
    return r if proj_clip is None else np.minimum(np.maximum(r, -proj_clip), proj_clip)


def carried(params, s, proj_clip):
    """The states of a cell that carries its unprojected output."""
    y = emitted(params, s, proj_clip)
    return {"h": y, "s": s} if "projection_kernel" in params else {"h": y}


def simple_rnn(params, x, h, proj_clip=None, **_):
    (z,) = parts(params, x, h, 1)
    return {"h": emitted(params, np.tanh(z), proj_clip)}


def lstm(params, x, h, c, forget_bias=0.0, cell_clip=np.inf, proj_clip=None, **_):
    zi, zf, zg, zo = parts(params, x, h, 4)
    pi, pf, po = params.get("peephole", np.zeros((3, 1)))
    c1 = np.clip(sigma(zf + forget_bias + pf * c) * c + sigma(zi + pi * c) * np.tanh(zg), -cell_clip, cell_clip)
    return {"h": emitted(params, sigma(zo + po * c1) * np.tanh(c1), proj_clip), "c": c1}


def forgetful_lstm(params, x, h, c, forget_bias=1.0, **options):
    return lstm(params, x, h, c, forget_bias=forget_bias, **options)


def coupled_lstm(params, x, h, c, cell_clip=np.inf, proj_clip=None, **_):
    zf, zg, zo = parts(params, x, h, 3)
    normed = [lambda v: v] * 4
    if "norm_scale" in params:
        pairs = zip(params["norm_scale"], params["norm_shift"], strict=True)
        normed = [lambda v, pair=pair: norm(v, *pair, 1e-12) for pair in pairs]
    pf, po = params.get("peephole", np.zeros((2, 1)))
    f = sigma(normed[0](zf) + 1 + pf * c)
    c1 = np.clip(normed[3](f * c + (1 - f) * np.tanh(normed[1](zg))), -cell_clip, cell_clip)
    zo = normed[2](zo)
    return {"h": emitted(params, sigma(zo + po * c1) * np.tanh(c1), proj_clip), "c": c1}


def gru(params, x, h, s=None, update="keep", proj_clip=None, **_):
    W, (wr, wz, wn) = params["kernel"], np.split(params["bias"], 3)
    n = len(wr)
    R = params["recurrent_kernel"]
    Rn = params.get("feedback_kernel", R[:, 2 * n :])
    s = h if s is None else s
    r, z = sigma(x @ W[:, :n] + h @ R[:, :n] + wr), sigma(x @ W[:, n : 2 * n] + h @ R[:, n : 2 * n] + wz)
    new = np.tanh(x @ W[:, 2 * n :] + (r * s) @ Rn + wn)
    keep = z if update == "keep" else 1 - z
    return carried(params, keep * s + (1 - keep) * new, proj_clip)


def reset_after_gru(params, x, h, s=None, update="keep", proj_clip=None, **_):
    (xr, xz, xn), (hr, hz, hn) = np.split(x @ params["kernel"], 3, 1), np.split(h @ params["recurrent_kernel"], 3, 1)
    br, bz, bn, bm = np.split(params["bias"], 4)
    s = h if s is None else s
    z = sigma(xz + hz + bz)
    new = np.tanh(xn + bn + sigma(xr + hr + br) * (hn + bm))
    keep = z if update == "keep" else 1 - z
    return carried(params, keep * s + (1 - keep) * new, proj_clip)


def ugrnn(params, x, h, s=None, proj_clip=None, **_):
    zg, zc = parts(params, x, h, 2)
    g = sigma(zg + 1)
    return carried(params, g * (h if s is None else s) + (1 - g) * np.tanh(zc), proj_clip)


def mgu(params, x, h, s=None, proj_clip=None, **_):
    (xf, xn), (hf, hn) = np.split(x @ params["kernel"], 2, 1), np.split(h @ params["recurrent_kernel"], 2, 1)
    bf, bn, bm = np.split(params["bias"], 3)
    f = sigma(xf + hf + bf)
    return carried(params, f * (h if s is None else s) + (1 - f) * np.tanh(xn + bn + f * (hn + bm)), proj_clip)


def nas(params, x, h, c, **_):
    a = np.split(x @ params["kernel"], 8, axis=1)
    b = np.split(h @ params["recurrent_kernel"] + params.get("bias", 0), 8, axis=1)
    acts = (sigma, relu, sigma, relu, np.tanh, sigma, np.tanh, sigma)
    branch = [act(p * q if k == 3 else p + q) for k, (act, p, q) in enumerate(zip(acts, a, b, strict=True))]
    first, third = np.tanh(branch[0] * branch[1]), np.tanh(branch[4] * branch[5])
    c1 = np.tanh(first + c) * np.tanh(branch[2] + branch[3])
    return {"h": emitted(params, np.tanh(c1 * np.tanh(third + sigma(branch[6] + branch[7]))), None), "c": c1}


def ind_rnn(params, x, h):
    return {"h": relu(x @ params["kernel"] + params["recurrent_vector"] * h + params["bias"])}


def sru(params, x, h, c):
    g, f, r, y = np.split(x @ params["kernel"], 4, axis=1)
    bf, br = np.split(params["bias"], 2)
    f, r = sigma(f + bf), sigma(r + br)
    c1 = f * c + (1 - f) * g
    return {"h": r * np.tanh(c1) + (1 - r) * y, "c": c1}


def norm(v, scale, shift, epsilon):
    centred = v - v.mean(1, keepdims=True)
    return scale.reshape(-1) * centred / np.sqrt(v.var(1, keepdims=True) + epsilon) + shift.reshape(-1)


def layer_norm_lstm(params, x, h, c, variant="per_gate", epsilon=None, cell_clip=np.inf, proj_clip=None, **_):
    scale, shift, H = params["norm_scale"], params["norm_shift"], c.shape[1]
    epsilon = epsilon or {"per_gate": 1e-12, "joint": 1e-5, "stored": 1e-3}[variant]
    xs, hs = x @ params["kernel"], h @ params["recurrent_kernel"]
    if variant == "per_gate":
        z = [norm((xs + hs)[:, k * H : (k + 1) * H], scale[k], shift[k], epsilon) for k in range(4)]
    else:
        z = np.split(norm(xs, scale[:4], shift[:4], epsilon) + norm(hs, scale[4:8], shift[4:8], epsilon), 4, axis=1)
    pi, pf, po = params.get("peephole", np.zeros((3, 1)))
    raw = sigma(z[1] + 1 + pf * c) * c + sigma(z[0] + pi * c) * np.tanh(z[2])
    normed = np.clip(norm(raw, scale[-1], shift[-1], epsilon), -cell_clip, cell_clip)
    m = sigma(z[3] + po * normed) * np.tanh(normed)
    return {"h": emitted(params, m, proj_clip), "c": raw if variant == "joint" else normed}


def layer_norm_gru(params, x, h, s=None, update="keep", proj_clip=None, **_):
    (xr, xz, xn), (hr, hz, hn) = np.split(x @ params["kernel"], 3, 1), np.split(h @ params["recurrent_kernel"], 3, 1)
    sums = zip((xr + hr, xz + hz, xn, hn), params["norm_scale"], params["norm_shift"], strict=True)
    r, z, n, m = (norm(v, scale, shift, 1e-12) for v, scale, shift in sums)
    z = sigma(z if update == "keep" else -z)
    return carried(params, z * (h if s is None else s) + (1 - z) * np.tanh(n + sigma(r) * m), proj_clip)
