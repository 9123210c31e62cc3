"""Composite cells against their definitions in autograd: outputs, final states, every gradient by name."""

import pytest
from helpers.problems import assert_close
from helpers.wrapper_problems import CASES, LENGTHS, OPTIONS, Problem

from numbarnn.wrappers import embedding


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_reference(case, options):
    problem = Problem(CASES[case])
    expected = problem.expected(**OPTIONS[options])
    for device in ("cpu", "numpy"):
        assert_close(problem.results(device=device, **OPTIONS[options]), expected, 1e-11)


@pytest.mark.parametrize("options", OPTIONS)
def test_an_embedding_whose_products_are_read(options, monkeypatch):
    monkeypatch.setattr(embedding, "products_pay", lambda *sizes: True)
    test_reference("embedding", options)


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_the_final_state_alone(case):
    problem = Problem(CASES[case])
    options = {"d_outputs": False, "lengths": LENGTHS}
    assert_close(problem.results(device="numpy", **options), problem.expected(**options), 1e-11)
