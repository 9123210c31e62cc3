"""TensorFlow 1: the cells of tf.nn.rnn_cell under dynamic_rnn, with peepholes, clips, projections, stacks and both
directions; and the operations of its block cells. The cells of tf.contrib are in no TensorFlow that still installs."""

import numpy as np

from numbarnn import interop
from numbarnn.errors import InputError
from numbarnn.interop.table import rows_of

from ..quantities import gradient_values
from . import tensorflow1_blocks as blocks
from .nodes import activations, built, directions, levels, plain
from .tapes import of_tensorflow, tensorflow

NAME = "TensorFlow 1"
PACKAGES = ("tensorflow", "tf_keras")
CELLS = ("BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell")
ACTIVATIONS = {"tanh", "sigmoid", "relu", "linear", "softsign", "elu", "leaky_relu", "hard_sigmoid"}
ACTIVATIONS |= {"hard_sigmoid_keras2"}
OTHER_AT_KINKS = {"hard_sigmoid_keras2"}  # at its bounds clip_by_value takes the derivative of the inner side
OPTIONS = ("activation", "use_peepholes", "cell_clip", "num_proj", "proj_clip", "forget_bias")


def has(case):
    """Its cells and options; lengths, but no other masks, and whole gradients."""
    found = plain(case.node)
    if case.call.masking == "mask" or case.call.in_steps or case.call.training or not found:
        return False
    if len(found) > 1 and max(map(len, found)) > 1:
        return False
    if case.options.keys() & {"merge_mode", "clip_gradient"}:
        return False
    names = set().union(*(activations(part) for level in found for part in level))
    if not names <= ACTIVATIONS or (case.kinks and names & OTHER_AT_KINKS):
        return False
    try:
        interop.to_tensorflow1(*built(case.node))
    except InputError:
        return False
    return blocks.has(case) or all(name_of(part) in CELLS for level in found for part in level)


def values(problem):
    p, weights = problem, interop.to_tensorflow1(problem.cell, problem.params)
    turn = turned(p) if p.call.reverse else lambda array: array
    lengths = np.full(len(p.x), p.x.shape[1]) if p.lengths is None else p.lengths
    arrays = [turn(p.x), *p.state.values(), *weights.values()]
    if p.node.cell not in blocks.RUNS:
        (y, *final), pull = graph_of(p.node, p.x.shape[2], str(p.x.dtype)).run(arrays, list(weights), lengths)
    elif p.x.dtype == np.float32:
        (y, *final), pull = of_tensorflow(blocks.function_of(p.cell, list(weights), lengths), arrays, [])
    else:
        return None
    found = {"forward": {("outputs", None): turn(y)}}
    found["forward"] |= {(f"state.{name}", None): array for name, array in zip(p.state, final, strict=True)}
    for cotangent, (dy, ds) in p.cotangents.items():
        d_x, *rest = pull([None if dy is None else turn(dy), *ds.values()])
        d_state = dict(zip(p.state, rest, strict=False))
        d_weights = dict(zip(weights, rest[len(d_state) :], strict=True))
        _, d_params = interop.from_tensorflow1(d_weights, p.cell)
        found[cotangent] = gradient_values(p, d_params, turn(d_x), d_state)
    return found


def turned(problem):
    """A function that turns the valid steps of each row around."""
    rows, steps = problem.mask.shape
    t, n = np.arange(steps), np.full((rows, 1), steps) if problem.lengths is None else problem.lengths[:, None]
    places = np.where(t < n, n - 1 - t, t)
    return lambda array: np.take_along_axis(array, places[:, :, None], 1)


def name_of(node):
    """The name of the class in TensorFlow of a plain node's cell, None if it has none."""
    rows = rows_of(NAME, built(node)[0])
    return rows[0].name if rows else None


class Graph:
    """A cell over sequences of any batch and length, with its gradient."""

    def __init__(self, node, features, dtype):
        tf = tensorflow()
        v1 = tf.compat.v1
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.session = v1.Session(graph=self.graph)
            placeholder = lambda *shape: v1.placeholder(dtype, shape)  # noqa: E731
            self.x, self.lengths = placeholder(None, None, features), v1.placeholder("int64", [None])
            made = [cell_of(v1, part) for part in (directions(node) if node.cell == "Bidirectional" else (node,))]
            tree = tf.nest.map_structure(lambda size: placeholder(None, size), [cell.state_size for cell in made])
            if len(made) == 2:
                y, final = v1.nn.bidirectional_dynamic_rnn(*made, self.x, self.lengths, *tree)
                self.y = tf.concat(y, 2)
            else:
                self.y, final = v1.nn.dynamic_rnn(made[0], self.x, self.lengths, tree[0])
            self.states, self.final = leaves(tree), leaves(final)
            self.variables = {variable.op.name: variable for variable in v1.trainable_variables()}
            self.values = {name: placeholder(*variable.shape) for name, variable in self.variables.items()}
            self.assignments = {name: v.assign(self.values[name]).op for name, v in self.variables.items()}
            self.cotangents = [placeholder(*array.shape) for array in (self.y, *self.final)]
            at = [self.x, *self.states, *self.variables.values()]
            zero = tf.UnconnectedGradients.ZERO
            self.gradients = v1.gradients([self.y, *self.final], at, self.cotangents, unconnected_gradients=zero)

    def run(self, arrays, names, lengths):
        """Results, and `pull`, as those of `tapes`; the arrays are x, states, and the variables of these names."""
        if set(names) != self.variables.keys():
            raise AssertionError(f"interop has variables {sorted(names)}, TensorFlow {sorted(self.variables)}")
        at = [self.x, *self.states]
        given = dict(zip(at, arrays, strict=False)) | {self.lengths: lengths}
        for name, array in zip(names, arrays[len(at) :], strict=True):
            self.session.run(self.assignments[name], {self.values[name]: array})
        results = self.session.run([self.y, *self.final], given)

        def pull(cotangents):
            d = [np.zeros_like(y) if d is None else d for y, d in zip(results, cotangents, strict=True)]
            found = self.session.run(self.gradients, given | dict(zip(self.cotangents, d, strict=True)))
            of_variables = dict(zip(self.variables, found[len(at) :], strict=True))
            return [*found[: len(at)], *(of_variables[name] for name in names)]

        return results, pull


GRAPHS = {}  # the latest one: cases that follow each other have the same cell


def graph_of(node, features, dtype):
    key = str(node), features, dtype
    if key not in GRAPHS:
        GRAPHS.clear()
        GRAPHS[key] = Graph(node, features, dtype)
    return GRAPHS[key]


def cell_of(v1, node):
    """The cell of TensorFlow of a node."""
    if node.cell == "MultiRNNCell":
        return v1.nn.rnn_cell.MultiRNNCell([cell_of(v1, part) for part in levels(node)])
    cell, _ = built(node)
    options = {name: getattr(cell, name) for name in OPTIONS if hasattr(cell, name)}
    kind = name_of(node)
    if kind != "LSTMCell":
        options = {name: value for name, value in options.items() if name in ("activation", "forget_bias")}
    return getattr(v1.nn.rnn_cell, kind)(cell.units, **options | {"activation": activation(cell.activation)})


def activation(name):
    tf = tensorflow()
    own = {
        "linear": tf.identity,
        "leaky_relu": lambda x: tf.where(x > 0, x, 0.2 * x),  # the alpha of tf.nn.leaky_relu is float32
        "hard_sigmoid": lambda x: tf.nn.relu6(x + 3) / 6,
        "hard_sigmoid_keras2": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0),
    }
    return own.get(name) or getattr(tf.nn, name)


def leaves(tree):
    """Arrays of states in our order: h before c."""
    if hasattr(tree, "_fields"):
        return [tree.h, tree.c]
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, list | tuple) else [tree]
