"""Figures in tests need no screen."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
