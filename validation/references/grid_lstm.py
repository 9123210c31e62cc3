"""Grid LSTM over time and frequency: Kalchbrenner, Danihelka and Graves (2016), arXiv 1507.01526, and Li et al. (2015)
for the frequencies; GridLSTMCell of TensorFlow 1 contrib."""

import autograd.numpy as np

CELL = "GridLSTMCell"
OPTIONS = {
    "feature_size": (1,),
    "frequency_skip": (2,),
    "use_peepholes": (True,),
    "share_time_frequency_weights": (True,),
    "cell_clip": (0.3, 0.1),
    "forget_bias": (0.0, -0.5),
    "start_freqindex_list": ((0, 1),),
    "end_freqindex_list": ((3, 4),),
    "couple_input_forget_gates": (True,),
}
REQUIRES = {
    "start_freqindex_list": {"end_freqindex_list": (3, 4)},
    "end_freqindex_list": {"start_freqindex_list": (0, 1)},
}


def fit(shape, options):
    """The blocks follow from the other options; index lists need four inputs."""
    I = max(shape.I, 4) if "start_freqindex_list" in options else shape.I
    options = {"feature_size": 1 + I // 3, "frequency_skip": max(1, I // 4)} | options
    first, skip = options["feature_size"], options["frequency_skip"]
    ranges = zip(options.get("start_freqindex_list", (0,)), options.get("end_freqindex_list", (I,)), strict=True)
    blocks = tuple((end - start - first) // skip + 1 for start, end in ranges)
    shape = shape._replace(T=min(shape.T, 12), B=min(shape.B, 13), I=I)  # T times the steps of frequency is long enough
    return shape, options | {"num_frequency_blocks": blocks}


def blocks(name, options):
    gates = "igo" if "couple_input_forget_gates" in options else "ifgo"
    if "peephole" not in name:
        return tuple(gates), -1
    return tuple(f"{gate} on {state}" for gate in gates.replace("g", "") for state in ("c_T", "c_F")), 0


def step(
    params,
    x,
    state,
    f,
    *,
    feature_size,
    frequency_skip,
    num_frequency_blocks,
    use_peepholes=False,
    share_time_frequency_weights=False,
    cell_clip=None,
    forget_bias=1.0,
    start_freqindex_list=None,
    end_freqindex_list=None,
    couple_input_forget_gates=False,
    backwards=False,
):
    """c_T and m_T are carried through time, c_F and m_F from one frequency step to the next, from zero.

    For each X of T (time) and F (frequency), with u = [x_k, m_T, m_F] and peepholes p on c_T and q on c_F
        i = sigma(u W_i + b_i + p_i c_T + q_i c_F)
        f = sigma(u W_f + b_f + p_f c_T + q_f c_F + forget_bias), or 1 - i
        c_X' = clip(f c_X + i tanh(u W_g + b_g))
        o = sigma(u W_o + b_o + p_o c_T' + q_o c_F')
        m_X' = o tanh(c_X')
    `backwards`: the frequency steps of each block in reverse.
    """
    sigma, tanh = f["sigmoid"], f["tanh"]
    names = "igo" if couple_input_forget_gates else "ifgo"
    clip = (lambda c: c) if cell_clip is None else (lambda c: f["clip"](c, cell_clip))

    def lstm(kind, block, u):
        """Pre-activations by gate, and peepholes {gate: (on c_T, on c_F)}, of the LSTM of one kind."""
        kind = "frequency" if share_time_frequency_weights else kind
        z = np.split(u @ params[f"{kind}_kernel_{block}"] + params[f"{kind}_bias_{block}"], len(names), axis=1)
        gates = names.replace("g", "")
        rows = params[f"{kind}_peephole_{block}"] if use_peepholes else np.zeros((2 * len(gates), 1))
        return dict(zip(names, z, strict=True)), {g: (rows[2 * j], rows[2 * j + 1]) for j, g in enumerate(gates)}

    outputs, new, number = [], {}, 0
    starts = start_freqindex_list or (0,)
    for block, (start, count) in enumerate(zip(starts, num_frequency_blocks, strict=True)):
        c_F = m_F = 0 * state["0/c"]
        for k in reversed(range(count)) if backwards else range(count):
            c_T, m_T = state[f"{number}/c"], state[f"{number}/m"]
            first = start + k * frequency_skip
            u = np.concatenate([x[:, first : first + feature_size], m_T, m_F], axis=1)
            both = {kind: lstm(kind, block, u) for kind in ("time", "frequency")}
            c = {}
            for kind, before in (("time", c_T), ("frequency", c_F)):
                z, p = both[kind]
                i = sigma(z["i"] + p["i"][0] * c_T + p["i"][1] * c_F)
                if couple_input_forget_gates:
                    forget = 1 - i
                else:
                    forget = sigma(z["f"] + forget_bias + p["f"][0] * c_T + p["f"][1] * c_F)
                c[kind] = clip(forget * before + i * tanh(z["g"]))
            c_T, c_F = c["time"], c["frequency"]
            m_T, m_F = (
                sigma(z["o"] + p["o"][0] * c_T + p["o"][1] * c_F) * tanh(c[kind]) for kind, (z, p) in both.items()
            )
            outputs += [m_T, m_F]
            new |= {f"{number}/c": c_T, f"{number}/m": m_T}
            number += 1
    return np.concatenate(outputs, axis=1), new, {}
