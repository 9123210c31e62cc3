"""Min-cut rematerialisation: choose which values one function keeps for the next, and which are computed again."""

from collections import defaultdict

from .. import maths
from .graph import topological_order

KEPT, EXPENSIVE, NEVER = 12, 10, 10**9  # costs: a store and a load; a tanh or exp; the impossible
CHEAP = ("add", "sub", "mul", "neg", "absolute", "where_less", "straight_through", "relu", "leaky_relu")
CHEAP = dict.fromkeys(CHEAP, 1)
CHEAP |= {"div": 4, "softsign": 4, "hard_sigmoid_keras2": 3, "hard_sigmoid": 3, "input": NEVER}
CHEAP |= {f"d_{name}": 2 for name, (_, derivative) in maths.ACTIVATIONS.items() if derivative}


def computable(numbers, given):
    """Return the numbers, listed arguments first, that can be computed from the given ones."""
    found = set(given)
    for number in numbers:
        if number.op == "constant" or (number.args and found.issuperset(number.args)):
            found.add(number)
    return found


def minimum_cut(needed, free, possible, price=KEPT):
    """Choose the `possible` numbers to keep, at `price` each, so that all needed ones are available at the least cost.

    The free numbers are available anyway. A number that is not kept costs its operation, and needs all its arguments.
    """
    # Min-cut rematerialisation: each number has two nodes, "make" (it is computed again) and "have" (it is available),
    # which are true on the sink's side of the minimum cut.
    free, capacity = set(free), defaultdict(dict)
    numbers = [n for n in topological_order(needed, free) if n not in free and n.op != "constant"]
    for number in numbers:
        make, have = ("make", number), ("have", number)
        capacity["source"][make] = CHEAP.get(number.op, EXPENSIVE)
        capacity[make][have] = price if number in possible else NEVER
        for argument in number.args:
            capacity["have", argument][make] = NEVER
    for number in needed:
        capacity["have", number]["sink"] = NEVER
    reached = source_side(capacity)
    return tuple(n for n in numbers if ("make", n) in reached and ("have", n) not in reached)


def source_side(capacity):
    """Find the source's side of a minimum cut (Edmonds and Karp 1972); overwrites the capacities."""
    while True:
        origin, waiting = {"source": None}, ["source"]
        for node in waiting:
            for after, left in capacity[node].items():
                if left and after not in origin:
                    origin[after] = node
                    waiting.append(after)
        if "sink" not in origin:
            return origin
        path, node = [], "sink"
        while origin[node] is not None:
            path.append((origin[node], node))
            node = origin[node]
        flow = min(capacity[a][b] for a, b in path)
        for a, b in path:
            capacity[a][b] -= flow
            capacity[b][a] = capacity[b].get(a, 0) + flow
