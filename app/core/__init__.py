"""How everything behaves: HTTP, access, the ledger, sealed contents, files, tables and the database."""
