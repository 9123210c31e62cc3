"""The equations of a grid LSTM (Kalchbrenner, Danihelka, Graves 2016; in speech: Li, Mohamed, Zweig, Gong 2016).

Two LSTMs, X = T through time and X = F through frequency, read the same u at a step (t, k) of both:

u = [x_k, m_T, m_F]                      m_T, c_T: made by T at (t - 1, k); m_F, c_F: made by F at (t, k - 1)
i = sigma(z_i + p_iT c_T + p_iF c_F)     each z = u W + b, W, b and p of X
f = sigma(z_f + p_fT c_T + p_fF c_F)     or 1 - i where coupled
g = tanh(z_g)
c_X' = clip(f c_X + i g)
o = sigma(z_o + p_oT c_T' + p_oF c_F')
m_X' = o tanh(c_X')
"""

from dataclasses import KW_ONLY, dataclass

from ..maths import sigmoid, tanh
from ._clip import clipped
from ._lstm import memory, output
from .base import Cell

LSTMS = ("time", "frequency")


@dataclass(frozen=True)
class GridStep(Cell):
    """Frequency step k of a grid LSTM, through all of time, as a plain cell.

    Its inputs are [x_k, m_F, c_F], or [x_k, c_F] for the lowest step, whose m_F is zero; its outputs are [m_T, m_F',
    c_F']. Nothing reads the states m_F and c_F. `lstms` are the LSTMs that have parameters of their own, `gates` the
    gates that have pre-activations. Parameters are those of `GridLSTMCell`, both LSTMs side by side.
    """

    _: KW_ONLY
    lstms: tuple
    gates: tuple
    use_peepholes: bool
    cell_clip: float | None
    forget_bias: float

    states = ("m", "c", "m_frequency", "c_frequency")
    output_states = (0, 2, 3)

    @property
    def inputs(self) -> dict[str, str]:
        fed = {f"{lstm}_{gate}": "xh" for lstm in self.lstms for gate in self.gates}
        return fed | {"c_frequency": "u"} | {name: "" for names in self.peepholes.values() for name in names}

    @property
    def peepholes(self) -> dict[str, tuple[str, ...]]:
        """The peepholes: {parameter: vectors of each gate but g, on c_T and on c_F}."""
        on = [f"{gate}_on_{lstm}" for gate in self.gates if gate != "g" for lstm in LSTMS]
        lstms = self.lstms if self.use_peepholes else ()
        return {f"{lstm}_peephole": tuple(f"{lstm}_{name}" for name in on) for lstm in lstms}

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return super().vectors | self.peepholes

    @property
    def saved(self) -> tuple[str, ...]:
        return tuple(f"{lstm}_{gate}" for lstm in self.lstms for gate in "ifgo")

    @property
    def offsets(self) -> dict[str, float]:
        return {f"{lstm}_f": self.forget_bias for lstm in self.lstms if "f" in self.gates}

    def engine_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return super().engine_shapes(input_size - self.units)

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        z = dict(zip(self.inputs, z, strict=True))
        before, after, m, gates = {"time": s[1], "frequency": z["c_frequency"]}, {}, {}, {}
        own = {lstm: lstm if lstm in self.lstms else "frequency" for lstm in LSTMS}  # whose gates it has

        def peeping(name, c):
            """Return the pre-activation of a gate, which may look at the memories c."""
            seen = LSTMS if self.use_peepholes else ()
            return sum((z[f"{name}_on_{lstm}"] * c[lstm] for lstm in seen), z[name])

        for lstm, owner in own.items():
            z_i, z_g, c = peeping(f"{owner}_i", before), z[f"{owner}_g"], before[lstm]
            if "f" in self.gates:
                c, gates[lstm] = memory(z_i, peeping(f"{owner}_f", before), z_g, c, tanh, sigmoid)
            else:
                i, g = sigmoid(z_i), tanh(z_g)
                c, gates[lstm] = (1 - i) * c + i * g, (i, 1 - i, g)
            after[lstm] = clipped(c, self.cell_clip)
        for lstm, owner in own.items():
            m[lstm], o = output(peeping(f"{owner}_o", after), after[lstm], tanh, sigmoid)
            gates[lstm] = *gates[lstm], o
        kept = tuple(gate for lstm in self.lstms for gate in gates[lstm])
        return (m["time"], after["time"], m["frequency"], after["frequency"]), kept
