"""TensorFlow 1's fused LSTM of one step: tanh, and a gradient that passes straight through the clip."""

from . import lstm

CELL = "LSTMBlockCell"
OPTIONS = {"forget_bias": (0.0, -0.5), "cell_clip": (0.5, 0.2), "use_peephole": (True,)}
KINKS = ({"cell_clip": 0.5},)


def exact(options):
    return "cell_clip" not in options


def step(params, x, state, f, *, forget_bias=1.0, cell_clip=None, use_peephole=False):
    """`lstm.step` with tanh and sigmoid."""
    options = {"use_peepholes": use_peephole, "cell_clip": cell_clip, "clip_gradient": "straight_through"}
    return lstm.step(params, x, state, f, forget_bias=forget_bias, **options)
