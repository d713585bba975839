"""To another release that keeps other state per key, and back, while events come: on real servers, as an operator does it."""

import json
import os
import subprocess
from pathlib import Path

import other_release
import psutil
import pytest
from card_histories import up_to_each
from installation import PATIENCE_S, Installation, wait_until

from ingest.consumer import read_all
from ingest.settings import KafkaSettings
from models import scores
from models.fraud import MONTH
from models.scores import Score
from pipeline import deployments

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.cassandra,
    pytest.mark.spark,
    pytest.mark.slow,
]

SOURCE = ("simulate", "transactions", "--rate", "100", "--limit", "100000")
PARTS = ("query", "writer", "actors")
RUN = ("run", *(word for part in PARTS for word in ("--only", part)))
OTHER_STATE = {"models/layout.py": ("STATE_FORMAT: Final = 1", "STATE_FORMAT: Final = 2")}
UNUSABLE = {"pipeline/bootstrap/actors.py": ("    settings = part.settings\n", "    raise SystemExit(9)\n")}


def environments(installed: Installation) -> set[str]:
    """The environments that the children run in."""
    children = installed.children()
    found = {str(Path(psutil.Process(pid).cmdline()[0]).parents[1]) for pid in children.values()}
    return found if set(children) == set(PARTS) else set()


def query_of(installed: Installation) -> str:
    serving = deployments.read_serving(installed.run_dir, "fraud")
    assert serving is not None
    return serving.query


@pytest.mark.skipif(
    "FASTDATA_TEST_UPGRADE" not in os.environ,
    reason="five minutes on two slow cores: set FASTDATA_TEST_UPGRADE=1 to run it",
)
@pytest.mark.timeout(900)
def test_to_a_release_with_other_state_and_back_during_a_stream(
    installed: Installation, tmp_path: Path, kafka_bootstrap: str, topic_prefix: str
) -> None:
    newer = str(other_release.made(tmp_path / "newer", "9.9", OTHER_STATE))
    installed.environment |= {
        "FASTDATA_PROCESSING__INTERVAL_S": "5",
        "FASTDATA_PROCESSING__IDLE_INTERVAL_S": "5",
        "FASTDATA_SUPERVISION__READY_TIMEOUT_S": "240",
        "FASTDATA_SUPERVISION__SETTLE_S": "0.5",
    }
    call = installed.call
    assert "none was changed here" in call("rollback", status=2).stderr
    with (
        installed.running(*RUN, stderr=subprocess.DEVNULL) as run,
        installed.running(*SOURCE, stderr=subprocess.DEVNULL) as source,
    ):
        wait_until(lambda: (installed.run_dir / "progress.json").exists() and environments(installed))
        before, (first,) = query_of(installed), environments(installed)

        planned = call("upgrade", newer, "--dry-run")
        assert "state of fraud: is built anew from the topic" in planned.stderr
        assert environments(installed) == {first}

        assert "9.9" in call("upgrade", newer, "--why", "to see it").stdout
        assert environments(installed) == {newer}
        after = query_of(installed)
        assert after != before
        assert "release 9.9" in call("models", "list").stderr
        assert "serves already" in call("upgrade", newer, status=2).stderr

        assert "0.1.0" in call("rollback", "--why", "enough seen").stdout
        assert environments(installed) == {first}
        assert query_of(installed) == before
        source.terminate()
        source.wait(PATIENCE_S)
        assert run.poll() is None
    call("run", "--until-idle")

    assert installed.verify()["clean"]
    told = call("releases", "history").stdout
    assert told.count("asks for") == told.count("done; ") == 2
    assert "to see it" in told
    assert "finished" in call("upgrade", "--finish").stdout
    assert "no way back" in call("rollback", status=2).stderr
    assert not (installed.run_dir / "checkpoints" / after).exists()
    rows = [
        s.value
        for s in read_all(KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix), "scores")
    ]
    check_means([scores.decode(value) for value in rows])


def check_means(rows: list[Score]) -> None:
    """What was built anew, taken over and gone back to counts as if it had been there from the first event."""
    checked = 0
    for history in up_to_each(rows):
        score = history[-1]
        weighed = [(2 ** (s.event_time / MONTH - score.event_time / MONTH), s) for s in history]
        amounts = sum(w * float(s.event["amount"]) for w, s in weighed)
        assert score.features["card_mean"] == pytest.approx(amounts / sum(w for w, _ in weighed), rel=1e-9)
        checked += len(history) > 1
    assert checked > 0


@pytest.mark.timeout(600)
def test_a_release_that_does_not_come_up_is_taken_back_by_itself(
    installed: Installation, tmp_path: Path
) -> None:
    bad = str(other_release.made(tmp_path / "bad", "9.9", UNUSABLE))
    installed.environment["FASTDATA_SUPERVISION__SETTLE_S"] = "0.5"
    with installed.running("run", "--only", "actors", "--only", "gateway", stderr=subprocess.DEVNULL):
        wait_until(lambda: set(installed.children()) == {"actors", "gateway"})
        failed = installed.call("upgrade", bad, status=1).stderr
        assert "actors did not come up" in failed
        wait_until(lambda: set(installed.children()) == {"actors", "gateway"})
        commands = [psutil.Process(pid).cmdline()[0] for pid in installed.children().values()]
        assert not [command for command in commands if command.startswith(bad)]
    assert "failed, actors" in installed.call("releases", "history").stdout
    listed = json.loads(installed.call("models", "list", "--json").stdout)
    assert listed
