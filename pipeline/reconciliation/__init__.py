"""Reconciliation as a service: counts per stage and minute of a running pipeline, and an alarm where something is missing."""
