"""Cells of which only the forward equations are written: numbarnn derives the others."""

from .derive import derive, derived

__all__ = ["derive", "derived"]
