"""Errors of the notifier, named for what the runtime does next."""

from actors.errors import ActorsError


class RetryChannelError(ActorsError):
    """A channel did not take a message: try again later, or give it to the channel's fallback."""


class RefuseChannelError(ActorsError):
    """A channel's address is missing or no address: refuse to start, and say which and where it was looked for."""
