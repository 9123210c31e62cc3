"""The table that `Sequential.summary` prints."""


def summary(model):
    """One row a layer (name and type, output shape, number of parameters), then the totals."""
    rows = [("Layer (type)", "Output shape", "Param #")]
    for layer in model.layers:
        rows.append((f"{layer.name} ({type(layer).__name__})", str(layer.output_shape), str(layer.count_params())))
    widths = [max(len(row[i]) for row in rows) + 3 for i in range(3)]
    head, *body = ("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    total, trainable = model.count_params(), sum(array.size for array in model.params.values())
    totals = (
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
    )
    rule = "-" * sum(widths)
    return "\n".join((f'Model: "{model.name}"', rule, head, rule, *body, rule, *totals))
