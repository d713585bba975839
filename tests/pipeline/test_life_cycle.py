"""Shadow, promote, a deploy that needs new state, a kill, rollback and retire while events come, on real servers."""

import os
import signal
import subprocess
from typing import Any

import msgspec
import pytest
from card_histories import up_to_each
from fraud_artifact import handmade
from installation import PATIENCE_S, Installation, wait_until

from ingest.consumer import read_all
from ingest.settings import KafkaSettings
from models import scores
from models.artifact import Artifact, seal
from models.compiled import Compiled
from models.events import Transaction
from models.features import Entity
from models.fraud import FRAUD
from models.plan import compile_plan
from models.scores import Score
from models.serving import acting
from pipeline import artifacts, deployments

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.spark, pytest.mark.slow]

SOURCE = ("simulate", "transactions", "--rate", "50", "--limit", "60000")
HALF_LIFE_MS = 3 * 86_400_000


def model(version: str, middle: float, *, more_state: bool = False) -> Artifact:
    """Return a model over the amount; with more state it reads one more feature of the card."""
    base = handmade("0.5D", 0.3)
    often = Entity("card").count("card_often", half_life_ms=HALF_LIFE_MS)
    plan = compile_plan(Transaction, [*FRAUD.features, often]) if more_state else base.plan
    margin = f"amount / 100 - {middle}" + (" + 0.001 * card_often" if more_state else "")
    compiled = Compiled([{"_margin": margin}], "1 / (1 + exp(-_margin))", {"amount": "amount / 100"})
    return seal(msgspec.structs.replace(base, version=version, plan=plan, compiled=compiled, checksum=""))


def role(installed: Installation, version: str) -> Any:
    return next(each for each in installed.look("models", "list") if each["version"] == version)


def read_scores(kafka: KafkaSettings, topic: str) -> list[Score]:
    return [scores.decode(record.value) for record in read_all(kafka, topic)]


def test_versions_change_during_a_stream_and_each_event_is_acted_on_by_one(
    installed: Installation, kafka_bootstrap: str, topic_prefix: str
) -> None:
    installed.environment["FASTDATA_PROCESSING__INTERVAL_S"] = "5"
    for artifact in (model("1", 2.5), model("2", 2.8, more_state=True)):
        artifacts.keep(installed.where / "models", artifact)
    call = installed.call
    with (
        installed.running("run", stderr=subprocess.DEVNULL) as run,
        installed.running(*SOURCE, stderr=subprocess.DEVNULL) as source,
    ):
        wait_until(lambda: role(installed, "1.1")["acts"])
        call("models", "deploy", "fraud", "1.2", "--shadow")
        wait_until(lambda: role(installed, "1.2")["scored"])
        call("models", "promote", "fraud", "1.2")
        wait_until(lambda: role(installed, "1.2")["acts"])
        told = call("models", "deploy", "fraud", "2.3", "--shadow").stderr
        assert "new state is built from" in told
        assert "records read in" in told
        wait_until(lambda: role(installed, "2.3")["scored"])
        call("models", "promote", "fraud", "2.3")
        wait_until(lambda: role(installed, "2.3")["acts"])
        killed = installed.children()["query"]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: installed.children().get("query", killed) != killed)
        call("models", "rollback", "fraud")
        wait_until(lambda: role(installed, "1.2")["acts"])
        call("models", "retire", "fraud", "1.1")
        wait_until(lambda: not role(installed, "1.1")["scored"])
        source.send_signal(signal.SIGINT)
        source.wait(PATIENCE_S)
        assert run.poll() is None
    call("run", "--until-idle")

    found = installed.verify()
    assert found["clean"], found
    counts = installed.stage(found, "acted on by one version")["counts"]
    assert set(counts) == {"fraud 1.1", "fraud 1.2", "fraud 2.3"}
    serving = deployments.read_serving(installed.run_dir, "fraud")
    assert serving is not None
    assert [switch.version for switch in serving.switches] == ["1.1", "1.2", "2.3", "1.2"]
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    rows = read_scores(kafka, "scores")
    assert {s.version for s in rows} == {"1.1", "1.2", "2.3"}
    assert all(s.version == acting(serving, s.partition, s.offset) for s in rows)
    assert all(s.version == acting(serving, s.partition, s.offset) for s in read_scores(kafka, "alerts"))
    check_warmed_feature(rows)


def check_warmed_feature(rows: list[Score]) -> None:
    """The state that was warmed, taken over and recovered counts as if it had been there from the first event."""
    checked = 0
    for history in up_to_each(rows):
        score = history[-1]
        if "card_often" in score.features:
            ages = [(score.event_time - s.event_time) / HALF_LIFE_MS for s in history]
            assert score.features["card_often"] == pytest.approx(sum(2**-age for age in ages), rel=1e-9)
            checked += 1
    assert checked > 0


def test_commands_refuse_what_does_not_fit(installed: Installation) -> None:
    assert "--shadow" in installed.call("models", "deploy", "fraud", status=2).stderr
    assert "no version 9.9" in installed.call("models", "deploy", "fraud", "9.9", status=2).stderr
    assert "no trained model other" in installed.call("models", "deploy", "other", status=2).stderr
    assert "not deployed" in installed.call("models", "promote", "fraud", "1.2", status=2).stderr
    assert "no earlier champion" in installed.call("models", "rollback", "fraud", status=2).stderr
    assert "promote another" in installed.call("models", "retire", "fraud", "1.1", status=2).stderr
    assert "champion" in installed.call("models", "list").stdout
    installed.environment["FASTDATA_RUN_DIR"] = str(installed.where / "other")
    assert "`fastdata models deploy fraud`" in installed.call("run", status=2).stderr
