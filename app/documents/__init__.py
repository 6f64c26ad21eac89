"""Documents: files of a filing or a settlement, streamed in and out and sealed where they lie."""
