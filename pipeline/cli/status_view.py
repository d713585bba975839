"""The text of `status`."""

import sys

from rich.console import Console
from rich.table import Table

from pipeline.bootstrap.overview import Overview

MEGABYTE = 1_000_000
PLAIN_WIDTH = 140


def show(found: Overview) -> None:
    """Print the overview as tables."""
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    console.print(f"Kafka {found.kafka}: {found.brokers} brokers answer")
    console.print(f"Cassandra {found.cassandra}: {found.cassandra_nodes} nodes answer")
    console.print(f"run: {f'process {found.run}' if found.run else 'none'}")
    if found.nodes:
        console.print(_nodes(found))
    if found.topics is None:
        console.print("topics: not there (`fastdata migrate` creates them)")
        return
    console.print(_topics(found.topics))
    console.print(_lags(found.lags or {}))


def _nodes(found: Overview) -> Table:
    table = Table(title=f"servers, {found.disk_bytes / MEGABYTE:.0f} MB on disk", title_justify="left")
    for column in ("server", "version", "address", "health", "process", "memory MB", "disk MB"):
        table.add_column(column, justify="right" if "MB" in column else "left")
    for node in found.nodes:
        table.add_row(
            node.name,
            node.version,
            f"{node.host}:{node.port}",
            node.health,
            str(node.pid or ""),
            f"{node.memory_bytes / MEGABYTE:.0f}",
            f"{node.disk_bytes / MEGABYTE:.0f}",
        )
    return table


def _topics(topics: dict[str, int]) -> Table:
    table = Table(title="topics", title_justify="left")
    table.add_column("topic")
    table.add_column("records ever written", justify="right")
    for topic, end in topics.items():
        table.add_row(topic, f"{end:,}")
    return table


def _lags(lags: dict[str, int]) -> Table:
    table = Table(title="waiting", title_justify="left")
    table.add_column("reader: topic")
    table.add_column("records", justify="right")
    for name, lag in lags.items():
        table.add_row(name, f"{lag:,}")
    return table
