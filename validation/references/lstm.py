"""Long short-term memory: Hochreiter and Schmidhuber (1997), forget gate by Gers, Schmidhuber and Cummins (2000)."""

import autograd.numpy as np

from ..activations import ACTIVATIONS

CELL = "LSTMCell"
OPTIONS = {
    "activation": tuple(ACTIVATIONS),
    "recurrent_activation": tuple(ACTIVATIONS),
    "forget_bias": (1.0, -0.5),
    "use_bias": (False,),
}


def step(params, x, state, f, *, activation="tanh", recurrent_activation="sigmoid", forget_bias=0.0, use_bias=True):
    """i, f, o are the input, forget and output gates, g the candidate, c the cell state.

    i_t = sigma(x_t W_i + h_{t-1} U_i + b_i)    f_t = sigma(x_t W_f + h_{t-1} U_f + b_f + forget_bias)
    g_t = phi(x_t W_g + h_{t-1} U_g + b_g)      o_t = sigma(x_t W_o + h_{t-1} U_o + b_o)
    c_t = f_t * c_{t-1} + i_t * g_t             h_t = o_t * phi(c_t)
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_i, W_f, W_g, W_o = np.split(params["kernel"], 4, axis=1)
    U_i, U_f, U_g, U_o = np.split(params["recurrent_kernel"], 4, axis=1)
    b_i, b_f, b_g, b_o = np.split(params["bias"], 4) if use_bias else (0.0, 0.0, 0.0, 0.0)
    h, c = state["h"], state["c"]

    i = sigma(x @ W_i + h @ U_i + b_i)
    forget = sigma(x @ W_f + h @ U_f + b_f + forget_bias)
    g = phi(x @ W_g + h @ U_g + b_g)
    o = sigma(x @ W_o + h @ U_o + b_o)
    c = forget * c + i * g
    h = o * phi(c)
    return h, {"h": h, "c": c}, {"i": i, "f": forget, "g": g, "o": o}
