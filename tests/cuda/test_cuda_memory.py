"""The pool of device memory, on memory of the host."""

import ctypes
import gc

import numpy as np
import pytest

from numbarnn.cuda import memory


class Piece:
    def __init__(self, size):
        self.memory = ctypes.create_string_buffer(size)
        self.device_ctypes_pointer = ctypes.c_void_p(ctypes.addressof(self.memory))


class Driver:
    """Gives `left` bytes, each once."""

    class Full(Exception):
        pass

    def __init__(self, left):
        self.left, self.asked = left, 0
        self.cudadrv = self.driver = self
        self.CudaAPIError = self.Full

    def device_array(self, size, dtype):
        if size > self.left:
            self.left += self.asked  # what was given comes back when the pool lets go of it
            raise self.Full
        self.left -= size
        self.asked += size
        return Piece(size)


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setattr(memory, "cuda", found := Driver(1 << 20))
    memory.clear()
    yield found
    memory.clear()


def lease(count):
    return memory.Lease((count,), np.dtype("float32"))


def address(lease):
    return lease.__cuda_array_interface__["data"][0]


def test_memory_is_used_again_when_nobody_looks(driver):
    first, second = lease(100), lease(100)
    assert address(first) != address(second)
    freed = address(first)
    del first
    gc.collect()
    assert address(lease(90)) == freed  # of the same rounded size
    assert driver.asked == 2 * memory.rounded(400)


def test_free_memory_is_given_up_where_there_is_no_other(driver):
    held = lease(50_000)
    del held
    gc.collect()
    assert lease(240_000).size > driver.asked - memory.rounded(960_000) - 1
    assert memory._kept == memory.rounded(960_000)


def test_no_more_is_kept_than_allowed(driver, monkeypatch):
    monkeypatch.setattr(memory, "KEEP", 5000)
    leases = [lease(1000) for _ in range(3)]
    leases.clear()
    gc.collect()
    assert memory._kept <= 5000
