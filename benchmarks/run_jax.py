"""The JAX side of the comparisons: `jit`, `lax.scan`, and the product with the inputs done once for all steps."""

import numpy as np

from .jax_cells import CELLS


def compiled(jax, name, cell, unroll=1):
    """Compile the forward and the training step of a cell."""

    def forward(params, x):
        inputs, widths, step = CELLS[name](cell, params)
        zeros = tuple(jax.numpy.zeros((x.shape[1], width), x.dtype) for width in widths)

        def of_scan(states, z):
            states = step(states, z)
            return states, states[0]

        states, outputs = jax.lax.scan(of_scan, zeros, inputs(x), unroll=unroll)
        return outputs, states

    def train(params, x, d_outputs):
        outputs, pullback, states = jax.vjp(forward, params, x, has_aux=True)
        return outputs, states, *pullback(d_outputs)

    return jax.jit(lambda params, x: forward(params, x)[0]), jax.jit(train)


class Runner:
    def __init__(self, workload, threads, unroll=1):
        import jax

        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        self.cell, self.wait = workload.cell, jax.block_until_ready
        self.compiled_forward, self.compiled_train = compiled(jax, workload.name, workload.cell, unroll)
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
        outputs, states, d_params, d_inputs = self.train()
        named = {"outputs": outputs, "forward": self.forward(), "d_inputs": d_inputs}
        named |= {f"state.{name}": state for name, state in zip(("h", "c"), states, strict=False)}
        named |= {f"d_{name}": value for name, value in d_params.items()}
        return {name: np.asarray(value) for name, value in named.items()}
