"""Figures in tests need no screen, and CUDA kernels no GPU."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("KERAS_BACKEND", "torch")  # one for all tests of a process
os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")  # Numba reads it when it is imported
