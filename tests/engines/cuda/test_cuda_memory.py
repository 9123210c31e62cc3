"""The pool of device memory, on memory of the host."""

import ctypes
import gc

import pytest

from numbarnn.engines.cuda import memory


class Driver:
    """Gives `left` bytes, each once."""

    def __init__(self, left):
        self.left, self.asked, self.given = left, 0, {}

    def allocate(self, size):
        if size > self.left:
            raise MemoryError
        self.left -= size
        self.asked += size
        memory = ctypes.create_string_buffer(size)
        self.given[ctypes.addressof(memory)] = memory
        return ctypes.addressof(memory)

    def release(self, address):
        self.left += len(self.given.pop(address))


@pytest.fixture
def driver(monkeypatch):
    memory.clear()
    found = Driver(1 << 20)
    monkeypatch.setattr(memory, "allocate", found.allocate)
    monkeypatch.setattr(memory, "release", found.release)
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


def test_memory_of_garbage_in_cycles_is_not_released(driver):
    """The collector finalises everything in a cycle, also memory that the pool goes on with."""
    cycle = [array(100)]
    cycle.append(cycle)
    address = cycle[0].address
    del cycle
    gc.collect()
    assert list(driver.given) == [address] and array(100).address == address


def test_what_is_not_kept_goes_back_to_the_driver(driver, monkeypatch):
    monkeypatch.setattr(memory, "KEEP", 0)
    held = array(100)
    assert driver.given
    del held
    gc.collect()
    assert not driver.given
