"""Run TensorFlow 1's cells and keep what they compute, for `tests/interop/test_tensorflow1.py`.

It runs under TensorFlow 2.15, the last release with these cells, in an environment of its own (NumPy 1):

    pip install tensorflow-cpu==2.15.1
    python tests/helpers/tensorflow1_golden.py tests/interop/tensorflow1.npz

For each case the file has x, lengths, d_outputs, outputs, the final states, and each variable with its gradient. The
gradient is that of the sum of outputs times d_outputs.
"""

import sys

import numpy as np

B, T, I, H = 4, 6, 3, 5
LENGTHS = [6, 1, 4, 3]


def cases(tf):
    """Return {case: a function that makes its cell}; a case with "both" reads in both directions."""
    cells, relu = tf.nn.rnn_cell, tf.nn.relu
    dropout = lambda cell: cells.DropoutWrapper(cell, output_keep_prob=1.0, state_keep_prob=1.0)  # noqa: E731
    full = {"use_peepholes": True, "num_proj": 2, "proj_clip": 0.4, "cell_clip": 0.5, "forget_bias": 0.7}
    return {
        "rnn": lambda: cells.BasicRNNCell(H, activation=relu),
        "basic_lstm": lambda: cells.BasicLSTMCell(H),
        "basic_lstm forget_bias": lambda: cells.BasicLSTMCell(H, forget_bias=0.25),
        "lstm": lambda: cells.LSTMCell(H, forget_bias=1.0, name="encoder"),
        "lstm full": lambda: cells.LSTMCell(H, **full),
        "gru": lambda: cells.GRUCell(H),
        "stack": lambda: cells.MultiRNNCell(
            [
                dropout(cells.BasicLSTMCell(H)),
                cells.ResidualWrapper(dropout(cells.GRUCell(H))),
                cells.DeviceWrapper(cells.LSTMCell(4, use_peepholes=True), "/cpu:0"),
            ]
        ),
        "both": lambda: cells.MultiRNNCell([cells.GRUCell(H), cells.BasicRNNCell(2)]),
    }


def run(tf, case, make, rng):
    """Return all arrays of a case."""
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as session:
        x = tf.constant(rng.standard_normal((B, T, I)))
        if case == "both":
            unrolled = tf.nn.bidirectional_dynamic_rnn(make(), make(), x, LENGTHS, dtype=tf.float64)
            outputs, states = tf.concat(unrolled[0], 2), unrolled[1]
        else:
            outputs, states = tf.nn.dynamic_rnn(make(), x, LENGTHS, dtype=tf.float64)
        variables = tf.trainable_variables()
        values = [rng.standard_normal(v.shape) * 0.5 for v in variables]
        d_outputs = rng.standard_normal(outputs.shape)
        gradients = tf.gradients(outputs, [x, *variables], d_outputs)
        for variable, value in zip(variables, values, strict=True):
            variable.load(value, session)
        x, y, states, gradients = session.run([x, outputs, states, gradients])
    found = {"x": x, "outputs": y, "d_outputs": d_outputs, "d_x": gradients[0]}
    found |= {f"state{i}": s for i, s in enumerate(leaves(states))}
    for variable, value, gradient in zip(variables, values, gradients[1:], strict=True):
        found |= {f"value:{variable.name}": value, f"gradient:{variable.name}": gradient}
    return found


def blocks(tf, rng):
    """Return what the fused operations of `LSTMBlockFusedCell` and `GRUBlockCell` compute, which have no class now."""
    single = lambda *shape: rng.standard_normal(shape).astype("float32") * np.float32(0.5)  # noqa: E731
    found, x = {}, single(T, B, I)
    values = {"kernel": single(I + H, 4 * H), "bias": single(4 * H)}
    values |= {name: single(H) for name in ("w_i_diag", "w_f_diag", "w_o_diag")}
    with tf.Graph().as_default(), tf.Session() as session:
        args = {name: tf.constant(value) for name, value in values.items()}
        *_, h = tf.raw_ops.BlockLSTM(
            **{"seq_len_max": T, "x": x, "cs_prev": np.zeros((B, H), "float32"), "h_prev": np.zeros((B, H), "float32")},
            **{"w": args["kernel"], "wci": args["w_i_diag"], "wcf": args["w_f_diag"], "wco": args["w_o_diag"]},
            **{"b": args["bias"], "forget_bias": 1.0, "cell_clip": 0.3, "use_peephole": True},
        )
        d_outputs = single(T, B, H)
        gradients = tf.gradients(h, list(args.values()), d_outputs)
        h, gradients = session.run([h, gradients])
    found |= {"block_lstm/x": x, "block_lstm/outputs": h, "block_lstm/d_outputs": d_outputs}
    for name, gradient in zip(values, gradients, strict=True):
        found[f"block_lstm/value:rnn/lstm_fused_cell/{name}:0"] = values[name]
        found[f"block_lstm/gradient:rnn/lstm_fused_cell/{name}:0"] = gradient
    values = {"w_ru": single(I + H, 2 * H), "b_ru": single(2 * H), "w_c": single(I + H, H), "b_c": single(H)}
    with tf.Graph().as_default(), tf.Session() as session:
        h, outputs = tf.zeros((B, H)), []
        for step in x:
            *_, h = tf.raw_ops.GRUBlockCell(x=step, h_prev=h, **values)
            outputs.append(h)
        found |= {"block_gru/x": x, "block_gru/outputs": session.run(tf.stack(outputs))}
    return found | {f"block_gru/value:rnn/gru_cell/{name}:0": value for name, value in values.items()}


def leaves(states):
    return [leaf for s in states for leaf in leaves(s)] if isinstance(states, tuple) else [states]


def main(path):
    import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_v2_behavior()
    tf.raw_ops = tensorflow.raw_ops
    rng, found = np.random.default_rng(0), {"lengths": np.array(LENGTHS)}
    for case, make in cases(tf).items():
        found |= {f"{case}/{name}": value for name, value in run(tf, case, make, rng).items()}
    np.savez_compressed(path, **found, **blocks(tf, rng))


if __name__ == "__main__":
    main(sys.argv[1])
