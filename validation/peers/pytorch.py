"""PyTorch: nn.RNN, nn.LSTM and nn.GRU, with packed sequences, projections, stacks and both directions."""

from warnings import catch_warnings, simplefilter

import numpy as np

from numbarnn import interop
from numbarnn.errors import InputError

from ..quantities import gradient_values
from .exchange import check_return, gradients_in, in_halves
from .nodes import built, plain
from .tapes import of_torch

NAME = "PyTorch"
PACKAGES = ("torch",)


def has(case):
    """Its cells and options; lengths, but no other masks, and whole gradients."""
    if case.call.masking == "mask" or case.call.in_steps or case.call.training or not plain(case.node):
        return False
    if any(part.options.get("num_proj", 0) >= part.arguments[0] for level in plain(case.node) for part in level):
        return False
    try:
        interop.to_torch(*built(case.node))
    except InputError:
        return False
    return True


def values(problem):
    p, module = problem, module_of(problem)
    kinds = ("h", "c") if type(module).__name__ == "LSTM" else ("h",)
    stacked = lambda states: [np.stack(of_kind(states, kind)) for kind in kinds]  # noqa: E731
    variables = dict(module.named_parameters())

    def function(leaves):
        outputs, final = run(module, leaves[0], leaves[1:], p.lengths, p.call.reverse)
        return [outputs, *final]

    (outputs, *final), pull = of_torch(function, [p.x, *stacked(p.state)], [*variables.values()])
    found = {"forward": {("outputs", None): outputs} | states_of(p, kinds, final, "state")}
    cell, _ = interop.from_torch(module)
    for cotangent, (dy, ds) in p.cotangents.items():
        ds = {name: np.zeros_like(p.state[name]) if d is None else d for name, d in ds.items()}
        d_x, *rest = pull([dy, *stacked(ds)])
        d_weights = dict(zip(variables, rest[len(kinds) :], strict=True))
        d_params = gradients_in(cell, p.params, interop.to_torch, interop.from_torch, d_weights)
        d_state = states_of(p, kinds, rest[: len(kinds)], "d_initial_state")
        found[cotangent] = gradient_values(p, d_params, d_x, {}) | d_state
    return found


def module_of(problem):
    """The module with the problem's weights."""
    import torch

    grid, p = plain(problem.node), problem
    arrays = interop.to_torch(p.cell, p.params)
    kind = {1: "RNN", 3: "GRU", 4: "LSTM"}[len(arrays["weight_hh_l0"]) // grid[0][0].arguments[0]]
    options = {"num_layers": len(grid), "bidirectional": len(grid[0]) == 2, "bias": "bias_ih_l0" in arrays}
    first = grid[0][0].options
    options |= {"nonlinearity": first.get("activation", "tanh")} if kind == "RNN" else {}
    options |= {"proj_size": first["num_proj"]} if first.get("num_proj") else {}
    module = getattr(torch.nn, kind)(p.x.shape[2], grid[0][0].arguments[0], batch_first=True, **options)
    module = module.to(arrays["weight_hh_l0"].dtype)
    biases = halves(p.cell, p.params, arrays)
    module.load_state_dict(arrays | biases)
    check_return({name: arrays[name] for name in biases}, interop.to_torch(*interop.from_torch(module)))
    return module


def halves(cell, params, arrays):
    """The biases of a module, half of them in the other one of their gate."""
    import torch

    used, found = interop.to_torch(cell, {name: np.ones_like(array) for name, array in params.items()}), {}
    for name in arrays:
        if name.startswith("bias_ih"):
            second = name.replace("ih", "hh")
            both = in_halves(arrays[name].numpy(), arrays[second].numpy(), used[second])
            found[name], found[second] = map(torch.tensor, both)
    return found


def run(module, x, state, lengths, reverse):
    """Outputs and final states, those of empty rows as they were; packed where there are lengths."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    given = lambda rows: tuple(s[:, rows] for s in state) if len(state) > 1 else state[0][:, rows]  # noqa: E731
    tuple_of = lambda final: final if isinstance(final, tuple) else (final,)  # noqa: E731
    with catch_warnings():
        simplefilter("ignore")  # a projection is slow: no concern of ours
        if lengths is None:
            turn = (lambda a: a.flip(1)) if reverse else (lambda a: a)
            outputs, final = module(turn(x), given(slice(None)))
            return turn(outputs), tuple_of(final)
        width = module.hidden_size if not module.proj_size else module.proj_size
        outputs = x.new_zeros(*x.shape[:2], width * (1 + module.bidirectional))
        rows = np.flatnonzero(lengths)
        if not len(rows):
            return outputs + 0 * x.sum(), tuple(s + 0 for s in state)
        turned = turned_rows(x.shape[1], lengths[rows]) if reverse else None
        turn = (lambda a: a.gather(1, turned[..., None].expand_as(a))) if reverse else (lambda a: a)
        packed = pack_padded_sequence(turn(x[rows]), torch.tensor(lengths[rows]), True, enforce_sorted=False)
        found, final = module(packed, given(rows))
        found, _ = pad_packed_sequence(found, batch_first=True, total_length=x.shape[1])
        outputs = outputs.index_copy(0, torch.tensor(rows), turn(found))
        at = torch.tensor(rows)
        return outputs, tuple(s.index_copy(1, at, new) for s, new in zip(state, tuple_of(final), strict=True))


def turned_rows(steps, lengths):
    """Places (B, T) of the steps of each row from its last valid one to its first; behind, as they are."""
    import torch

    t, n = np.arange(steps), lengths[:, None]
    return torch.tensor(np.where(t < n, n - 1 - t, t))


def names_of(state, kind):
    """Names of the states of a kind, in the order of layers and their directions."""
    return [name for name in state if name.rpartition("/")[2] == kind]


def of_kind(state, kind):
    return [state[name] for name in names_of(state, kind)]


def states_of(p, kinds, arrays, quantity):
    """{(quantity and name, None): array} of arrays of states (layers and directions, B, n)."""
    return {
        (f"{quantity}.{name}", None): state
        for kind, array in zip(kinds, arrays, strict=True)
        for name, state in zip(names_of(p.state, kind), array, strict=True)
    }
