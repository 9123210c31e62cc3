"""The table of counterparts: for each cell or layer of another library ours, and the order of its gates there.

A row says how each array of the other library is made of blocks of our parameters: "kernel: i g f o" are the columns of
`kernel` in that order of the gates, "-f" those of f times -1, and "/" starts what stands below. Two functions read a
row, `incoming` and `outgoing` of `convert`; everything else in this folder is about names and files.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ..cells import (
    BasicLSTMCell,
    BasicRNNCell,
    CoupledInputForgetGateLSTMCell,
    GLSTMCell,
    GridLSTMCell,
    GRUBlockCell,
    GRUCell,
    IndRNNCell,
    IntersectionRNNCell,
    LayerNormBasicLSTMCell,
    LayerNormLSTMCell,
    LSTMBlockCell,
    LSTMBlockFusedCell,
    LSTMCell,
    NASCell,
    ResetAfterGRUCell,
    SimpleRNNCell,
    SRUCell,
    UGRNNCell,
)
from ..errors import InputError
from ..layers import BatchNormalization, Dense, Embedding
from ..layers.keras_cells import KerasOrder
from ..utils.options import call_text, changed_options
from .layouts import Layouts, layout

ANY = None  # every value of an option has a counterpart
PLAIN = {  # options that change the equations, and their values where the other library has no such option
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "use_peepholes": False,
    "output_activation": None,
    "preactivation_clip": None,
    "cell_clip": None,
    "num_proj": None,
    "proj_clip": None,
    "update": "keep",
    "layer_norm": False,
    "variant": "per_gate",
}
LIBRARIES = {  # whether matrices stand there with the gates below each other, and a forget bias is added in every run
    "PyTorch": {"transposed": True, "forget_bias": False},
    "Keras": {"transposed": False, "forget_bias": False},
    "TensorFlow 1": {"transposed": False, "forget_bias": True},
    "ONNX": {"transposed": True, "forget_bias": False},
}
AS_HERE = "Embedding", "Gather", "MatMul"  # their matrices stand as here, whatever those of gates do


@dataclass(frozen=True)
class Counterpart:
    """A row of the table.

    Attributes
    ----------
    library : str
        One of `LIBRARIES`.
    name : str
        The class there.
    cells : tuple of type
        The classes here, of cells or layers; the first one is made when weights come in without a cell.
    options : dict of {str: tuple or None}
        Options of our class that the other one has too, with the values that are possible there.
    layouts : dict of {str: Layout}
        The arrays there, in their order. Those of which our cell has no parameter are left out.
    unused : tuple of str
        Arrays that are there even where our cell has no parameter of them, and that nothing reads then.
    constants : dict
        What is constant there, and an option or a property of our cell.
    made : dict
        Options of the cell that is made when weights come in without one, where the defaults there are others.
    """

    library: str
    name: str
    cells: tuple[type, ...]
    options: dict[str, Any]
    layouts: Layouts
    unused: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def forget_bias(self) -> bool:
        return LIBRARIES[self.library]["forget_bias"]

    def check(self, caller: str, cell: Any) -> None:
        """Raise `InputError` if the cell has an option that its counterpart lacks."""
        for option, plain in (PLAIN | self.constants).items():
            value, possible = getattr(cell, option, plain), self.options.get(option, (plain,))
            if possible is not ANY and value not in possible:
                expected = f"{option} {' or '.join(map(repr, possible))}, as {self.library}'s {self.name} has it"
                raise InputError(f"{caller}: expected {expected}, got {shown(cell)}")


def row(library: str, name: str, cells: tuple[type, ...], options: dict[str, Any], **arrays: str) -> Counterpart:
    """Write a row: the names of the arrays, with "__" for "/", and their layouts."""
    transposed = LIBRARIES[library]["transposed"] and name not in AS_HERE
    layouts = {key.replace("__", "/"): layout(text, transposed) for key, text in arrays.items()}
    return Counterpart(library, name, cells, options, layouts, **DIFFERENCES.get((library, name), {}))


DIFFERENCES = {  # where there is more to say than names and layouts
    ("TensorFlow 1", "CoupledInputForgetGateLSTMCell"): {"unused": ("B",)},
    ("TensorFlow 1", "LayerNormLSTMCell"): {"unused": ("bias",), "constants": {"norm_epsilon": 1e-12}},
    ("TensorFlow 1", "IndRNNCell"): {"made": {"activation": "tanh"}},
}
RNNS, GRUS = (SimpleRNNCell, BasicRNNCell), (GRUCell, GRUBlockCell)
LSTMS = (LSTMCell, BasicLSTMCell, LSTMBlockCell, LSTMBlockFusedCell)
KERAS = {"activation": ANY, "recurrent_activation": ANY, "use_bias": ANY}
DENSE = {"activation": ANY, "use_bias": ANY}
ONNX_LSTM: dict[str, Any] = dict.fromkeys(
    ("activation", "recurrent_activation", "output_activation", "use_peepholes", "preactivation_clip"), ANY
)
PEEPHOLES = {"w_i_diag": "peephole: pi", "w_f_diag": "peephole: pf", "w_o_diag": "peephole: po"}
GRID = {}  # the variables of each block; the other "_0" is the number of a shard
for letter, lstm in ("f", "frequency"), ("t", "time"):
    GRID |= {f"W_{letter}_#_0": f"{lstm}_kernel_#: i g f o", f"B_{letter}_#": f"{lstm}_bias_#: i g f o"}
for gate, (lstm, on) in product("ifo", product(("frequency", "time"), "ft")):
    GRID[f"W_{gate.upper()}_diag_{lstm[:4]}{on}_#"] = f"{lstm}_peephole_#: {gate}{on}"

TABLE = (
    row(
        *("PyTorch", "RNN", RNNS, {"activation": ("tanh", "relu"), "use_bias": ANY}),
        weight_ih="kernel: z",
        weight_hh="recurrent_kernel: z",
        bias_ih="bias: z",
        bias_hh="recurrent_bias: z",
    ),
    row(
        *("PyTorch", "LSTM", LSTMS, {"num_proj": ANY, "use_bias": ANY}),
        weight_ih="kernel: i f g o",
        weight_hh="recurrent_kernel: i f g o",
        bias_ih="bias: i f g o",
        bias_hh="recurrent_bias: i f g o",
        weight_hr="projection_kernel: all",
    ),
    row(
        *("PyTorch", "GRU", (ResetAfterGRUCell,), {"use_bias": ANY}),
        weight_ih="kernel: r z n",
        weight_hh="recurrent_kernel: r z m",
        bias_ih="bias: r z n",
        bias_hh="recurrent_bias: r z bias: m",
    ),
    row(*("PyTorch", "Linear", (Dense,), DENSE), weight="kernel: all", bias="bias: all"),
    row(*("PyTorch", "Embedding", (Embedding,), {}), weight="embeddings: all"),
    row(
        *("PyTorch", "BatchNorm1d", (BatchNormalization,), {}),
        weight="gamma: all",
        bias="beta: all",
        running_mean="moving_mean: all",
        running_var="moving_variance: all",
    ),
    row(
        *("Keras", "SimpleRNN", RNNS, KERAS),
        kernel="kernel: z",
        recurrent_kernel="recurrent_kernel: z",
        bias="bias: z",
    ),
    row(
        *("Keras", "LSTM", LSTMS, KERAS),
        kernel="kernel: i f g o",
        recurrent_kernel="recurrent_kernel: i f g o",
        bias="bias: i f g o",
    ),
    row(
        *("Keras", "GRU", (ResetAfterGRUCell,), KERAS),
        kernel="kernel: z r n",
        recurrent_kernel="recurrent_kernel: z r m",
        bias="bias: z r n / recurrent_bias: z r bias: m",
    ),
    row(
        *("Keras", "GRU(reset_after=False)", GRUS, KERAS),
        kernel="kernel: z r n",
        recurrent_kernel="recurrent_kernel: z r n",
        bias="bias: z r n",
    ),
    row(*("Keras", "Dense", (Dense,), DENSE), kernel="kernel: all", bias="bias: all"),
    row(*("Keras", "Embedding", (Embedding,), {}), embeddings="embeddings: all"),
    row(
        *("Keras", "BatchNormalization", (BatchNormalization,), {}),
        gamma="gamma: all",
        beta="beta: all",
        moving_mean="moving_mean: all",
        moving_variance="moving_variance: all",
    ),
    row(
        *("TensorFlow 1", "BasicRNNCell", (BasicRNNCell, SimpleRNNCell), {"activation": ANY}),
        kernel="kernel: z / recurrent_kernel: z",
        bias="bias: z",
    ),
    row(
        *("TensorFlow 1", "BasicLSTMCell", (BasicLSTMCell,), {"activation": ANY}),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
    ),
    row(
        *("TensorFlow 1", "LSTMCell", (LSTMCell,)),
        dict.fromkeys(("activation", "use_peepholes", "cell_clip", "num_proj", "proj_clip"), ANY),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
        **PEEPHOLES,
        projection__kernel="projection_kernel: all",
    ),
    row(
        *("TensorFlow 1", "LSTMBlockCell", (LSTMBlockCell,), {"use_peepholes": ANY, "cell_clip": ANY}),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
        **PEEPHOLES,
    ),
    row(
        *("TensorFlow 1", "LSTMBlockFusedCell", (LSTMBlockFusedCell,), {"use_peepholes": ANY, "cell_clip": ANY}),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
        **PEEPHOLES,
    ),
    row(
        *("TensorFlow 1", "GRUCell", (GRUCell,), {"activation": ANY}),
        gates__kernel="kernel: r z / recurrent_kernel: r z",
        gates__bias="bias: r z",
        candidate__kernel="kernel: n / recurrent_kernel: n",
        candidate__bias="bias: n",
    ),
    row(
        *("TensorFlow 1", "GRUBlockCellV2", (GRUBlockCell,), {}),
        gates__kernel="kernel: r z / recurrent_kernel: r z",
        gates__bias="bias: r z",
        candidate__kernel="kernel: n / recurrent_kernel: n",
        candidate__bias="bias: n",
    ),
    row(
        *("TensorFlow 1", "GRUBlockCell", (GRUBlockCell,), {}),
        w_ru="kernel: r z / recurrent_kernel: r z",
        b_ru="bias: r z",
        w_c="kernel: n / recurrent_kernel: n",
        b_c="bias: n",
    ),
    row(
        *("TensorFlow 1", "CudnnCompatibleLSTMCell", (LSTMCell,), {"forget_bias": (0.0,)}),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
    ),
    row(
        *("TensorFlow 1", "CudnnCompatibleGRUCell", (ResetAfterGRUCell,), {"activation": ANY}),
        gates__kernel="kernel: r z / recurrent_kernel: r z",
        gates__bias="bias: r z",
        candidate__input_projection__kernel="kernel: n",
        candidate__input_projection__bias="bias: n",
        candidate__hidden_projection__kernel="recurrent_kernel: m",
        candidate__hidden_projection__bias="bias: m",
    ),
    row(
        *("TensorFlow 1", "CoupledInputForgetGateLSTMCell", (CoupledInputForgetGateLSTMCell,)),
        dict.fromkeys(("activation", "use_peepholes", "num_proj", "proj_clip", "layer_norm"), ANY),
        W_0="kernel: g f o / recurrent_kernel: g f o",
        B="bias: g f o",
        W_F_diag="peephole: pf",
        W_O_diag="peephole: po",
        W_P_0="projection_kernel: all",
        transform__gamma="norm_scale: g",
        transform__beta="norm_shift: g",
        forget__gamma="norm_scale: f",
        forget__beta="norm_shift: f",
        output__gamma="norm_scale: o",
        output__beta="norm_shift: o",
        state__gamma="norm_scale: c",
        state__beta="norm_shift: c",
    ),
    row(
        *("TensorFlow 1", "LayerNormLSTMCell", (LayerNormLSTMCell,)),
        dict.fromkeys(("activation", "use_peepholes", "cell_clip", "num_proj", "proj_clip"), ANY),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
        **PEEPHOLES,
        projection__kernel="projection_kernel: all",
        input__gamma="norm_scale: i",
        input__beta="norm_shift: i",
        transform__gamma="norm_scale: g",
        transform__beta="norm_shift: g",
        forget__gamma="norm_scale: f",
        forget__beta="norm_shift: f",
        output__gamma="norm_scale: o",
        output__beta="norm_shift: o",
        state__gamma="norm_scale: c",
        state__beta="norm_shift: c",
    ),
    row(
        *("TensorFlow 1", "LayerNormBasicLSTMCell", (LayerNormBasicLSTMCell,), {"activation": ANY, "layer_norm": ANY}),
        kernel="kernel: i g f o / recurrent_kernel: i g f o",
        bias="bias: i g f o",
        input__gamma="norm_scale: i",
        input__beta="norm_shift: i",
        transform__gamma="norm_scale: g",
        transform__beta="norm_shift: g",
        forget__gamma="norm_scale: f",
        forget__beta="norm_shift: f",
        output__gamma="norm_scale: o",
        output__beta="norm_shift: o",
        state__gamma="norm_scale: c",
        state__beta="norm_shift: c",
    ),
    row(
        *("TensorFlow 1", "IndRNNCell", (IndRNNCell,), {"activation": ANY}),
        kernel_w="kernel: z",
        kernel_u="row of recurrent_vector: u",
        bias="bias: z",
    ),
    row(
        *("TensorFlow 1", "SRUCell", (SRUCell,), {"activation": ANY}),
        kernel="kernel: g f r y",
        bias="bias: f r",
    ),
    row(
        *("TensorFlow 1", "IntersectionRNNCell", (IntersectionRNNCell,), {}),
        kernel="kernel: gh h gy y / recurrent_kernel: gh h gy y",
        bias="bias: gh h gy y",
    ),
    row(
        *("TensorFlow 1", "GLSTMCell", (GLSTMCell,), {"activation": ANY, "num_proj": ANY}),
        **{"group#/kernel": "kernel_#: i g f o / recurrent_kernel_#: i g f o"},
        bias_i="bias: i",
        bias_j="bias: g",
        bias_f="bias: f",
        bias_o="bias: o",
        projection__kernel="projection_kernel: all",
    ),
    row(*("TensorFlow 1", "GridLSTMCell", (GridLSTMCell,), {"use_peepholes": ANY, "cell_clip": ANY}), **GRID),
    row(
        *("TensorFlow 1", "UGRNNCell", (UGRNNCell,), {"activation": ANY}),
        kernel="kernel: g c / recurrent_kernel: g c",
        bias="bias: g c",
    ),
    row(
        *("TensorFlow 1", "NASCell", (NASCell,), {"num_proj": ANY}),
        kernel="kernel: 0 1 2 3 4 5 6 7",
        recurrent_kernel="recurrent_kernel: 0 1 2 3h 4 5 6 7",
        bias="bias: 0 1 2 3h 4 5 6 7",
        projection_weights="projection_kernel: all",
    ),
    row(
        *("ONNX", "RNN", RNNS, {"activation": ANY, "use_bias": ANY, "preactivation_clip": ANY}),
        W="kernel: z",
        R="recurrent_kernel: z",
        B="bias: z recurrent_bias: z",
    ),
    row(
        *("ONNX", "LSTM", LSTMS, ONNX_LSTM | {"use_bias": ANY}),
        W="kernel: i o f g",
        R="recurrent_kernel: i o f g",
        B="bias: i o f g recurrent_bias: i o f g",
        P="peephole: pi po pf",
    ),
    row(
        *("ONNX", "LSTM(input_forget=1)", (CoupledInputForgetGateLSTMCell,)),
        ONNX_LSTM,
        W="kernel: -f o f g",
        R="recurrent_kernel: -f o f g",
        B="bias: -f o f g recurrent_bias: -f o f g",
        P="peephole: -pf po pf",
    ),
    row(
        *("ONNX", "GRU", GRUS, KERAS | {"preactivation_clip": ANY}),
        W="kernel: z r n",
        R="recurrent_kernel: z r n",
        B="bias: z r n recurrent_bias: z r n",
    ),
    row(
        *("ONNX", "GRU(linear_before_reset=1)", (ResetAfterGRUCell,), KERAS | {"preactivation_clip": ANY}),
        W="kernel: z r n",
        R="recurrent_kernel: z r m",
        B="bias: z r n recurrent_bias: z r bias: m",
    ),
    row(*("ONNX", "MatMul", (Dense,), DENSE), kernel="kernel: all", bias="bias: all"),
    row(*("ONNX", "Gather", (Embedding,), {}), table="embeddings: all"),
    row(
        *("ONNX", "BatchNormalization", (BatchNormalization,), {}),
        scale="gamma: all",
        B="beta: all",
        input_mean="moving_mean: all",
        input_var="moving_variance: all",
    ),
)


def shown(cell: Any) -> str:
    """Write a cell or layer as the call that makes it, for errors."""
    return call_text(cell, changed_options(cell))


def rows_of(library: str, cell: Any) -> list[Counterpart]:
    """Return the rows of a library for the class of a cell; empty if it has no such cell."""
    kind = type(cell.canonical if isinstance(cell, KerasOrder) else cell)
    return [row for row in TABLE if row.library == library and kind in row.cells]


def counterpart(caller: str, library: str, cell: Any) -> Counterpart:
    """Return the row of a library for a cell, or raise `InputError` if it has no such cell."""
    rows = rows_of(library, cell)
    if not rows:
        raise InputError(f"{caller}: {library} has no counterpart of {shown(cell)}")
    rows[0].check(caller, cell)
    return rows[0]
