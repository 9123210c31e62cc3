"""Does the suite find what is wrong? Errors planted in copies of the package, one at a time.

`planted` is the table of them; `run` copies the package, plants one, and lets the suite look for it in a process and
with a cache of kernels of its own.
"""
