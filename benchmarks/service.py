"""The service under test, with a bare route for comparison, and a switch that removes the gate."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# What is removed: it is set before the statements of the service are made.
OPEN = "ACCORD_BENCHMARK_WITHOUT_GATE"
# The bare route needs modules that an earlier service may lack.
BARE = "ACCORD_BENCHMARK_BARE"
STARTED = "started"


def remove_gate() -> Callable[[Any], None]:
    """Remove the conditions of the gate from whatever is read, and return what takes the place of the tripwire.

    Statements of columns and of entities get no condition, and none looks up when a reader's party left. What takes the
    place of the tripwire refuses a statement that has a mark of the gate all the same, so nothing of it can remain
    unnoticed.
    """
    from sqlalchemy import event, null

    from app.core.access import criteria

    vars(criteria)["left_at"] = lambda _cls: null().label("left_at")
    from app.core.access import gate, kept

    for module in (gate, kept):
        vars(module).update(
            gated=lambda _criteria, statement: statement, for_reader=lambda: (), for_participants=lambda: ()
        )

    def refuse_marks(engine: Any) -> None:
        @event.listens_for(engine, "before_cursor_execute")
        def refuse(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
            assert "/*gate*/" not in sql, "the gate is still there"

    return refuse_marks


def serve(listening: socket.socket) -> None:
    """Serve on a socket."""
    removed = remove_gate() if os.environ.get(OPEN) else None
    import uvicorn

    from app.main import create_app
    from app.operations.server import configured
    from app.settings import Settings

    settings = Settings()
    app = create_app(settings)
    if removed is not None:
        from app.core.access.session import GatedSession
        from app.core.db import Database

        app.state.seams.database.dispose()
        object.__setattr__(app.state.seams, "database", Database(settings, removed, GatedSession))
    if os.environ.get(BARE):
        from benchmarks.bare import add_bare_route

        add_bare_route(app, settings)
    server = uvicorn.Server(configured(app, settings))
    threading.Thread(target=_say_when_started, args=[server], daemon=True).start()
    server.run(sockets=[listening])


def _say_when_started(server: Any) -> None:
    while not server.started:
        time.sleep(0.02)
    print(STARTED, flush=True)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
