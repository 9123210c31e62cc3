"""The parts of a composite cell: parameters and states whose names begin with the part's."""


def part(name, values):
    """{name within the part: value}."""
    start = f"{name}/"
    return {key[len(start) :]: value for key, value in values.items() if key.startswith(start)}


def of_part(name, values):
    """{name within the composite: value}."""
    return {f"{name}/{key}": value for key, value in values.items()}
