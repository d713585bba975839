"""The application: its routers, errors and description."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import Depends, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline.console.api.alarms import alarms
from pipeline.console.api.cases import cases
from pipeline.console.api.commands import commands
from pipeline.console.api.counter import Counter, may
from pipeline.console.api.problems import Problem, tell_problems
from pipeline.console.api.records import records

DESCRIPTION: Final = """What `fastdata alarms`, `commands`, `cases` and `policies` do, for programs.

Every change names who wants it (header `X-Operator`) and why (field `why`); the actor of the entity decides it, and
the audit keeps it, refusals included. Errors are problem details that say what is wrong, where, and what to do.
All times are milliseconds since the epoch.
"""
HOSTS: Final = ("127.0.0.1", "localhost")
"""Names under which a request may come: a page from elsewhere that a browser is led to this port with is refused."""


def build_app(counter: Counter) -> FastAPI:
    """Return the application that serves requests at this counter."""
    app = FastAPI(
        title="fastdata",
        version=version("fastdata"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(may)],
    )
    app.state.counter = counter
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))
    tell_problems(app)
    for router in (alarms, commands, cases, records):
        app.include_router(router)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the shape of problems into the description, where the operations point to it."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # how FastAPI has it extended
