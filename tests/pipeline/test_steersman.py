"""From a command to the queries: with real files, a topic that is a number, and intervals made by hand."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from fraud_artifact import handmade

from ingest.errors import RetryLaterError
from models import deployment as machine
from models import layout
from models.artifact import Artifact, seal
from models.deployment import Candidate
from models.events import Transaction
from models.expressions import field as event_field
from models.features import Entity, row
from models.layout import merged, query_name
from models.plan import compile_plan
from models.service import Service
from pipeline import artifacts, deployments, lifecycle, progress, roster
from pipeline.errors import RefuseUsageError
from pipeline.lifecycle import Places
from pipeline.listing import listed
from pipeline.progress import Kept
from pipeline.steersman import LOOK_EVERY, Steersman
from processing.progress import Interval

DAY = 86_400_000
TOPIC = "transactions"


@dataclass
class World:
    """One namespace."""

    root: Path
    end: int = 0
    now: int = 1_000
    away: bool = False
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.places = Places(
            namespace="trial",
            models_dir=self.root / "models",
            run_dir=self.root / "run",
            checkpoint_dir=self.root / "run" / "checkpoints",
            topic=lambda _event: TOPIC,
            ends=lambda _event: self._ends(),
            clock=lambda: self.now,
        )

    def _ends(self) -> dict[int, int]:
        if self.away:
            raise RetryLaterError("Kafka is away")
        return {0: self.end}

    def train(self, artifact: Artifact) -> str:
        return artifacts.keep(self.places.models_dir, artifact).stem

    def begin(self, version: str) -> None:
        lifecycle.settle(self.places, machine.first("fraud", version, self.now))

    def change(self, change: object, *arguments: object) -> None:
        lifecycle.settle(self.places, change(self.deployment, *arguments))  # type: ignore[operator]

    @property
    def deployment(self) -> machine.Deployment:
        found = deployments.read_deployment(self.places.run_dir, "fraud")
        assert found is not None
        return found

    def interval(self, query: str, committed: int, dropped: int = 0) -> Interval:
        done = Interval(query, committed, "", 0, {TOPIC: {0: committed}}, dropped, {})
        progress.write(self.places.run_dir, progress.after(progress.read(self.places.run_dir), done))
        (self.places.checkpoint_dir / query).mkdir(parents=True, exist_ok=True)
        return done


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def other_features() -> Artifact:
    card = Entity("card")
    plan = compile_plan(
        Transaction, [row("amount", event_field("amount")), card.count("often", half_life_ms=2 * DAY)]
    )
    return seal(msgspec.structs.replace(handmade("often", 0.5), plan=plan, version="2", checksum=""))


def versions(service: Service) -> list[str]:
    return [scorer.artifact.version for scorer in service.scorers]


def test_without_a_deployment_the_command_that_helps_is_named(world: World) -> None:
    with pytest.raises(
        RefuseUsageError, match="namespace trial: `fastdata --namespace trial models train` first"
    ):
        Steersman(world.places).steering()
    world.train(handmade("0.5D", 0.5))
    with pytest.raises(RefuseUsageError, match="`fastdata --namespace trial models deploy fraud`"):
        Steersman(world.places).steering()


def test_a_change_during_a_run_is_taken_over_at_an_intervals_end_where_the_topic_ends_then(
    world: World,
) -> None:
    for _ in range(2):
        world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    steering = Steersman(world.places).steering()
    (service,) = steering.services
    assert versions(service) == ["1.1"]
    with roster.owned(world.places.run_dir):
        world.change(machine.with_shadow, "1.2", 2)
        world.change(machine.promoted, "1.2", 3)
        take_over = steering.change(world.interval(service.query, 100))
        assert take_over is not None
        world.end, world.now = 130, 9
        service = take_over()
    assert versions(service) == ["1.2", "1.1"]
    assert [(s.version, s.starts) for s in service.switches] == [("1.1", {}), ("1.2", {0: 130})]
    assert steering.change(world.interval(service.query, 140)) is None
    assert [(v.version, v.role, v.acts) for v in listed(world.places.models_dir, world.places.run_dir)] == [
        ("1.1", "shadow", False), ("1.2", "champion", True),
    ]  # fmt: skip
    (again,) = Steersman(world.places).steering().services
    assert again == service


def test_a_change_while_nothing_runs_holds_from_the_present_end_of_the_topic(world: World) -> None:
    for _ in range(2):
        world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    (service,) = Steersman(world.places).steering().services
    world.interval(service.query, 50)
    world.end = 80
    world.change(machine.with_shadow, "1.2", 2)
    world.change(machine.promoted, "1.2", 3)
    (service,) = Steersman(world.places).steering().services
    assert [(s.version, s.starts) for s in service.switches] == [("1.1", {}), ("1.2", {0: 80})]
    assert versions(service) == ["1.2", "1.1"]


def test_while_kafka_is_away_a_promotion_changes_nothing(world: World) -> None:
    for _ in range(2):
        world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    Steersman(world.places).steering()
    world.change(machine.with_shadow, "1.2", 2)
    before, world.away = world.deployment, True
    with pytest.raises(RetryLaterError):
        world.change(machine.promoted, "1.2", 3)
    assert world.deployment == before


def test_new_state_is_taken_over_with_its_checkpoint_and_the_old_one_is_gone(world: World) -> None:
    world.train(handmade("0.5D", 0.5))
    world.train(other_features())
    world.begin("1.1")
    steering = Steersman(world.places).steering()
    (service,) = steering.services
    with roster.owned(world.places.run_dir):
        wanted = machine.with_shadow(world.deployment, "2.2", 2)
        known = lifecycle.load(world.places, "fraud", {"1.1", "2.2"})
        both = merged({version: artifact.plan for version, artifact in known.items()})
        candidate = Candidate(query_name("fraud", both), both, {0: 90})
        lifecycle.settle(world.places, machine.with_candidate(wanted, candidate))
        assert steering.change(world.interval(service.query, 89, dropped=2)) is None
        take_over = steering.change(world.interval(service.query, 95, dropped=3))
        assert take_over is not None
        warmed = take_over()
    assert (warmed.query, dict(warmed.live_from), versions(warmed)) == (
        candidate.query, {0: 95}, ["1.1", "2.2"],
    )  # fmt: skip
    assert not (world.places.checkpoint_dir / service.query).exists()
    kept = progress.read(world.places.run_dir)
    assert kept == {candidate.query: Kept(-1, "", {TOPIC: {0: 95}}, 0, 5)}
    world.interval(candidate.query, 100, dropped=1)
    assert progress.read(world.places.run_dir)[candidate.query].dropped_late == 6


def test_a_model_that_is_deployed_later_is_started_beside_the_others(world: World) -> None:
    world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    steering = Steersman(world.places).steering()
    other = msgspec.structs.replace(handmade("0.5D", 0.5), name="velocity", checksum="")
    artifacts.keep(world.places.models_dir, seal(other))
    lifecycle.settle(world.places, machine.first("velocity", "1.1", 1))
    added = [service for _ in range(2 * LOOK_EVERY) for service in steering.added()]
    assert [service.scorers[0].artifact.name for service in added] == ["velocity"]


def test_a_damaged_file_leaves_the_running_query_as_it_is(world: World) -> None:
    for _ in range(2):
        world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    steering = Steersman(world.places).steering()
    (service,) = steering.services
    with roster.owned(world.places.run_dir):
        world.change(machine.with_shadow, "1.2", 2)
        (world.places.models_dir / "fraud" / "1.2.json").write_text("{}")
        assert steering.change(world.interval(service.query, 10)) is None
        file = world.places.run_dir / "models" / "fraud" / "deployment.json"
        file.write_text("{")
        assert steering.change(world.interval(service.query, 20)) is None
    with pytest.raises(RefuseUsageError, match="is damaged"):
        Steersman(world.places).steering()


def test_a_release_that_keeps_other_state_goes_on_from_its_own_checkpoint_and_back_from_the_one_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    (old,) = Steersman(world.places).steering().services
    world.interval(old.query, 100, dropped=2)

    monkeypatch.setattr(layout, "STATE_FORMAT", layout.STATE_FORMAT + 1)
    with pytest.raises(RefuseUsageError, match="`fastdata upgrade` builds it first"):
        Steersman(world.places).steering()
    needs = query_name("fraud", old.layout)
    (world.places.checkpoint_dir / needs).mkdir()
    deployments.write_state(world.places.run_dir, "fraud", Candidate(needs, old.layout, {0: 101}))
    with pytest.raises(RefuseUsageError, match="more than was scored"):
        Steersman(world.places).steering()
    world.interval(old.query, 101, dropped=0)
    (new,) = Steersman(world.places).steering().services
    assert (new.query, dict(new.live_from), versions(new)) == (needs, {0: 101}, ["1.1"])
    assert (world.places.checkpoint_dir / old.query).is_dir()
    assert progress.read(world.places.run_dir)[needs].dropped_late == 2
    (again,) = Steersman(world.places).steering().services
    assert again == new
    world.interval(needs, 150, dropped=1)

    monkeypatch.undo()
    (back,) = Steersman(world.places).steering().services
    assert (back.query, dict(back.live_from)) == (old.query, {0: 150})
    left = deployments.read_state(world.places.run_dir, "fraud", needs)
    assert left is not None
    assert left.read == {0: 150}
    assert progress.read(world.places.run_dir)[old.query].dropped_late == 3
    assert deployments.forget_states(world.places.run_dir, "fraud", keep=old.query) == [needs]


def test_a_release_is_gone_back_to_while_the_new_query_still_reads_what_was_scored_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.train(handmade("0.5D", 0.5))
    world.begin("1.1")
    (old,) = Steersman(world.places).steering().services
    world.interval(old.query, 101)
    monkeypatch.setattr(layout, "STATE_FORMAT", layout.STATE_FORMAT + 1)
    needs = query_name("fraud", old.layout)
    deployments.write_state(world.places.run_dir, "fraud", Candidate(needs, old.layout, {0: 95}))
    (world.places.checkpoint_dir / needs).mkdir()
    (new,) = Steersman(world.places).steering().services
    assert (new.query, dict(new.live_from)) == (needs, {0: 101})
    world.interval(needs, 97)

    monkeypatch.undo()
    (back,) = Steersman(world.places).steering().services
    assert (back.query, dict(back.live_from)) == (old.query, {0: 101})
