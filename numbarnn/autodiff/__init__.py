"""Symbolic differentiation: derive a cell's backward equations from its forward equations."""

from .derive import derive, derived, derived_gradient

__all__ = ["derive", "derived", "derived_gradient"]
