"""Tells people of changes of alarms: routed, grouped, escalated until acknowledged, collapsed in a flood.

What was told and what has still to be is in a ledger; `notifier` has the loop, `delivery` the way out.
"""
