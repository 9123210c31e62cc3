"""Which walk a GPU takes for which sizes."""

import pytest

import numbarnn as nr
from numbarnn.engines.cuda.choose import is_plain, plan_for
from numbarnn.engines.cuda.gpu import H100, Gpu
from numbarnn.engines.cuda.persistent_plan import PersistentPlan
from numbarnn.engines.cuda.small_plan import SmallPlan

A100, T4 = Gpu(108, 163 << 10, True), Gpu(40, 64 << 10, False)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    "B, H, kind",
    [
        (50, 100, SmallPlan),
        (128, 32, SmallPlan),
        (64, 512, PersistentPlan),
        (16, 768, PersistentPlan),
        (64, 4096, None),
    ],
)
def test_lstm(B, H, kind, backward):
    plan = plan_for(nr.LSTMCell(H), B, H100, backward)
    assert plan is None if kind is None else isinstance(plan, kind)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("B", [1, 3, 150, 1000])
@pytest.mark.parametrize("H", [1, 33, 100, 150, 257, 700])
@pytest.mark.parametrize("gpu", [H100, A100, T4])
def test_plans_fit_the_gpu(gpu, B, H, backward):
    for make in (nr.SimpleRNNCell, nr.LSTMCell, nr.ResetAfterGRUCell, nr.NASCell, nr.GRUCell):
        plan = plan_for(make(H), B, gpu, backward)
        if plan is not None:
            assert plan.shared <= gpu.shared and plan.threads <= 1024
        if isinstance(plan, PersistentPlan):
            assert gpu.copies and plan.blocks <= gpu.processors
            assert plan.padded >= H and plan.groups * plan.rows >= B
            assert plan.units * plan.rows <= plan.threads and plan.chunk * plan.chunks >= plan.depth


def test_cells_with_one_product():
    plain = {name for name, cell in nr.CELLS.items() if is_plain(cell(4))}
    assert {"SimpleRNNCell", "LSTMCell", "ResetAfterGRUCell", "UGRNNCell", "NASCell"} <= plain
    assert not {"GRUCell", "LayerNormLSTMCell", "IndRNNCell"} & plain
    assert not is_plain(nr.LSTMCell(4, num_proj=3))
