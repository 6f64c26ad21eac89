"""`python -m app` is the `accord` command."""

import gc

# The objects made by the imports are never freed; garbage collection among them takes a quarter of the start.
gc.disable()

from app.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
