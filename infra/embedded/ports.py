"""Find ports on which nobody listens yet."""

import errno
import socket
from collections.abc import Callable, Iterable, Sequence

from infra.embedded.layout import Ports, host_of
from infra.errors import PortTakenError, RefuseStateError

IsFree = Callable[[str, int], bool]

_STEP = 10
_TRIES = 200


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen here now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Java does it: connections that linger after a server's end do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise RefuseStateError(
                    f"{host} is not an address of this machine, so three nodes cannot run on it. "
                    f"Use one node, or add the address (macOS: `sudo ifconfig lo0 alias {host}`)."
                ) from error
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Tell whether somebody accepts connections here."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def choose(wanted: Ports, nodes: int, taken: Iterable[int] = (), free: IsFree = is_free) -> Ports:
    """Pick the wanted ports or the next ones, ten by ten, that are free on every node's address."""
    avoid = set(taken)
    client = _first_free(wanted.client, nodes, avoid, free)
    return Ports(client, _first_free(wanted.internal, nodes, avoid | {client}, free))


def _first_free(wanted: int, nodes: int, avoid: set[int], free: IsFree) -> int:
    for port in _candidates(wanted):
        if port not in avoid and _free_everywhere(port, nodes, free):
            return port
    raise PortTakenError(f"Port {wanted} and the {_TRIES} tried after it are all taken: name another one.")


def _candidates(wanted: int) -> Sequence[int]:
    return [port for port in range(wanted, wanted + _STEP * _TRIES, _STEP) if port < 2**16]


def _free_everywhere(port: int, nodes: int, free: IsFree) -> bool:
    return all(free(host_of(number), port) for number in range(1, nodes + 1))
