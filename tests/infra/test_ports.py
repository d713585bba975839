import socket

import pytest

from infra.embedded.layout import Ports
from infra.embedded.ports import answers, choose, is_free
from infra.errors import PortTakenError, RefuseStateError


def test_wanted_ports_are_taken_when_free() -> None:
    assert choose(Ports(19092, 19093), 3, free=lambda _host, _port: True) == Ports(19092, 19093)


def test_a_port_taken_on_any_node_is_passed_over_on_all() -> None:
    busy = {("127.0.0.3", 19092), ("127.0.0.1", 19102)}
    chosen = choose(Ports(19092, 19093), 3, free=lambda host, port: (host, port) not in busy)
    assert chosen == Ports(19112, 19093)


def test_ports_of_another_kind_are_avoided() -> None:
    assert choose(Ports(5000, 5010), 1, taken=(5000, 5010), free=lambda _h, _p: True) == Ports(5020, 5030)


def test_no_free_port_at_all_is_said() -> None:
    with pytest.raises(PortTakenError, match="19092"):
        choose(Ports(19092, 19093), 1, free=lambda _host, _port: False)


def test_a_listening_socket_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        assert not is_free(host, port)
        assert answers(host, port)
    assert is_free(host, port)
    assert not answers(host, port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(RefuseStateError, match=r"192\.0\.2\.1 is not an address of this machine"):
        is_free("192.0.2.1", 19092)
