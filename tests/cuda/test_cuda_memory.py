"""The pool of device memory, on memory of the host."""

import ctypes
import gc

import pytest

from numbarnn.cuda import memory


class Piece:
    def __init__(self, size):
        self.memory = ctypes.create_string_buffer(size)
        self.address = ctypes.addressof(self.memory)


class Driver:
    """Gives `left` bytes, each once."""

    def __init__(self, left):
        self.left, self.asked = left, 0

    def allocate(self, size):
        if size > self.left:
            self.left += self.asked  # what was given comes back when the pool lets go of it
            raise MemoryError
        self.left -= size
        self.asked += size
        return Piece(size)


@pytest.fixture
def driver(monkeypatch):
    found = Driver(1 << 20)
    monkeypatch.setattr(memory, "allocate", found.allocate)
    memory.clear()
    yield found
    memory.clear()


def array(count):
    return memory.empty((count,), "float32")


def test_memory_is_used_again_when_nobody_looks(driver):
    first, second = array(100), array(100)
    assert first.address != second.address
    freed = first.address
    del first
    gc.collect()
    assert array(90).address == freed  # of the same rounded size
    assert driver.asked == 2 * memory.rounded(400)


def test_free_memory_is_given_up_where_there_is_no_other(driver):
    held = array(50_000)
    del held
    gc.collect()
    assert array(240_000).owner.size > driver.asked - memory.rounded(960_000) - 1
    assert memory._kept == memory.rounded(960_000)


def test_no_more_is_kept_than_allowed(driver, monkeypatch):
    monkeypatch.setattr(memory, "KEEP", 5000)
    leases = [array(1000) for _ in range(3)]
    leases.clear()
    gc.collect()
    assert memory._kept <= 5000
