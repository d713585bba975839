"""What a file of policies comes to, in lines."""

from collections.abc import Iterator

from models.policies.commands import CommandPolicy
from models.policies.durations import shown
from models.policies.policies import Policies


def summary(policies: Policies) -> Iterator[str]:
    """Return a line for each command that may be sent, and how many other tables there are."""
    for policy in policies.commands:
        yield f"{policy.key}: {', '.join(_terms(policy))}"
    if not policies.commands:
        yield "no command is ever sent"
    yield (
        f"{len(policies.alarms.root)} tables of alarms, {len(policies.cases.root)} of cases, "
        f"{len(policies.maintenance)} maintenance windows, {len(policies.notifications)} notifications"
    )


def _terms(policy: CommandPolicy) -> Iterator[str]:
    yield policy.command
    if policy.models:
        yield f"for {', '.join(policy.models)} from {policy.severity} on"
    if policy.manual:
        yield "by hand"
    yield "two people" if policy.two_people else policy.mode.replace("_", " ")
    if policy.per_entity is not None:
        yield f"at most {policy.per_entity} for one entity"
    if policy.overall is not None:
        yield f"at most {policy.overall} in all"
    if policy.blast_radius is not None:
        yield f"at most {policy.blast_radius.percent:g} % of the fleet at once"
    yield from (f"held from {hours.start} to {hours.end} UTC" for hours in policy.quiet_hours)
    if policy.revert_after is not None:
        yield f"undone after {shown(policy.revert_after)}"
    yield f"expires after {shown(policy.expires_after)}"
