"""The ways out, by name: how a channel looks from inside, and opening those of a policy with their secret addresses."""

from collections.abc import Callable, Mapping

from actors.notifier.errors import RefuseChannelError
from actors.notifier.messages import Message
from models.policies.notifications import LOCAL, Channel, NotificationPolicy

Send = Callable[[Message], None]
"""Delivers one message; `RetryChannelError` when it was not taken."""

OpenAddress = Callable[[str, str], Send]
"""Opens a channel from its name and its address."""


def opened(
    policy: NotificationPolicy, environment: Mapping[str, str], open_address: OpenAddress, local: Send
) -> dict[str, Send]:
    """Open all channels of a policy, and the local one.

    Raises
    ------
    RefuseChannelError
        When an address is missing, or is none.
    """
    given = {
        name: open_address(name, address(name, channel, environment))
        for name, channel in policy.channels.items()
    }
    return {LOCAL: local, **given}


def address(name: str, channel: Channel, environment: Mapping[str, str]) -> str:
    """Return a channel's secret address.

    Raises
    ------
    RefuseChannelError
        When the variable or the file is not there, or holds anything but one line.
    """
    if channel.url_file is None:
        where = f"the environment variable {channel.url_env}"
        text = environment.get(channel.url_env or "", "")
    else:
        where, text = f"the file {channel.url_file}", ""
        try:
            text = channel.url_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RefuseChannelError(
                f"channel {name}: {where} can't be read: {type(error).__name__}"
            ) from error
    lines = text.split()
    if len(lines) != 1:
        raise RefuseChannelError(f"channel {name}: {where} has to hold one address, it holds {len(lines)}")
    return lines[0]
