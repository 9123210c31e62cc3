"""The JAX side of the comparison: `jit`, `lax.scan`, and the product with the inputs done once for all steps."""

import numpy as np


def simple_rnn(jax, z, q, bias, h, c):
    return jax.numpy.tanh(z + q), c


def lstm(jax, z, q, bias, h, c):
    i, f, g, o = jax.numpy.split(z + q, 4, 1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
    return jax.nn.sigmoid(o) * jax.numpy.tanh(c), c


def gru(jax, z, q, bias, h, c):
    units = h.shape[1]
    gates = jax.nn.sigmoid(z[:, : 2 * units] + q[:, : 2 * units])
    n = jax.numpy.tanh(z[:, 2 * units :] + gates[:, :units] * (q[:, 2 * units :] + bias[3 * units :]))
    return n + gates[:, units:] * (h - n), c


STEPS = {"SimpleRNN": simple_rnn, "LSTM": lstm, "GRU": gru}


def compiled(jax, cell, unroll=1):
    """Compile the forward and the training step of a cell."""

    def forward(params, x):
        kernel, recurrent_kernel, bias = params["kernel"], params["recurrent_kernel"], params["bias"]
        z = x @ kernel + bias[: kernel.shape[1]]

        def step(state, z):
            state = STEPS[cell](jax, z, state[0] @ recurrent_kernel, bias, *state)
            return state, state[0]

        zero = jax.numpy.zeros((x.shape[1], len(recurrent_kernel)), x.dtype)
        state, outputs = jax.lax.scan(step, (zero, zero), z, unroll=unroll)
        return outputs, state

    def train(params, x, d_outputs):
        outputs, pullback, state = jax.vjp(forward, params, x, has_aux=True)
        return outputs, state, *pullback(d_outputs)

    return jax.jit(lambda params, x: forward(params, x)[0]), jax.jit(train)


class Runner:
    def __init__(self, workload, threads, unroll=1):
        import jax

        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        self.cell, self.wait = workload.name, jax.block_until_ready
        self.compiled_forward, self.compiled_train = compiled(jax, workload.name, unroll)
        self.params, self.x, self.d_outputs = jax.tree.map(
            jax.numpy.array, (workload.params, workload.x, workload.d_outputs)
        )

    def train(self):
        """Run forward and BPTT: gradients of all parameters and of the inputs."""
        return self.wait(self.compiled_train(self.params, self.x, self.d_outputs))

    def forward(self):
        """Compute the outputs only."""
        return self.wait(self.compiled_forward(self.params, self.x))

    def results(self):
        """Return every array of a training step by numbarnn's names, and the outputs of `forward`."""
        outputs, (h, c), d_params, d_inputs = self.train()
        named = {"outputs": outputs, "forward": self.forward(), "state.h": h, "d_inputs": d_inputs}
        named |= {"state.c": c} if self.cell == "LSTM" else {}
        named |= {f"d_{name}": value for name, value in d_params.items()}
        return {name: np.asarray(value) for name, value in named.items()}
