"""Channels through Apprise: mail, Slack, Teams, webhooks and whatever else it has an address for.

An address is a secret, and so is every part of it that Apprise may repeat. Apprise and its HTTP client are therefore not
heard in the log; what they say of a failure is passed on without those parts.
"""

import logging
import re
from typing import Final
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode

from actors.notifier.channels import Send
from actors.notifier.errors import RefuseChannelError, RetryChannelError
from actors.notifier.messages import Message

HIDDEN: Final = "[hidden]"
_SHORTEST: Final = 4
"""Shorter parts of an address are words like `com` and no secrets, in characters."""
_UNHEARD: Final = ("apprise", "urllib3", "requests")
_TYPES: Final = {
    "critical": NotifyType.FAILURE,
    "high": NotifyType.FAILURE,
    "medium": NotifyType.WARNING,
    "low": NotifyType.INFO,
}


def open_address(name: str, address: str, *, timeout_s: float) -> Send:
    """Open one channel.

    Parameters
    ----------
    timeout_s
        Seconds after which a try counts as failed.

    Raises
    ------
    RefuseChannelError
        When Apprise knows no such address.
    """
    _silence()
    apprise = Apprise(asset=_asset())
    if not apprise.add(address):
        raise RefuseChannelError(
            f"channel {name}: Apprise does not know this kind of address, or a part is missing or wrong: "
            "https://appriseit.com/services lists how each service's is written"
        )

    def send(message: Message) -> None:
        result = apprise.notify(
            title=message.title,
            body=message.body,
            notify_type=_type(message),
            body_format=NotifyFormat.TEXT,
            timeout=timeout_s,
        )
        if not result:
            said = (
                " ".join(entry.message for entry in result.logs()) or f"nothing said ({result.status.name})"
            )
            raise RetryChannelError(f"channel {name}: {scrubbed(said, address)}")

    return send


def scrubbed(text: str, address: str) -> str:
    """Return a text without the parts of an address."""
    _, _, secret = address.partition("://")
    forms = (secret, unquote(secret))
    parts = {address, *forms, *(part for form in forms for part in re.split(r"[/:@?&=#+,]+", form))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST:
            text = re.sub(re.escape(part), HIDDEN, text, flags=re.IGNORECASE)
    return text


def _type(message: Message) -> NotifyType:
    return NotifyType.SUCCESS if message.kind == "flood_ended" else _TYPES[message.severity]


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="fastdata",
        app_desc="fastdata notifications",
        secure_logging=True,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )


def _silence() -> None:
    for name in _UNHEARD:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
