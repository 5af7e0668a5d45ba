"""How long the code under test takes, whatever else the process and the machine are doing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what runs inside takes more processor time of this thread than `seconds`.

    Other threads do not count, nor does looking through what other tests have left behind.
    """
    gc.freeze()  # not `collect`: among all that the process has built up that is most of a second
    try:
        began = thread_time()
        yield
        taken = thread_time() - began
    finally:
        gc.unfreeze()
    assert taken < seconds, f"took {taken:.2f} s of {seconds} s"
