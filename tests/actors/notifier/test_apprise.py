"""Channels through Apprise: a real HTTP receiver, and secrets that stay secret."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from actors.notifier import channels
from actors.notifier.by_apprise import open_address, scrubbed
from actors.notifier.channels import Send
from actors.notifier.errors import RefuseChannelError, RetryChannelError
from actors.notifier.messages import Message
from models.policies.notifications import Channel, NotificationPolicy

SECRET: Final = "T0Psecret9word"


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"json://operator:{SECRET}@127.0.0.1:{self.server_port}/hooks/{SECRET}-hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def message(**fields: Any) -> Message:
    values: dict[str, Any] = {
        "route": "r",
        "channel": "hook",
        "kind": "changes",
        "severity": "critical",
        "title": "critical fraud on card: opened",
        "body": "critical fraud on card: opened\n  fastdata alarms show alarm-1",
        "changes": 1,
        "created_at": 1,
    }
    return Message(**{**values, **fields})


def open_(address: str) -> Send:
    return open_address("hook", address, timeout_s=5)


def test_a_webhook_gets_title_text_and_how_bad_it_is(receiver: Receiver) -> None:
    send = open_(receiver.address)
    send(message())
    send(message(severity="medium"))
    send(message(kind="flood_ended"))
    path, first = receiver.posted[0]
    assert path == f"/hooks/{SECRET}-hook"
    assert (first["title"], first["message"], first["type"]) == (message().title, message().body, "failure")
    assert [body["type"] for _, body in receiver.posted[1:]] == ["warning", "success"]


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_says_why_and_repeats_no_part_of_the_address(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(RetryChannelError) as refusal:
        open_(receiver.address)(message())
    assert str(status) in str(refusal.value)
    assert SECRET.lower() not in str(refusal.value).lower()
    assert len(receiver.posted) == 1, "how often it is tried is not the client's business"


def test_nobody_there_is_a_failure_too(receiver: Receiver) -> None:
    address = receiver.address.replace(str(receiver.server_port), "1")
    with pytest.raises(RetryChannelError, match="channel hook: A Connection error"):
        open_(address)(message())


def test_neither_apprise_nor_its_http_client_is_heard_in_the_log(
    receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[logging.LogRecord] = []
    handler = logging.Handler(level=0)
    handler.emit = heard.append  # type: ignore[method-assign]
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        send = open_(receiver.address)
        send(message())
        receiver.status = 500
        with pytest.raises(RetryChannelError):
            send(message())
        logging.getLogger("somebody").debug("is heard")
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert [record.name for record in heard if record.name.split(".")[0] in {"apprise", "urllib3"}] == []
    assert not any(SECRET in record.getMessage() for record in heard)
    assert "is heard" in [record.getMessage() for record in heard]
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "address", [f"nosuch://{SECRET}", f"slack://{SECRET}", SECRET, f"json://{SECRET}:x:y"]
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(RefuseChannelError, match="channel hook") as refusal:
        open_(address)
    assert SECRET not in str(refusal.value)


def test_every_part_of_an_address_is_hidden_quoted_or_not() -> None:
    address = "slack://TokenA/Token%20B/TokenC/#channel?key=value-of-it"
    said = f"{address} TokenA 'Token B' tokenc value-of-it slack is away"
    assert scrubbed(said, address) == "[hidden] [hidden] '[hidden]' [hidden] [hidden] slack is away"


def opened(
    channel: Channel, environment: dict[str, str], open_address: Callable[[str, str], Send] | None = None
) -> dict[str, Send]:
    policy = NotificationPolicy(channels={"hook": channel})
    return channels.opened(policy, environment, open_address or (lambda _, address: open_(address)), print)


def test_an_address_is_read_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def note(name: str, address: str) -> Send:
        asked.append((name, address))
        return print

    file = tmp_path / "secret"
    file.write_text("json://file\n")
    assert set(opened(Channel(url_env="HOOK"), {"HOOK": "json://env"}, note)) == {"local", "hook"}
    opened(Channel(url_file=file), {}, note)
    assert asked == [("hook", "json://env"), ("hook", "json://file")]


def test_a_missing_address_is_refused_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(
        RefuseChannelError, match="channel hook: the environment variable HOOK has to hold one"
    ):
        opened(Channel(url_env="HOOK"), {})
    file = tmp_path / "secret"
    with pytest.raises(RefuseChannelError, match="can't be read: FileNotFoundError"):
        opened(Channel(url_file=file), {})
    file.write_text(f"json://a/{SECRET}\njson://b/{SECRET}\n")
    with pytest.raises(RefuseChannelError, match="it holds 2") as refusal:
        opened(Channel(url_file=file), {})
    assert SECRET not in str(refusal.value)
