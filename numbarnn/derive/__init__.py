"""Cells of which only the forward equations are written: numbarnn derives the others."""

from .equations import derive, derived

__all__ = ["derive", "derived"]
