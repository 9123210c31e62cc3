"""Data sets, one file each, and helpers that turn series, texts and lists of rows into arrays of sequences.

Images come as rows: an image of 28 x 28 pixels is a sequence of 28 steps of 28 features.
Files are looked for in the folder that is given, else in the one that the environment variable NUMBARNN_DATA names,
each in that folder itself or in a subfolder that has the name of the data set. Without both they are in the user's data
folder, `~/.local/share/numbarnn` (`$XDG_DATA_HOME/numbarnn`), and what is missing there is downloaded if pooch is
installed (`pip install 'numbarnn[data]'`), and compared with its SHA-256. IMDB has no public file to download.

`mnist.load_data()` and `imdb.load_data(num_words=...)` give what Keras gives, `read_data_sets` what TensorFlow 1's
tutorials read; `mnist()` is scaled already.
"""

from .adding_problem import adding_problem
from .batches import batch_stream, shuffle_batch
from .copy_problem import copy_problem
from .digits import digits
from .imdb import imdb, imdb_words
from .input_data import read_data_sets
from .japanese_vowels import japanese_vowels
from .mnist import mnist
from .pad_sequences import pad_sequences
from .reversed_digits import reversed_digits
from .series import make_windows, sine_mixture
from .sunspots import sunspots
from .tiny_shakespeare import tiny_shakespeare

__all__ = [
    "adding_problem",
    "batch_stream",
    "copy_problem",
    "digits",
    "imdb",
    "imdb_words",
    "japanese_vowels",
    "make_windows",
    "mnist",
    "pad_sequences",
    "read_data_sets",
    "reversed_digits",
    "shuffle_batch",
    "sine_mixture",
    "sunspots",
    "tiny_shakespeare",
]


def __dir__():
    return __all__
