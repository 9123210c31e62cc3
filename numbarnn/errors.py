"""The one error type for bad input."""

import functools
import inspect


class InputError(ValueError, TypeError):
    """Something a caller passed cannot be used: a shape, dtype, length, option, parameter or file.

    Raised before any kernel runs or any file changes. It is a `ValueError` and a `TypeError` as well, so callers that
    catch Python's usual types catch it too.
    """


class Checked:
    """Turns unknown or missing constructor arguments into an `InputError`."""

    def __new__(cls, *args, **options):
        try:
            _signature(cls).bind(None, *args, **options)
        except TypeError as error:
            names = ", ".join(list(_signature(cls).parameters)[1:])
            raise InputError(f"{cls.__name__}: {error}; it takes {names}") from None
        return super().__new__(cls)

    def __reduce__(self):
        """Copies are made without another look at the arguments, and find out again what was cached."""
        cached = {name for name in vars(self) if isinstance(getattr(type(self), name, None), functools.cached_property)}
        return object.__new__, (type(self),), {name: value for name, value in vars(self).items() if name not in cached}


@functools.cache
def _signature(cls):
    """Of the constructor; finding it out takes as long as a small step of training."""
    return inspect.signature(cls.__init__)
