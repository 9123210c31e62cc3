"""Proof of the cells: every value and gradient of numbarnn against independent references.

    python -m validation [--quick] [--cell NAMES] [--check NAMES] [--device NAMES] [--json FILE] ... (--help)

A reference is a cell in its paper's notation, written with `autograd.numpy`, one file each in `references/`; it
imports nothing of numbarnn. `cases` says what is run, `problem` draws the numbers, `truth` runs the reference over the
sequence, `measured` runs numbarnn, `compare` sets them side by side, gate by gate, `suite` strings all together, and
`report` shows it.
"""
