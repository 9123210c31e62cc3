"""Sweeps: one function for every point of a grid and several seeds, in several processes or on a cluster."""
