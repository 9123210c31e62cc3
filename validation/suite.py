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
    differences,
    identities,
    long,
    measured,
    parallel,
    peers,
    pytorch,
    references,
    repeated,
    rtrl,
    truth,
    unrolling,
    vector_functions,
)
from .catalogue import cells
from .compare import DTYPES, Result, bound, errors
from .peers import gradcheck, witness
from .problem import draw
from .selection import ALL

CENTRAL_DIFFERENCES = 1e-6  # bound
WITNESS = "njit"  # compiled from the same equations without SIMD: where it passes and "cpu" fails, kernels are wrong


class Task(NamedTuple):
    """A part of the work: `function(*arguments)` gives its results."""

    name: str
    cases: int
    function: Any
    arguments: tuple


def run(chosen=ALL, progress=lambda done, total, name: None, jobs=1, first=False):
    """The results of what was chosen, sorted; with `first`, of no task after the first one that fails.

    With several jobs, as many processes take the cases of one shape and one choice of options each: those share their
    kernels.
    """
    tasks = [(check, task) for check in CHECKS if check in (chosen.checks or CHECKS) for task in CHECKS[check](chosen)]
    total, done, results = sum(task.cases for _, task in tasks), 0, []
    calls = [partial(results_of_task, *pair) for pair in tasks]
    for (_, task), found in zip(tasks, parallel.run(calls, jobs), strict=False):
        done += task.cases
        progress(done, total, task.name)
        results += found
        if first and not all(result.ok for result in found):
            break
    return sorted(results, key=lambda result: result.order)


def results_of_task(check, task):
    return [replace(result, check=check) for result in task.function(*task.arguments)]


def known(chosen):
    """Of the cells with a reference, those that were asked for."""
    return [name for name in chosen.names(cells()) if name in references.load()]


def planned(name, chosen):
    """The cases of a cell that were asked for."""
    found = filter(chosen.has, cases.cases_of(name, chosen.quick))
    on_simulator = "cuda" in chosen.devices and config.ENABLE_CUDASIM
    return list(filter(cases.is_tiny, found) if on_simulator else found)


def coverage_tasks(chosen):
    """Cells without a reference, and options that only one side knows."""
    yield Task("coverage", 0, gaps, (chosen.names(cells()),))


def reference_tasks(chosen):
    """References under autograd against central differences."""
    for name in known(chosen):
        yield Task(name, 0, reference_results, (name, chosen))


def cell_tasks(chosen):
    """Every cell with its options."""
    for name in known(chosen):
        for same, device in together(name, chosen):
            yield Task(name, len(same), results_of, (same, device, chosen.dtypes))


def together(name, chosen):
    """(cases of a cell with one shape and choice of options, device): they share their kernels.

    A quick run tries options on the NumPy engine alone: that compiles nothing.
    """
    usual = cases.cases_of(name, chosen.quick)[0].options.keys()
    for _, same in groupby(planned(name, chosen), lambda case: (case.shape, repr(case.options))):
        same = list(same)
        on_numpy = chosen.quick and same[0].options.keys() - usual
        for device in ("numpy",) if on_numpy else chosen.devices:
            yield same, device


def difference_tasks(chosen):
    """The kernels against central differences of themselves."""
    for name in known(chosen) if "float64" in chosen.dtypes else ():
        for same, device in together(name, chosen):
            if smooth := list(filter(differences.has, same)):
                yield Task(f"{name}, differences", len(smooth), differences.results, (smooth, device))


def rtrl_tasks(chosen):
    """Plain cells in short cases against real-time recurrent learning."""
    for name in known(chosen):
        same = list(filter(chosen.has, cases.short(name, chosen.quick)))
        if same and "float64" in chosen.dtypes:
            for device in ("numpy",) if chosen.quick else chosen.devices:
                yield Task(f"{name}, RTRL", len(same), rtrl.results, (same, device))


def long_tasks(chosen):
    """Plain cells over up to 1,000 steps."""
    return edge_tasks(chosen, "long", long.long_cases)


def hard_tasks(chosen):
    """Plain cells with numbers at the edges."""
    return edge_tasks(chosen, "hard", long.hard_cases)


def edge_tasks(chosen, kind, cases_of):
    for name in known(chosen):
        there = peers.installed(chosen.peers)
        for _, alike in groupby(filter(chosen.has, cases_of(name, chosen.quick)), lambda case: repr(case.options)):
            same = list(alike)
            for device in ("numpy",) if chosen.quick else chosen.devices:
                yield Task(f"{name}, {kind}", len(same), long.results, (same, device, chosen.dtypes, there))


def peer_tasks(chosen):
    """The cases that other libraries have, for each library that was asked for and is installed."""
    for peer in peers.installed(chosen.peers):
        for name in known(chosen):
            for same, device in together(name, chosen):
                had = list(filter(peers.peer(peer).has, same))
                if had:
                    yield Task(f"{name}, {peer}", len(had), peer_results, (peer, had, device, chosen.dtypes))
    if "torch" in peers.installed(chosen.peers) and "cpu" in chosen.devices and "float64" in chosen.dtypes:
        for name in known(chosen):
            same = [case for case in planned(name, chosen) if gradcheck.has(case)][: 1 if chosen.quick else None]
            if same:
                yield Task(f"{name}, gradcheck", len(same), gradcheck.results, (same,))


def witness_tasks(chosen):
    """Each cell with its default options on the `WITNESS` too, in all ways of calling it; not in a quick run."""
    for name in known(chosen) if "cpu" in chosen.devices and not chosen.quick else ():
        first = cases.cases_of(name)[0]
        same = [case for case in planned(name, chosen) if (case.options, case.shape) == (first.options, first.shape)]
        if same:
            yield Task(name, len(same), results_of, (same, WITNESS, chosen.dtypes))


def truncation_tasks(chosen):
    """Identities of truncated BPTT, and its bias."""
    for name in known(chosen):
        same = list(filter(chosen.has, identities.cases_of(name)))
        for device in ("numpy",) if chosen.quick else chosen.devices:
            if same:
                yield Task(name, len(same), truncation_results, (same, device, chosen.dtypes))
            for case in filter(chosen.has, identities.bias_cases(name, chosen.quick)):
                if "float64" in chosen.dtypes:
                    yield Task(f"{name}, bias", 1, identities.bias_results, (case, device))


def unrolling_tasks(chosen):
    """The unrolling functions."""
    for name in chosen.names(unrolling.exported()):
        for device in chosen.devices:
            yield Task(name, 0, unrolling_results, (name, device, chosen))


def vector_tasks(chosen):
    """The functions of the CPU's vectors: of no cell."""
    if "cpu" in chosen.devices and not (chosen.cells or chosen.options or chosen.shapes or chosen.seeds):
        yield Task("vector functions", 0, vector_functions.results, (chosen.quick, chosen.dtypes))


CHECKS = {  # {name: function that gives the tasks of a Selection}
    "coverage": coverage_tasks,
    "references": reference_tasks,
    "rtrl": rtrl_tasks,
    "cells": cell_tasks,
    WITNESS: witness_tasks,
    "differences": difference_tasks,
    "peers": peer_tasks,
    "truncation": truncation_tasks,
    "long": long_tasks,
    "hard": hard_tasks,
    "unrolling": unrolling_tasks,
    "vectors": vector_tasks,
}


def gaps(names):
    return [failure(*gap) for gap in coverage.gaps(names)]


def truncation_results(same, device, dtypes):
    for case in same:
        yield from identities.results(case, device, dtypes)


def results_of(same, device, dtypes=DTYPES):
    for case in same:
        yield from case_results(case, device, dtypes)


def failure(cell, message, options=None, dtype="float64", device="reference", shape=None, seed=None):
    """A comparison that could not be made; the message stands in the place of the quantity."""
    return Result(cell, options or {}, dtype, device, shape or {}, "autograd", message, None, np.inf, 0.0, seed)


def case_results(case, device, dtypes=DTYPES):
    """numbarnn in float64 and float32 against the reference."""
    try:
        problem = draw(case)
    except InputError as error:
        yield failure(case.cell, f"no such cell: {error}", case.options, shape=case.described, seed=case.seed)
        return
    yield from checked(case, problem, device, measured.values, dtypes)


def peer_results(peer, same, device, dtypes=DTYPES):
    """numbarnn against the peer of this name."""
    for case in same:
        try:
            yield from witness.results(peer, case, device, dtypes)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            result = failure(case.cell, message, case.options, device=device, shape=case.described, seed=case.seed)
            yield replace(result, against=peers.peer(peer).NAME)


def unrolling_results(name, device, chosen=ALL):
    """The unrolling function of this name against the reference of what it is."""
    if name not in {function.__name__ for function in unrolling.FUNCTIONS}:
        yield failure(name, "validation/unrolling.py has no such function")
    for function, case in unrolling.cases():
        if function.__name__ == name and chosen.has(case):
            values = partial(unrolling.values, function)
            for result in checked(case, draw(case), device, values, chosen.dtypes, unrolling.shown):
                yield replace(result, cell=name)


def checked(case, problem, device, values, dtypes=DTYPES, shown=lambda quantity: True):
    """The results in these dtypes; `values(problem, device)` runs numbarnn, and gives all quantities that are shown."""
    everything = truth.values(problem)
    true = {group: {k: a for k, a in found.items() if shown(k[0])} for group, found in everything.items()}
    for dtype in dtypes:
        try:
            found = values(problem.as_type(dtype), device)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            yield failure(case.cell, message, case.options, dtype, device, case.described, case.seed)
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
            results[group, quantity, gate] = Result(*where, "autograd", quantity, gate, error, limit, case.seed)
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


def reference_results(name, chosen=ALL):
    """Autograd of the reference against central differences, for the default and each option alone."""
    module = references.load()[name]
    planned = [cases.central(module, options) for options in cases.differentiable(module, chosen.quick)]
    for case in filter(chosen.has, planned if "float64" in chosen.dtypes else ()):
        try:
            problem = draw(case, margin=1e-3)
        except InputError:  # `case_results` reports it
            continue
        found = truth.central_difference_errors(problem, np.random.default_rng(case.seed))
        for quantity, error in found.items():
            where = (name, case.options, "float64", "reference", case.described)
            yield Result(*where, "central differences", quantity, None, error, CENTRAL_DIFFERENCES, case.seed)
