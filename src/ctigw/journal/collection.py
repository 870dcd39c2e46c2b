"""Keeps the garbage collector from looking at a state while it comes to be.

Hundreds of thousands of objects are made and hardly any goes: every full collection would look at all of them and find
nothing (performance, what things cost). What does go is freed by its reference count.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect nothing within the block; afterwards it is as it was before."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
