"""Leaving a group for members whose process died, and for no others, on a real Kafka."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.admin import group_members
from ingest.consumer import Consumer
from ingest.membership import client_id, dead, leave_for_dead
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics

PATIENCE_S = 60
MEMBER = """
import sys
from ingest.consumer import Consumer
from ingest.settings import KafkaSettings
with Consumer(KafkaSettings.model_validate_json(sys.argv[1]), "g", ["readings"]) as consumer:
    while not consumer.poll(1, 0.1):
        pass
    print("joined", flush=True)
    while True:
        consumer.poll(1, 0.1)
"""


@given(st.sets(st.integers(1, 99)), st.sets(st.integers(1, 99)))
def test_only_processes_of_this_machine_can_be_seen_to_be_gone(members: set[int], alive: set[int]) -> None:
    here, there = ({f"{machine}{pid}" for pid in members} for machine in ("fastdata-a-", "fastdata-b-"))
    others = {"fastdata", "fastdata-a-", "fastdata-a-x", "rdkafka"}
    gone = {f"fastdata-a-{pid}" for pid in members - alive}
    assert dead(here | there | others, "fastdata-a-", alive) == gone


def test_a_member_is_named_by_its_process() -> None:
    asked = [
        sys.executable,
        "-c",
        "import os; from ingest.membership import client_id; print(os.getpid(), client_id())",
    ]
    pid, other = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split()
    assert client_id().removesuffix(str(os.getpid())) == other.removesuffix(pid)
    assert dead([client_id(), other], other.removesuffix(pid), [os.getpid()]) == {other}


def test_a_kafka_that_does_not_answer_holds_nobody_up() -> None:
    assert leave_for_dead(KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_ms=100), "g") == 0


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    """Settings whose sessions outlast every test."""
    settings = KafkaSettings(
        bootstrap_servers=kafka_bootstrap, prefix=topic_prefix,
        session_timeout_ms=4_000 * PATIENCE_S, max_poll_interval_ms=4_000 * PATIENCE_S,
    )  # fmt: skip
    ensure_topics(settings)
    with Producer(settings) as producer:
        producer.send("readings", "m", b"0")
    return settings


@pytest.fixture
def start_member(kafka: KafkaSettings) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Return what starts a process and waits until it is a member that reads."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", MEMBER, kafka.model_dump_json()]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "joined\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.kafka
def test_a_killed_member_is_left_for_at_once_and_a_stopped_one_is_not(
    kafka: KafkaSettings, start_member: Callable[[], "subprocess.Popen[str]"]
) -> None:
    member = start_member()
    member.send_signal(signal.SIGSTOP)
    assert leave_for_dead(kafka, "g") == 0
    assert group_members(kafka, "g") == 1
    member.kill()
    member.wait()
    assert group_members(kafka, "g") == 1
    assert leave_for_dead(kafka, "g") == 1
    assert group_members(kafka, "g") == 0


@pytest.mark.kafka
def test_who_comes_after_a_killed_member_reads_without_waiting_for_its_session(
    kafka: KafkaSettings, start_member: Callable[[], "subprocess.Popen[str]"]
) -> None:
    member = start_member()
    member.kill()
    member.wait()
    with Consumer(kafka, "g", ["readings"]) as consumer:
        deadline = time.monotonic() + PATIENCE_S
        while not (records := consumer.poll(1, 0.5)):
            assert time.monotonic() < deadline, (
                f"nothing came for {PATIENCE_S} s: the dead member's session goes on"
            )
    assert [record.value for record in records] == [b"0"]
