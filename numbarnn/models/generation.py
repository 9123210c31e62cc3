"""Generation: a model reads its own outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, checked, is_positive_integer
from ..layers.graph import check_single, for_prediction, going_on, reads_integers, with_states
from ..layers.stepwise import check_one_output, check_stepwise
from ..training.forward_pass import forward
from ..utils.arrays import plain_array
from ..utils.padded import Padded
from .network import Network


@checked
def generate(
    model: Network, seed_sequence: ArrayLike, steps: int, *, temperature: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Continue sequences: the model reads its own outputs and keeps its states.

    Every step costs the same, however long the text. States start from zero, whatever a stateful layer remembers.
    `generate_from_windows` looks back a limited number of steps instead, as the model did in training; both give the
    same while the window covers everything.

    Parameters
    ----------
    model : Sequential or Model
        Its last step of outputs counts: as a vector, or as scores or probabilities of tokens.
    seed_sequence : array_like (batch, steps) of int, or (batch, steps, features)
        What the model reads first: tokens, or vectors of the size of the model's outputs.
    steps : int
        Number of steps to generate.
    temperature : float
        0: always the likeliest token; else one drawn from softmax(scores / temperature). For tokens only.
    seed : int
        Seed of these draws.

    Returns
    -------
    ndarray (batch, steps) of int, or (batch, steps, features)
        The generated steps alone.

    Raises
    ------
    InputError
        If the model cannot run step by step, or its outputs cannot be its inputs.
    """
    first = _seed_sequence("generate", model, seed_sequence)
    check_stepwise("generate", model.layers)
    return run_on(model.graph, first, None, steps, temperature=temperature, seed=seed).values


@checked
def generate_from_windows(
    model: Network,
    seed_sequence: ArrayLike,
    steps: int,
    *,
    window: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """Continue sequences: each step reads the last steps again, from zero states.

    This is the notebooks' loop: ``model.predict`` of the last 20 values, whose last output is appended. A step costs a
    run over the window. Any layers will do, `Bidirectional` too.

    Parameters
    ----------
    model : Sequential or Model
        Its last step of outputs counts, as in `generate`.
    seed_sequence : array_like (batch, steps) of int, or (batch, steps, features)
        What the model reads first.
    steps : int
        Number of steps to generate.
    window : int, optional
        Number of steps to read; all by default.
    temperature : float
        0: always the likeliest token; else one drawn from softmax(scores / temperature). For tokens only.
    seed : int
        Seed of these draws.

    Returns
    -------
    ndarray (batch, steps) of int, or (batch, steps, features)
        The generated steps alone.

    Raises
    ------
    InputError
        If the model's outputs cannot be its inputs.
    """
    sequence = _seed_sequence("generate_from_windows", model, seed_sequence)
    if window is not None and not is_positive_integer(window):
        raise InputError(f"generate_from_windows: expected window to be a positive integer or None, got {window!r}")
    _expect_steps(steps)
    choose, graph = chooser(model.graph, temperature, seed), for_prediction(with_states(model.graph))
    start = sequence.shape[1]
    for _ in range(steps):
        run = forward(graph, sequence[:, -window if window else None :])
        value = np.asarray(choose(run), sequence.dtype)
        _expect_like_inputs(value, sequence)
        sequence = np.concatenate([sequence, value[:, None]], axis=1)
    return sequence[:, start:]


def run_on(graph, x, states, steps, *, stop=None, temperature=0.0, seed=0):
    """Let a network read x (batch, steps, ...) from these states, then their own outputs; return a `Padded`.

    A row ends with the token `stop`, or if `stop(vectors)` is true; all rows run until every one has ended.
    """
    _expect_steps(steps)
    graph, choose = for_prediction(going_on(graph, states)), chooser(graph, temperature, seed)
    ends = stop if callable(stop) else lambda value: np.full(len(value), False) if stop is None else value == stop
    ended, lengths, written = np.full(len(x), False), np.zeros(len(x), np.int64), []
    while len(written) < steps and not (written and ended.all()):
        run = forward(graph, x)
        value = np.asarray(choose(run), x.dtype)
        _expect_like_inputs(value, x)
        written.append(np.where(ended.reshape(-1, *(1,) * (value.ndim - 1)), value.dtype.type(0), value))
        lengths += ~ended
        ended = ended | ends(value)
        x = value[:, None]
    return Padded(np.stack(written, axis=1), lengths)


def chooser(graph, temperature, seed):
    """Return the function that takes the next tokens (batch,) or vectors (batch, n) from a `ForwardPass`."""
    good = isinstance(temperature, int | float | np.number) and 0 <= temperature < np.inf
    if not good or isinstance(temperature, bool):
        raise InputError(f"generate: expected temperature to be a number of at least 0, got {temperature!r}")
    if not reads_integers(graph):
        if temperature:
            raise InputError(f"generate: expected no temperature, the model gives vectors; got {temperature}")
        return lambda run: _last_step(run.outputs)
    activation = graph.last[0].last_activation if graph.last[0] else None
    softmax = activation == "softmax"
    if not softmax and activation not in (None, "linear"):
        raise InputError(
            "generate: expected a last layer that gives scores or a softmax of tokens, got the activation "
            f"{activation!r}"
        )
    rng = np.random.default_rng(seed)
    return lambda run: sample(_last_step(run.pre_activation if softmax else run.outputs), temperature, rng)


def sample(scores, temperature, rng):
    """Return a token per row of scores (batch, tokens): the likeliest, or a draw from softmax(scores / temperature)."""
    if not temperature:
        return scores.argmax(axis=1)
    scores = scores.astype(np.float64)
    odds = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature).cumsum(axis=1)
    return (odds <= rng.random((len(odds), 1)) * odds[:, -1:]).sum(axis=1)


def _last_step(array):
    return array[:, -1] if array.ndim == 3 else array


def _seed_sequence(caller, model, x):
    """Check a batch of sequences for the model, of any number of steps."""
    if not isinstance(model, Network) or not model.layers or hasattr(model, "generate"):
        kind = "a model of at least one layer, such as Sequential (an EncoderDecoder has its own generate)"
        raise InputError(f"{caller}: expected {kind}, got {model!r}")
    if model.built:
        check_single(caller, model.graph)
    check_one_output(caller, model.layers)
    x = plain_array(caller, "sequences", x)
    tokens = reads_integers(model.graph) if model.built else model.layers[0].takes_integers
    if x.ndim != (2 if tokens else 3) or x.dtype.kind not in ("iu" if tokens else "fiub") or 0 in x.shape[1:]:
        kind = "integers of shape (batch, steps)" if tokens else "numbers of shape (batch, steps, features)"
        raise InputError(f"{caller}: expected {kind} to start from, got {x.dtype} of shape {x.shape}")
    if not model.built:
        model.build((None, None) if tokens else (None, None, x.shape[2]))
    if not tokens and x.shape[2] != model.input_shape[2]:
        raise InputError(f"{caller}: expected {model.input_shape[2]} features to start from, got shape {x.shape}")
    return x if tokens else x.astype(model.dtype, copy=False)


def _expect_steps(steps):
    if not is_positive_integer(steps):
        raise InputError(f"generate: expected steps to be a positive integer, got {steps!r}")


def _expect_like_inputs(value, x):
    if value.shape[1:] != x.shape[2:]:
        raise InputError(
            f"generate: expected a model whose outputs can be its inputs, {x.shape[2:]}, got {value.shape[1:]}"
        )
