"""Grid LSTM of one block: a loop over the frequencies in each time step, with both LSTMs in one product."""

from .products import zeros


def walk(cell, p, x, each, lstm, order=1):
    """Make the loop of `lstm(gates, c) -> m, c`, both LSTMs side by side: (B, 2, units). Order -1: from the highest
    frequency down."""
    import torch

    units, (steps,) = cell.units, cell.num_frequency_blocks
    kernel = torch.cat((p["time_kernel_0"], p["frequency_kernel_0"]), 1)
    x_kernel, m_kernel = kernel.split((cell.feature_size, 2 * units))
    forget = kernel.new_tensor([0, cell.forget_bias, 0, 0]).repeat_interleave(units)
    bias = torch.cat((p["time_bias_0"] + forget, p["frequency_bias_0"] + forget))

    def slices(rows):
        return rows.unfold(1, cell.feature_size, cell.frequency_skip) @ x_kernel + bias

    def step(z, output, m_time, c_time):
        m_frequency = c_frequency = torch.zeros_like(m_time[0])
        ms, cells = [], []
        for z_k, m_k, c_k in zip(z.unbind(1)[::order], m_time, c_time, strict=True):
            z_k = z_k.addmm(torch.cat((m_k, m_frequency), 1), m_kernel)
            m, c = lstm(z_k.view(-1, 2, 4, units).unbind(2), torch.stack((c_k, c_frequency), 1))
            _, m_frequency = m.unbind(1)
            c_k, c_frequency = c.unbind(1)
            ms.append(m)
            cells.append(c_k)
        ms = torch.stack(ms, 1)
        return ms.flatten(1), ms[:, :, 0].unbind(1), cells

    (zero,) = zeros(x, units)
    return each(x, slices), (None, [zero] * steps, [zero] * steps), step


def plain(gates, c):
    i, f, g, o = gates
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def grid_lstm(cell, p, x, each):
    return walk(cell, p, x, each, plain)


def peephole_grid_lstm(cell, p, x, each):
    import torch

    # Each (LSTM, seen c, units).
    both = torch.stack((p["time_peephole_0"], p["frequency_peephole_0"]))
    p_i, p_f, p_o = both.unflatten(1, (3, 2)).unbind(1)

    def seen(peephole, c):
        return (peephole * c.unsqueeze(1)).sum(2)

    def lstm(gates, c):
        i, f, g, o = gates
        c = (f + seen(p_f, c)).sigmoid() * c + (i + seen(p_i, c)).sigmoid() * g.tanh()
        return (o + seen(p_o, c)).sigmoid() * c.tanh(), c

    return walk(cell, p, x, each, lstm)


def bidirectional_grid_lstm(cell, p, x, each):
    import torch

    def of(direction):
        return {name.removeprefix(direction): value for name, value in p.items() if name.startswith(direction)}

    z, state, ahead = walk(cell, of("forward/"), x, each, plain)
    back_z, back_state, back = walk(cell, of("backward/"), x, each, plain, -1)

    def step(inputs, output, state, back_state):
        z, back_z = inputs
        state, back_state = ahead(z, *state), back(back_z, *back_state)
        return torch.cat((state[0], back_state[0]), 1), state, back_state

    return zip(z, back_z, strict=True), (None, state, back_state), step
