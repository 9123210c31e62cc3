"""The examples in docstrings give what they show."""

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

from numbarnn import rnn

MODULES = [module.name for module in walk_packages(rnn.__path__, "numbarnn.rnn.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    named = {test.name.split(".")[-1] for name in MODULES for test in finder.find(import_module(name)) if test.examples}
    assert named >= {"dynamic_rnn", "static_rnn", "bidirectional_dynamic_rnn", "raw_rnn", "truncation_bias"}
