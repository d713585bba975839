"""Rehearsals: recorded events through a new version of a model and through today's policies, against what happened."""
