"""ONNX: exported models in onnxruntime (float32), and in the evaluator of ONNX itself (float64, what it has of it).

Peepholes, activations, `sequence_lens`, directions, stacks and states before the first step; there are no gradients.
Rows without any step are left out: onnxruntime gives zeros for their states, and ONNX says nothing of them.
"""

import numpy as np

from numbarnn import interop
from numbarnn.errors import InputError

from .nodes import built, plain

NAME = "ONNX"
PACKAGES = ("onnx", "onnxruntime")
OF_EVALUATOR = {"SimpleRNNCell", "BasicRNNCell", "LSTMCell", "BasicLSTMCell", "LSTMBlockCell", "GRUCell"}
IGNORED = {"activation", "recurrent_activation", "output_activation"}  # options that the evaluator passes over
IGNORED |= {"use_peepholes", "use_peephole", "preactivation_clip"}


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
    if p.x.dtype == "float64" and not evaluated(p):
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


def evaluated(problem):
    """Whether the evaluator has it: one cell without `IGNORED` options, no lengths, forwards."""
    p, usual = problem, problem.node.options.keys().isdisjoint(IGNORED)
    return p.node.cell in OF_EVALUATOR and usual and p.lengths is None and not p.call.reverse


def in_evaluator(model, given):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, given)
