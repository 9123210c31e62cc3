"""Damaged files of other libraries and of models: a small part of `python -m tests.helpers.damaged_files`."""

import pytest
from helpers import damaged_files
from helpers.damaged_files import DATASETS, READERS


@pytest.mark.parametrize("name", [name for name in READERS if name not in DATASETS])
def test_a_damaged_file_is_read_or_named_in_one_error_and_nothing_is_half_loaded(name):
    needs = READERS[name].needs
    pytest.importorskip(needs, reason=f"needs {needs} (pip install {needs})")
    counts, wrong = damaged_files.run(name, cases=40, seed=1)
    assert not wrong and counts["refused"] > 20
