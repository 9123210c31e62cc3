"""A few of the disturbances of `helpers.survival`; the command runs all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "options",
    [
        ("kills", "--kills", "10"),
        ("interrupts", "--interrupts", "17"),
        ("trainings", "--trainings", "8"),
        ("memory", "--batches", "1500"),
    ],
)
def test_what_is_left_is_whole(options):
    """In a process of its own, as it forks and takes signals."""
    command = [sys.executable, "-m", "tests.helpers.survival", *options, "--seed", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
