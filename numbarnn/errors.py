"""The one error type for bad input."""


class InputError(ValueError, TypeError):
    """Something a caller passed cannot be used: a shape, dtype, length, option, parameter or file.

    Raised before any kernel runs or any file changes. It is a `ValueError` and a `TypeError` as well, so callers that
    catch Python's usual types catch it too.
    """
