"""Receipts of filings, and certificates of how a case ended, which the institution signs."""
