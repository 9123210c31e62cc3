"""TensorFlow 1's fused GRU of one step: the equations of `gru`, with sigmoid and tanh."""

from .gru import step

CELL = "GRUBlockCell"
OPTIONS = {}

__all__ = ["CELL", "OPTIONS", "step"]
