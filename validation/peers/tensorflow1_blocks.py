"""The operations of TensorFlow 1's LSTMBlockCell, LSTMBlockFusedCell and GRUBlockCell, in float32.

Their classes went with tf.contrib. What these did around an operation, for lengths and for the gradient, is written
here after contrib/rnn/python/ops/lstm_ops.py and gru_ops.py of version 1.15.
"""

from .tapes import LONGEST, tensorflow


def has(case):
    return case.node.cell in RUNS and case.shape.T <= LONGEST


def function_of(cell, names, lengths):
    """A function of tensors [x, states h and c, weights in the order of names] that gives [outputs, h, c]."""
    tf = tensorflow()
    count = len(cell.states)

    def function(tensors):
        x, states, weights = tensors[0], tensors[1 : 1 + count], tensors[1 + count :]
        named = {name.rpartition("cell/")[2]: weight for name, weight in zip(names, weights, strict=True)}
        valid = tf.sequence_mask(lengths, x.shape[1])
        return RUNS[type(cell).__name__](tf, cell, named, x, states, valid)

    return function


def in_steps(step):
    """A run of single steps: outputs are zero and states stay where a row has ended."""

    def run(tf, cell, weights, x, states, valid):
        outputs = []
        for t in range(x.shape[1]):
            new, now = step(tf, cell, weights, x[:, t], states), valid[:, t, None]
            outputs.append(tf.where(now, new[0], tf.zeros_like(new[0])))
            states = [tf.where(now, a, b) for a, b in zip(new, states, strict=True)]
        return [tf.stack(outputs, 1), *states]

    return run


def peepholes(tf, cell, weights):
    """Those of i, f and o; zeros where there are none, which the operation takes all the same."""
    zero = tf.zeros(cell.units)
    return [weights.get(name, zero) for name in ("w_i_diag", "w_f_diag", "w_o_diag")]


def lstm_options(cell):
    clip = -1.0 if cell.cell_clip is None else cell.cell_clip
    return {"cell_clip": clip, "use_peephole": cell.use_peephole}


def lstm_step(tf, cell, weights, x, states):
    """LSTMBlockCell."""
    options = lstm_options(cell)

    @tf.custom_gradient
    def block(x, h, c, w, b, wci, wcf, wco):
        inputs = {"x": x, "cs_prev": c, "h_prev": h, "w": w, "wci": wci, "wcf": wcf, "wco": wco, "b": b}
        found = tf.raw_ops.LSTMBlockCell(**inputs, **options, forget_bias=cell.forget_bias)

        def gradient(d_c, d_h):
            kept = {name: getattr(found, name) for name in ("i", "cs", "f", "o", "ci", "co")}
            of_step = tf.raw_ops.LSTMBlockCellGrad(
                **inputs, **kept, cs_grad=d_c, h_grad=d_h, use_peephole=cell.use_peephole
            )
            d_c, d_gates, *d_peepholes = of_step
            d_x, d_h = tf.split(tf.matmul(d_gates, w, transpose_b=True), [x.shape[1], cell.units], 1)
            d_w = tf.matmul(tf.concat([x, h], 1), d_gates, transpose_a=True)
            return (d_x, d_h, d_c, d_w, tf.reduce_sum(d_gates, 0), *d_peepholes)

        return (found.cs, found.h), gradient

    c, h = block(x, *states, weights["kernel"], weights["bias"], *peepholes(tf, cell, weights))
    return h, c


def fused_lstm(tf, cell, weights, x, states, valid):
    """LSTMBlockFusedCell: all steps at once, whose gradient TensorFlow has itself."""
    h, c = states
    wci, wcf, wco = peepholes(tf, cell, weights)
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.constant(x.shape[1], tf.int64),
        x=tf.transpose(x, [1, 0, 2]),
        **{"cs_prev": c, "h_prev": h, "w": weights["kernel"], "b": weights["bias"]},
        **{"wci": wci, "wcf": wcf, "wco": wco, "forget_bias": cell.forget_bias},
        **lstm_options(cell),
    )
    ended = tf.reduce_sum(tf.cast(valid, tf.int32), 1)[:, None]
    all_h, all_c = (tf.concat([a[:, None], tf.transpose(b, [1, 0, 2])], 1) for a, b in ((h, found.h), (c, found.cs)))
    last = [tf.gather(a, ended, batch_dims=1)[:, 0] for a in (all_h, all_c)]
    return [tf.where(valid[:, :, None], all_h[:, 1:], tf.zeros_like(all_h[:, 1:])), *last]


def gru_step(tf, cell, weights, x, states):
    """GRUBlockCell."""

    @tf.custom_gradient
    def block(x, h, w_ru, w_c, b_ru, b_c):
        inputs = {"x": x, "h_prev": h, "w_ru": w_ru, "w_c": w_c, "b_ru": b_ru, "b_c": b_c}
        r, u, c, new = tf.raw_ops.GRUBlockCell(**inputs)

        def gradient(d_new):
            d_x, d_h, d_c, d_ru = tf.raw_ops.GRUBlockCellGrad(**inputs, r=r, u=u, c=c, d_h=d_new)
            d_w_ru = tf.matmul(tf.concat([x, h], 1), d_ru, transpose_a=True)
            d_w_c = tf.matmul(tf.concat([x, h * r], 1), d_c, transpose_a=True)
            return d_x, d_h, d_w_ru, d_w_c, tf.reduce_sum(d_ru, 0), tf.reduce_sum(d_c, 0)

        return new, gradient

    kernels, biases = ([weights[f"{part}/{kind}"] for part in ("gates", "candidate")] for kind in ("kernel", "bias"))
    return (block(x, states[0], *kernels, *biases),)


RUNS = {"LSTMBlockCell": in_steps(lstm_step), "LSTMBlockFusedCell": fused_lstm, "GRUBlockCell": in_steps(gru_step)}
