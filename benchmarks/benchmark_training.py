"""Training: an epoch of `fit`, updates of the optimisers, and the recipes with what they reach."""

import os
import time
from functools import cache

import numpy as np

import numbarnn as nr

from .asv_settings import Timing, chosen, or_skip

OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Nadam", "Lion")

# Epochs of a recipe: few, but enough that a wrong gradient shows.
RECIPES = {"digits": 3, "adding": 1}
MORE_RECIPES = {
    "sunspots": 20,
    "sine-windows": 1,
    "creative": 1,
    "deep": 1,
    "deep-dropout": 1,
    "copy": 1,
    "reverse": 1,
    "imdb-stack": 1,
    "mnist": 1,
    "mnist-keras": 1,
    "series": 1,
    "vowels": 10,
    "imdb-rnn": 1,
    "imdb-lstm": 1,
    "shakespeare": 1,
}


class Fit(Timing):
    """An epoch of a whole model on random data of the named shape, without metrics."""

    params = (chosen(("mnist",), ("imdb-rnn", "imdb-lstm", "shakespeare")),)
    param_names = ("model",)
    repeat = (3, 20, 3.0)

    def setup(self, model):
        self.model, self.data, self.options = trained(model)

    def time_epoch(self, model):
        self.model.fit(*self.data, epochs=1, verbose=0, **self.options)

    time_epoch.pretty_name = "An epoch of fit"


@cache
def trained(name):
    """Make a model that has been through an epoch, its data and its options of `fit`."""
    with or_skip():
        from . import training

        workload = training.MODELS[name]()
        model = nr.Sequential(workload.layers(), seed=0)
        model.compile(workload.optimizer, workload.loss)
        x, y = training.data(workload)
        options = {"batch_size": workload.batch_size, "shuffle": workload.shuffle}
        model.fit(x, y, epochs=1, verbose=0, **options)
        return model, (x, y), options


class Updates(Timing):
    """An update of a million float32 parameters."""

    params = (OPTIMIZERS,)
    param_names = ("optimizer",)

    def setup(self, optimizer):
        with or_skip():
            self.optimizer = getattr(nr.optimizers, optimizer)(1e-3)
        rng = np.random.default_rng(0)
        self.params, self.gradients = ({"kernel": rng.standard_normal((1000, 1000), np.float32)} for _ in range(2))
        self.time_update(optimizer)

    def time_update(self, optimizer):
        self.optimizer.apply(self.params, self.gradients)

    time_update.pretty_name = "Optimisers: an update of a million parameters"


class Recipes:
    """A few epochs of `python -m numbarnn train NAME`, seed 0, and the last test loss; of several models their sum."""

    params = (chosen(RECIPES, MORE_RECIPES),)
    param_names = ("recipe",)

    def setup_cache(self):
        return {recipe: measured(recipe) for recipe in self.params[0]}

    setup_cache.timeout = 7200

    def setup(self, found, recipe):
        if found[recipe] is None:
            raise NotImplementedError("needs NUMBARNN_DATA, and a numbarnn that has this recipe")

    def track_seconds(self, found, recipe):
        return found[recipe][0]

    track_seconds.unit = "seconds an epoch"
    track_seconds.pretty_name = "Recipes: seconds an epoch"

    def track_test_loss(self, found, recipe):
        return found[recipe][1]

    track_test_loss.unit = "test loss"
    track_test_loss.pretty_name = "Recipes: test loss"


def measured(name):
    """Train a recipe: seconds an epoch and the last test loss; None if it cannot run here."""
    folder = os.environ.get("NUMBARNN_DATA")
    recipe = nr.recipes.RECIPES.get(name)
    if recipe is None or (getattr(recipe, "READS", None) and not folder):
        return None
    train, test = recipe.load(folder, "float32")
    built, epochs = recipe.build(0, "float32"), (RECIPES | MORE_RECIPES)[name]
    start, loss = time.perf_counter(), 0.0
    for model in built.values() if isinstance(built, dict) else [built]:
        if hasattr(recipe, "fit"):
            history = recipe.fit(model, train, test, epochs, recipe.BATCH_SIZE, 0)
        else:
            history = model.fit(*train, recipe.BATCH_SIZE, epochs, validation_data=test, verbose=0)
        loss += history.history["val_loss"][-1]
    return (time.perf_counter() - start) / epochs, loss
