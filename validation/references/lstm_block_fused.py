"""TensorFlow 1's fused LSTM of a whole sequence: the equations of `lstm_block`."""

from .lstm_block import KINKS, OPTIONS, exact, step

CELL = "LSTMBlockFusedCell"

__all__ = ["CELL", "KINKS", "OPTIONS", "exact", "step"]
