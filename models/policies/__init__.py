"""Policies: what alarms, commands, cases and notifications follow, as a checked TOML file."""
