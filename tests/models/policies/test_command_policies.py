"""What the policies of commands say, and how a file that says something wrong is told."""

import pytest

from models.errors import RefuseSpecError
from models.policies.commands import CommandPolicy
from models.policies.limits import BlastRadius, QuietHours, Retry
from models.policies.policies import BUILT_IN, parse

HOUR = 3_600_000


def refusal(entry: str) -> str:
    with pytest.raises(RefuseSpecError) as caught:
        parse(f"[[commands]]\n{entry}", "own.toml")
    return str(caught.value)


def test_the_built_in_policies_stop_no_machine_without_two_people() -> None:
    found = {policy.key: policy for policy in parse(BUILT_IN.read_text(), "built in").commands}
    assert found["block-fraud"].mode == "automatic"
    assert found["stop-by-hand"].two_people


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('command = "stop_machine"\nmodels = "m"', "commands[1] (stop_machine): stop_machine is destructive"),
        ('command = "stop_machine"\nmodels = "m"\nmode = "approval"', "stop_machine is destructive"),
        ('command = "block_card"', "nothing leads to it: name `models`, or say `manual = true`"),
        (
            'command = "block_card"\nmanual = true\ntwo_people = true',
            '`two_people` needs `mode = "approval"`',
        ),
        ('command = "schedule_inspection"\nmanual = true\nrevert_after = "1m"', "nothing undoes schedule"),
        ('command = "block_card"\nmanual = true\nretry = { frist = "5s" }', "do you mean `first`?"),
        (
            'name = "x"\ncommand = "block_card"\nmanual = true\ntimeout = 5',
            "commands[1] (x).timeout: 5 is no",
        ),
        ('command = "block_card"\nmanual = true\nverify_grace = "1s"', "`verify_grace` is a part of"),
        (
            'command = "block_card"\nmanual = true\nblast_radius = { percent = 1, fleet = 9 }',
            "1 % of 9 is less than one",
        ),
        (
            'command = "block_card"\nmanual = true\nquiet_hours = [{ start = "24:00", end = "06:00" }]',
            "no time of the day",
        ),
    ],
)
def test_what_is_wrong_is_told_by_file_place_and_remedy(entry: str, told: str) -> None:
    assert refusal(entry).startswith("own.toml: ")
    assert told in refusal(entry)


def test_all_that_is_wrong_is_told_at_once_and_a_name_twice_too() -> None:
    assert len(refusal('command = "x"\nmanual = 3\nfoo = 1').splitlines()) == 3
    twice = 'command = "block_card"\nmodels = "a"\n'
    assert "2 entries of [[commands]] are called block_card/a" in refusal(f"{twice}[[commands]]\n{twice}")


def test_a_destructive_command_may_go_alone_when_somebody_says_so() -> None:
    entry = '[[commands]]\ncommand = "stop_machine"\nmodels = "m"\ndestructive_automatic = true'
    assert parse(entry, "own.toml").commands[0].people == 0


def test_a_policy_concerns_its_models_from_its_severity_on() -> None:
    policy = CommandPolicy.model_validate({"models": "m", "command": "block_card", "severity": "high"})
    asked = [("m", "medium"), ("m", "high"), ("m", "critical"), ("n", "critical")]
    assert [policy.concerns(*each) for each in asked] == [False, True, True, False]


@pytest.mark.parametrize(
    ("start", "end", "hour", "until"),
    [
        ("22:00", "06:00", 23, 30),
        ("22:00", "06:00", 5, 6),
        ("22:00", "06:00", 6, None),
        ("01:00", "02:00", 1, 2),
    ],
)
def test_quiet_hours_go_over_midnight(start: str, end: str, hour: int, until: int | None) -> None:
    found = QuietHours(start=start, end=end).until(hour * HOUR)
    assert found == (None if until is None else until * HOUR)


def test_pauses_double_up_to_the_longest_and_end() -> None:
    retry = Retry.model_validate({"first": "1s", "longest": "3s", "times": 3})
    assert [retry.pause(sends) for sends in (1, 2, 3, 4)] == [1_000, 2_000, 3_000, None]


def test_a_share_is_rounded_down() -> None:
    assert [BlastRadius(percent=10).most(fleet) for fleet in (9, 10, 57, 100)] == [0, 1, 5, 10]
