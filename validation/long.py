"""Long sequences, and numbers at the edges: errors against the number of steps, beside those of other libraries.

A peer's own error is a result without a bound, whose `program` is its name.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from numbarnn.recipes import RECIPES

from . import cases, conditioning, measured, peers, references, truth
from .cases import Call, Case, Shape
from .compare import TINY, Result, bound, errors
from .problem import draw

STEPS = 1, 3, 10, 30, 100, 300, 1000
QUICK_STEPS = 1, 10, 100
LINEAR = ("SimpleRNNCell", "GRUCell", "ResetAfterGRUCell", "LSTMCell")  # cells whose activation can be linear
SMALLEST = {"float64": 2.0**-1026, "float32": 2.0**-128}  # times a normal number of this dtype: denormal
LEAST = np.nextafter(0, 1)
TRAINED = {"LSTMCell": "adding", "SimpleRNNCell": "adding"}  # the recipe that trains such a cell, without files
SEQUENCES, EPOCHS = 500, 2  # of its training


@dataclass(frozen=True)
class HardCase(Case):
    """A case whose numbers are then changed: `kind` is a name of `CHANGES`."""

    kind: str = ""

    @property
    def described(self):
        return super().described | {"numbers": self.kind}


def long_cases(name, quick=False):
    """A plain cell with its default options, over more and more steps."""
    module = references.load()[name]
    if hasattr(module, "examples") or (quick and not getattr(module, "THOROUGH", False)):
        return []
    (case,) = cases.fitted(module, {}, Shape(1, 3, 4, 8), Call(initial_state=True))
    return [replace(case, shape=case.shape._replace(T=T)) for T in (QUICK_STEPS if quick else STEPS)]


def hard_cases(name, quick=False):
    """A plain cell with numbers of each kind."""
    module = references.load()[name]
    if hasattr(module, "examples") or (quick and not getattr(module, "THOROUGH", False)):
        return []
    shape, found = Shape(20, 3, 4, 8), []
    for kind, call in (
        ("saturated", {}),
        ("no valid step", {"masking": "mask"}),
        ("no valid step", {"masking": "lengths"}),
    ):
        found += [(kind, case) for case in cases.fitted(module, {}, shape, Call(initial_state=True, **call))]
    if name in LINEAR:
        linear = {"activation": "linear"}
        found += [("denormal", case) for case in cases.fitted(module, linear, shape, Call(initial_state=True))]
        found += [("exploding", case) for case in cases.fitted(module, linear, shape._replace(T=100), Call())]
    if name in TRAINED and not quick:
        found += [("trained", case) for case in cases.fitted(module, {}, Shape(100, 3, 2, 64), Call())]
    return [HardCase(**{**vars(case), "kind": kind}) for kind, case in found]


def changed(case, dtype):
    """The problem of a case in a dtype, with its numbers changed."""
    problem = draw(case, margin=0.0)
    problem = replace(problem, cotangents={"all": problem.cotangents["all"]})
    return CHANGES[getattr(case, "kind", "")](problem, dtype)


def saturated(problem, dtype):
    """Weights that put gates at zero and one, as far as the dtype goes."""
    return replace(problem, params={name: 40 * array for name, array in problem.params.items()})


def no_valid_step(problem, dtype):
    """All rows are empty: states stay as they are, everything else is zero."""
    lengths = None if problem.lengths is None else np.zeros_like(problem.lengths)
    return replace(problem, lengths=lengths, mask=np.zeros_like(problem.mask))


def denormal(problem, dtype):
    """Inputs and states below the least normal number, and no bias: so are outputs and gradients of the weights."""
    small = lambda array: (array * SMALLEST[dtype]).astype(dtype).astype("float64")  # noqa: E731
    params = {name: 0 * array if array.ndim == 1 else array for name, array in problem.params.items()}
    state = {name: small(array) for name, array in problem.state.items()}
    return replace(problem, params=params, x=small(problem.x), state=state)


def exploding(problem, dtype):
    """Recurrent weights that multiply gradients by 1.5 in each step, and inputs so small that states stay small."""
    params = {name: 0 * array if array.ndim == 1 else array for name, array in problem.params.items()}
    blocks = params["recurrent_kernel"]
    units = len(blocks)
    orthogonal = np.linalg.qr(blocks[:, -units:])[0].astype("float32").astype("float64")
    scale = 1.5 if blocks.shape[1] == units else 4.0  # gates near one half take the rest
    params["recurrent_kernel"] = np.concatenate([blocks[:, :-units], scale * orthogonal], axis=1)
    x = (problem.x * 1e-20).astype("float32").astype("float64")
    return replace(problem, params=params, x=x)


def trained(problem, dtype):
    """Weights from a recipe, briefly trained with a seed, and sequences of its test set."""
    params, x = layers_of(TRAINED[problem.node.cell])[problem.node.cell]
    exact = {name: array.astype("float64") for name, array in params.items()}
    return replace(problem, params=exact, x=x[: len(problem.x)].astype("float64"))


@cache
def layers_of(name):
    """{class of a cell: (its parameters, sequences of the test set)} of the models of a recipe."""
    recipe = RECIPES[name]
    (x, y), (x_test, _) = recipe.load(None, "float32")
    found = {}
    for model in recipe.build(0, "float32").values():
        model.fit(x[:SEQUENCES], y[:SEQUENCES], epochs=EPOCHS, batch_size=recipe.BATCH_SIZE, verbose=0)
        layer = next(layer for layer in model.layers if hasattr(layer, "cell"))
        found[type(layer.cell).__name__] = dict(layer.params), x_test
    return found


CHANGES = {
    "": lambda problem, dtype: problem,
    "saturated": saturated,
    "no valid step": no_valid_step,
    "denormal": denormal,
    "exploding": exploding,
    "trained": trained,
}


def results(same, device, dtypes, witnesses=()):
    """numbarnn's errors in each of these cases, and those of the peers of these names in float32."""
    for case in same:
        for dtype in dtypes:
            yield from of_dtype(case, changed(case, dtype), device, dtype, witnesses)


def of_dtype(case, problem, device, dtype, witnesses):
    true, programs = truth.values(problem), {"numbarnn": lambda p: measured.values(p, device)}
    programs |= {peers.peer(name).NAME: peers.peer(name).values for name in witnesses if peers.peer(name).has(case)}
    for program, values in programs.items():
        ours = program == "numbarnn"
        if not ours and dtype == "float64":
            continue
        found = values(problem.as_type(dtype))
        for group, arrays in true.items():
            cotangent = {} if group == "forward" else {"cotangent": group}
            shown = arrays if ours else {key: arrays[key] for key in found.get(group, {}) if key in arrays}
            for (quantity, gate), error in errors(found.get(group, {}), shown, least_of(case)).items():
                where = (case.cell, case.options, dtype, device if ours else "cpu", case.described | cotangent)
                limit = limit_of(case, dtype, group, quantity) if ours else np.inf
                result = Result(*where, "autograd", quantity, gate, error, limit, case.seed, program=program)
                if not result.ok and dtype == "float32":
                    of_reference = conditioning.of(problem, true)
                    result = result.beside(of_reference[group].get((quantity, gate), 0.0))
                yield result


def least_of(case):
    """Below it errors are absolute."""
    return LEAST if getattr(case, "kind", "") == "denormal" else TINY


def limit_of(case, dtype, group, quantity):
    """The usual bounds; without a valid step nothing is computed, so nothing is rounded."""
    kind = "forward" if group == "forward" else "gradient"
    step = quantity.startswith("step.")  # one step, which counts in all rows
    return 0.0 if getattr(case, "kind", "") == "no valid step" and not step else bound(dtype, kind, quantity, {})
