"""What goes on beside the requests of a process, in threads of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(run: Callable[[threading.Event], None], name: str, stop: threading.Event, seconds: float) -> Iterator[None]:
    """Run something beside whatever goes on, tell it to stop at the end, and wait so many seconds for it."""
    thread = threading.Thread(target=run, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(seconds)
