"""`python -m app` is the `accord` command."""

import gc

# What is loaded at the start is kept to the end; looking through it for rubbish takes a quarter of the start.
gc.disable()

from app.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
