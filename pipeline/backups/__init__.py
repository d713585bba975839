"""Backups: tables, model artifacts and the gateway's ledger in one folder with a checksummed manifest."""
