"""Serving the API on a real port."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from pipeline.bootstrap.api import run_api
from pipeline.console.api.serve import serve
from pipeline.console.settings import ConsoleSettings
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from storage.settings import CassandraSettings

PATIENCE_S = 30


class Running:
    """What serves in a thread, and where it answers."""

    def __init__(self, run: Callable[[threading.Event, Callable[[str], None]], None]) -> None:
        self.stop, self._ready = threading.Event(), threading.Event()
        self.errors: list[BaseException] = []
        self.address = ""
        self._thread = threading.Thread(target=self._run, args=(run,))

    def __enter__(self) -> str:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S), self.errors
        return self.address

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        assert self.errors == []

    def _run(self, run: Callable[[threading.Event, Callable[[str], None]], None]) -> None:
        try:
            run(self.stop, self._answers)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.errors.append(error)
            self._ready.set()

    def _answers(self, address: str) -> None:
        self.address = address
        self._ready.set()


def test_an_application_is_served_on_this_machine_until_it_shall_stop() -> None:
    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return "here"

    with Running(lambda stop, ready: serve(app, 0, stop, ready)) as address:
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(address).json() == "here"
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RefuseUsageError, match=r"console\.port"):
            serve(FastAPI(), taken.getsockname()[1], threading.Event(), print)


@pytest.mark.kafka
@pytest.mark.cassandra
def test_the_api_answers_on_real_servers(
    kafka_bootstrap: str, cassandra_endpoint: Any, topic_prefix: str, emptied_keyspace: str
) -> None:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix),
        cassandra=CassandraSettings(
            contact_points=cassandra_endpoint.contact_points,
            port=cassandra_endpoint.port,
            local_dc=cassandra_endpoint.dc,
            keyspace=emptied_keyspace,
        ),
        console=ConsoleSettings(port=0),
    )
    ensure_topics(settings.kafka)
    with (
        Running(lambda stop, ready: run_api(settings, stop, ready)) as address,
        httpx.Client(base_url=address, timeout=PATIENCE_S, headers={"X-Operator": "ann"}) as api,
    ):
        assert api.get("/alarms").json() == api.get("/cases").json() == api.get("/audit").json() == []
        assert api.get("/health").json() == {"status": "no_actors", "actors": 0}
        opened = api.post("/cases", json={"entity": "tok_1", "why": "odd"})
        assert opened.status_code == 503
        assert "fastdata run" in opened.json()["todo"]
