"""Things are made once, also when several threads ask."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from speechbrain_emotion.utils.kept import Kept


def test_made_once_by_several_threads():
    made = []

    def make(key):
        made.append(key)
        time.sleep(0.1)
        return object()

    kept = Kept(make, size=4)
    with ThreadPoolExecutor(8) as pool:
        things = list(pool.map(kept, ["a", "b"] * 8))
    assert sorted(made) == ["a", "b"]
    assert len(set(map(id, things))) == 2


def test_what_is_kept_does_not_wait_for_what_is_made():
    started, go_on = threading.Event(), threading.Event()

    def make(key):
        if key == "slow":
            started.set()
            go_on.wait(10)
        return key

    kept = Kept(make, size=4)
    kept("quick")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(kept, "slow")
        assert started.wait(10)
        assert kept("quick") == "quick" and not slow.done()
        go_on.set()
        assert slow.result(10) == "slow"


def test_the_last_used_are_kept():
    made = []
    kept = Kept(lambda key: made.append(key) or key, size=2)
    for key in "abaca":
        kept(key)
    assert made == ["a", "b", "c"]
    kept("b")
    assert made == ["a", "b", "c", "b"]
    kept.clear()
    kept("b")
    assert made[-1] == "b" and len(made) == 5


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failures_are_not_kept(error):
    tries = []

    def make(key):
        tries.append(key)
        if len(tries) == 1:
            raise error
        return key

    kept = Kept(make, size=2)
    with pytest.raises(error):
        kept("a")
    assert kept("a") == "a"
