"""Errors as the API tells them: problem details (RFC 9457) that say what is wrong, where, and what to do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from actors.errors import ActorsError
from ingest.errors import IngestError
from models.errors import ModelsError
from pipeline import failures
from pipeline.console.errors import RefuseRequestError
from pipeline.errors import PipelineError
from storage.errors import StorageError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
"""When a caller may try again while a server is away, in seconds."""

_EXPECTED: Final = (ActorsError, IngestError, ModelsError, PipelineError, StorageError)
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What is wrong, where, and what to do."""

    type: str = "about:blank"
    title: str = Field(description="The kind of problem: the phrase of the status.")
    status: int
    detail: str = Field(description="What is wrong.")
    instance: str = Field(description="Where: the request.")
    todo: str = Field(description="What to do next.")


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the problems that an operation may answer with, for its description."""
    usual = (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
    schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {int(status): {"description": status.phrase, "content": schema} for status in (*usual, *statuses)}


def tell_problems(app: FastAPI) -> None:
    """Let every error leave this application as a problem."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_framework)
    for expected in _EXPECTED:
        app.add_exception_handler(expected, _expected)
    app.add_exception_handler(Exception, _unexpected)


def _answer(
    request: Request, status: HTTPStatus, what: str, todo: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    problem = Problem(
        title=status.phrase,
        status=status,
        detail=what,
        instance=f"{request.method} {request.url.path}",
        todo=todo,
    )
    return JSONResponse(problem.model_dump(), status, headers, MEDIA_TYPE)


def _expected(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RefuseRequestError):
        unauthorized = error.status == HTTPStatus.UNAUTHORIZED
        headers = {"WWW-Authenticate": "Bearer"} if unauthorized else None
        return _answer(request, error.status, error.what, error.todo, headers)
    what, _, todo = str(error).partition(": ")
    match failures.exit_status(error):
        case failures.AWAY:
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            return _answer(request, HTTPStatus.SERVICE_UNAVAILABLE, what, todo or "try again later", retry)
        case failures.REFUSED:
            return _answer(request, HTTPStatus.CONFLICT, what, todo or "change the request")
    return _unexpected(request, error)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{_where(each['loc'])}: {each['msg']}" for each in error.errors())
    return _answer(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, wrong, "change the request as /openapi.json says"
    )


def _of_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return _answer(
        request, status, str(error.detail), "see /openapi.json for what there is", dict(error.headers or {})
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("api_failed", method=request.method, path=request.url.path, exc_info=error)
    what = f"internal error: {type(error).__name__}"
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, what, "look into the log of `fastdata api`")


def _where(place: Sequence[Any]) -> str:
    return ".".join(map(str, place))
