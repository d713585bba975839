"""The HTTP API as its tests ask it: a client without a port between, and what an answer has to look like."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI

ANN = {"X-Operator": "ann"}
BASE = "http://127.0.0.1:8420"


class Api:
    """Asks the application without a port between."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.headers = dict(ANN)

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.request("GET", path, **asked)

    def post(self, path: str, **asked: Any) -> httpx.Response:
        return self.request("POST", path, **asked)

    def request(self, method: str, path: str, **asked: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **asked))

    async def _request(self, method: str, path: str, **asked: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=self.headers) as client:
            return await client.request(method, path, **asked)


Ask = Callable[..., Api]


def ids(api: Api, path: str, key: str, **query: Any) -> list[str]:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [each[key] for each in answer.json()]


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert set(told) == {"type", "title", "status", "detail", "instance", "todo"}
    assert all(told[name] for name in ("title", "detail", "instance", "todo"))
    return told
