from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from storage.settings import CassandraSettings, Retention, WriterSettings


@pytest.mark.parametrize(
    "fields",
    [
        {"contact_points": ()},
        {"keyspace": "Robert'); DROP"},
        {"keyspace": "x" * 49},
        {"port": 0},
        {"batch_bytes": 51_200},
        {"username": "u"},
        {"password": SecretStr("p")},
        {"unknown": 1},
    ],
)
def test_senseless_settings_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CassandraSettings(**fields)


def test_a_password_is_not_shown() -> None:
    settings = CassandraSettings(username="u", password=SecretStr("secret"))
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("model", [CassandraSettings, Retention, WriterSettings])
def test_settings_cannot_be_changed(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError):
        setattr(model(), next(iter(model.model_fields)), None)
