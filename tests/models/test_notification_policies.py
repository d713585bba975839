"""The tables of channels, teams and notifications: what they say, and what is refused."""

import pytest

from models.errors import RefuseSpecError
from models.policies.notifications import LOCAL
from models.policies.policies import Policies, parse

GOOD = """
[channels.oncall]
url_env = "ONCALL_URL"
fallback = "office"

[channels.office]
url_file = "/run/secrets/office"

[teams.night]
channels = ["oncall", "local"]

[[notifications]]
name = "machines"
severity = "high"
models = ["anomaly-pump"]
days = ["mon", "tue"]
from = "22:00"
until = "06:00"
teams = ["night"]
channels = ["office", "oncall"]
group_within = "30s"
escalation = [{ after = "10m", channels = ["office"], every = "15m", times = 3 }]
"""


def test_channels_teams_and_routes_are_read() -> None:
    policies = parse(GOOD, "p")
    (route,) = policies.notifications
    assert policies.receivers(route) == ("office", "oncall", LOCAL)
    assert (route.group_within, route.from_, route.escalation[0].every) == (30_000, "22:00", 900_000)
    assert [policies.fallback(c) for c in ("oncall", "office", "gone", LOCAL)] == [
        "office",
        LOCAL,
        LOCAL,
        None,
    ]


def test_without_a_word_everything_goes_to_the_local_channel() -> None:
    (route,) = Policies().notifications
    assert (route.severity, route.channels, route.models) == ("low", (LOCAL,), ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('url_env = "ONCALL_URL"', 'url = "slack://T1/A1/secretword"', "channels.oncall.url"),
        ('url_env = "ONCALL_URL"', "", "by url_env or by url_file"),
        ('url_env = "ONCALL_URL"', 'url_env = "A"\nurl_file = "b"', "by url_env or by url_file"),
        ("ONCALL_URL", "slack://secretword", "channels.oncall.url_env"),
        ("ONCALL_URL", "FASTDATA_ONCALL", "begin with FASTDATA_ are settings"),
        ('fallback = "office"', 'fallback = "nobody"', "channel oncall: there is no channel nobody"),
        ('"/run/secrets/office"', '"f"\nfallback = "oncall"', "go round in a circle"),
        ("[channels.office]", "[channels.local]", "channel local is built in"),
        ('["oncall", "local"]', '["nobody"]', "team night: there is no channel nobody"),
        ('["oncall", "local"]', "[]", "teams.night.channels"),
        ('teams = ["night"]', 'teams = ["day"]', "notification machines: there is no team day"),
        ('channels = ["office"], every', 'channels = ["nobody"], every', "no channel nobody"),
        ('channels = ["office"], every', 'teams = ["day"], every', "no team day"),
        ('channels = ["office"], every', "every", "at least one channel or team"),
        ('every = "15m", ', "", "every and times"),
        (", times = 3", "", "every and times"),
        ('from = "22:00"', "", "from and until go together"),
        ('"22:00"', '"06:00"', "from and until go together and differ"),
        ('"22:00"', '"24:00"', "notifications[1] (machines).from"),
        ('"30s"', '"soon"', "notifications[1] (machines).group_within"),
        ('"mon"', '"monday"', "notifications[1] (machines).days[1]"),
        ("[teams.night]", "[[notifications]]\nname = 'machines'\nteams = ['night']\n[teams.night]", "two notifications"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(RefuseSpecError) as refusal:
        parse(GOOD.replace(old, new), "p")
    assert message in str(refusal.value)
    assert "secretword" not in str(refusal.value), (
        "an address that was put in the wrong place is not repeated"
    )
