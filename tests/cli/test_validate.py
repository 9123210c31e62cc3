"""`python -m numbarnn validate` where autograd is missing: central differences of the kernels."""

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.__main__ import main
from numbarnn.cli import validate


@pytest.fixture
def without_autograd(monkeypatch):
    find = validate.find_spec
    monkeypatch.setattr(validate, "find_spec", lambda name: None if name == "autograd" else find(name))
    monkeypatch.setattr(validate, "CELLS", {"MGUCell": nr.MGUCell, "NASCell": nr.NASCell})


def test_the_kernels_pass_and_the_machine_is_described(without_autograd, capsys):
    assert main(["validate"]) == 0
    printed = capsys.readouterr().out
    assert "MGUCell" in printed and "2 plain cells passed, 0 failed" in printed
    assert "numbarnn[validate]" in printed and "vector_bits" in printed


@pytest.mark.parametrize("kind", ["gradient", "differences"])
def test_a_wrong_gradient_is_found(without_autograd, monkeypatch, kind):
    results = validate.results

    def wrong(cell, problem, device):
        values, gradients = results(cell, problem, device)
        if kind == "differences" or device == "cpu":  # both engines, or the kernels alone
            gradients[0] = gradients[0] * np.float32(1 + 1e-3)
        return values, gradients

    monkeypatch.setattr(validate, "results", wrong)
    found = dict(validate.kernel_errors())
    assert all(errors[kind] > validate.BOUNDS[kind] for errors in found.values()) and main(["validate"]) == 1


def test_the_suite_beside_the_package_gets_the_arguments(capsys):
    with pytest.raises(SystemExit):
        main(["validate", "--cell", "NoSuchCell"])
    assert "got 'NoSuchCell'" in capsys.readouterr().err


def test_other_commands_take_no_unknown_arguments(capsys):
    with pytest.raises(SystemExit):
        main(["info", "--cell", "LSTMCell"])
    assert "unrecognized arguments: --cell LSTMCell" in capsys.readouterr().err
