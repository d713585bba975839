"""Who a member of a group is, and leaving the group for one whose process died.

Kafka gives a dead member's partitions to others once its session has timed out, ten seconds later. A member's client
id says which process of which machine it is, so the next one on that machine sees that it is gone, and says so.
"""

import asyncio
import hashlib
import os
import uuid
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import psutil
import structlog
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

from ingest.admin import members
from ingest.catalog import group_name
from ingest.errors import IngestError
from ingest.settings import KafkaSettings

PATIENCE_MS: Final = 5_000
"""The longest that one request may take, in milliseconds: without an answer the session times out, as everywhere."""

log = structlog.get_logger(__name__)


def client_id() -> str:
    """Return the client id of this process as a member."""
    return f"{_machine()}{os.getpid()}"


def dead(client_ids: Collection[str], machine: str, pids: Collection[int]) -> set[str]:
    """Return those that name a process of this machine that is not among its processes."""
    own = {name: name.removeprefix(machine) for name in client_ids if name.startswith(machine)}
    return {name for name, pid in own.items() if pid.isdecimal() and int(pid) not in pids}


def leave_for_dead(settings: KafkaSettings, group: str) -> int:
    """Leave a group for each member whose process was on this machine and is no more; return how many these were.

    Does nothing where Kafka does not answer at once.
    """
    hasty = settings.model_copy(update={"request_timeout_ms": min(PATIENCE_MS, settings.request_timeout_ms)})
    try:
        found = members(hasty, group)
        gone = dead({member.client_id for member in found}, _machine(), psutil.pids())
        leaving = [member.member_id for member in found if member.client_id in gone]
        if leaving:
            asyncio.run(_leave(hasty, group_name(settings, group), leaving))
    except (IngestError, KafkaError) as error:
        log.info("dead members stay until their session ends", group=group, reason=str(error))
        return 0
    if leaving:
        log.info("left for dead members", group=group, members=len(leaving))
    return len(leaving)


@cache
def _machine() -> str:
    """Return what client ids of this machine begin with; a container is another one, as it counts its own processes."""
    boot, processes = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    told = f"{boot.read_text()} {processes.readlink()}" if boot.exists() else f"{uuid.getnode()}"
    return f"fastdata-{hashlib.sha256(told.encode()).hexdigest()[:12]}-"


async def _leave(settings: KafkaSettings, group: str, member_ids: Sequence[str]) -> None:
    client = AIOKafkaClient(
        bootstrap_servers=settings.bootstrap_servers, request_timeout_ms=settings.request_timeout_ms
    )
    try:
        await client.bootstrap()
        coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
        for member_id in member_ids:
            await client.send(coordinator, LeaveGroupRequest(group, member_id))
    finally:
        await client.close()
