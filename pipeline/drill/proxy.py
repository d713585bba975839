"""A TCP proxy on 127.0.0.1 that passes everything on, later when told so: how a slow server looks to its clients."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"
CHUNK: Final = 65_536


@dataclass
class Proxy:
    """A running proxy.

    Attributes
    ----------
    port
        Where it listens.
    delay_s
        How much later each piece of an answer comes, in seconds; may be changed at any time.
    """

    port: int
    delay_s: float = 0.0

    async def pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delayed: bool
    ) -> None:
        """Copy one direction until it ends; pieces overtake nothing, and wait for none but their own delay."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        copying = asyncio.create_task(_write(waiting, writer))
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                waiting.put_nowait((clock() + (self.delay_s if delayed else 0.0), data))
        waiting.put_nowait((clock(), b""))
        await copying


async def _write(waiting: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """Run a proxy to a server for as long as the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = Proxy(0)
    server = asyncio.run_coroutine_threadsafe(_serve(proxy, host, port), loop).result()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(proxy: Proxy, host: str, port: int) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, here = await asyncio.open_connection(host, port)
        except OSError:
            _refuse(writer)
            return
        with suppress(asyncio.CancelledError):  # a connection that is open at the end of the proxy
            await asyncio.gather(
                proxy.pass_on(reader, here, delayed=False), proxy.pass_on(there, writer, delayed=True)
            )
        for stream in (here, writer):
            stream.transport.abort()

    server = await asyncio.start_server(connected, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    return server


def _refuse(writer: asyncio.StreamWriter) -> None:
    """Reset a connection: to the client that is like a server that is away, whereas of a mere end some wait for more."""
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # aborted transports close in the next turn of the loop
