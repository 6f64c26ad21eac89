"""Documents: the files of filings and of drafts of a settlement."""
