"""Settings of the bridges to devices."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class HttpSettings(BaseModel):
    """How commands are posted to devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = ""
    """Where a command is posted; `{entity}` stands for the device, as in `https://plant/devices/{entity}/commands`."""

    token: SecretStr | None = None
    """Bearer token that is sent along; better kept in a file."""

    token_file: Path | None = None
    """File that holds the bearer token."""

    ca_file: Path | None = None
    """Certificates that devices' servers are checked against; none: those that everybody trusts."""

    timeout_s: float = Field(default=5, gt=0)
    """Seconds that one request may take."""

    connections: int = Field(default=32, ge=1, le=1_000)
    """Most requests at once."""

    retry_first_s: float = Field(default=0.2, gt=0)
    """First pause in seconds after a request that failed; it doubles each time, with some jitter."""

    retry_most_s: float = Field(default=30, gt=0)
    """Longest pause in seconds."""

    follow_s: float = Field(default=1, gt=0)
    """Seconds between two questions for the outcome of a command that a device has taken."""

    follow_most_s: float = Field(default=3_600, gt=0)
    """Seconds after a command's expiry for which its outcome is still asked for."""

    @field_validator("url")
    @classmethod
    def _is_a_template(cls, url: str) -> str:
        try:
            parts = urlsplit(url.format(entity="x"))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"{url}: the only name in braces is {{entity}}") from error
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"{url}: has to begin with http:// or https:// and a host")
        return url

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("token and token_file: give one of them")
        return self

    def url_of(self, entity: str) -> str:
        """Return where the commands of this device are posted."""
        return self.url.format(entity=quote(entity, safe=""))


class MqttSettings(BaseModel):
    """How commands travel through an MQTT broker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    """The broker's host."""

    port: int = Field(default=1883, ge=1, le=65_535)
    """Its port; 8883 is usual with TLS."""

    version: Literal["5", "3.1.1"] = "5"
    """Version of the protocol; with 3.1.1 the broker does not drop expired commands, devices have to."""

    prefix: str = Field(default="fastdata", pattern=r"^[^+#/$][^+#/]*(/[^+#/]+)*$")
    """First levels of every topic: `<prefix>/<entity>/commands` and `<prefix>/<entity>/acks`."""

    client_id: str = Field(default="fastdata-gateway", min_length=1)
    """The gateway's name at the broker, which keeps devices' answers under it while the gateway is away."""

    username: str | None = None
    """Name to log in with; none: without a log-in."""

    password: SecretStr | None = None
    """Its password; better kept in a file."""

    password_file: Path | None = None
    """File that holds the password."""

    tls: bool = False
    """Whether the connection is encrypted."""

    ca_file: Path | None = None
    """Certificates that the broker is checked against; none: those of the system. With `tls` only."""

    session_s: int = Field(default=7 * 86_400, ge=1, le=0xFFFF_FFFE)
    """Seconds that the broker keeps answers for a gateway that is away (MQTT 5; in 3.1.1 the broker decides)."""

    keepalive_s: int = Field(default=30, ge=1, le=65_535)
    """Seconds between two signs of life on a silent connection."""

    timeout_s: float = Field(default=5, gt=0)
    """Seconds that connecting may take."""

    in_flight: int = Field(default=100, ge=1, le=10_000)
    """Most commands that the broker has not confirmed yet."""

    retry_first_s: float = Field(default=0.2, gt=0)
    """First pause in seconds after a lost connection or a command that no device could take; it doubles each time."""

    retry_most_s: float = Field(default=30, gt=0)
    """Longest pause in seconds."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file: give one of them")
        if self.username is None and (self.password or self.password_file):
            raise ValueError("a password needs a username")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is for a connection with tls = true")
        return self
