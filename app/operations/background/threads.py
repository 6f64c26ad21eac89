"""Background threads of a process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(
    run: Callable[[threading.Event], None], name: str, stop: threading.Event, seconds: float
) -> Iterator[None]:
    """Call `run` in a thread; at the end set `stop` and wait for the thread, at most so many seconds."""
    thread = threading.Thread(target=run, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(seconds)
