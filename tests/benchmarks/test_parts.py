"""The parts of a pass: each is measured, and together they are about the pass."""

import json

import pytest

from benchmarks import parts


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_parts_of_a_pass(cell, tmp_path):
    path = tmp_path / "parts.json"
    shape = "6x5x4x20"
    assert parts.main(["--cells", cell, "--shapes", shape, "--threads", "2", "--rounds", "2", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["kind"], row["pass"]) for row in rows] == [
        ("forward", "forward"),
        ("train", "forward"),
        ("train", "backward"),
    ]
    for row in rows:
        assert {row[part] > 0 for part in ("products", "peak", *parts.PARTS[row["pass"]][:1])} == {True}
