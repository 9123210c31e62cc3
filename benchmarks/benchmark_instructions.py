"""Instructions that calls execute, as callgrind counts them: the series that tells a regression from a busy machine."""

from . import callgrind
from .counted_calls import NAMES


class Instructions:
    """One thread of a Haswell, whatever processor this is; see `counted_calls` for the sizes."""

    params = (NAMES,)
    param_names = ("call",)
    unit = "instructions"
    timeout = 900

    def setup_cache(self):
        return callgrind.count() if callgrind.available() else {}

    setup_cache.timeout = 1800

    def setup(self, counted, call):
        if call not in counted:
            raise NotImplementedError("needs Valgrind, and a numbarnn that has this call")

    def track_instructions(self, counted, call):
        return counted[call]

    track_instructions.pretty_name = "Instructions of a call"
