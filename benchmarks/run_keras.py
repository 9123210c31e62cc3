"""The Keras 3 side of the comparison: its layers on TensorFlow, compiled by `tf.function`; batch-major, as Keras is."""

import numpy as np

import numbarnn as nr


def our_gradients(cell, kernel, recurrent_kernel, bias):
    """Order the gradients of Keras' weights as numbarnn does: a GRU's gates are z, r, n there, with two biases."""
    if cell == "GRU":
        kernel, recurrent_kernel, bias = (
            np.concatenate([np.split(array, 3, -1)[gate] for gate in (1, 0, 2)], -1)
            for array in (kernel, recurrent_kernel, bias)
        )
        bias = np.concatenate([bias[0], bias[1, -len(recurrent_kernel) :]])
    return {"d_kernel": kernel, "d_recurrent_kernel": recurrent_kernel, "d_bias": bias}


class Runner:
    def __init__(self, workload, threads):
        import keras
        import tensorflow

        if keras.backend.backend() != "tensorflow":
            raise ImportError(f"expected Keras on TensorFlow, got on {keras.backend.backend()}")
        self.cell, self.tensorflow = workload.name, tensorflow
        layer = getattr(keras.layers, workload.name)(
            workload.shape[3], return_sequences=True, return_state=True, dtype=workload.dtype
        )
        batch_major = (np.ascontiguousarray(array.swapaxes(0, 1)) for array in (workload.x, workload.d_outputs))
        self.x, self.d_outputs = map(tensorflow.constant, batch_major)
        layer.build(self.x.shape)
        layer.set_weights(nr.interop.to_keras(workload.cell, workload.params))
        self.compiled_forward = tensorflow.function(lambda x: layer(x)[0])
        self.compiled_train = tensorflow.function(self._training_step(layer))

    def _training_step(self, layer):
        def step(x, d_outputs):
            with self.tensorflow.GradientTape() as tape:
                tape.watch(x)
                outputs, *state = layer(x, training=True)
            sources = [x, *(variable.value for variable in layer.trainable_variables)]
            return outputs, state, tape.gradient(outputs, sources, output_gradients=d_outputs)

        return step

    def train(self):
        """Run forward and BPTT: gradients of all parameters and of the inputs."""
        return self.compiled_train(self.x, self.d_outputs)

    def forward(self):
        """Compute the outputs only."""
        return self.compiled_forward(self.x)

    def results(self):
        """Return every array of a training step by numbarnn's names, and the outputs of `forward`."""
        outputs, state, (d_inputs, *d_weights) = self.train()
        sequences = {"outputs": outputs, "forward": self.forward(), "d_inputs": d_inputs}
        return {
            **{name: value.numpy().swapaxes(0, 1) for name, value in sequences.items()},
            **{f"state.{name}": value.numpy() for name, value in zip("hc", state, strict=False)},
            **our_gradients(self.cell, *(gradient.numpy() for gradient in d_weights)),
        }
