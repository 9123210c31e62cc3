"""Gradients of one evaluation for several cotangents, by PyTorch and by TensorFlow, as arrays."""

import os
from importlib import import_module

import numpy as np

LONGEST = 12  # steps of a case, where TensorFlow runs operation by operation: each step takes milliseconds


def tensorflow():
    """TensorFlow with the cells of version 1, which Keras 3 has no longer, and with few words."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    tf = import_module("tensorflow")
    tf.get_logger().setLevel("ERROR")
    return tf


def of_tensorflow(function, arrays, variables):
    """The results of `function(tensors of the arrays)`, a list, as arrays; and `pull`, see `of_torch`."""
    tf = tensorflow()
    leaves = [tf.constant(array) for array in arrays]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([*leaves, *variables])
        results = function(leaves)

    def pull(cotangents):
        given = [(y, tf.constant(d)) for y, d in zip(results, cotangents, strict=True) if d is not None]
        targets, d_targets = zip(*given, strict=True)
        zero = tf.UnconnectedGradients.ZERO
        found = tape.gradient(list(targets), [*leaves, *variables], list(d_targets), unconnected_gradients=zero)
        return [array.numpy() for array in found]

    return [result.numpy() for result in results], pull


def of_torch(function, arrays, variables):
    """The results of `function(tensors of the arrays)`, a list, as arrays; and `pull`.

    `pull(cotangents)`, one or None for each result, gives the gradients of the arrays and of the variables.
    """
    import torch

    torch.set_num_threads(1)  # all problems are small: more threads only wait for one another
    leaves = [torch.tensor(np.ascontiguousarray(array)).requires_grad_() for array in arrays]
    results = function(leaves)

    def pull(cotangents):
        given = [(y, torch.tensor(d)) for y, d in zip(results, cotangents, strict=True) if d is not None]
        targets, d_targets = zip(*given, strict=True)
        at = [*leaves, *variables]
        found = torch.autograd.grad(targets, at, d_targets, retain_graph=True, allow_unused=True)
        return [(torch.zeros_like(a) if d is None else d).numpy() for a, d in zip(at, found, strict=True)]

    return [result.detach().numpy() for result in results], pull
