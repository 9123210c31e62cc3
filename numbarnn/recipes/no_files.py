"""For recipes that read no files."""

from ..errors import InputError


def expect_no_folder(name, data, why):
    """Raise `InputError` where a folder `data` was given."""
    if data is not None:
        raise InputError(f"{name}: expected no folder, {why}; got {data}")
