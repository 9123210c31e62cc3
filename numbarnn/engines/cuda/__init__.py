"""The CUDA engine: the same cell functions as the CPU's, on an NVIDIA GPU.

Read `engine.py` first: what a pass does. `tape.py` holds the arrays of a pass, `per_step.py` walks through time with a
matrix product a step, `small.py`, `small_twice.py` and `persistent.py` in one launch; `choose.py` says by sizes which
walk is taken. `kernels.py` and `equations.py` make kernels of a cell's equations. What knows numba-cuda and the driver
is behind `target.py`: memory and launches in `device.py`, instructions in `ptx.py`.
"""
