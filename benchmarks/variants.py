"""Every cell and its main variants, of H units for I inputs."""

import numbarnn as nr


def derived(cell):
    """Return a cell's class without the gradient that is written by hand: it is derived from the forward equations."""
    return type(f"Derived{cell.__name__}", (cell,), {"equations": nr.Cell.equations})


SHAPE = (50, 64, 128, 128)  # steps, batch, input features, units

VARIANTS = {
    "SimpleRNNCell": lambda I, H: nr.SimpleRNNCell(H),
    "BasicRNNCell": lambda I, H: nr.BasicRNNCell(H),
    "SimpleRNNCell+projection": lambda I, H: nr.SimpleRNNCell(H, num_proj=H // 2),
    "IndRNNCell": lambda I, H: nr.IndRNNCell(H),
    "LSTMCell": lambda I, H: nr.LSTMCell(H),
    "LSTMCell+clip": lambda I, H: nr.LSTMCell(H, cell_clip=1.0),
    "LSTMCell+peepholes": lambda I, H: nr.LSTMCell(H, use_peepholes=True),
    "LSTMCell+projection": lambda I, H: nr.LSTMCell(H, num_proj=H // 2),
    "BasicLSTMCell": lambda I, H: nr.BasicLSTMCell(H),
    "LSTMBlockCell": lambda I, H: nr.LSTMBlockCell(H),
    "LSTMBlockFusedCell": lambda I, H: nr.LSTMBlockFusedCell(H),
    "CoupledInputForgetGateLSTMCell": lambda I, H: nr.CoupledInputForgetGateLSTMCell(H),
    "CoupledInputForgetGateLSTMCell+peepholes": lambda I, H: nr.CoupledInputForgetGateLSTMCell(H, use_peepholes=True),
    "LayerNormLSTMCell+per_gate": lambda I, H: nr.LayerNormLSTMCell(H),
    "LayerNormLSTMCell+joint": lambda I, H: nr.LayerNormLSTMCell(H, variant="joint"),
    "LayerNormLSTMCell+stored": lambda I, H: nr.LayerNormLSTMCell(H, variant="stored"),
    "LayerNormBasicLSTMCell": lambda I, H: nr.LayerNormBasicLSTMCell(H),
    "LayerNormBasicLSTMCell+dropout": lambda I, H: nr.LayerNormBasicLSTMCell(H, dropout_keep_prob=0.75),
    "GRUCell": lambda I, H: nr.GRUCell(H),
    "GRUCell+seed": lambda I, H: nr.GRUCell(H, update="seed"),
    "GRUCell+projection": lambda I, H: nr.GRUCell(H, num_proj=H // 2),
    "GRUBlockCell": lambda I, H: nr.GRUBlockCell(H),
    "ResetAfterGRUCell": lambda I, H: nr.ResetAfterGRUCell(H),
    "ResetAfterGRUCell+seed": lambda I, H: nr.ResetAfterGRUCell(H, update="seed"),
    "ResetAfterGRUCell+projection": lambda I, H: nr.ResetAfterGRUCell(H, num_proj=H // 2),
    "LayerNormGRUCell": lambda I, H: nr.LayerNormGRUCell(H),
    "UGRNNCell": lambda I, H: nr.UGRNNCell(H),
    "MGUCell": lambda I, H: nr.MGUCell(H),
    "NASCell": lambda I, H: nr.NASCell(H),
    "NASCell+projection": lambda I, H: nr.NASCell(H, num_proj=H // 2),
    "SRUCell": lambda I, H: nr.SRUCell(H),
    "IntersectionRNNCell": lambda I, H: nr.IntersectionRNNCell(I),  # outputs as wide as the inputs
    "GLSTMCell": lambda I, H: nr.GLSTMCell(H, number_of_groups=4),
    "DerivedLSTMCell": lambda I, H: derived(nr.LSTMCell)(H),
    "DerivedGRUCell": lambda I, H: derived(nr.ResetAfterGRUCell)(H),
    "ZoneoutWrapper+LSTMCell": lambda I, H: nr.ZoneoutWrapper(nr.LSTMCell(H), zoneout_h=0.05, zoneout_c=0.5),
    "ZoneoutWrapper+ResetAfterGRUCell": lambda I, H: nr.ZoneoutWrapper(nr.ResetAfterGRUCell(H), zoneout_h=0.1),
    "RecurrentDropoutWrapper+LSTMCell": lambda I, H: nr.RecurrentDropoutWrapper(nr.LSTMCell(H), rate=0.25),
    "RecurrentDropoutWrapper+LSTMCell+per_gate": lambda I, H: nr.RecurrentDropoutWrapper(
        nr.LSTMCell(H), rate=0.25, per_gate=True
    ),
    "DropConnectWrapper+LSTMCell": lambda I, H: nr.DropConnectWrapper(nr.LSTMCell(H), rate=0.5),
    "DropoutWrapper+LSTMCell": lambda I, H: nr.DropoutWrapper(
        nr.LSTMCell(H), input_keep_prob=0.8, output_keep_prob=0.8, state_keep_prob=0.8
    ),
    "MultiRNNCell+LSTMCell": lambda I, H: nr.MultiRNNCell([nr.LSTMCell(H), nr.LSTMCell(H)]),
    "Bidirectional+LSTMCell": lambda I, H: nr.Bidirectional(nr.LSTMCell(H)),
    "GridLSTMCell": lambda I, H: nr.GridLSTMCell(H, **grid(I)),
    "GridLSTMCell+peepholes": lambda I, H: nr.GridLSTMCell(H, **grid(I, use_peepholes=True)),
    "BidirectionalGridLSTMCell": lambda I, H: nr.BidirectionalGridLSTMCell(H, **grid(I)),
}

# One variant of each cell that an engine runs by itself.
PLAIN_CELLS = (
    "SimpleRNNCell",
    "BasicRNNCell",
    "IndRNNCell",
    "LSTMCell",
    "BasicLSTMCell",
    "LSTMBlockCell",
    "CoupledInputForgetGateLSTMCell",
    "LayerNormLSTMCell+per_gate",
    "LayerNormBasicLSTMCell",
    "GRUCell",
    "GRUBlockCell",
    "ResetAfterGRUCell",
    "LayerNormGRUCell",
    "UGRNNCell",
    "MGUCell",
    "NASCell",
    "SRUCell",
    "IntersectionRNNCell",
    "GLSTMCell",
)

# Variant: the plain cell, and what the ratio should stay under.
PAIRS = {
    "LSTMCell+clip": ("LSTMCell", None),
    "LSTMCell+peepholes": ("LSTMCell", 1.6),
    "LSTMCell+projection": ("LSTMCell", None),
    "LayerNormLSTMCell+per_gate": ("LSTMCell", 1.6),
    "LayerNormLSTMCell+joint": ("LSTMCell", 1.6),
    "LayerNormLSTMCell+stored": ("LSTMCell", 1.6),
    "ZoneoutWrapper+LSTMCell": ("LSTMCell", None),
    "DerivedLSTMCell": ("LSTMCell", 1.2),
    "DerivedGRUCell": ("ResetAfterGRUCell", 1.2),
}


def grid(I, **options):
    """Return the options of four frequency steps, of a quarter of the inputs each."""
    return {"feature_size": I // 4, "frequency_skip": I // 4, "num_frequency_blocks": (4,), **options}
