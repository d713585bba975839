"""Where settings come from, in order: flags, environment, file, running servers, defaults.

Names that are no setting are refused wherever they stand, with the nearest one that is.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from infra.embedded import Endpoints
from infra.embedded.settings import EmbeddedSettings
from pipeline import settings_catalog
from pipeline.errors import RefuseUsageError
from pipeline.settings import CONFIG_ENV, ENV_PREFIX, NESTED, Settings

DEFAULT_FILE: Final = Path("fastdata.toml")

KnownEndpoints = Callable[[EmbeddedSettings], Endpoints | None]
Layer = dict[str, Any]

_UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Origin:
    """What the caller gave; enough for a child process to load the same settings.

    Attributes
    ----------
    config
        The file asked for, or None for `fastdata.toml` where it exists.
    flags
        `name=value` for each `--set`, in order; a later one wins.
    """

    config: Path | None = None
    flags: tuple[str, ...] = ()

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with flags and file folded in, for a child process."""
        config = {CONFIG_ENV: str(self.config)} if self.config else {}
        return {**environ, **config, **_as_environment(self.flags)}


def load(origin: Origin, environ: Mapping[str, str], endpoints: KnownEndpoints) -> Settings:
    """Read the settings.

    Parameters
    ----------
    environ
        The process's environment.
    endpoints
        Tells where the embedded servers run, if they do.

    Raises
    ------
    RefuseUsageError
        When a name is no setting, a value does not fit, or the file can't be read.
    """
    variables = origin.environment(environ)
    _refuse_wrong_variables(variables)
    file = _read_file(origin.config or _path_or_none(environ.get(CONFIG_ENV)))
    layers = (variables, file)
    first = _build(*layers, {"kafka": {"bootstrap_servers": _UNKNOWN}})
    return _build(*layers, derived(first, endpoints(first.embedded)))


def derived(given: Settings, endpoints: Endpoints | None) -> Layer:
    """Return what follows from the other settings and the running servers; anything given wins over it."""
    run_dir = given.embedded.state_dir / "runs" / (given.namespace or "main")
    kept = given.run_dir if "run_dir" in given.model_fields_set else run_dir
    layer: Layer = {
        "models_dir": given.embedded.state_dir / "models",
        "token_key": given.embedded.state_dir / "token.key",
        "run_dir": run_dir,
        "kafka": _kafka(given, endpoints),
        "cassandra": _cassandra(given, endpoints),
        "processing": {"checkpoint_dir": kept / "checkpoints"},
        "actors": {"state_dir": kept / "actors"},
        "gateway": {"ledger": kept / "gateway.sqlite"},
        "notifier": {"ledger": kept / "notifications.sqlite", "file": kept / "notifications.jsonl"},
    }
    if given.namespace:
        layer["kafka"]["prefix"] = f"{given.namespace}-"
        layer["cassandra"]["keyspace"] = f"fastdata_{given.namespace}"
    return layer


def _kafka(given: Settings, endpoints: Endpoints | None) -> Layer:
    if given.kafka.bootstrap_servers != _UNKNOWN:
        return {}
    if endpoints is None:
        return {"bootstrap_servers": f"127.0.0.1:{given.embedded.kafka_port}"}
    layer: Layer = {"bootstrap_servers": endpoints.kafka_bootstrap}
    if "replication_factor" not in given.kafka.model_fields_set:
        layer["replication_factor"] = endpoints.replication_factor
        layer["min_insync_replicas"] = max(1, endpoints.replication_factor - 1)
    return layer


def _cassandra(given: Settings, endpoints: Endpoints | None) -> Layer:
    if "contact_points" in given.cassandra.model_fields_set:
        return {}
    if endpoints is None:
        return {"port": given.embedded.cassandra_port}
    return {
        "contact_points": endpoints.cassandra_contact_points,
        "port": endpoints.cassandra_port,
        "local_dc": endpoints.cassandra_dc,
        "replication_factor": endpoints.replication_factor,
    }


def _build(variables: Mapping[str, str], file: Layer, last: Layer) -> Settings:
    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return _sources(settings_cls, variables, file, last)

    try:
        return Layered.model_validate({})
    except ValidationError as error:
        raise RefuseUsageError("; ".join(_explain(e, variables) for e in error.errors())) from error


def _sources(
    settings: type[BaseSettings], variables: Mapping[str, str], file: Layer, last: Layer
) -> tuple[PydanticBaseSettingsSource, ...]:
    environment = EnvSettingsSource(settings)
    environment.env_vars = {name.lower(): value for name, value in variables.items() if name != CONFIG_ENV}
    return (environment, InitSettingsSource(settings, file), InitSettingsSource(settings, last))


def _explain(error: ErrorDetails, variables: Mapping[str, str]) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return _no_setting(name, f"{name} in the configuration file")
    variable = variable_of(name)
    where = f" ({variable} or its flag)" if variable in variables else ""
    return f"setting {name or 'combination'}{where}: {error['msg']}"


def variable_of(name: str) -> str:
    """Return the environment name of a setting."""
    return ENV_PREFIX + name.upper().replace(".", NESTED)


def _as_environment(flags: Sequence[str]) -> dict[str, str]:
    return dict(_as_variable(flag) for flag in flags)


def _as_variable(flag: str) -> tuple[str, str]:
    name, equals, value = flag.partition("=")
    if not equals:
        raise RefuseUsageError(f"--set {flag}: write it as name=value, as in --set kafka.prefix=test-")
    if not settings_catalog.known(name, Settings):
        raise RefuseUsageError(_no_setting(name, f"--set {flag}: {name}"))
    return variable_of(name), value


def _refuse_wrong_variables(variables: Mapping[str, str]) -> None:
    for variable, value in variables.items():
        if variable.upper().startswith(ENV_PREFIX) and variable != CONFIG_ENV:
            name = variable[len(ENV_PREFIX) :].lower().replace(NESTED, ".")
            if not settings_catalog.known(name, Settings):
                near = variable_of(settings_catalog.nearest(name, Settings))
                raise RefuseUsageError(
                    f"environment variable {variable} is no setting; the nearest is {near}"
                )
            if settings_catalog.takes_json(name, Settings) and not _is_json(value):
                raise RefuseUsageError(
                    f"setting {name} ({variable} or its flag): lists and tables are written as JSON"
                )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _no_setting(name: str, where: str) -> str:
    return f"{where} is no setting; the nearest is {settings_catalog.nearest(name, Settings)}"


def _path_or_none(text: str | None) -> Path | None:
    return Path(text) if text else None


def _read_file(path: Path | None) -> Layer:
    if path is None and not DEFAULT_FILE.is_file():
        return {}
    path = path or DEFAULT_FILE
    try:
        layer = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefuseUsageError(
            f"the configuration file {path} can't be read: {os.strerror(error.errno or 0)}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefuseUsageError(f"the configuration file {path} is not TOML: {error}") from error
    _refuse_unknown_names(layer, path)
    return layer


def _refuse_unknown_names(layer: Layer, path: Path) -> None:
    for name in _dotted(layer):
        if not settings_catalog.known(name, Settings):
            raise RefuseUsageError(_no_setting(name, f"{path}: {name}"))


def _dotted(layer: Layer, prefix: str = "") -> Iterator[str]:
    for key, value in layer.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield prefix + key
