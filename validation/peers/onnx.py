"""ONNX: exported models in onnxruntime (float32), and in ONNX' evaluator with the nodes of `onnx_nodes` (float64).

Peepholes, activations, clips, `sequence_lens`, directions, stacks, states before the first step; no gradients.
Rows without any step are left out: onnxruntime gives zeros for their states, and ONNX says nothing of them.
"""

import numpy as np

from numbarnn import interop
from numbarnn.errors import InputError

from .nodes import built, plain

NAME = "ONNX"
PACKAGES = ("onnx", "onnxruntime")


def has(case):
    """Cells and options with a node; lengths, but no other masks."""
    if case.call.masking == "mask" or case.call.in_steps or case.call.training or not plain(case.node):
        return False
    try:
        interop.to_onnx(*built(case.node))
    except InputError:
        return False
    return True


def values(problem):
    p = problem
    if p.x.dtype == "float64" and rounded(p.node):
        return None
    rows = slice(None) if p.lengths is None else np.flatnonzero(p.lengths)
    lengths = {} if p.lengths is None else {"lengths": p.lengths[rows].astype("int32")}
    options = {"initial_state": True, "lengths": bool(lengths), "reverse": p.call.reverse}
    model = interop.to_onnx(p.cell, p.params, **options)
    names = [output.name for output in model.graph.output]
    given = {initial(name): array[rows] for name, array in zip(names[1:], p.state.values(), strict=True)}
    run = in_onnxruntime if p.x.dtype == "float32" else in_evaluator
    whole = [np.zeros((*p.x.shape[:2], p.cell.output_size), p.x.dtype), *map(np.array, p.state.values())]
    if len(p.x[rows]):
        for array, part in zip(whole, run(model, {"inputs": p.x[rows]} | lengths | given), strict=True):
            array[rows] = part
    return {"forward": dict(zip([("outputs", None), *((f"state.{n}", None) for n in p.state)], whole, strict=True))}


def initial(name):
    """The input that a final state belongs to: forward/h -> forward/initial_h."""
    side, slash, state = name.rpartition("/")
    return f"{side}{slash}initial_{state}"


def in_onnxruntime(model, given):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # all problems are small
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers).run(None, given)


def rounded(node):
    """Whether a cell has the activation whose number, 1/6, is float32 in an attribute."""
    return "hard_sigmoid" in node.options.values() or any(map(rounded, node.parts))


def in_evaluator(model, given):
    from onnx.reference import ReferenceEvaluator

    from .onnx_nodes import GRU, LSTM, RNN

    return ReferenceEvaluator(model, new_ops=[GRU, LSTM, RNN]).run(None, given)
