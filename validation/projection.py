"""The projected output of a cell: Sak, Senior and Beaufays (2014)."""


def project(m, params, f, proj_clip=None):
    """clip(m W_p) where there is a projection_kernel W_p (H, P), else m itself."""
    if "projection_kernel" not in params:
        return m
    r = m @ params["projection_kernel"]
    return r if proj_clip is None else f["clip"](r, proj_clip)
