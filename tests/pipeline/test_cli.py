"""The command line: help that answers at once, refusals of one line, and exit statuses; no server needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fraud_artifact import handmade
from typer.testing import CliRunner

from pipeline import artifacts, roster
from pipeline.cli import app

COMMANDS = [
    "up",
    "restart",
    "down",
    "status",
    "migrate",
    "models",
    "simulate",
    "replay",
    "machines",
    "run",
    "demo",
    "verify",
    "story",
    "alarms",
    "notifications",
]
AWAY = {
    "FASTDATA_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "FASTDATA_KAFKA__REQUEST_TIMEOUT_MS": "500",
    "FASTDATA_CASSANDRA__CONTACT_POINTS": '["127.0.0.1"]',
    "FASTDATA_CASSANDRA__PORT": "1",
    "FASTDATA_CASSANDRA__CONNECT_GIVE_UP_S": "0",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("FASTDATA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")


def call(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), env=env)
    return result.exit_code, result.stdout, result.stderr


def test_help_names_every_command_and_the_exit_statuses() -> None:
    status, out, _ = call("--help")
    assert status == 0
    assert all(f" {command} " in out for command in COMMANDS)
    assert "3 a server is away" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    status, out, _ = call(command, "--help")
    assert status == 0
    assert "Usage:" in out


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pipeline.cli import app; import contextlib\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        "heavy = {'pyspark', 'faust', 'pandas', 'numpy', 'cassandra', 'confluent_kafka', 'sklearn', 'pydantic'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "kafka.prefxi=a", "verify"], "kafka.prefxi is no setting; the nearest is kafka.prefix"),
        (["--namespace", "Not OK", "verify"], "setting namespace"),
        (["--config", "none.toml", "status"], "none.toml can't be read"),
        (
            ["replay", str(Path(__file__)), "--rate", "1", "--speed", "2"],
            "say events_per_s or speed, not both",
        ),
        (["replay", str(Path(__file__)), "--rate", "-1"], "events_per_s Input should be greater than 0"),
        (["simulate", "transactions", "--limit", "0"], "limit Input should be greater than 0"),
        (["simulate", "readings", "--every", "0"], "every_s Input should be greater than or equal to 0.1"),
        (["simulate", "register", "none/r.toml"], "can't write none/r.toml: No such file or directory"),
        (["alarms", "shelve", "a"], "say how long: --for TIME, or --once until the alarm returns"),
        (["alarms", "shelve", "a", "--for", "1h", "--once"], "say how long"),
        (["alarms", "shelve", "a", "--for", "soon"], "'soon' is no length of time"),
        (["machines", "import", str(Path(__file__))], "a register is a file of kind .toml or .csv"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    status, out, err = call(*arguments, env=AWAY)
    assert status == 2
    assert message in err
    assert err.startswith("fastdata: ")
    assert len(err.splitlines()) == 1
    assert out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--nodes", "2"],
        ["nonsense"],
        ["story"],
        ["run", "--only", "x"],
        ["replay", "none.csv"],
        ["alarms", "ack"],
        ["alarms", "list", "--state", "normal"],
        ["simulate", "readings", "--to", "r.parquet"],
        ["simulate", "readings", "--live", "--start", "2024-01-01"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    status, _, err = call(*arguments)
    assert status == 2
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["verify"],
        ["story", "e1"],
        ["status"],
        ["machines", "list"],
        ["alarms", "list"],
        ["alarms", "ack", "a"],
    ],
)
def test_a_server_that_is_away_is_one_line_and_status_3(arguments: list[str]) -> None:
    status, _, err = call(*arguments, env=AWAY)
    assert status == 3
    (line,) = [line for line in err.splitlines() if line.startswith("fastdata: ")]
    assert "Traceback" not in err
    assert line


def test_a_reader_that_goes_away_is_no_error_to_speak_of() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "from pipeline.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "simulate", "register", "r.toml"],
        check=False,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_simulated_fleet_becomes_files() -> None:
    fleet = ["--machines", "20", "--seed", "3"]
    assert call("simulate", "register", "r.toml", *fleet)[:2] == (0, "r.toml: 20 machines\n")
    status, out, _ = call(
        "simulate",
        "readings",
        *fleet,
        "--hours",
        "1",
        "--faults",
        "9",
        "--to",
        "r.parquet",
        "--truth",
        "t.jsonl",
    )
    assert (status, out.split(":")[0]) == (0, "r.parquet")
    assert 1_100 < int(out.split()[1].replace(",", "")) <= 1_200
    truths = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert {"fault"} <= {truth["what"] for truth in truths}


def test_debug_shows_where_it_went_wrong() -> None:
    result = CliRunner().invoke(app, ["--debug", "--set", "x=1", "verify"])
    assert result.exception is not None
    assert type(result.exception).__name__ == "RefuseUsageError"


def test_down_refuses_while_a_run_uses_the_servers() -> None:
    with roster.owned(Path(".fastdata/runs/main")):
        status, _, err = call("down")
    assert status == 2
    assert f"process {os.getpid()}" in err


def test_down_with_wipe_says_what_it_deletes() -> None:
    kept = Path(".fastdata/runs/main/checkpoints")
    kept.mkdir(parents=True)
    status, _, err = call("down", "--wipe")
    assert status == 0
    assert "Deleting .fastdata/runs/main" in err
    assert not kept.exists()


def test_a_run_without_deployment_is_refused_with_the_command_that_helps() -> None:
    status, _, err = call("--namespace", "trial", "run", "--only", "query", env=AWAY)
    assert status == 2
    assert "no model is deployed in namespace trial: `fastdata --namespace trial models train` first" in err
    assert not Path(".fastdata/runs/trial/logs/query.log").exists()


def test_the_life_of_a_model_without_any_server() -> None:
    assert call("models", "list", env=AWAY)[2].strip().endswith("`fastdata models train` makes one")
    assert "no trained model fraud" in call("models", "deploy", "fraud", env=AWAY)[2]
    for _ in range(2):
        artifacts.keep(Path(".fastdata/models"), handmade("0.5D", 0.5))
    assert "deploy it without --shadow" in call("models", "deploy", "fraud", "--shadow", env=AWAY)[2]
    assert call("models", "deploy", "fraud", "1.1", env=AWAY)[1] == "fraud: 1.1 acts\n"
    assert "promote fraud 1.2" in call("models", "deploy", "fraud", env=AWAY)[2]
    status, out, _ = call("models", "deploy", "fraud", "--shadow", env=AWAY)
    assert (status, out) == (0, "fraud: 1.1 acts, beside it 1.2\n")
    assert call("models", "promote", "fraud", "1.2", env=AWAY)[1] == "fraud: 1.2 acts, beside it 1.1\n"
    roles = {v["version"]: v["role"] for v in json.loads(call("models", "list", "--json", env=AWAY)[1])}
    assert roles == {"1.1": "shadow", "1.2": "champion"}
    table = call("models", "list", env=AWAY)[1]
    assert "champion, not acting yet" in table
    assert call("models", "rollback", "fraud", env=AWAY)[1] == "fraud: 1.1 acts, beside it 1.2\n"
    assert call("models", "retire", "fraud", "1.2", env=AWAY)[1] == "fraud: 1.1 acts\n"
    assert call("models", "retire", "fraud", "1.1", env=AWAY)[0] == 2


def test_a_restart_needs_servers() -> None:
    status, out, err = call("restart")
    assert (status, out) == (2, "")
    assert "No server runs in .fastdata: `fastdata up` starts them." in err
