"""The drill: load through the whole pipeline, faults injected, and a reconciliation from independent ledgers."""
