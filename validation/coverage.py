"""Which option of which cell has which proof."""

from dataclasses import asdict, dataclass

from numbarnn.activations import __all__
from numbarnn.maths import ACTIVATIONS

from . import activations, cases, pytorch, references
from .catalogue import cells, options
from .node import shown
from .options import required

ROW = "{:<32} {:<30} {:>6} {:>6} {:>9} {:>12} {:>8}  {}"


@dataclass(frozen=True)
class Proof:
    """Of one option: sequence runs with it alone and among others, checks of its reference's gradient by central
    differences, and runs that PyTorch sets the bound for."""

    cell: str
    option: str
    values: tuple
    alone: int
    combined: int
    differences: int
    pytorch: int

    @property
    def as_json(self):
        return asdict(self) | {"values": [shown(value) for value in self.values]}


def proofs(names, quick=False):
    """A `Proof` for each option of the cells of these names that the run covers."""
    found = references.load()
    return [proof for name in names if name in found for proof in _of_cell(found[name], quick)]


def _of_cell(module, quick):
    if module.CELL not in cells():
        return
    must = cases.central(module, {}).options.keys()
    planned = cases.cases_of(module.CELL, quick)
    differences = [cases.central(module, chosen).options for chosen in cases.differentiable(module, quick)]
    for option in options(module.CELL):
        without = must | required(module, option).keys() | {option}
        run = [case for case in planned if option in case.options]
        lone = [case for case in run if case.options.keys() <= without]
        yield Proof(
            module.CELL,
            option,
            tuple({shown(case.options[option]): case.options[option] for case in run}.values()),
            len(lone),
            len(run) - len(lone),
            sum(option in chosen for chosen in differences),
            sum(map(pytorch.has, run)),
        )


def gaps(names):
    """(cell, what is not proven), for the full run."""
    found = references.load()
    for name in names:
        if name not in found:
            yield name, "no reference: validation/references has no module for this cell"
            continue
        for option in sorted(found[name].OPTIONS.keys() - set(options(name))):
            yield name, f"its reference has an option {option}, and the cell does not"
        for proof in proofs([name]):
            if not proof.alone:
                yield name, f"its reference does not know the option {proof.option}"
    missing = sorted(ACTIVATIONS.keys() - activations.ACTIVATIONS.keys())
    missing += sorted(set(__all__) - {"Activation"} - {activation.name for activation in activations.WITH})
    for name in missing:
        yield "activations", f"validation/activations.py has no {name}"


def without_cell():
    """Names of the references that wait for their cell."""
    return sorted(references.load().keys() - cells().keys())


def table(rows):
    """The proofs as text."""
    lines = [ROW.format("cell", "option", "values", "alone", "combined", "differences", "PyTorch", "")]
    for p in rows:
        numbers = len(p.values), p.alone, p.combined, p.differences, p.pytorch
        lines.append(ROW.format(p.cell, p.option, *numbers, "" if p.alone else "not in the quick run"))
    return "\n".join(line.rstrip() for line in lines)
