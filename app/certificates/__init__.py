"""What the institution signs: receipts of filings, and certificates of settlement and non-settlement."""
