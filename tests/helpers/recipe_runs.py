"""Recipes on a part of their data, for a few epochs."""

from numbarnn.recipes import RECIPES

from .real_data import real


def data(name, dtype="float32"):
    """What the recipe loads; skips the test where its files are not."""
    recipe = RECIPES[name]
    return real(recipe.load, None, dtype) if hasattr(recipe, "READS") else recipe.load(None, dtype)


def fit(name, model, train, test, epochs, batch_size=None, seed=0):
    """The `History` of a training as the recipe has it."""
    recipe, batch_size = RECIPES[name], batch_size or RECIPES[name].BATCH_SIZE
    if hasattr(recipe, "fit"):
        return recipe.fit(model, train, test, epochs, batch_size, seed)
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_data=test, verbose=0)


def learned(name, epochs, batch_size=None, *, train=slice(None), test=slice(None), label=None, seed=0):
    """(loss, metrics ...) on the test set; `train` and `test` are the parts of the data to take, `label` the model."""
    (x, y), (x_test, y_test) = data(name)
    model = RECIPES[name].build(seed, "float32")
    model = model if label is None else model[label]
    part = x_test[test], y_test[test if isinstance(test, slice) else test[0]]
    fit(name, model, (x[train], y[train if isinstance(train, slice) else train[0]]), part, epochs, batch_size, seed)
    model.reset_states()
    values = model.evaluate(*part, batch_size or RECIPES[name].BATCH_SIZE)
    return values if isinstance(values, list) else [values]
