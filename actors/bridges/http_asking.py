"""Asking a device by HTTP until it has answered or the command has expired."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_exponential, wait_fixed, wait_random
from tenacity.wait import wait_base

from actors.bridges.http_replies import Again, Later, Reply, read_reply
from actors.bridges.secrets import secret
from actors.bridges.settings import HttpSettings
from ingest.ports import Clock
from models.actions import Command, encode

_log = structlog.get_logger(__name__)
_NEVER_ASKED: Final = Again("expired before the device could be asked")


class Asking:
    """Requests to devices.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, client: httpx.AsyncClient, settings: HttpSettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(
            settings.connections
        )  # the client's own queue is slow when it is long

    async def hand_over(self, command: Command) -> Reply:
        """Post a command until the device has it; `Again` when it has expired before."""
        settings = self._settings
        growing = wait_exponential(multiplier=settings.retry_first_s, max=settings.retry_most_s)
        wait = growing + wait_random(0, settings.retry_first_s)
        return await self._until(
            command.expires_at, wait, lambda reply: isinstance(reply, Again), lambda: self._post(command)
        )

    async def outcome(self, command: Command, place: str | None) -> Reply:
        """Ask for the last word on a command that the device has; `Again` or `Later` when it takes too long."""
        return await self._until(
            command.expires_at + round(self._settings.follow_most_s * 1_000),
            wait_fixed(self._settings.follow_s),
            lambda reply: isinstance(reply, Again | Later),
            lambda: self._post(command) if place is None else self._get(place),
        )

    async def _until(
        self,
        end: int,
        wait: wait_base,
        unknown: Callable[[Reply], bool],
        ask: Callable[[], Awaitable[Reply]],
    ) -> Reply:
        async def in_time() -> Reply:
            return _NEVER_ASKED if self._clock() > end else await ask()

        def over(_state: RetryCallState) -> bool:
            return self._clock() > end

        def last(state: RetryCallState) -> Reply:
            assert state.outcome is not None
            reply: Reply = state.outcome.result()
            return reply

        retrying = AsyncRetrying(
            retry=retry_if_result(unknown), wait=wait, stop=over, retry_error_callback=last
        )
        return await retrying(in_time)

    async def _post(self, command: Command) -> Reply:
        url = self._settings.url_of(command.entity)
        return await self._ask(
            self._client.build_request(
                "POST",
                url,
                content=encode(command),
                headers={"content-type": "application/json", "idempotency-key": command.command_id},
            )
        )

    async def _get(self, url: str) -> Reply:
        return await self._ask(self._client.build_request("GET", url))

    async def _ask(self, request: httpx.Request) -> Reply:
        try:
            async with self._turns:
                response = await self._client.send(request)
        except httpx.HTTPError as error:
            _log.info("http_unanswered", url=str(request.url), error=repr(error))
            return Again(repr(error))
        url = str(request.url)
        reply = read_reply(response.status_code, response.headers, response.content, url)
        if isinstance(reply, Again):
            _log.info("http_not_understood", url=url, reason=reply.reason)
        return reply


def client_of(settings: HttpSettings) -> httpx.AsyncClient:
    """Return a client for these devices; to be closed."""
    token = secret(settings.token, settings.token_file, "the bearer token of devices")
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        headers=headers,
        timeout=httpx.Timeout(settings.timeout_s, pool=None),
        limits=httpx.Limits(max_connections=settings.connections),
        verify=ssl.create_default_context(cafile=settings.ca_file),
        trust_env=False,
    )
