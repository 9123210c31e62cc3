"""numbarnn beside a peer: the same problem, and everything that the peer shows of it."""

from .. import conditioning, measured, truth
from ..compare import DTYPES, Result, bound, errors
from ..problem import draw
from . import peer


def results(name, case, device, dtypes=DTYPES, values=measured.values):
    """A result for each quantity that the peer of this name shows of a case; `values(problem, device)` runs numbarnn.

    The peer's values in the same dtype stand in the place of the truth. Where float32 misses its bound, the reference
    decides, in float32 on slightly other numbers, as it does in the comparison with autograd.
    """
    library, problem = peer(name), draw(case)
    for dtype in dtypes:
        of_dtype = problem.as_type(dtype)
        if (theirs := library.values(of_dtype)) is None:
            continue
        found = values(of_dtype, device)
        for group, arrays in theirs.items():
            kind, cotangent = ("forward", {}) if group == "forward" else ("gradient", {"cotangent": group})
            for (quantity, gate), error in errors({key: found[group].get(key) for key in arrays}, arrays).items():
                where = (case.cell, case.options, dtype, device, case.described | cotangent, library.NAME)
                result = Result(*where, quantity, gate, error, bound(dtype, kind, quantity, {}), case.seed)
                if dtype == "float32" and not result.ok:
                    of_reference = conditioning.of(problem, truth.values(problem))
                    result = result.beside(of_reference[group].get((quantity, gate), 0.0))
                yield result
