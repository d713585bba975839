"""Settings: precedence, refusal of unknown names, and no setting without documentation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded import Endpoints
from infra.embedded.settings import EmbeddedSettings
from pipeline import settings_catalog, settings_docs, settings_sources
from pipeline.cli.demo import for_minutes
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings
from pipeline.settings_sources import Origin

Load = Callable[..., Settings]
RUNNING = Endpoints(
    kafka_bootstrap="127.0.0.1:40001,127.0.0.2:40001",
    cassandra_contact_points=("127.0.0.1", "127.0.0.2"),
    cassandra_port=40002,
    cassandra_dc="datacenter1",
    replication_factor=3,
)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(
        *flags: str,
        env: dict[str, str] | None = None,
        file: str | None = None,
        servers: Endpoints | None = None,
    ) -> Settings:
        if file is not None:
            Path("fastdata.toml").write_text(file)
        return settings_sources.load(Origin(flags=flags), env or {}, lambda _: servers)

    return load


def test_the_order_is_flag_environment_file_servers_default(load: Load) -> None:
    env = {"FASTDATA_KAFKA__BOOTSTRAP_SERVERS": "env:1"}
    file = '[kafka]\nbootstrap_servers = "file:1"\n'
    flag = "kafka.bootstrap_servers=flag:1"
    assert load().kafka.bootstrap_servers == "127.0.0.1:19092"
    assert load(servers=RUNNING).kafka.bootstrap_servers == RUNNING.kafka_bootstrap
    assert load(servers=RUNNING, file=file).kafka.bootstrap_servers == "file:1"
    assert load(servers=RUNNING, file=file, env=env).kafka.bootstrap_servers == "env:1"
    assert load(flag, servers=RUNNING, file=file, env=env).kafka.bootstrap_servers == "flag:1"


def test_layers_meet_in_one_section(load: Load) -> None:
    settings = load(
        "kafka.prefix=a-",
        env={"FASTDATA_KAFKA__LINGER_MS": "7"},
        file="[kafka]\nsession_timeout_ms = 7000\n",
        servers=RUNNING,
    )
    kafka = settings.kafka
    assert (kafka.prefix, kafka.linger_ms, kafka.session_timeout_ms) == ("a-", 7.0, 7000)
    assert (kafka.replication_factor, kafka.min_insync_replicas) == (3, 2)


def test_running_servers_give_where_and_how_many(load: Load) -> None:
    cassandra = load(servers=RUNNING).cassandra
    assert cassandra.contact_points == ("127.0.0.1", "127.0.0.2")
    assert (cassandra.port, cassandra.replication_factor) == (40002, 3)


def test_servers_of_ones_own_are_not_mixed_with_the_embedded_ones(load: Load) -> None:
    settings = load("kafka.bootstrap_servers=other:9092", 'cassandra.contact_points=["c1"]', servers=RUNNING)
    assert settings.kafka.replication_factor == 1
    assert (settings.cassandra.port, settings.cassandra.replication_factor) == (19042, 1)


def test_fewer_copies_than_nodes_can_be_asked_for(load: Load) -> None:
    kafka = load("kafka.replication_factor=1", servers=RUNNING).kafka
    assert (kafka.replication_factor, kafka.min_insync_replicas) == (1, 1)


def test_paths_follow_the_state_directory_and_the_namespace(load: Load) -> None:
    settings = load("namespace=trial", "embedded.state_dir=/var/fd")
    assert settings.kafka.prefix == "trial-"
    assert settings.cassandra.keyspace == "fastdata_trial"
    assert settings.processing.checkpoint_dir == Path("/var/fd/runs/trial/checkpoints")
    assert settings.gateway.ledger == Path("/var/fd/runs/trial/gateway.sqlite")
    assert settings.notifier.ledger == Path("/var/fd/runs/trial/notifications.sqlite")
    assert settings.notifier.file == Path("/var/fd/runs/trial/notifications.jsonl")
    assert settings.models_dir == Path("/var/fd/models")


def test_a_given_run_directory_holds_checkpoints_and_ledger(load: Load) -> None:
    settings = load("run_dir=/elsewhere", "gateway.ledger=/ledgers/one.sqlite")
    assert settings.processing.checkpoint_dir == Path("/elsewhere/checkpoints")
    assert settings.gateway.ledger == Path("/ledgers/one.sqlite")


@pytest.mark.parametrize(
    ("flags", "env", "file", "message"),
    [
        (["kafka.prefxi=a"], {}, None, "--set kafka.prefxi=a: kafka.prefxi is no setting; the nearest is kafka.prefix"),
        (["kafka.prefix"], {}, None, "write it as name=value"),
        ([], {"FASTDATA_KAFAK__PREFIX": "a"}, None, "FASTDATA_KAFAK__PREFIX is no setting; the nearest is FASTDATA_KAFKA__PREFIX"),
        ([], {"FASTDATA_NAMESPCE": "a"}, None, "the nearest is FASTDATA_NAMESPACE"),
        ([], {}, "[kafka]\nprefx = 'a'\n", "fastdata.toml: kafka.prefx is no setting; the nearest is kafka.prefix"),
        ([], {}, "[cassandra.retention]\nscore = 3\n", "the nearest is cassandra.retention.scores"),
        ([], {}, "[kafka", "fastdata.toml is not TOML"),
        ([], {"FASTDATA_KAFKA__LINGER_MS": "soon"}, None, "kafka.linger_ms (FASTDATA_KAFKA__LINGER_MS or its flag): Input should be a valid number"),
        ([], {"FASTDATA_CASSANDRA__CONTACT_POINTS": "a,b"}, None, "written as JSON"),
        ([], {}, "[kafka.topics.scores]\npartition = 3\n", "kafka.topics.scores.partition in the configuration file is no setting"),
        (["namespace=Not OK"], {}, None, "setting namespace"),
        ([], {"FASTDATA_CONFIG": "missing.toml"}, None, "missing.toml can't be read: No such file or directory"),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_refused_by_name(
    load: Load, flags: list[str], env: dict[str, str], file: str | None, message: str
) -> None:
    with pytest.raises(RefuseUsageError) as refusal:
        load(*flags, env=env, file=file)
    assert message in str(refusal.value)


def test_a_refused_value_is_not_repeated_because_it_may_be_a_secret(load: Load) -> None:
    with pytest.raises(RefuseUsageError) as refusal:
        load(env={"FASTDATA_CASSANDRA__PASSWORD": "hunter2", "FASTDATA_KAFKA__LINGER_MS": "hunter2"})
    assert "hunter2" not in str(refusal.value)


def test_a_child_process_loads_the_same_settings(load: Load, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[kafka]\nbootstrap_servers = "file:1"\n')
    origin = Origin(config, ("namespace=trial", "kafka.linger_ms=9"))
    environ = {"FASTDATA_KAFKA__LINGER_MS": "1", "HOME": "/"}
    parent = settings_sources.load(origin, environ, lambda _: None)
    child = settings_sources.load(Origin(), origin.environment(environ), lambda _: None)
    assert child.model_dump() == parent.model_dump()
    assert child.kafka.linger_ms == 9


def test_free_tables_take_any_key(load: Load) -> None:
    settings = load(
        "kafka.topics.scores.partitions=8", file='[kafka.topics.dead-letters]\nretention_hours = "forever"\n'
    )
    assert settings.kafka.topics["scores"].partitions == 8
    assert settings.kafka.topics["dead-letters"].retention_hours == "forever"


def test_the_servers_are_looked_for_where_the_state_directory_is(load: Load) -> None:
    asked: list[EmbeddedSettings] = []

    def endpoints(embedded: EmbeddedSettings) -> None:
        asked.append(embedded)

    settings_sources.load(Origin(flags=("embedded.state_dir=/var/fd",)), {}, endpoints)
    assert asked[-1].state_dir == Path("/var/fd")


def test_every_setting_says_what_it_is() -> None:
    assert [s.name for s in settings_catalog.catalog(Settings) if not s.description] == []


def test_every_setting_is_documented_as_it_is_now() -> None:
    documented = settings_docs.PAGE.read_text(encoding="utf-8")
    undocumented = [s.name for s in settings_catalog.catalog(Settings) if f"`{s.name}`" not in documented]
    assert undocumented == []
    assert documented == settings_docs.render(), f"stale: run `{settings_docs.COMMAND}`"


def test_a_writer_that_waits_longer_than_its_group_does_is_refused(load: Load) -> None:
    assert load("writer.give_up_s=299").writer.give_up_s == 299
    with pytest.raises(RefuseUsageError, match=r"writer\.give_up_s is not below kafka\.max_poll_interval_ms"):
        load("writer.give_up_s=300")


def test_a_demo_sets_what_pays_in_minutes_where_nobody_has_said_anything(load: Load) -> None:
    assert list(for_minutes(load())) == ["supervision.standby=false", "processing.brief=true"]
    assert list(for_minutes(load("supervision.standby=true"))) == ["processing.brief=true"]
    assert list(for_minutes(load(env={"FASTDATA_SUPERVISION__STANDBY": "true"}))) == ["processing.brief=true"]
    assert list(for_minutes(load(file="[processing]\nbrief = false\n"))) == ["supervision.standby=false"]
