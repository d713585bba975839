"""The notifier at work on a bus in memory: delivery, failures, fallbacks, crashes and restarts."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from notifier_world import PATIENCE_S, CrashError, Inbox, World, wait_until

from actors.notifier.errors import RetryChannelError
from actors.notifier.ledger import NotifierLedger
from actors.notifier.ledger_file import open_ledger
from actors.notifier.local import local
from actors.notifier.messages import Message
from actors.notifier.notifier import Notifier, run_notifier
from actors.notifier.sitting import Rules
from ingest.consumer import Consumer
from ingest.errors import RetryLaterError, StopProcessError
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models.alarms import AlarmChange, encode_change
from models.policies.notifications import NotificationPolicy

MakeChange = Callable[..., AlarmChange]
TWO_CHANNELS = """
channels.pager = { url_env = "A" }
[[notifications]]
name = "r"
channels = ["pager"]
group_within = "0s"
"""
LADDER = """
[[notifications]]
name = "r"
channels = ["local"]
group_within = "0s"
escalation = [{ after = "5m", channels = ["local"] }]
"""


@pytest.fixture
def world(path: Path, rules: Callable[..., Rules]) -> World:
    return World(path, rules)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What is logged, whatever logging earlier tests of this process have set up."""
    structlog.reset_defaults()
    monkeypatch.setattr("actors.notifier.local._log", structlog.get_logger())
    with structlog.testing.capture_logs() as logged:
        yield logged


def test_changes_reach_the_local_file_and_the_log_and_their_offsets_are_committed(
    world: World, change: MakeChange, tmp_path: Path, logs: list[Any]
) -> None:
    file = tmp_path / "state" / "told.jsonl"
    world.send(*[change(n, at=world.now) for n in range(3)], change(1, at=world.now))
    with world.bus.producer() as producer:
        producer.send("alarms", "pump-1", b"{")
    with world.running({"local": local(file)}) as ledger:
        wait_until(lambda: "everything" in ledger.collecting())
        world.now += 10_000
        wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    (line,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (line["changes"], line["channel"], line["route"]) == (3, "local", "everything")
    assert line["title"] == "3 alarms, worst high anomaly-pump on pump-0: opened"
    assert [log["title"] for log in logs if log["event"] == "notification"] == [line["title"]]
    assert world.rejected == ["malformed_json"]
    assert world.bus.consumer("notifier", ["alarms"]).lag() == 0


def test_a_stop_tells_at_once_what_was_collected(world: World, change: MakeChange) -> None:
    inbox = Inbox()
    world.send(change(at=world.now))
    with world.running({"local": inbox}) as ledger:
        wait_until(lambda: bool(ledger.collecting()))
        assert inbox.taken == []
    assert [message.changes for message in inbox.taken] == [1]


def test_a_channel_that_fails_is_tried_again(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    pager, here = Inbox(RetryChannelError("away"), RetryChannelError("away")), Inbox()
    world.send(change(at=world.now))
    with world.running({"local": here, "pager": pager}, policy(TWO_CHANNELS)) as ledger:
        wait_until(lambda: bool(pager.taken) and not ledger.queues())
        (told,) = ledger.told(9)
    assert (told.state, told.attempts, len(pager.taken), here.taken) == ("sent", 3, 1, [])


def test_what_a_channel_does_not_take_goes_to_its_fallback_and_the_failure_is_logged(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    pager, here = Inbox(*[RetryChannelError("channel pager: error 500")] * 5), Inbox()
    parsed = policy(TWO_CHANNELS)
    with (
        structlog.testing.capture_logs() as logs,
        world.running({"local": here, "pager": pager}, parsed) as ledger,
    ):
        for n in range(4):
            world.send(change(n, at=world.now))
            wait_until(lambda expected=n + 1: len(here.taken) + len(pager.taken) == expected)  # type: ignore[misc]
        wait_until(lambda: not ledger.queues())
        told = ledger.told(9)
    assert pager.tries == 3 + 1 + 1 + 1, "after a failure a message is tried once, until one is taken"
    assert [m.title for m in here.taken] == [f"high anomaly-pump on pump-{n}: opened" for n in range(3)]
    assert [m.title for m in pager.taken] == ["high anomaly-pump on pump-3: opened"]
    assert {m.instead_of for m in here.taken} == {"pager"}
    assert sorted((t.message.channel, t.state) for t in told) == [
        *[("local", "sent")] * 3,
        *[("pager", "failed")] * 3,
        ("pager", "sent"),
    ]
    given_up = [log for log in logs if log["event"] == "notification_not_taken"]
    assert [log["reason"] for log in given_up] == ["channel pager: error 500"] * 3


def test_the_last_channel_is_never_given_up(world: World, change: MakeChange) -> None:
    here = Inbox(*[RetryChannelError("disk full")] * 20)
    world.send(change(at=world.now))
    with world.running({"local": here}) as ledger:
        wait_until(lambda: bool(ledger.collecting()))
        world.now += 10_000
        wait_until(lambda: bool(here.taken) and not ledger.queues())
        (told,) = ledger.told(9)
    assert (told.state, told.attempts) == ("sent", 21)


def test_a_stop_leaves_what_could_not_be_delivered_for_the_next_start(
    world: World, change: MakeChange
) -> None:
    world.settings = world.settings.model_copy(update={"drain_s": 0, "retry_most_s": 60, "retry_first_s": 60})
    here = Inbox(*[RetryChannelError("disk full")] * 2)  # a stop ends the pause, and it is tried once more
    world.send(change(at=world.now))
    with structlog.testing.capture_logs() as logs, world.running({"local": here}) as ledger:
        wait_until(lambda: bool(ledger.collecting()))
        world.now += 10_000
        # told when the pause is decided
        wait_until(lambda: "channel_failed" in [log["event"] for log in logs])
    assert (here.tries, here.taken) == (2, [])
    with world.running({"local": here}):
        wait_until(lambda: len(here.taken) == 1)


def test_a_crash_sends_the_message_under_way_again_and_no_other(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    parsed = policy(TWO_CHANNELS)
    pager = Inbox(CrashError())  # it has taken the message when the process dies
    crashed = threading.Event()

    def pager_then_crash(message: Message) -> None:
        try:
            pager(message)
        except CrashError:
            crashed.set()
            raise

    world.send(*[change(n, at=world.now) for n in range(2)])
    with (
        pytest.raises(CrashError),
        world.running({"local": Inbox(), "pager": pager_then_crash}, parsed),
    ):
        assert crashed.wait(PATIENCE_S)
    world.send(change(2, at=world.now))
    with world.running({"local": Inbox(), "pager": pager}, parsed) as ledger:
        wait_until(lambda: len(pager.taken) >= 3 and not ledger.queues())
    assert [m.number for m in pager.taken] == [1, 1, 2]


def test_a_crash_before_the_offsets_are_committed_repeats_nothing(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, parsed = Inbox(), policy(TWO_CHANNELS)
    world.send(*[change(n, at=world.now) for n in range(5)])

    def crashing(consumer: Any) -> Any:
        def commit(_records: object) -> None:
            raise CrashError

        consumer.commit = commit
        return consumer

    channels = {"local": Inbox(), "pager": inbox}
    with pytest.raises(CrashError), world.running(channels, parsed, crashing) as ledger:
        wait_until(lambda: bool(ledger.collecting()))
    assert world.bus.consumer("notifier", ["alarms"]).lag() == 5
    world.bus.groups.clear()
    with world.running(channels, parsed) as ledger:
        wait_until(lambda: bool(inbox.taken) and not ledger.queues())
    assert sum(m.changes for m in inbox.taken) == 5


def test_timers_go_on_while_kafka_is_away(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, away = Inbox(), threading.Event()
    world.send(change(at=world.now))

    def interrupted(consumer: Any) -> Any:
        polled = consumer.poll

        def poll(most: int, timeout_s: float) -> Any:
            if away.is_set():
                raise RetryLaterError("away")
            return polled(most, timeout_s)

        consumer.poll = poll
        return consumer

    with world.running({"local": inbox}, policy(LADDER), interrupted):
        wait_until(lambda: len(inbox.taken) == 1)
        away.set()
        world.now += 6 * 60_000
        wait_until(lambda: len(inbox.taken) == 2)
    assert inbox.taken[1].kind == "escalation"


def test_offsets_that_kafka_did_not_take_are_committed_later(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, failures = Inbox(), [RetryLaterError("away")] * 3
    world.send(change(at=world.now))

    def failing(consumer: Any) -> Any:
        committed = consumer.commit

        def commit(records: Any) -> None:
            if failures:
                raise failures.pop()
            committed(records)

        consumer.commit = commit
        return consumer

    with world.running({"local": Inbox(), "pager": inbox}, policy(TWO_CHANNELS), failing):
        wait_until(lambda: len(inbox.taken) == 1 and not failures)
    assert world.bus.consumer("notifier", ["alarms"]).lag() == 0


def test_kafka_away_only_delays(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox = Inbox()
    world.send(change(at=world.now))

    def away(consumer: Any) -> Any:
        polled, failures = consumer.poll, iter([RetryLaterError("away")] * 3)

        def poll(most: int, timeout_s: float) -> Any:
            for failure in failures:
                raise failure
            return polled(most, timeout_s)

        consumer.poll = poll
        return consumer

    with world.running({"local": Inbox(), "pager": inbox}, policy(TWO_CHANNELS), away):
        wait_until(lambda: len(inbox.taken) == 1)


def test_a_client_that_has_stopped_ends_the_notifier_and_the_next_one_takes_what_waits(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, parsed = Inbox(), policy(TWO_CHANNELS)
    stopped = threading.Event()

    def stalled(consumer: Any) -> Any:
        def poll(*_: object) -> Any:
            stopped.set()
            raise StopProcessError("start a new consumer")

        consumer.poll = poll
        return consumer

    world.send(change(at=world.now))
    channels = {"local": Inbox(), "pager": inbox}
    with pytest.raises(StopProcessError, match="new consumer"), world.running(channels, parsed, stalled):
        assert stopped.wait(PATIENCE_S)
    with world.running(channels, parsed):
        wait_until(lambda: len(inbox.taken) == 1)


def test_timers_survive_a_restart(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, parsed = Inbox(), policy(LADDER)
    world.send(change(at=world.now))
    with world.running({"local": inbox}, parsed):
        wait_until(lambda: len(inbox.taken) == 1)
    world.now += 6 * 60_000
    with world.running({"local": inbox}, parsed):
        wait_until(lambda: len(inbox.taken) == 2)
    assert [m.kind for m in inbox.taken] == ["changes", "escalation"]


def test_an_acknowledgement_that_waits_in_the_topic_is_heard_before_its_alarm_escalates(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    inbox, parsed = Inbox(), policy(LADDER)
    world.send(change(at=world.now))
    with world.running({"local": inbox}, parsed):
        wait_until(lambda: len(inbox.taken) == 1)
    world.send(change(change_id="a", change="acknowledged", state="active_acknowledged", at=world.now))
    world.now += 6 * 60_000

    def slow(consumer: Any) -> Any:
        polled, empty = consumer.poll, iter([[]] * 10)
        consumer.poll = lambda *given: next(empty, None) or polled(*given)
        return consumer

    with world.running({"local": inbox}, parsed, slow) as ledger:
        wait_until(lambda: ledger.duties_since() == {})
    assert [m.kind for m in inbox.taken] == ["changes"]


def test_what_waits_for_a_channel_that_has_gone_goes_to_the_local_one(
    world: World, change: MakeChange, policy: Callable[[str], NotificationPolicy]
) -> None:
    world.settings = world.settings.model_copy(update={"drain_s": 0, "retry_most_s": 60, "retry_first_s": 60})
    here, away = Inbox(), Inbox(*[RetryChannelError("away")] * 9)
    world.send(change(at=world.now))
    with world.running({"local": here, "pager": away}, policy(TWO_CHANNELS)):
        wait_until(lambda: away.tries == 1)
    with world.running({"local": here}):
        wait_until(lambda: len(here.taken) == 1)


@pytest.mark.kafka
def test_on_a_real_kafka_each_change_is_told_once_over_a_restart(
    kafka_bootstrap: str, topic_prefix: str, world: World, change: MakeChange, rules: Callable[..., Rules]
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    inbox = Inbox()
    everything = NotificationPolicy()

    def run(stop: threading.Event, expected: int) -> None:
        with open_ledger(world.path) as ledger, Consumer(kafka, "notifier", ["alarms"]) as consumer:
            notifier = Notifier(
                consumer=consumer,
                waiting=consumer.lag,
                reject=lambda *_: None,
                clock=lambda: world.now,
                ledger=ledger,
                channels={"local": inbox},
                rules=rules(everything),
                settings=world.settings,
            )
            thread = threading.Thread(target=run_notifier, args=(notifier, stop))
            thread.start()
            try:
                wait_until(lambda: _seen(ledger) == expected and consumer.lag() == 0)
            finally:
                stop.set()
                thread.join()

    for first in (0, 10):
        with Producer(kafka) as producer:
            for n in range(first + 10):  # those of the first round are told again, as an actor may
                producer.send("alarms", f"pump-{n}", encode_change(change(n, at=world.now)))
        run(threading.Event(), first + 10)
    assert sum(m.changes for m in inbox.taken) == 20


def _seen(ledger: NotifierLedger) -> int:
    return int(ledger._rows("select count(*) from seen")[0][0])
