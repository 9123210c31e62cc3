"""A hash of all that the updates of a training depend on, to compare processes by."""

import hashlib
from typing import Any


def digest(model: Any) -> bytes:
    """Hash weights, the optimiser's memory and the states of the random generators."""
    optimizer, found = model.optimizer, hashlib.blake2b(digest_size=16)
    arrays = [*model.weights.items()]
    arrays += [(f"{name}:{slot}", a) for name, slots in optimizer.slots.items() for slot, a in slots.items()]
    for name, array in arrays:
        found.update(f"{name} {array.shape} {array.dtype}".encode())
        found.update(array.tobytes())
    generators = [model._shuffle_rng.bit_generator.state, model._dropout_rng.bit_generator.state]
    rate = None if callable(optimizer.learning_rate) else float(optimizer.learning_rate)
    found.update(repr((optimizer.iterations, rate, generators)).encode())
    return found.digest()
