"""The table of counterparts: every gate has a place, round trips keep every bit, and the documents show each row."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.interop.convert import holder_of, incoming, outgoing
from numbarnn.interop.layouts import layout
from numbarnn.interop.table import PLAIN, TABLE

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "interop.md").read_text()
CHANGED = {"num_proj": 2, "use_bias": False, "use_biases": True, "use_peephole": True, "use_peepholes": True}
OF_CELLS = [(row, kind) for row in TABLE for kind in row.cells if issubclass(kind, nr.Cell)]
RNG = np.random.default_rng(0)


def variants(row, kind):
    """The cell without bias, with peepholes and so on, as far as its counterpart has that."""
    fields = {field.name for field in dataclasses.fields(kind)}
    constant = {"forget_bias": 0.0} if "forget_bias" in fields else {}
    yield kind(5, **constant)
    changed = CHANGED | {f.name: not f.default for f in dataclasses.fields(kind) if f.name == "layer_norm"}
    for option, value in changed.items():
        known = {"use_peephole": "use_peepholes"}.get(option, option)  # the name in block cells
        if option in fields and (known not in PLAIN or known in row.options):
            yield kind(5, **constant, **{option: value})


@pytest.mark.parametrize(("row", "kind"), OF_CELLS, ids=lambda v: getattr(v, "name", None) or v.__name__)
def test_round_trips_keep_every_bit(row, kind):
    for cell in variants(row, kind):
        holder = holder_of(cell, 3)
        params = {n: RNG.standard_normal(s).astype("float32") for n, s in cell.param_shapes(3).items()}
        arrays = outgoing("test", row, holder, params)
        same = incoming("test", row, holder, arrays)
        for name, array in params.items():
            assert_array_equal(same[name], array)
            assert same[name].flags.carray and not np.shares_memory(same[name], array)
        for name, array in outgoing("test", row, holder, same).items():
            assert_array_equal(array, arrays[name])


@pytest.mark.parametrize(("row", "kind"), OF_CELLS, ids=lambda v: getattr(v, "name", None) or v.__name__)
def test_every_gate_has_one_place(row, kind):
    for cell in variants(row, kind):
        holder = holder_of(cell, 3)
        own = [block for array in holder.own.values() for block in array.blocks]
        there = [block for array in holder.theirs(row).values() for block in array.blocks]
        assert len(there) == len(set(there)) and set(own) <= set(there)
        plain = {(name.replace("recurrent_bias", "bias"), gate.removeprefix("-")) for name, gate in there}
        assert plain == set(own)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.library} {row.name}")
def test_the_document_has_the_row(row):
    lines = [line for line in DOCUMENT.splitlines() if line.startswith(f"| {row.library} | `{row.name}`")]
    assert len(lines) == 1
    assert all(f"`{kind.__name__}`" in lines[0] for kind in row.cells)


def test_layouts_are_read_as_they_are_written():
    found = layout("kernel: i g / recurrent_kernel: i g", transposed=True)
    assert found.rows == ((("kernel", "i"), ("kernel", "g")), (("recurrent_kernel", "i"), ("recurrent_kernel", "g")))
    sizes = {"kernel": (3, 5), "recurrent_kernel": (5, 5), "bias": (5,), "recurrent_bias": (5,)}
    assert found.shape(sizes) == (10, 8)
    assert layout("bias: i f", transposed=True).shape(sizes) == (10,)
    two = layout("bias: z n / recurrent_bias: z bias: m")
    assert two.shape(sizes) == (2, 10)
    assert two.rows[1] == (("recurrent_bias", "z"), ("bias", "m"))
    assert two.parameters == {"bias"}
