"""The matrix products of a cell: which columns of which parameter lead from where to which slots of z."""

import functools
from typing import NamedTuple

from .blas import matrix, multiply, product
from .equations import kind_of

ONES = "1"  # the source of vectors such as the bias: a column of ones


class Product(NamedTuple):
    """Of `count` neighbouring blocks of H columns of a parameter, for as many slots of z."""

    parameter: str
    block: int
    slot: int
    count: int


def runs(cell, parameter, names, wanted=lambda fed: True):
    """Products for the pre-activations of these names, the blocks of a parameter: neighbours in z go together."""
    slots, found = list(cell.inputs), []
    for block, name in enumerate(names):
        slot = slots.index(name)
        if not wanted(cell.inputs[name]):
            continue
        last = found[-1] if found else None
        if last and (last.block + last.count, last.slot + last.count) == (block, slot):
            found[-1] = last._replace(count=last.count + 1)
        else:
            found.append(Product(parameter, block, slot, 1))
    return found


@functools.cache
def products_of(cell):
    """{source: its products}; a source is "x", "h" (what is fed back), which q, or ONES."""
    kinds = sorted({kind_of(fed) for fed in cell.inputs.values() if "q" in fed})
    split = cell.num_proj is not None and kinds
    back = cell.fed_by("h" if split else "hq")
    found = {"x": runs(cell, "kernel", cell.fed_by("x"))}
    found["h"] = runs(cell, "recurrent_kernel", back, lambda fed: "h" in fed)
    for kind in kinds:
        name, names = ("feedback_kernel", cell.fed_by("q")) if split else ("recurrent_kernel", back)
        found[kind] = runs(cell, name, names, lambda fed, kind=kind: "q" in fed and kind_of(fed) == kind)
    found[ONES] = [p for name, names in cell.vectors.items() for p in runs(cell, name, names)]
    return found


def blocks(cell, part, params):
    """What a product takes of a parameter, as a matrix; a vector is one of a single row."""
    array, H = params[part.parameter], cell.units
    whole = matrix(array, array.size if part in products_of(cell)[ONES] else None)
    return whole.block(part.block * H, part.count * H)


class Products:
    """All products of a tape from one source; a parameter may have fewer rows than the source has columns."""

    def __init__(self, tape, source):
        cell, self.mode = tape.cell, tape.mode
        self.products, self.cell, H = products_of(cell).get(source, []), cell, cell.units
        self.weights = [blocks(cell, p, tape.params) for p in self.products]
        self.places = [(p.slot * H, p.count * H) for p in self.products]

    def to(self, z, source, add):
        """Functions that make z = source W, or add it; rows of z hold all slots."""
        pairs = zip(self.weights, self.places, strict=True)
        return [product(source.block(0, w.rows), w, z.block(*at), add=add, mode=self.mode) for w, at in pairs]

    def back(self, dz, d_source, add):
        """Functions that make d_source = dz W^T, or add it."""
        return [
            product(dz.block(*at), w, d_source.block(0, w.rows), add=add or i > 0, turn_b=True, mode=self.mode)
            for i, (w, at) in enumerate(zip(self.weights, self.places, strict=True))
        ]

    def of_weights(self, source, dz, d_params):
        """dW = source^T dz, over all rows of both, into the gradients of the parameters."""
        for p, place in zip(self.products, self.places, strict=True):
            to = blocks(self.cell, p, d_params)
            multiply(source.block(0, to.rows), dz.block(*place), to, turn_a=True, mode=self.mode)
