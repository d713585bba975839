"""What a fault may lay hands on: processes, servers, files and the load of the pipeline that is drilled."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from pipeline.drill.ledger import LedgerProducer
from pipeline.drill.load import Load
from pipeline.drill.proxy import Proxy
from pipeline.errors import PipelineError

LOOK_S: Final = 0.1
PATIENCE_S: Final = 120.0


class SkipFaultError(PipelineError):
    """A fault that can't be brought about here; the text says why."""


class GiveUpFaultError(PipelineError):
    """What a fault needs did not come about: the pipeline is not as it has to be."""


@dataclass(frozen=True)
class Spans:
    """How long faults last, in seconds.

    Attributes
    ----------
    stop_s
        A stopped process; longer than a group's session timeout, so that others take its partitions over.
    away_s
        A server that is away, or slow.
    burst_s
        Ten times the rate.
    steady_s
        Events of another kind: duplicates, a hot key.
    """

    stop_s: float = 30.0
    away_s: float = 120.0
    burst_s: float = 30.0
    steady_s: float = 10.0


@dataclass(frozen=True)
class Rig:
    """The pipeline under drill.

    Attributes
    ----------
    parts, servers
        Process ids of what runs now, by name: `writer`, `kafka-1`.
    leader, controller
        The server that leads the transactions, and the one that leads the cluster.
    joined
        Runs one more process of a part for as long as the block runs.
    rewind
        Sets a group without members back to the beginning of its topics, by the name of its part.
    deploy
        Deploys a version of the model beside the one that acts.
    restart_servers
        Starts dead servers at once, without waiting for the supervisor.
    roll_servers
        Restarts all servers, one by one.
    oldest_s
        How long the oldest event has been waiting for its acknowledgement or its score, in seconds.
    interval_s
        Seconds between two commits of the query.
    checkpoint
        The folder of the query's checkpoints.
    models
        The folder of the model's versions.
    data
        The folder of a server's data, by its name.
    turn_clock
        Lets the clock of a part be so many seconds ahead of the wall.
    no_mounts
        Why what may fill up is no file system of its own; None where it is.
    """

    rng: random.Random
    spans: Spans
    nodes: int
    load: Load
    producer: LedgerProducer
    proxy: Proxy | None
    parts: Callable[[], Mapping[str, int]]
    servers: Callable[[], Mapping[str, int]]
    leader: Callable[[], str]
    controller: Callable[[], str]
    joined: Callable[[str], AbstractContextManager["subprocess.Popen[bytes]"]]
    rewind: Callable[[str], int]
    deploy: Callable[[str], None]
    restart_servers: Callable[[], object]
    roll_servers: Callable[[], None]
    oldest_s: Callable[[], float]
    interval_s: float
    checkpoint: Path
    models: Path
    data: Callable[[str], Path]
    turn_clock: Callable[[str, int], None]
    no_mounts: str | None


Fault = Callable[[Rig], str]
"""Brings a fault about and returns when it is over, with what is worth telling; what heals it comes after that."""


def pid_of(rig: Rig, name: str) -> int:
    """Return the process of a part or a server, waiting for it to run."""
    until(lambda: name in running(rig), f"{name} to run")
    return running(rig)[name]


def running(rig: Rig) -> Mapping[str, int]:
    """Return all processes of parts and servers."""
    return {**rig.parts(), **rig.servers()}


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds.

    Raises
    ------
    GiveUpFaultError
        When it takes too long.
    """
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise GiveUpFaultError(f"waited {patience_s:.0f} s for {what}")
        time.sleep(LOOK_S)


def await_end(pids: Iterable[int], patience_s: float) -> bool:
    """Wait until processes have ended, and leave it to their parent, which may be this one, to reap them; tell whether they have."""
    deadline, left = time.monotonic() + patience_s, list(pids)
    while (left := [pid for pid in left if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    return not left


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill(pid: int) -> None:
    """End a process at once, as a power cut does."""
    os.kill(pid, signal.SIGKILL)


def signal_all(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to what it has started; a server's group holds nothing else."""
    group = os.getpgid(pid)
    if group == os.getpgrp():
        raise GiveUpFaultError(f"process {pid} is in the drill's own group")
    os.killpg(group, number)
