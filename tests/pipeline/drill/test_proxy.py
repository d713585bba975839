"""The proxy passes everything on, in order, and later where it is told to."""

import socketserver
import threading
from collections.abc import Iterator
from socket import create_connection

import pytest

from pipeline.drill.proxy import HOST, proxy_to


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1 << 16):
            self.request.sendall(data)


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_all_bytes_come_back_in_order_and_the_end_too(port: int) -> None:
    sent = bytes(range(256)) * 4_000
    with proxy_to(HOST, port) as proxy, create_connection((HOST, proxy.port), timeout=10) as client:
        threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
        back = b""
        while len(back) < len(sent):
            back += client.recv(1 << 16)
        assert back == sent
        client.shutdown(1)
        assert client.recv(1) == b""


def test_an_answer_comes_later_when_the_server_is_to_look_slow(port: int) -> None:
    with proxy_to(HOST, port) as proxy, create_connection((HOST, proxy.port)) as client:
        proxy.delay_s = 60.0
        client.sendall(b"slow")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.delay_s = 0.0


def test_a_server_that_is_away_resets_the_connection() -> None:
    def ask(port: int) -> bytes:
        with create_connection((HOST, port), timeout=10) as client:
            return client.recv(1)

    with proxy_to(HOST, 1) as proxy, pytest.raises(ConnectionResetError):
        ask(proxy.port)  # a fast one is reset before `create_connection` returns
