"""A model with everything random, and its training, which may be broken off and gone on with."""

from helpers.toy import data, fit
from numbarnn import Sequential
from numbarnn.layers import GRU, LSTM, Dense, Dropout, Input
from numbarnn.losses import SparseCategoricalCrossentropy
from numbarnn.optimizers import Adam


def make(optimizer=None, *layers, device="numpy", dtype="float32", seed=3, units=4):
    """Everything random: shuffling, dropout between layers, of inputs and of recurrent products."""
    layers = layers or (LSTM(units, dropout=0.2, recurrent_dropout=0.2, return_sequences=True), Dropout(0.2), GRU(3))
    model = Sequential([Input((6, 2)), *layers, Dense(3)], seed=seed, dtype=dtype, device=device)
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or Adam(0.01, clip_global_norm=1.0), loss, ["accuracy"])
    return model


def train(model, epochs, **options):
    return fit(model, *data(30), epochs=epochs, validation_split=0.2, **options)
