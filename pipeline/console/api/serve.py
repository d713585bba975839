"""Serving the application on a port of this machine until it shall stop."""

import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

from pipeline.errors import RefuseUsageError, StopProcessError

HOST: Final = "127.0.0.1"
LOOK_S: Final = 0.1
GRACE_S: Final = 20
"""How long requests under way may take after the end was asked for, in seconds."""


def serve(app: FastAPI, port: int, stop: threading.Event, ready: Callable[[str], None]) -> None:
    """Answer requests until `stop` is set.

    Parameters
    ----------
    ready
        Called with the address once it answers.

    Raises
    ------
    RefuseUsageError
        The port can't be had.
    """
    with _bound(port) as listening:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        thread = threading.Thread(target=server.run, args=([listening],), name="api")
        thread.start()
        ready(f"http://{HOST}:{listening.getsockname()[1]}")
        while thread.is_alive() and not stop.wait(LOOK_S):
            pass
        server.should_exit = True
        thread.join()
    if not stop.is_set():
        raise StopProcessError("the HTTP API has ended by itself: its log says why")


def _bound(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise RefuseUsageError(f"port {port} of {HOST}: {error.strerror}; set console.port") from error
    return listening
