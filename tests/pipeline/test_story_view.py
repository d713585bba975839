from models.machines import Machine, Measured
from pipeline.cli import story_view
from storage.story import Story

PUMP = Machine(
    machine="P1",
    machine_class="pump",
    measurements={
        "flow": Measured(unit="m³/h", low=0, high=600),
        "noise": Measured(unit="dB", low=20, high=140),
    },
)
READING = {"machine": "P1", "measurements": {"flow": 151.5, "noise": 1_400.0, "seal": 3.0, "speed": None}}


def told(machine: Machine | None, event: dict[str, object]) -> str:
    (line,) = story_view.lines(Story("e1", 1_700_000_000_000, event, ()), machine)
    return line.partition("event e1: ")[2]


def test_a_registered_machines_reading_has_units_and_says_what_is_out_of_range() -> None:
    expected = "machine P1, flow 151.5 m³/h, noise 1400.0 dB (outside 20 to 140), seal 3.0, speed missing"
    assert told(PUMP, READING) == expected


def test_without_the_register_the_values_stand_alone() -> None:
    assert told(None, READING) == "machine P1, flow 151.5, noise 1400.0, seal 3.0, speed missing"
    assert told(None, {"card": "c", "amount": 3.5}) == "card c, amount 3.5"
