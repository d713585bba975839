from pathlib import Path

import pytest

from ingest.errors import RefuseInputError
from ingest.fleet.fleet import Fleet
from ingest.fleet.register import register_of
from ingest.fleet.settings import FleetSettings
from ingest.register import dump_toml, load_register
from models.machines import Machine, Measured

TOML = """
[classes.pump.measurements]
flow = { unit = "m³/h", low = 0, high = 600 }
noise = { unit = "dB", low = 20, high = 140 }
[machines]
P1 = { class = "pump", latitude = 48.2, longitude = 16.3 }
P2 = { class = "pump" }
"""
CSV = """\
machine,class,measurement,unit,low,high,latitude,longitude
P1,pump,flow,m³/h,0,600,48.2,16.3
P1,pump,noise,dB,20,140,48.2,16.3
P2,pump,flow,m³/h,0,600,,
P2,pump,noise,dB,20,140,,
"""
MEASURED = {
    "flow": Measured(unit="m³/h", low=0, high=600),
    "noise": Measured(unit="dB", low=20, high=140),
}
MACHINES = [
    Machine(machine="P1", machine_class="pump", measurements=MEASURED, latitude=48.2, longitude=16.3),
    Machine(machine="P2", machine_class="pump", measurements=MEASURED),
]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("r.toml", TOML), ("r.csv", CSV)])
def test_a_register_is_read(tmp_path: Path, name: str, text: str) -> None:
    machines = load_register(written(tmp_path / name, text))
    assert machines == MACHINES
    assert [machine.moves for machine in machines] == [False, True]


def test_columns_of_place_may_be_left_out(tmp_path: Path) -> None:
    text = "machine,class,measurement,unit,low,high\nP2,pump,flow,m³/h,0,600\nP2,pump,noise,dB,20,140\n"
    assert load_register(written(tmp_path / "r.csv", text)) == MACHINES[1:]


def test_a_fleets_register_is_what_its_readings_are(tmp_path: Path) -> None:
    settings = FleetSettings(machines=20)
    machines = register_of(settings)
    assert load_register(written(tmp_path / "r.toml", dump_toml(machines))) == machines
    fleet = Fleet(settings, 1_700_000_000_000)
    assert [m.machine for m in machines] == fleet.names
    assert [m.moves for m in machines] == fleet.places.moving.tolist()
    assert all(
        (m.machine_class, tuple(m.measurements)) == (of.name, of.names)
        for m, of in zip(machines, fleet.classes, strict=True)
    )


def test_names_that_toml_must_quote_come_back(tmp_path: Path) -> None:
    odd = Machine(machine='a "b".c', machine_class="hall 3", measurements={"t/°C": MEASURED["noise"]})
    assert load_register(written(tmp_path / "r.toml", dump_toml([odd]))) == [odd]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.json", "{}", "kind .toml or .csv"),
        ("r.toml", "a = ", "not TOML"),
        ("r.toml", "", "missing required field `classes`"),
        ("r.toml", "[classes]\n[machines]\n", "names no machine"),
        ("r.toml", TOML + 'P2 = { class = "pump" }', "not TOML"),
        (
            "r.toml",
            TOML + 'P3 = { class = "pmup" }',
            r"machines.P3: there is no class 'pmup'; there are pump",
        ),
        ("r.toml", TOML + 'P3 = { class = "pump", size = 3 }', "unknown field `size`"),
        (
            "r.toml",
            TOML + 'P3 = { class = "pump", latitude = 4 }',
            "machines.P3.*both latitude and longitude",
        ),
        ("r.toml", TOML + 'P3 = { class = "pump", latitude = 94, longitude = 3 }', "machines.P3.*<= 90"),
        ("r.toml", TOML.replace("low = 20", "low = 200"), "the range 200.0 to 140.0 is empty"),
        ("r.toml", TOML.replace("high = 140", "high = inf"), "has no end"),
        ("r.toml", TOML.replace('unit = "dB", ', ""), "missing required field `unit`"),
        ("r.toml", TOML.replace('"dB"', '""'), "length >= 1"),
        ("r.toml", TOML.replace("low = 20", 'low = "20"'), "Expected `float`, got `str`"),
        ("r.csv", "", "it names nothing"),
        ("r.csv", CSV.replace("unit,", "units,"), "must name the columns machine, class"),
        ("r.csv", CSV.splitlines()[0], "names no machine"),
        ("r.csv", CSV.replace("20,140,48.2,16.3", "20,140,48.2"), "line 3 has not as many fields"),
        ("r.csv", CSV + "P3,pump,flow,m³/h,0,600,,,9\n", "line 6 has not as many fields"),
        ("r.csv", CSV.replace("0,600,,", "zero,600,,"), "line 4: low is 'zero', which is no number"),
        ("r.csv", CSV + "P2,pump,noise,dB,20,140,,\n", "line 6: measurement 'noise' of 'P2' is there twice"),
        ("r.csv", CSV + "P2,motor,speed,rpm,0,9,,\n", "line 6: machine 'P2' has another class.*line 4"),
        ("r.csv", CSV + "P1,pump,speed,rpm,0,9,48.2,17\n", "line 6: machine 'P1' has another class or place"),
        ("r.csv", CSV + "P3,pump,speed,rpm,9,0,,\n", "machine 'P3' .from line 6.*is empty"),
        ("r.csv", CSV + "P3,pump,speed,rpm,0,nan,,\n", "machine 'P3'.*has no end"),
        ("r.csv", CSV + ",pump,speed,rpm,0,1,,\n", "machine '' .from line 6.*length >= 1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(RefuseInputError, match=message) as caught:
        load_register(written(tmp_path / name, text))
    assert str(tmp_path / name) in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefuseInputError, match="can't read the register"):
        load_register(tmp_path / "none.toml")
    (tmp_path / "r.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RefuseInputError, match="not UTF-8"):
        load_register(tmp_path / "r.csv")
