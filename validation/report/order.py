"""The order of what failed."""


def from_cause(result):
    """A key that sorts what is nearest to the cause first.

    In one step no error reaches other gates through later steps. Gradients may be wrong because values are, and
    quantities of no single gate because one of a gate is. Then the largest error over its bound.
    """
    later = result.shape.get("T", 1) > 1
    return later, result.quantity.startswith("d_"), result.gate is None, -result.fraction, result.order
