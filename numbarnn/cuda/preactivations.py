def constant_slots(cell):
    names, vectors = (
        list(cell.inputs),
        {n for of in cell.vectors.values() for n in of} | {n for n, v in cell.offsets.items() if v},
    )
    return tuple(i for i, name in enumerate(names) if name in vectors)


import functools

from numba.extending import register_jitable


@functools.cache
def reader(cell):
    inputs, constants = list(cell.inputs.values()), constant_slots(cell)
    f = register_jitable(lambda z, vectors, t, b, u: ())
    for slot, fed in enumerate(inputs):
        f = more(f, slot, bool(set(fed) & set("xmu")), slot in constants)
    return f


def more(first, slot, fed, constant):
    zero = __import__("numpy").float32(0)
    if fed and constant:
        return register_jitable(lambda z, v, t, b, u: (*first(z, v, t, b, u), z[t, b, slot, u] + v[slot, u]))
    if fed:
        return register_jitable(lambda z, v, t, b, u: (*first(z, v, t, b, u), z[t, b, slot, u]))
    if constant:
        return register_jitable(lambda z, v, t, b, u: (*first(z, v, t, b, u), v[slot, u]))
    return register_jitable(lambda z, v, t, b, u: (*first(z, v, t, b, u), zero))
