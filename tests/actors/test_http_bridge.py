"""The HTTP bridge against a real server whose devices sleep, refuse, work for a while and fail."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actors.bridges.answers import Answer, read_answer
from actors.bridges.http import HttpBridge
from actors.bridges.http_replies import Again, Declined, Later, read_reply
from actors.bridges.settings import HttpSettings
from actors.errors import RefuseSecretError
from actors.gateway import Gateway
from actors.ledger import Ledger
from actors.ledger_file import open_ledger
from models.actions import Command

PATIENCE_S = 10
NEVER = 10**15


def command(name: str, entity: str = "M1", **fields: Any) -> Command:
    values = {"kind": "reduce_load", "issued_at": 0, "expires_at": NEVER}
    return Command(**{**values, "command_id": name, "entity": entity, **fields})


class Devices:
    """An HTTP server whose devices drop commands that they know, and do what the test says to others."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.effects: list[str] = []
        self.known: dict[str, dict[str, str]] = {}
        self.plans: dict[str, list[Any]] = {}
        self.finished: dict[str, dict[str, str]] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/devices/{entity:path}/commands", self.post, methods=["POST"]),
                Route("/outcomes/{name}", self.get, methods=["GET"]),
            ]
        )

    async def post(self, request: Request) -> Response:
        body = await request.json()
        name = body["command_id"]
        assert request.headers["idempotency-key"] == name
        self.requests.append((request.path_params["entity"], name, dict(request.headers)))
        plan = self.plans.get(name, [])
        if plan and isinstance(plan[0], Response):
            return plan.pop(0)
        if body["cancels"] is not None:
            name = body["cancels"]
            self.known.setdefault(name, {"outcome": "cancelled", "reason": "not begun"})
        elif name not in self.known:
            self.known[name] = {"outcome": "succeeded", "reason": "done"}
            self.effects.append(name)
        return JSONResponse(self.known[name])

    async def get(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.requests.append(("", f"outcome of {name}", dict(request.headers)))
        found = self.finished.get(name)
        return JSONResponse(found) if found else Response(status_code=202)

    def names(self) -> list[str]:
        return [name for _, name, _ in self.requests]


class Server:
    """Serves the devices on a port of 127.0.0.1 that stays the same."""

    def __init__(self, devices: Devices) -> None:
        self.devices = devices
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._server: uvicorn.Server | None = None

    def start(self) -> None:
        config = uvicorn.Config(
            self.devices.app(), host="127.0.0.1", port=self.port, log_config=None, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server is not None and self._server.started)

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(PATIENCE_S)
            self._server = None


def until(holds: Callable[[], Any]) -> None:
    for _ in range(PATIENCE_S * 200):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about")


@pytest.fixture
def devices() -> Devices:
    return Devices()


@pytest.fixture
def server(devices: Devices) -> Iterator[Server]:
    served = Server(devices)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


class Desk:
    """A gateway with an HTTP bridge, and what it has told."""

    def __init__(self, ledger: Ledger, port: int, **settings: Any) -> None:
        self.now = 1_000
        self.told: list[tuple[str, str, str]] = []
        chosen = {"retry_first_s": 0.01, "retry_most_s": 0.05, "follow_s": 0.01, "timeout_s": 2, **settings}
        url = f"http://127.0.0.1:{port}/devices/{{entity}}/commands"
        self.bridge = HttpBridge(HttpSettings(url=url, **chosen), lambda: self.now)
        self.gateway = Gateway(ledger, self.bridge, lambda: self.now, grace_ms=100)
        self._tell(self.gateway.resume())

    def take(self, *commands: Command) -> None:
        self._tell(self.gateway.take(commands))

    def outcomes(self) -> list[tuple[str, str]]:
        self._tell(self.gateway.hear())
        return [(name, outcome) for name, outcome, _ in self.told]

    def hears(self, *expected: tuple[str, str]) -> None:
        until(lambda: len(self.outcomes()) >= len(expected))
        assert self.outcomes() == list(expected)

    def _tell(self, acks: Any) -> None:
        self.told += [(ack.command_id, ack.outcome, ack.reason) for ack in acks]


@pytest.fixture
def desk(ledger: Ledger, server: Server) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(**settings: Any) -> Desk:
        desks.append(Desk(ledger, server.port, **settings))
        return desks[-1]

    yield make
    for one in desks:
        one.bridge.close()


def test_a_device_answers_at_once(desk: Callable[..., Desk], devices: Devices, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    front = desk(token_file=token)
    front.take(command("c1", "pump 1/a"))
    front.hears(("c1", "succeeded"))
    ((entity, name, headers),) = devices.requests
    assert (entity, name) == ("pump 1/a", "c1")
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["content-type"] == "application/json"


def test_a_refusal_is_told_with_its_reason(desk: Callable[..., Desk], devices: Devices) -> None:
    devices.plans["c1"] = [Response("no such machine", status_code=404)]
    devices.known["c2"] = {"outcome": "refused", "reason": "in service"}
    front = desk()
    front.take(command("c1"), command("c2"))
    front.hears(("c1", "refused"), ("c2", "refused"))
    assert [reason for *_, reason in front.told] == ["status 404: no such machine", "in service"]
    assert devices.effects == []


def test_a_server_that_fails_is_asked_again_and_the_effect_is_one(
    desk: Callable[..., Desk], devices: Devices
) -> None:
    devices.plans["c1"] = [
        Response(status_code=500),
        Response(status_code=429),
        Response("not an answer", status_code=200),
    ]
    front = desk()
    front.take(command("c1"))
    front.hears(("c1", "succeeded"))
    assert devices.names() == ["c1"] * 4
    assert devices.effects == ["c1"]


def test_a_device_that_is_away_gets_its_commands_in_order_when_it_is_back(
    desk: Callable[..., Desk], devices: Devices, server: Server
) -> None:
    server.stop()
    front = desk()
    front.take(command("c1"), command("c2", kind="restore_load", reverts="c1"), command("c1"))
    assert front.outcomes() == []
    server.start()
    front.hears(("c1", "succeeded"), ("c2", "succeeded"))
    assert devices.effects == ["c1", "c2"]


def test_a_command_that_expires_while_its_device_is_away_is_never_delivered(
    desk: Callable[..., Desk], devices: Devices, server: Server
) -> None:
    server.stop()
    front = desk()
    front.take(command("c1", expires_at=1_500), command("c2"))
    front.now = 1_700
    front.hears(("c1", "expired"))
    server.start()
    front.hears(("c1", "expired"), ("c2", "succeeded"))
    assert devices.names() == ["c2"]


@pytest.mark.parametrize("place", [None, "/outcomes/c1", "http://localhost:9/outcomes/c1"])
def test_a_device_may_answer_later(desk: Callable[..., Desk], devices: Devices, place: str | None) -> None:
    headers = {} if place is None else {"location": place}
    devices.plans["c1"] = [Response(status_code=202, headers=headers) for _ in range(3)]
    front = desk()
    front.take(command("c1"), command("c2"))
    front.hears(
        ("c1", "delivered"), ("c2", "succeeded"), *([] if place == "/outcomes/c1" else [("c1", "succeeded")])
    )
    if place == "/outcomes/c1":
        until(lambda: "outcome of c1" in devices.names())
        devices.finished["c1"] = {"outcome": "refused", "reason": "jammed"}
        front.hears(("c1", "delivered"), ("c2", "succeeded"), ("c1", "refused"))
        assert devices.names().count("c1") == 1
    else:
        assert set(devices.names()) == {"c1", "c2"}


def test_a_bridge_that_starts_again_goes_on_where_it_was(
    desk: Callable[..., Desk], devices: Devices, server: Server, ledger: Ledger
) -> None:
    devices.plans["c1"] = [Response(status_code=202, headers={"location": "/outcomes/c1"})]
    first = desk(retry_most_s=0.01)
    first.take(command("c1"))
    first.hears(("c1", "delivered"))
    server.stop()
    first.take(command("c2"), command("c3", "M2"))
    first.bridge.close()
    server.start()
    second = desk()
    until(
        lambda: {"c1", "c2", "c3"} <= {name for name, outcome in second.outcomes() if outcome == "succeeded"}
    )
    assert sorted(devices.effects) == ["c1", "c2", "c3"]
    assert sorted(effect.command_id for effect in ledger.effects()) == ["c1", "c2", "c3"]


def test_a_device_is_asked_to_drop_what_it_may_have(desk: Callable[..., Desk], devices: Devices) -> None:
    devices.plans["c1"] = list(itertools.repeat(Response(status_code=503), 1_000))
    devices.plans["c2"] = [Response(status_code=202, headers={"location": "/outcomes/c2"})]
    front = desk()
    front.take(command("c1"), command("c2", "M2"))
    until(lambda: "c1" in devices.names())
    front.hears(("c2", "delivered"))
    devices.known["c2"] = {"outcome": "succeeded", "reason": "too late"}
    front.take(command("x1", cancels="c1"), command("x2", "M2", cancels="c2"))
    until(lambda: len(front.outcomes()) == 3)
    assert set(front.outcomes()[1:]) == {("c1", "cancelled"), ("c2", "succeeded")}
    asked = devices.names()
    assert asked.index("x1") > asked.index("c1")
    assert "c1" not in asked[asked.index("x1") + 1 :]
    assert devices.effects == []


def test_a_command_that_has_not_left_is_cancelled_without_asking(
    desk: Callable[..., Desk], devices: Devices
) -> None:
    devices.plans["c1"] = list(itertools.repeat(Response(status_code=503), 1_000))
    front = desk()
    front.take(command("c1"), command("c2"))
    until(lambda: "c1" in devices.names())
    front.take(command("x2", cancels="c2"))
    front.hears(("c2", "cancelled"))
    assert set(devices.names()) == {"c1"}


def test_a_device_that_can_not_cancel_finishes_what_it_has(
    desk: Callable[..., Desk], devices: Devices
) -> None:
    devices.plans["c1"] = [Response(status_code=202) for _ in range(3)]
    devices.plans["x1"] = [Response(status_code=405)]
    front = desk(follow_s=0.05)
    front.take(command("c1"))
    front.hears(("c1", "delivered"))
    front.take(command("x1", cancels="c1"))
    front.hears(("c1", "delivered"), ("c1", "succeeded"))
    assert "x1" in devices.names()


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b'{"outcome": "succeeded"}', Answer(outcome="succeeded")),
        (201, b'{"outcome": "expired", "reason": "late"}', Answer(outcome="expired", reason="late")),
        (200, b'{"outcome": "delivered"}', Later(None)),
        (202, b"", Later(None)),
        (400, b'{"outcome": "refused", "reason": "no"}', Declined("no")),
        (403, b"", Declined("status 403")),
        (408, b"", Again("status 408")),
        (301, b"", Again("status 301")),
        (502, b"x", Again("status 502")),
    ],
)
def test_what_replies_mean(status: int, body: bytes, meaning: Any) -> None:
    assert read_reply(status, {}, body, "http://a/b") == meaning


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/c", "http://a:1/c"),
        ("c", "http://a:1/b/c"),
        ("http://a:1/c", "http://a:1/c"),
        ("http://a/c", None),
        ("https://a:1/c", None),
        ("//evil/c", None),
    ],
)
def test_an_outcome_is_asked_for_at_the_device_s_own_server_only(location: str, place: str | None) -> None:
    assert read_reply(202, {"location": location}, b"", "http://a:1/b/x") == Later(place)


@given(st.binary(max_size=60))
def test_what_is_no_answer_says_what_is_wrong(data: bytes) -> None:
    answer = read_answer(data)
    assert isinstance(answer, Answer) or answer.startswith("not an answer: ")


def test_answers_are_checked_strictly_and_reasons_cut() -> None:
    assert isinstance(read_answer(b'{"outcome": "done"}'), str)
    assert isinstance(read_answer(b'{"outcome": "succeeded", "extra": 1}'), str)
    answer = read_answer(b'{"outcome": "refused", "reason": "' + b"x" * 900 + b'"}')
    assert isinstance(answer, Answer)
    assert len(answer.reason) == 500


@pytest.mark.parametrize(
    "url", ["ftp://a/{entity}", "http://{host}/x", "http:///x", "devices", "http://a/{}"]
)
def test_a_url_that_can_not_work_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"http|braces"):
        HttpSettings(url=url)


def test_a_secret_that_can_not_be_read_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("missing", "empty"):
        with pytest.raises(RefuseSecretError, match="bearer token"):
            HttpBridge(HttpSettings(url="http://a/", token_file=tmp_path / name), lambda: 0)
    with pytest.raises(ValueError, match="give one of them"):
        HttpSettings(url="http://a/", token="x", token_file=tmp_path / "empty")  # type: ignore[arg-type]


def test_closing_leaves_requests_under_way(devices: Devices) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{{entity}}"
        with closing(HttpBridge(HttpSettings(url=url), lambda: 0)) as bridge:
            assert bridge.hear() == []
