"""The actors without an outside: what alerts would lead to."""

from collections.abc import Sequence

from actors.dry_run import dry_run
from models.policies.policies import BUILT_IN, Policies, parse
from models.scores import Score

NOW = 1_800_000_000_000
HOUR = 3_600_000
POLICIES = parse(BUILT_IN.read_text(encoding="utf-8"), "built-in")


def alert(n: int, *, entity: str = "card-1", at: int = NOW) -> Score:
    return Score(
        event_id=f"e{n}", event_time=at, entity=entity, model="fraud", version="1", score=0.95, threshold=0.9,
        features={}, event={"card": entity}, arrivals={}, topic="recorded", partition=0, offset=n, ingested_at=at,
    )  # fmt: skip


def opened(alerts: Sequence[Score], until: int, policies: Policies = POLICIES) -> list[tuple[str, str]]:
    return [
        (change.entity, change.event_id)
        for change in dry_run(alerts, policies, until).changes
        if change.change == "opened"
    ]


def test_alerts_of_an_entity_open_one_alarm_and_send_one_command() -> None:
    alerts = [alert(n, entity=f"card-{n % 2}", at=NOW + n * 1_000) for n in range(6)]
    run = dry_run(alerts, POLICIES, NOW + HOUR)
    assert opened(alerts, NOW + HOUR) == [("card-0", "e0"), ("card-1", "e1")]
    assert [(c.kind, c.entity, c.event_id) for c in run.commands] == [
        ("block_card", "card-0", "e0"), ("block_card", "card-1", "e1"),
    ]  # fmt: skip
    assert run.held == ()


def test_the_same_alerts_give_the_same_ids() -> None:
    alerts = [alert(n, entity=f"card-{n % 3}", at=NOW + n * 60_000) for n in range(30)]
    once, again = dry_run(alerts, POLICIES, NOW + HOUR), dry_run(alerts, POLICIES, NOW + HOUR)
    assert once == again


def test_silence_passes_in_event_time() -> None:
    changes = dry_run([alert(1)], POLICIES, NOW + 100 * HOUR).changes
    assert "returned" in {change.change for change in changes}
    assert all(NOW <= change.at <= NOW + 100 * HOUR for change in changes)


def test_commands_that_want_people_are_held() -> None:
    policies = parse('[[commands]]\nmodels = ["fraud"]\ncommand = "block_card"\nmode = "approval"\n', "test")
    run = dry_run([alert(1)], policies, NOW + 60_000)
    assert run.commands == ()
    assert [order.entity for order in run.held] == ["card-1"]


def test_no_alerts_lead_to_nothing() -> None:
    assert dry_run([], POLICIES, NOW) == dry_run([], POLICIES, NOW + HOUR)
