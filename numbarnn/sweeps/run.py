"""Run a function for every point of a grid and every seed: in this process, in others, or on a cluster."""

import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, is_number, is_positive_integer
from ..utils.files import make_folder, write_text
from .result import Case, Sweep, format_value, spread

ABOUT = "sweep.json"  # in the folder of a sweep: what it runs


def sweep(
    run: Callable[..., Mapping[str, Any]],
    grid: Mapping[str, Sequence[Any]],
    *,
    seeds: int = 1,
    jobs: int = 1,
    backend: str = "loky",
    out: str | os.PathLike | None = None,
) -> Sweep:
    """Run a function for every point of a grid and every seed.

    A case that raises an error is shown and does not end the others. With a folder `out` each case is written there as
    soon as it is done, and the same call later runs those that are missing or failed.

    Parameters
    ----------
    run : callable
        ``run(seed=..., **values)`` returns {name: number}, or what `python -m numbarnn train --json` writes:
        {"final": {name: number}, "epochs": [{name: number}, ...]}. For several jobs it must be a function of a module,
        or a `functools.partial` of one.
    grid : dict of {str: sequence}
        The values of each argument: numbers or text. Every combination is a point.
    seeds : int, default 1
        Each point runs with the seeds 0 to seeds - 1.
    jobs : int, default 1
        Cases at a time. One runs in this process; more need joblib (the extra "sweep"), whose processes share the
        cores' threads evenly.
    backend : str, default "loky"
        A backend of joblib: processes of this machine, or "dask" or "ray", once a client is connected to a cluster (and
        ``ray.util.joblib.register_ray()`` was called).
    out : path, optional
        Folder for the results.

    Returns
    -------
    Sweep
        All cases, with a table and curves.

    Raises
    ------
    InputError
        An argument cannot be used, or `out` holds a sweep of something else.
    ImportError
        joblib is missing.
    """
    axes = plain(grid)
    expect_positive("seeds", seeds)
    expect_positive("jobs", jobs)
    points = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    cases = [Case(values, seed) for values in points for seed in range(seeds)]
    folder = None if out is None else open_folder(out, {"run": text_of(run), "grid": axes})
    found = {} if folder is None else kept(folder, cases)
    left = [case for case in cases if case.name not in found]
    if found:
        print(f"{len(found)} of {len(cases)} cases were done before")
    for case in finished(run, left, jobs, backend):
        found[case.name] = case
        if folder is not None:
            write_text(folder / f"{case.name}.json", json.dumps(vars(case), indent=1))
        said = ", ".join(f"{key} {spread([value])}" for key, value in case.final.items())
        said = said if case.error is None else f"failed: {case.error}"
        print(f"[{len(found)}/{len(cases)}] {case.name}  {case.seconds:.1f} s  {said}", flush=True)
    return Sweep([found[case.name] for case in cases])


def plain(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return a grid in the types of JSON; raise `InputError` if it is none."""
    if not isinstance(grid, Mapping):
        raise InputError(f"sweep: expected the grid as {{name: values}}, got {type(grid).__name__}")
    for name, values in grid.items():
        if not str(name).isidentifier() or name == "seed":
            raise InputError(f"sweep: expected the name of an argument other than seed in the grid, got {name!r}")
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise InputError(f"sweep: expected a list of at least one value for {name}, got {values!r}")
        for value in values:
            if not isinstance(value, bool | str) and not is_number(value):
                raise InputError(f"sweep: expected numbers or text for {name}, got {value!r}")
        if len({format_value(value) for value in values}) < len(values):
            raise InputError(f"sweep: expected different values for {name}, got {list(values)}")
    return {name: [v.item() if isinstance(v, np.generic) else v for v in values] for name, values in grid.items()}


def expect_positive(name: str, number: int) -> None:
    """Raise `InputError` unless this is a whole number of at least 1."""
    if not is_positive_integer(number):
        raise InputError(f"sweep: expected {name} to be a whole number >= 1, got {number!r}")


def text_of(run: Any) -> str:
    """Write which function runs, with the arguments that `functools.partial` has fixed."""
    if isinstance(run, partial):
        fixed = [*map(repr, run.args), *(f"{name}={value!r}" for name, value in run.keywords.items())]
        return f"{text_of(run.func)}({', '.join(fixed)})"
    return f"{getattr(run, '__module__', '')}.{getattr(run, '__qualname__', type(run).__qualname__)}"


def open_folder(out: str | os.PathLike, about: dict[str, Any]) -> Path:
    """Make the folder of a sweep, or check that it holds one of the same function; a grid may have grown."""
    folder = make_folder("sweep", out)
    if (folder / ABOUT).exists():
        before = json.loads((folder / ABOUT).read_text(encoding="utf-8")).get("run")
        if before != about["run"]:
            raise InputError(f"sweep: {folder} holds a sweep of {before}, not of {about['run']}; name another folder")
    write_text(folder / ABOUT, json.dumps(about, indent=1))
    return folder


def kept(folder: Path, cases: Sequence[Case]) -> dict[str, Case]:
    """Read the cases that were done before."""
    found = {}
    for case in cases:
        file = folder / f"{case.name}.json"
        if file.exists():
            try:
                before = Case(**json.loads(file.read_text(encoding="utf-8")))
            except (TypeError, ValueError) as error:
                raise InputError(f"sweep: {file} holds no case of a sweep, remove it: {error}") from error
            if before.error is None:
                found[case.name] = before
    return found


def finished(run: Callable, cases: Sequence[Case], jobs: int, backend: str) -> Iterator[Case]:
    """Run cases and yield them as they are done."""
    if jobs == 1:
        yield from (run_case(run, case) for case in cases)
        return
    left = {case.name: case for case in cases}
    while left:
        try:
            for case in in_parallel(run, list(left.values()), jobs, backend):
                del left[case.name]
                yield case
        except BrokenExecutor:  # a process was killed, most likely for want of memory, and all others with it
            for case in list(left.values())[:jobs]:
                yield alone(run, left.pop(case.name), backend)


def in_parallel(run: Callable, cases: Iterable[Case], jobs: int, backend: str) -> Iterator[Case]:
    """Run cases in processes and yield them as they are done; begin them in their order."""
    try:
        joblib: Any = import_module("joblib")
    except ImportError as error:
        raise ImportError("sweep with several jobs needs joblib: pip install 'numbarnn[sweep]'") from error
    try:
        config = joblib.parallel_config(backend=backend)
    except ValueError as error:
        raise InputError(f"sweep: expected a backend of joblib: {error}") from error
    tasks = [joblib.delayed(run_case)(run, case) for case in cases]
    with config:
        try:
            parallel = joblib.Parallel(jobs, return_as="generator_unordered", pre_dispatch=jobs, batch_size=1)
        except ValueError:  # Ray's backend returns only when all are done
            parallel = joblib.Parallel(jobs, batch_size=1)
            return itertools.chain.from_iterable(
                parallel(tasks[start : start + jobs]) for start in range(0, len(tasks), jobs)
            )
    return parallel(tasks)


def alone(run: Callable, case: Case, backend: str) -> Case:
    """Run one case while no other runs, in another process."""
    try:
        (done,) = in_parallel(run, [case], 2, backend)
    except BrokenExecutor:
        return Case(case.values, case.seed, error="its process was killed")
    return done


def run_case(run: Callable, case: Case) -> Case:
    """Run one case; an error becomes a part of it."""
    start = time.perf_counter()
    try:
        result = run(seed=case.seed, **case.values)
        final, epochs = (result["final"], result["epochs"]) if "final" in result else (result, [])
        final = {str(name): number(value) for name, value in final.items()}
        epochs = [{str(name): number(value) for name, value in epoch.items()} for epoch in epochs]
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return Case(case.values, case.seed, seconds=time.perf_counter() - start, error=said)
    return Case(case.values, case.seed, final, epochs, time.perf_counter() - start)


def number(value: Any) -> float | None:
    """Return a result as a number that JSON has; what is not finite becomes None."""
    return None if value is None or not math.isfinite(value) else float(value)
