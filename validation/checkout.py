"""Whether this is a checkout of the project, or the copy of the suite inside an installed package."""

from pathlib import Path

INSTALLED = "." in __package__  # as numbarnn._validation
ROOT = None if INSTALLED else Path(__file__).parents[1]
PROGRAM = "python -m numbarnn validate" if INSTALLED else "python -m validation"
