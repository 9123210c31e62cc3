"""LSTM with dropout of the recurrent kernel."""

from .lstm import lstm


def drop_connect_lstm(cell, p, x, each):
    return lstm(cell.cell, p | {"recurrent_kernel": p["recurrent_kernel"] * p["kept_weights"]}, x, each)
