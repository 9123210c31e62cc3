"""How many threads a container's quota of processor time is worth."""

import math

import pytest

from numbarnn.runtime import threads


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "own", "quota"),
    (
        ({}, "", math.inf),
        ({"cpu.max": "max 100000\n"}, "0::/\n", math.inf),
        ({"cpu.max": "150000 100000\n"}, "0::/\n", 1.5),
        ({"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, "0::/a/b\n", 3),
        ({"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "50000 100000\n"}, "1:cpu:/x\n0::/a/b\n", 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, "4:cpu:/\n", math.inf),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "4:cpu:/\n", 2),
    ),
    ids=str,
)
def test_the_least_quota_counts(files, own, quota, tmp_path):
    write(tmp_path / "groups", files)
    write(tmp_path, {"own": own})
    assert threads.processor_quota(tmp_path / "groups", tmp_path / "own") == quota


@pytest.fixture
def most_threads(monkeypatch):
    monkeypatch.setattr(threads.config, "NUMBA_NUM_THREADS", 64)
    monkeypatch.setattr(threads, "processor_quota", lambda *paths: 1.5)
    threads.most_threads.cache_clear()
    yield threads.most_threads
    threads.most_threads.cache_clear()


def test_part_of_a_processor_is_worth_a_thread(most_threads, monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    assert most_threads() == 2


def test_the_environment_says_how_many(most_threads, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "64")
    assert most_threads() == 64
