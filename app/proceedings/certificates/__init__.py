"""What the institution signs: receipts of filings, and certificates of how a case ended."""
