"""Real MQTT brokers for tests: amqtt in a thread (MQTT 3.1.1), and Mosquitto where it is installed (MQTT 5)."""

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

PATIENCE_S = 10


def until(holds: Callable[[], Any]) -> None:
    for _ in range(PATIENCE_S * 200):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker(Protocol):
    """A broker that can be started again on the same port."""

    version: str
    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Amqtt:
    """Keeps sessions in memory, of clients with a name: they are gone after `stop`."""

    version = "3.1.1"

    def __init__(self, _directory: Path) -> None:
        self.port = free_port()

    def start(self) -> None:
        self._started, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(PATIENCE_S)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(PATIENCE_S)

    async def _serve(self) -> None:
        from amqtt.broker import Broker as AmqttBroker  # noqa: PLC0415 - slow to import

        broker = AmqttBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}},
            }
        )
        await broker.start()
        self._started.set()
        while not self._ended.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        await broker.shutdown()


class Mosquitto:
    """Keeps sessions in a file."""

    version = "5"

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._file = directory / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {directory}/\nuser {os.environ.get('USER', 'root')}\n"
        )

    @staticmethod
    def installed() -> str | None:
        return shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")

    def start(self) -> None:
        program = self.installed()
        assert program
        self._process = subprocess.Popen(
            [program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: _answers(self.port))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
