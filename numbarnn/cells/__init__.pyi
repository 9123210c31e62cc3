"""What `import numbarnn.cells` offers, for editors and type checkers; a test compares it with the package."""

from .base import Cell as Cell
from .basic_lstm import BasicLSTMCell as BasicLSTMCell
from .basic_rnn import BasicRNNCell as BasicRNNCell
from .bidirectional_grid_lstm import BidirectionalGridLSTMCell as BidirectionalGridLSTMCell
from .coupled_lstm import CoupledInputForgetGateLSTMCell as CoupledInputForgetGateLSTMCell
from .glstm import GLSTMCell as GLSTMCell
from .grid_lstm import GridLSTMCell as GridLSTMCell
from .gru import GRUCell as GRUCell
from .gru_block import GRUBlockCell as GRUBlockCell
from .ind_rnn import IndRNNCell as IndRNNCell
from .intersection_rnn import IntersectionRNNCell as IntersectionRNNCell
from .layer_norm_gru import LayerNormGRUCell as LayerNormGRUCell
from .layer_norm_lstm import LayerNormBasicLSTMCell as LayerNormBasicLSTMCell
from .layer_norm_lstm import LayerNormLSTMCell as LayerNormLSTMCell
from .lstm import LSTMCell as LSTMCell
from .lstm_block import LSTMBlockCell as LSTMBlockCell
from .lstm_block import LSTMBlockFusedCell as LSTMBlockFusedCell
from .lstm_block import LSTMBlockWrapper as LSTMBlockWrapper
from .mgu import MGUCell as MGUCell
from .nas import NASCell as NASCell
from .reset_after_gru import ResetAfterGRUCell as ResetAfterGRUCell
from .rnn_cell import RNNCell
from .simple_rnn import SimpleRNNCell as SimpleRNNCell
from .sru import SRUCell as SRUCell
from .ugrnn import UGRNNCell as UGRNNCell

CELLS: dict[str, type[Cell]]
COMPOSITE_CELLS: dict[str, type[RNNCell]]
