"""Runs cases and yields one `Result` per comparison."""

from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numba import config

from numbarnn.errors import InputError

from . import (
    cases,
    conditioning,
    coverage,
    measured,
    parallel,
    pytorch,
    references,
    repeated,
    truth,
    unrolling,
    vector_functions,
)
from .catalogue import cells
from .compare import Result, bound, errors
from .problem import draw

CENTRAL_DIFFERENCES = 1e-6  # bound
DTYPES = ("float64", "float32")
WITNESS = "njit"  # compiled from the same equations without SIMD: where it passes and "cpu" fails, kernels are wrong


def run(names=None, quick=False, device="cpu", progress=lambda done, total, name: None, jobs=1):
    """Results of the cells of these names (default: all, the unrolling functions, and the vector functions of the CPU).

    A quick run tries options on the NumPy engine alone: that compiles nothing. A whole run on the CPU runs each cell
    with its default options on the `WITNESS` too, in all ways of calling it. With several jobs, as many processes
    take the cases of one shape and one choice of options each: those share their kernels.
    """
    chosen = list(cells()) if names is None else names
    results = [failure(*gap) for gap in coverage.gaps(chosen)]
    plan = {name: cases.cases_of(name, quick) for name in chosen if name in references.load()}
    if device == "cuda" and config.ENABLE_CUDASIM:
        plan = {name: list(filter(cases.is_tiny, planned)) for name, planned in plan.items()}
    tasks = [task for name, planned in plan.items() for task in tasks_of(name, planned, quick, device)]
    if device == "cpu" and not quick:
        tasks += [witness_task(name, planned) for name, planned in plan.items()]
    if names is None:
        tasks.append(Task("unrolling functions", 0, unrolling_results, (device,)))
    if names is None and device == "cpu":
        tasks.append(Task("vector functions", 0, vector_functions.results, (quick,)))
    total, done = sum(task.cases for task in tasks), 0
    for task, found in zip(tasks, parallel.run([task.call for task in tasks], jobs), strict=True):
        done += task.cases
        progress(done, total, task.name)
        results += found
    return results


class Task(NamedTuple):
    """A part of the work: `function(*arguments)` gives its results."""

    name: str
    cases: int
    function: Any
    arguments: tuple

    @property
    def call(self):
        return partial(listed, self.function, self.arguments)


def listed(function, arguments):
    return list(function(*arguments))


def tasks_of(name, planned, quick, device):
    """Of a cell, its cases in their order: those that follow each other with the same shape and options together."""
    yield Task(name, 0, reference_results, (name, quick))
    usual = planned[0].options.keys() if planned else ()
    for _, same in groupby(planned, lambda case: (case.shape, repr(case.options))):
        same = list(same)
        where = "numpy" if quick and same[0].options.keys() - usual else device
        yield Task(name, len(same), results_of, (same, where))


def witness_task(name, planned):
    """The cases with the options and the shape of the first one, on the `WITNESS`."""
    same = [case for case in planned if (case.options, case.shape) == (planned[0].options, planned[0].shape)]
    return Task(name, len(same), results_of, (same, WITNESS))


def results_of(same, device):
    for case in same:
        yield from case_results(case, device)


def failure(cell, message, options=None, dtype="float64", device="reference", shape=None):
    """A comparison that could not be made; the message stands in the place of the quantity."""
    return Result(cell, options or {}, dtype, device, shape or {}, "autograd", message, None, np.inf, 0.0)


def case_results(case, device):
    """numbarnn in float64 and float32 against the reference."""
    try:
        problem = draw(case)
    except InputError as error:
        yield failure(case.cell, f"no such cell: {error}", case.options, shape=case.described)
        return
    yield from checked(case, problem, device, measured.values)


def unrolling_results(device):
    """Each unrolling function against the reference of what it is."""
    for name in sorted(set(unrolling.exported()) - {function.__name__ for function in unrolling.FUNCTIONS}):
        yield failure(name, "validation/unrolling.py has no such function")
    for function, case in unrolling.cases():
        for result in checked(case, draw(case), device, partial(unrolling.values, function), unrolling.shown):
            yield replace(result, cell=function.__name__)


def checked(case, problem, device, values, shown=lambda quantity: True):
    """The results of both dtypes; `values(problem, device)` runs numbarnn, and gives all quantities that are shown."""
    everything = truth.values(problem)
    true = {group: {k: a for k, a in found.items() if shown(k[0])} for group, found in everything.items()}
    for dtype in DTYPES:
        try:
            found = values(problem.as_type(dtype), device)
        except Exception as error:
            yield failure(case.cell, f"{type(error).__name__}: {error}", case.options, dtype, device, case.described)
            continue
        yield from compared(case, problem, true, found, dtype, device, values).values()


def compared(case, problem, true, found, dtype, device, values):
    """{(group, quantity, gate): result} of one run; `values` makes others like it."""
    yardstick = pytorch.largest_errors(case) if dtype == "float32" and pytorch.has(case) else {}
    results = {}
    for group in true:
        kind, cotangent = ("forward", {}) if group == "forward" else ("gradient", {"cotangent": group})
        for (quantity, gate), error in errors(found[group], true[group]).items():
            where = (case.cell, case.options, dtype, device, case.described | cotangent)
            limit = bound(dtype, kind, quantity, yardstick)
            results[group, quantity, gate] = Result(*where, "autograd", quantity, gate, error, limit)
    missed = {key: result for key, result in results.items() if not result.ok and np.isfinite(result.error)}
    if dtype == "float64" or not missed:
        return results
    beside_pytorch = {key: result for key, result in missed.items() if key[1] in yardstick}
    alone = {key: result for key, result in missed.items() if key[1] not in yardstick}
    if beside_pytorch:
        means = repeated.mean_errors(case, beside_pytorch, values, device)
        results |= {key: result.on_average(*means[key]) for key, result in beside_pytorch.items()}
    if alone:
        of_reference = conditioning.of(problem, true)
        results |= {key: result.beside(of_reference[key[0]].get(key[1:], 0.0)) for key, result in alone.items()}
    return results


def reference_results(name, quick=False):
    """Autograd of the reference against central differences, for the default and each option alone."""
    module = references.load()[name]
    for options in cases.differentiable(module, quick):
        case = cases.central(module, options)
        try:
            problem = draw(case, margin=1e-3)
        except InputError:  # `case_results` reports it
            continue
        found = truth.central_difference_errors(problem, np.random.default_rng(case.seed))
        for quantity, error in found.items():
            where = (name, case.options, "float64", "reference", case.described)
            yield Result(*where, "central differences", quantity, None, error, CENTRAL_DIFFERENCES)
