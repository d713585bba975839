"""The child `notifier`, with the real channels of the policies; and what `fastdata notifications` looks at."""

import os
from collections.abc import Mapping
from functools import partial

from actors.notifier import texts
from actors.notifier.channels import OpenAddress, Send, address, opened
from actors.notifier.errors import RetryChannelError
from actors.notifier.ledger import Told
from actors.notifier.ledger_file import open_ledger
from actors.notifier.local import local
from actors.notifier.notifier import Notifier, run_notifier
from actors.notifier.sitting import Rules
from actors.notifier.texts import Style
from ingest.admin import group_lag
from ingest.consumer import Consumer
from ingest.producer import Producer
from models.policies.notifications import LOCAL
from models.policies.policies import Policies
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.policies import policies_of
from pipeline.bootstrap.rejects import reject_into
from pipeline.errors import RefuseUsageError
from pipeline.part import Part
from pipeline.settings import Settings


def run(part: Part) -> None:
    """Notify until stopped."""
    settings = part.settings
    policies = policies_of(settings)
    channels = _channels(settings, policies, os.environ)
    with (
        open_ledger(settings.notifier.ledger) as ledger,
        Producer(settings.kafka) as producer,
        Consumer(settings.kafka, settings.notifier.group, ["alarms"]) as consumer,
    ):
        notifier = Notifier(
            consumer=consumer,
            waiting=partial(group_lag, settings.kafka, settings.notifier.group, "alarms"),
            reject=reject_into(producer, wall_ms),
            clock=wall_ms,
            ledger=ledger,
            channels=channels,
            rules=_rules(settings, policies),
            settings=settings.notifier,
        )
        part.report({"ready": True})
        run_notifier(notifier, part.stop)


def told(settings: Settings, limit: int, channel: str | None) -> list[Told]:
    """Return the latest messages, the last first; of all channels, or of one."""
    if not settings.notifier.ledger.exists():
        return []
    with open_ledger(settings.notifier.ledger) as ledger:
        return ledger.told(limit, channel)


def try_out(settings: Settings, channel: str) -> str | None:
    """Send a test through a channel, once; return why it was not taken, None when it was.

    Raises
    ------
    RefuseUsageError
        When the policies have no such channel.
    RefuseChannelError
        When its address is missing, or is none.
    """
    policies, now = policies_of(settings), wall_ms()
    send = _channel(settings, policies, channel)
    message = texts.of_test(channel, _style(settings), now)
    try:
        send(message)
        reason = None
    except RetryChannelError as error:
        reason = str(error)
    with open_ledger(settings.notifier.ledger) as ledger, ledger.changing():
        ledger.keep(message, "failed" if reason else "sent", wall_ms(), reason=reason)
    return reason


def _channel(settings: Settings, policies: Policies, name: str) -> Send:
    if name == LOCAL:
        return local(settings.notifier.file)
    channel = policies.channels.get(name)
    if channel is None:
        known = ", ".join([LOCAL, *policies.channels])
        raise RefuseUsageError(f"the policies have no channel {name}, they have {known}")
    return _open_address(settings)(name, address(name, channel, os.environ))


def _channels(settings: Settings, policies: Policies, environment: Mapping[str, str]) -> dict[str, Send]:
    here = local(settings.notifier.file)
    if not policies.channels:
        return {LOCAL: here}
    return opened(policies, environment, _open_address(settings), here)


def _open_address(settings: Settings) -> OpenAddress:
    from actors.notifier.by_apprise import open_address  # noqa: PLC0415 - it loads all of Apprise's services

    return partial(open_address, timeout_s=settings.notifier.send_timeout_s)


def _rules(settings: Settings, policies: Policies) -> Rules:
    return Rules(
        policy=policies,
        flood=lambda condition: policies.alarms.of(condition).flood.rule,
        style=_style(settings),
        oldest_ms=round(settings.notifier.oldest_s * 1000),
    )


def _style(settings: Settings) -> Style:
    space = f" --namespace {settings.namespace}" if settings.namespace else ""
    return Style(f"fastdata{space}", settings.notifier.lines)
