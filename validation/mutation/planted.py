"""The table of planted errors, and of changes that change no result."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One error: in `file` of the package the text `old`, which stands there once, becomes `new`.

    `arguments` are those of `python -m validation` for the cases that it can reach.
    """

    name: str
    area: str
    file: str
    old: str
    new: str
    arguments: str

    @property
    def peers(self):
        """The other libraries that its cases need."""
        words = self.arguments.split()
        return words[words.index("--peers") + 1].split(",") if "--peers" in words else []


@dataclass(frozen=True)
class Equivalent:
    """A change that no check can see, and why."""

    file: str
    old: str
    new: str
    why: str


def numpy(cells, options=""):
    """On the NumPy engine, which compiles nothing: errors in what all engines share."""
    chosen = f" --option {options}" if options else ""
    return f"--quick --check cells --device numpy --dtype float64 --cell {cells}{chosen}"


def cpu(cell, shapes, dtype="float64", device="cpu"):
    """On the compiled engine, in the shapes that reach the error."""
    return f"--check cells --device {device} --dtype {dtype} --cell {cell} --option default --shape {shapes}"


def cpu_option(cell, option, dtype="float64"):
    """On the compiled engine, with an option."""
    return f"--check cells --device cpu --dtype {dtype} --cell {cell} --option {option}"


def witness(peer, cell, option="default", dtype="float64"):
    """Beside another library, to which weights go through the tables of `numbarnn.interop`."""
    of_peer = f"--quick --check peers --peers {peer} --device numpy --dtype {dtype}"
    return f"{of_peer} --cell {cell} --option {option}"


def planted(area, file, arguments, *errors):
    """Some errors in one file, each (name, old, new)."""
    return [Mutant(name, area, file, old, new, arguments) for name, old, new in errors]


VECTORS = "--quick --check vectors --dtype"
LSTM, GRU, RESET_AFTER = (numpy(cell, "default") for cell in ("LSTMCell", "GRUCell", "ResetAfterGRUCell"))
WHOLE = "--check cells --device numpy --dtype float64"
SMALL, ODD, MANY = "5x3x4x7", "3x5x2x37", "50x64x6x11"

MUTANTS = (
    # the equations of the cells, gate by gate
    *planted(
        "equations",
        "cells/simple_rnn.py",
        numpy("SimpleRNNCell"),
        ("simple-rnn-sign", "(ds1[0] * d_phi(", "(-ds1[0] * d_phi("),
    ),
    *planted(
        "gates",
        "cells/lstm.py",
        LSTM,
        ("lstm-i", "di = dc * g *", "di = dc * c *"),
        ("lstm-f", "df = dc * c *", "df = dc * c1 *"),
        ("lstm-g", "dg = dc * i * d_phi(g)", "dg = dc * i * d_sigma(g)"),
        ("lstm-o", "do = dh * a *", "do = dh * c1 *"),
    ),
    *planted(
        "equations",
        "cells/lstm.py",
        numpy("LSTMCell", "default,use_peepholes,forget_bias"),
        ("lstm-carry", "dc * f)", "dc)"),
        ("lstm-memory-path", "dc + dh * o * d_phi(a)", "dc + dh * o"),
        ("lstm-peephole-of-o", "zo + po * c, self", "zo + po * s[1], self"),
        ("lstm-forget-bias", 'return {"f": self.forget_bias}', 'return {"i": self.forget_bias}'),
    ),
    *planted(
        "gates",
        "cells/gru.py",
        GRU,
        ("gru-r-sign", "(dq * s[0] * d_sigma(r), du)", "(-dq * s[0] * d_sigma(r), du)"),
        ("gru-z", "(r, du * d_sigma(u),", "(r, du,"),
        ("gru-n", "dn * d_phi(n))", "dn)"),
    ),
    *planted("equations", "cells/gru.py", GRU, ("gru-state-through-r", "(dq * r,)", "(dq,)")),
    *planted(
        "equations",
        "cells/_update.py",
        numpy("GRUCell", "default,update"),
        ("gru-update", "d * (old - new), d * u,", "d * (old - new), d,"),
        ("gru-update-seed", "old + u * (new - old)", "new + u * (old - new)"),
    ),
    *planted(
        "gates",
        "cells/reset_after_gru.py",
        RESET_AFTER,
        ("reset-after-r", "dn * m * d_sigma(r)", "dn * n * d_sigma(r)"),
        ("reset-after-m", "dn, dn * r)", "dn, dn)"),
    ),
    *planted("equations", "cells/mgu.py", numpy("MGUCell"), ("mgu-gate", "phi(z[1] + f * m)", "phi(z[1] + m)")),
    *planted(
        "equations", "cells/ugrnn.py", numpy("UGRNNCell"), ("ugrnn-keep", "c + g * (s[0] - c)", "s[0] + g * (c - s[0])")
    ),
    *planted("equations", "cells/nas.py", numpy("NASCell"), ("nas-product", "relu(a3 * b3)", "relu(a3 + b3)")),
    *planted(
        "equations",
        "cells/ind_rnn.py",
        numpy("IndRNNCell"),
        ("ind-rnn-recurrence", "z[0] + z[1] * s[0]", "z[0] + z[1] + s[0]"),
    ),
    *planted(
        "equations", "cells/sru.py", numpy("SRUCell"), ("sru-output", "y + r * (phi(c) - y)", "y + r * (phi(s[1]) - y)")
    ),
    *planted(
        "equations",
        "cells/intersection_rnn.py",
        numpy("IntersectionRNNCell"),
        ("intersection-highway", "u + gy * (x - u)", "x + gy * (u - x)"),
    ),
    *planted(
        "equations",
        "cells/coupled_lstm.py",
        numpy("CoupledInputForgetGateLSTMCell"),
        ("coupled-gates", "g + f * (c - g)", "c + f * (g - c)"),
    ),
    *planted(
        "equations",
        "cells/glstm.py",
        numpy("GLSTMCell"),
        ("glstm-bias-of-group", "biases[:, k].ravel()", "biases[:, 0].ravel()"),
    ),
    *planted(
        "equations",
        "cells/_grid_step.py",
        numpy("GridLSTMCell"),
        ("grid-frequency-output", 'peeping(f"{owner}_o", after)', 'peeping(f"{owner}_o", before)'),
    ),
    *planted(
        "equations",
        "cells/_grid.py",
        numpy("GridLSTMCell"),
        ("grid-slices", "+= d_inputs[:, :, :width]", "= d_inputs[:, :, :width]"),
    ),
    *planted(
        "equations",
        "cells/bidirectional_grid_lstm.py",
        numpy("BidirectionalGridLSTMCell"),
        ("grid-direction", "for start in reversed(block)", "for start in block"),
    ),
    *planted(
        "equations",
        "cells/lstm_block.py",
        numpy("LSTMBlockCell", "cell_clip"),
        ("lstm-block-clip-gradient", '= "straight_through"', '= "exact"'),
    ),
    *planted(
        "equations",
        "cells/_clip.py",
        numpy("LSTMCell", "cell_clip"),
        ("clip-bound", "clip(value, -limit, limit)", "clip(value, -limit, 2 * limit)"),
    ),
    # layer norm
    *planted(
        "layer norm",
        "cells/layer_norm_gru.py",
        numpy("LayerNormGRUCell"),
        ("layer-norm-groups", '(("r",), ("z",), ("n",), ("m",))', '(("r",), ("z",), ("n", "m"))'),
    ),
    *planted(
        "layer norm",
        "cells/layer_norm_lstm.py",
        numpy("LayerNormBasicLSTMCell"),
        ("layer-norm-forget-bias", "memory(zi, zf + self.forget_bias,", "memory(zi, zf,"),
    ),
    *planted(
        "layer norm",
        "engines/cpu/layer_norm.py",
        cpu("LayerNormGRUCell", SMALL),
        ("layer-norm-mean-of-gradient", "d - mean - unit * mean_along", "d - unit * mean_along"),
    ),
    *planted(
        "layer norm",
        "engines/cpu/layer_norm.py",
        cpu_option("LayerNormLSTMCell", "activation=sigmoid"),
        (
            "layer-norm-lanes",
            "total = total + first_lanes((load(z, at),), n.H - p * V)[0]",
            "total = total + load(z, at)",
        ),
    ),
    # functions, and the derivation of backward equations
    *planted("derivatives", "maths.py", numpy("MGUCell"), ("d-tanh", "one(y) - y * y", "one(y) - y")),
    *planted(
        "derivatives",
        "maths.py",
        WHOLE + " --cell SimpleRNNCell --option activation=relu",
        (
            "d-relu-at-kink",
            "return where_less(zero(y), y, one(y), zero(y))",
            "return where_less(y, zero(y), zero(y), one(y))",
        ),
    ),
    *planted(
        "derivatives",
        "maths.py",
        WHOLE + " --cell LSTMCell --option recurrent_activation=hard_sigmoid",
        ("d-hard-sigmoid-at-one", "where_less(y, one(y), slope, zero(y))", "slope"),
    ),
    *planted(
        "derivatives",
        "autodiff/reverse.py",
        numpy("UGRNNCell"),
        ("derive-difference", '"sub": lambda d, y, a, b: (d, -d)', '"sub": lambda d, y, a, b: (d, d)'),
    ),
    *planted(
        "derivatives", "autodiff/reverse.py", numpy("MGUCell"), ("derive-product", "(d * b, d * a)", "(d * a, d * b)")
    ),
    *planted(
        "vector functions",
        "maths.py",
        f"{VECTORS} float32",
        ("exp-coefficient", "0.1666657684599397631", "0.1666677684599397631"),
        ("exp-reduction", "- n * LN2_HIGH - n * LN2_LOW", "- n * LN2_HIGH"),
    ),
    *planted(
        "vector functions",
        "maths.py",
        f"{VECTORS} float64",
        ("tanh-saturation", "one_to_rounding = 20.0", "one_to_rounding = 8.0"),
    ),
    # masks, lengths, resets
    *planted(
        "masks and lengths",
        "rnn/arguments.py",
        LSTM,
        ("lengths-one-more", "np.arange(steps)[:, None] < lengths", "np.arange(steps)[:, None] <= lengths"),
    ),
    *planted("masks and lengths", "rnn/run.py", LSTM, ("padding-of-x", "x = with_zeros(x, valid)", "x = x")),
    *planted(
        "masks and lengths",
        "engines/reference.py",
        LSTM,
        ("mask-of-state", "s1 = tuple(np.where(valid, new, old)", "s1 = tuple(np.where(True, new, old)"),
    ),
    *planted(
        "masks and lengths",
        "engines/cpu/cell_kernels.py",
        cpu("SimpleRNNCell", SMALL),
        (
            "mask-of-outputs",
            "d = load_each_part(outputs, dy, t * n.dy_t + b * n.dy_b + p * V, n.H, inside)",
            "d = load_each_part(outputs, dy, t * n.dy_t + p * V, n.H, inside)",
        ),
        ("mask-of-dz", "V, zeros_like(places, z))", "V, load_each(places, z, z_at(n, t, b, p), V))"),
    ),
    *planted(
        "resets",
        "engines/cpu/forward.py",
        cpu("SimpleRNNCell", SMALL),
        ("reset-of-next-step", "get(resets, (t + 1) * n.resets_t", "get(resets, t * n.resets_t"),
    ),
    *planted(
        "resets",
        "engines/reference.py",
        LSTM,
        (
            "reset-of-memory",
            "np.where(resets[t][:, None], 0, a) for a in (y, *s)",
            "a if a is not y else np.where(resets[t][:, None], 0, a) for a in (y, *s)",
        ),
    ),
    *planted(
        "masks and lengths",
        "wrappers/bidirectional.py",
        numpy("Bidirectional"),
        ("reverse-of-mask", "(options.reverse, not options.reverse)", "(options.reverse, options.reverse)"),
    ),
    # truncated BPTT
    *planted(
        "truncation",
        "rnn/truncation.py",
        LSTM,
        ("window-one-short", "start = max(0, end - k2)", "start = max(0, end - k2 + 1)"),
        ("window-losses", 'previous if loss_scope == "new" else start', 'start if loss_scope == "new" else previous'),
    ),
    *planted(
        "truncation",
        "rnn/truncation.py",
        cpu("SimpleRNNCell", SMALL, device="numpy"),
        ("window-in-reverse", "cut[in_order][starts] = True", "cut[starts] = True"),
    ),
    *planted(
        "cuts",
        "engines/cpu/backward.py",
        cpu("LSTMCell", SMALL),
        (
            "cut-of-memory",
            "clear(n, first, last, pointer_like(like, n.dc), c)",
            "clear(n, first, first, pointer_like(like, n.dc), c)",
        ),
    ),
    *planted(
        "cuts",
        "engines/reference.py",
        LSTM,
        ("cut-one-step-late", "np.where(cut[t][:, None], 0, d)", "np.where(cut[t - 1][:, None], 0, d)"),
    ),
    # packing, tiles, threads
    *planted(
        "packing",
        "engines/cpu/packing.py",
        cpu("ResetAfterGRUCell", SMALL),
        ("pack-order-of-gates", "at = k * matrix.width + get(matrix.blocks, s)", "at = k * matrix.width + s"),
    ),
    *planted(
        "packing",
        "engines/cpu/packing.py",
        cpu("SimpleRNNCell", SMALL),
        ("pack-not-transposed", "transposed_lanes(rows)", "rows"),
    ),
    *planted(
        "packing",
        "engines/cpu/packing.py",
        cpu("LSTMCell", SMALL),
        (
            "unpack-slots",
            "to = k * matrix.width + get(matrix.blocks, s)",
            "to = k * matrix.width + get(matrix.blocks, matrix.slots - 1 - s)",
        ),
    ),
    *planted("tiles", "engines/cpu/gemm.py", cpu("SimpleRNNCell", ODD), ("odd-terms", "if inner % 2 == 0 and", "if")),
    *planted(
        "tiles",
        "engines/cpu/gemm_tiles.py",
        cpu("SimpleRNNCell", MANY),
        ("height-of-tiles", "[builder.mul(height, row)]", "[builder.mul(ir.Constant(WORD, 1), row)]"),
    ),
    *planted(
        "tiles",
        "engines/cpu/forward.py",
        cpu("NASCell", ODD),
        ("wide-tiles", "ahead(W.data, (p * W.K * W.of + s) * V)", "ahead(W.data, (p * W.K * W.of) * V)"),
    ),
    *planted(
        "tiles",
        "engines/cpu/backward.py",
        cpu("LSTMCell", SMALL),
        ("dx-of-few-inputs", "load(w, of_p + s * V)", "load(w, of_p)"),
    ),
    # the blocks of the backward pass
    *planted(
        "blocks of the backward pass",
        "engines/cpu/backward.py",
        cpu("SimpleRNNCell", MANY),
        ("partial-sums", "latest and o + i == 0", "latest"),
    ),
    # projection
    *planted(
        "projection",
        "engines/reference.py",
        numpy("LSTMCell", "proj_clip"),
        ("projection-clip", "np.clip(r, -cell.proj_clip, cell.proj_clip)", "np.clip(r, 0, cell.proj_clip)"),
    ),
    # another engine, wrappers, unrolling functions
    *planted(
        "wrappers",
        "wrappers/masks.py",
        numpy("DropoutWrapper"),
        ("dropout-scale", "dtype.type(1 / keep_prob)", "dtype.type(1)"),
    ),
    *planted(
        "wrappers", "wrappers/residual.py", numpy("ResidualWrapper"), ("residual-direct-path", "dx + direct", "dx")
    ),
    *planted(
        "wrappers", "wrappers/highway.py", numpy("HighwayWrapper"), ("highway-carry", "d * (x - y)", "d * (y - x)")
    ),
    *planted(
        "wrappers",
        "wrappers/drop_connect.py",
        numpy("DropConnectWrapper"),
        ("drop-connect-gradient", "return apply_masks(d_params, masks), *rest", "return d_params, *rest"),
    ),
    *planted(
        "wrappers",
        "wrappers/multi_rnn.py",
        numpy("MultiRNNCell"),
        ("stack-order-of-states", "d_initial.insert(0, ds)", "d_initial.append(ds)"),
    ),
    *planted(
        "wrappers",
        "wrappers/output_projection.py",
        numpy("OutputProjectionWrapper"),
        ("output-projection", "zero_masked(y, mask)", "y"),
    ),
    *planted(
        "unrolling functions",
        "rnn/unroll/raw_gradient.py",
        "--check unrolling --device numpy --dtype float64 --cell raw_rnn",
        ("raw-rnn-finished-rows", "select(done, old, new), d_given, d_state)", "new, d_given, d_state)"),
    ),
    # the tables that move weights, beside the libraries that they move them to
    *planted(
        "interop tables",
        "interop/table.py",
        witness("torch", "LSTMCell"),
        ("torch-lstm-gates", 'weight_ih="kernel: i f g o"', 'weight_ih="kernel: i g f o"'),
        ("torch-lstm-bias", 'bias_ih="bias: i f g o"', 'bias_ih="bias: i f o g"'),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("torch", "ResetAfterGRUCell"),
        ("torch-gru-gates", 'weight_hh="recurrent_kernel: r z m"', 'weight_hh="recurrent_kernel: z r m"'),
        ("torch-gru-bias", '"recurrent_bias: r z bias: m",\n    ),', '"recurrent_bias: z r bias: m",\n    ),'),
    ),
    *planted(
        "interop tables",
        "interop/convert.py",
        witness("torch", "BasicLSTMCell"),
        ("torch-forget-bias", "block += cell.offsets", "block -= cell.offsets"),
    ),
    *planted(
        "interop tables",
        "interop/layouts.py",
        witness("torch", "SimpleRNNCell"),
        ("transpose-of-weights", "(array.T if self.transposed else array, order", "(array, order"),
        ("transpose-of-gradients", "np.atleast_2d(array.T if self.transposed else array)", "np.atleast_2d(array)"),
    ),
    *planted(
        "interop tables",
        "interop/pytorch_cells.py",
        witness("torch", "Bidirectional"),
        (
            "torch-directions",
            "name + ending(i, bool(backwards)): array",
            "name + ending(i, len(both) == 2 and not backwards): array",
        ),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("keras", "LSTMCell"),
        ("keras-lstm-gates", '        kernel="kernel: i f g o"', '        kernel="kernel: i f o g"'),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("keras", "ResetAfterGRUCell"),
        ("keras-gru-gates", 'recurrent_kernel="recurrent_kernel: z r m"', 'recurrent_kernel="recurrent_kernel: r z m"'),
        ("keras-gru-bias", 'z r n / recurrent_bias: z r bias: m"', 'z r n / recurrent_bias: r z bias: m"'),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("onnx", "LSTMCell", "default,use_peepholes", "float32"),
        ("onnx-lstm-gates", 'R="recurrent_kernel: i o f g"', 'R="recurrent_kernel: i f o g"'),
        ("onnx-peepholes", 'P="peephole: pi po pf"', 'P="peephole: pi pf po"'),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("onnx", "CoupledInputForgetGateLSTMCell", dtype="float32"),
        ("onnx-sign-of-f", 'W="kernel: -f o f g"', 'W="kernel: f o f g"'),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("onnx", "ResetAfterGRUCell", dtype="float32"),
        ("onnx-gru-bias", 'B="bias: z r n recurrent_bias: z r bias: m"', 'B="bias: z r m recurrent_bias: z r bias: n"'),
    ),
    *planted(
        "interop tables",
        "interop/convert.py",
        witness("tensorflow", "BasicLSTMCell"),
        (
            "tensorflow-forget-bias",
            "if _adds_forget_bias(holder.kind) and not row.forget_bias:\n        params",
            "if _adds_forget_bias(holder.kind):\n        params",
        ),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("tensorflow", "LSTMCell", "use_peepholes"),
        (
            "tensorflow-peepholes",
            '"w_i_diag": "peephole: pi", "w_f_diag": "peephole: pf"',
            '"w_i_diag": "peephole: pf", "w_f_diag": "peephole: pi"',
        ),
    ),
    *planted(
        "interop tables",
        "interop/table.py",
        witness("tensorflow", "GRUCell"),
        (
            "tensorflow-gru-gates",
            '(GRUCell,), {"activation": ANY}),\n        gates__kernel="kernel: r z /',
            '(GRUCell,), {"activation": ANY}),\n        gates__kernel="kernel: z r /',
        ),
    ),
)
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
SAMPLE = ("gru-r-sign", "lstm-f", "derive-product", "lengths-one-more", "window-one-short", "layer-norm-groups")

EQUIVALENT = (
    Equivalent(
        "engines/cpu/gemm.py",
        "return even_part(left, narrower if fit else WIDEST)",
        "return even_part(left, WIDEST)",
        "the terms of a sum are added in one order whatever the tile: only the speed changes",
    ),
    Equivalent(
        "engines/cpu/gemm_tiles.py",
        "for place in places(since, *start[1:]):  # prefetch",
        "for place in []:  # prefetch",
        "a prefetch loads nothing that counts: only the speed changes",
    ),
    Equivalent(
        "rnn/truncation.py",
        "if group[-1].end <= window.start or group[-1].start == window.start:",
        "if group[-1].end <= window.start:",
        "windows that start together then walk back one by one, and the sum is the same",
    ),
    Equivalent(
        "autodiff/reverse.py",
        "found[argument] = factored(found[argument] + part)",
        "found[argument] = found[argument] + part",
        "the same formula before it is factored; only float32 next to saturation loses digits, within the bounds",
    ),
    Equivalent(
        "engines/cpu/backward.py",
        "if 2 * n.I <= V:",
        "if 4 * n.I <= V:",
        "few inputs go by way of whole vectors, as many do: the same sums, another speed",
    ),
    Equivalent(
        "interop/table.py",
        'B="bias: i o f g recurrent_bias: i o f g"',
        'B="recurrent_bias: i o f g bias: i o f g"',
        "ONNX adds both biases of an LSTM: it makes no difference which of them holds ours, and the other zeros",
    ),
)
