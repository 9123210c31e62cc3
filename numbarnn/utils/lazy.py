"""`cached_property` without a lock.

Up to Python 3.11 it holds a lock while it computes, one for all instances. A process that is forked meanwhile gets a
copy of it that nobody ever releases.
"""

import functools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property(functools.cached_property):
        """Compute an attribute at its first use, as Python 3.12 does: at worst two threads compute the same value."""

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self.attrname] = self.func(instance)
            return value


__all__ = ["cached_property"]
