"""The table of a model's layers."""

from html import escape

HEAD = "Layer (type)", "Output shape", "Param #"
CONNECTED = "Connected to"


class Summary:
    """Layers of a model with names, types, output shapes and numbers of parameters, as text or as HTML.

    If they are no chain, there is a row for each input, and what each layer reads.
    """

    def __init__(self, model):
        self.model = model
        self.read = model.connections()
        self.head = (*HEAD, CONNECTED) if self.read else HEAD

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row per layer."""
        rows = [
            (f"{layer.name} ({type(layer).__name__})", str(layer.output_shape), str(layer.count_params()))
            for layer in self.model.layers
        ]
        if not self.read:
            return rows
        named = zip(self.model.input_names, self.model.inputs, strict=True)
        inputs = [(f"{name} (Input)", str((None, *each.shape)), "0", "") for name, each in named]
        read = [", ".join(self.read[layer.name]) for layer in self.model.layers]
        return [*inputs, *((*row, names) for row, names in zip(rows, read, strict=True))]

    def totals(self) -> list[str]:
        """Return the lines below the table."""
        total = sum(array.size for array in self.model.weights.values())
        trainable = sum(array.size for array in self.model.trainable_params.values())
        counts = {"Total": total, "Trainable": trainable, "Non-trainable": total - trainable}
        return [f"{kind} params: {count:,}" for kind, count in counts.items()]

    def __str__(self) -> str:
        rows = [self.head, *self.rows()]
        widths = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
        head, *body = (
            "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )
        rule = "-" * sum(widths)
        return "\n".join((f'Model: "{self.model.name}"', rule, head, rule, *body, rule, *self.totals()))

    def _repr_html_(self) -> str:
        cells = lambda row, kind: "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in row)  # noqa: E731
        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows())
        totals = "<br>".join(self.totals())
        head = f"<thead><tr>{cells(self.head, 'th')}</tr></thead>"
        return f"<b>{escape(self.model.name)}</b><table>{head}<tbody>{body}</tbody></table>{totals}"
