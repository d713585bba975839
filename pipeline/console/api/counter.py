"""What a request is served with: the connections of this process, who asks, and whether they may."""

import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Header, Request

from models.policies.policies import Policies
from pipeline.asking import Desk
from pipeline.console.errors import RefuseRequestError
from storage.scores import ScoreStore

_BEARER: Final = "bearer "


@dataclass(frozen=True)
class Counter:
    """The one counter of this process, shared by all requests.

    Attributes
    ----------
    wait_s
        How long a change waits for the actor that decides it, in seconds.
    token
        What a request has to bring; None lets everybody in.
    """

    desk: Desk
    scores: ScoreStore
    policies: Policies
    wait_s: float
    token: str | None = None


def _counter(request: Request) -> Counter:
    counter: Counter = request.app.state.counter
    return counter


At: TypeAlias = Annotated[Counter, Depends(_counter)]


def may(counter: At, authorization: Annotated[str | None, Header()] = None) -> None:
    """Refuse a request without the token, if there is one."""
    if counter.token is None:
        return
    given = authorization or ""
    named = given[: len(_BEARER)].lower() == _BEARER
    if not named or not hmac.compare_digest(given[len(_BEARER) :].encode(), counter.token.encode()):
        raise RefuseRequestError(
            HTTPStatus.UNAUTHORIZED,
            "the token is missing or wrong",
            "send the header `Authorization: Bearer` with the token of the settings (console.token)",
        )


def _operator(x_operator: Annotated[str | None, Header(max_length=64)] = None) -> str:
    name = (x_operator or "").strip()
    if not name or not name.isprintable():
        raise RefuseRequestError(
            HTTPStatus.BAD_REQUEST,
            "nobody is named who wants this",
            "send the header `X-Operator` with your name: it goes into the audit",
        )
    return name


Who: TypeAlias = Annotated[str, Depends(_operator)]
