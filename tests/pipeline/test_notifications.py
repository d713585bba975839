"""`fastdata notifications`, and the notifier as a child of a run, with an address that nobody may see."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Final

import pytest
from typer.testing import CliRunner

from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models.alarms import AlarmChange, encode_change
from pipeline.cli import app

SECRET: Final = "T0Psecret9word"
PATIENCE_S: Final = 60
POLICIES: Final = """
[channels.hook]
url_env = "HOOK_URL"

[[notifications]]
name = "bad"
severity = "high"
channels = ["hook"]
group_within = "0s"
"""


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict[str, Any]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_port}/hooks/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
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


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("FASTDATA_"):
            monkeypatch.delenv(name)
    Path("policies.toml").write_text(POLICIES)


def call(*arguments: str, address: str = "") -> tuple[int, str]:
    env = {"HOOK_URL": address, "FASTDATA_POLICIES": "policies.toml"}
    result = CliRunner().invoke(app, list(arguments), env=env)
    return result.exit_code, result.output


def everything_written(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_a_channel_is_tried_and_what_was_sent_is_listed(receiver: Receiver) -> None:
    assert call("notifications", "list")[1] == "nobody was told anything yet\n"
    assert call("--namespace", "x", "notifications", "test", "hook", address=receiver.address) == (
        0,
        "channel hook has taken the message\n",
    )
    assert receiver.posted[0]["title"] == "Test of the channel hook"
    assert "fastdata --namespace x notifications test hook" in receiver.posted[0]["message"]
    assert call("--namespace", "x", "notifications", "test", "local")[0] == 0
    status, out = call("--namespace", "x", "notifications", "list", "--json")
    listed = json.loads(out)
    assert status == 0
    assert [(m["channel"], m["state"], m["kind"], m["attempts"]) for m in listed] == [
        ("local", "sent", "test", 1),
        ("hook", "sent", "test", 1),
    ]
    assert "  sent  hook: Test of the channel hook" in call("--namespace", "x", "notifications", "list")[1]
    assert (
        len(json.loads(call("--namespace", "x", "notifications", "list", "--json", "--channel", "hook")[1]))
        == 1
    )
    assert (
        len(json.loads(call("--namespace", "x", "notifications", "list", "--json", "--limit", "1")[1])) == 1
    )


def test_a_channel_that_fails_ends_with_status_1_and_says_why_without_its_address(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.status = 403
    status, out = call("--debug", "notifications", "test", "hook", address=receiver.address)
    assert status == 1
    assert "not taken: channel hook: Failed to send JSON POST notification" in out
    assert "403" in out
    listing = call("notifications", "list")[1]
    assert "  failed  hook: Test of the channel hook\n    channel hook: Failed to send" in listing
    assert SECRET not in out + listing
    assert SECRET.encode() not in everything_written(tmp_path)


@pytest.mark.parametrize(
    ("channel", "address", "message"),
    [
        ("nobody", "", "the policies have no channel nobody, they have local, hook"),
        ("hook", "", "channel hook: the environment variable HOOK_URL has to hold one address, it holds 0"),
        ("hook", f"nosuch://{SECRET}", "channel hook: Apprise does not know this kind of address"),
    ],
)
def test_what_cannot_be_tried_is_wrong_usage(channel: str, address: str, message: str) -> None:
    status, out = call("notifications", "test", channel, address=address)
    assert status == 2
    assert message in out
    assert SECRET not in out


@pytest.mark.kafka
def test_the_child_tells_and_its_log_keeps_the_secret(
    kafka_bootstrap: str, topic_prefix: str, receiver: Receiver, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    environment = {
        **os.environ,
        "FASTDATA_KAFKA__BOOTSTRAP_SERVERS": kafka_bootstrap,
        "FASTDATA_KAFKA__PREFIX": topic_prefix,
        "FASTDATA_POLICIES": "policies.toml",
        "FASTDATA_LOG_LEVEL": "debug",
        "FASTDATA_NOTIFIER__RETRY_FIRST_S": "0.01",
        "HOOK_URL": receiver.address,
    }
    receiver.status = 500
    log = tmp_path / "child.log"
    with log.open("wb") as output, child(environment, output) as process:
        with Producer(kafka) as producer:
            for n in range(2):
                producer.send("alarms", "pump", encode_change(change(n)))
        wait_until(lambda: b"notification_not_taken" in log.read_bytes())
        receiver.status = 200
        with Producer(kafka) as producer:
            producer.send("alarms", "pump", encode_change(change(2)))
        wait_until(lambda: any("pump-2" in posted["title"] for posted in receiver.posted))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert b"Failed to send JSON POST" in log.read_bytes()
    assert SECRET.encode() not in everything_written(tmp_path)
    listed = json.loads(call("notifications", "list", "--json")[1])
    assert {(m["channel"], m["state"]) for m in listed} == {
        ("hook", "failed"),
        ("local", "sent"),
        ("hook", "sent"),
    }


def change(number: int) -> AlarmChange:
    now = time.time_ns() // 1_000_000
    return AlarmChange(
        change_id=f"alarm-{number}/1/0",
        change="opened",
        alarm_id=f"alarm-{number}",
        entity=f"pump-{number}",
        condition="anomaly-pump",
        state="active_unacknowledged",
        severity="high",
        event_id=f"e{number}",
        opened_at=now,
        at=now,
        alerts=1,
        peak=0.9,
    )


@contextmanager
def child(environment: dict[str, str], output: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the notifier as a child process, from its being ready to the end of the block."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "pipeline.child", "notifier", "--status-fd", str(writer)]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=(writer,),
    ) as process:
        os.close(writer)
        try:
            with os.fdopen(reader) as statuses:
                assert json.loads(statuses.readline()) == {"ready": True}
                yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)
