"""Bring servers up: embedded ones for a laptop and tests, container images for the rest."""
