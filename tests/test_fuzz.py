"""A part of the random calls of `helpers.fuzz`, in which arrays have odd layouts."""

import pytest
from helpers import fuzz

CASES = {"cells": 120, "losses": 60, "optimizers": 40, "models": 15}


@pytest.mark.parametrize("part", fuzz.PARTS)
def test_odd_layouts(part):
    outcomes = [fuzz.run(part, number, seed=7) for number in range(CASES[part])]
    assert outcomes.count("equal") > CASES[part] / 2
