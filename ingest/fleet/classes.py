"""The three classes of machines with twenty measurements each, and how the six kinds of fault show in them."""

from typing import Final

from ingest.fleet.gauges import Gauge, MachineClass

_DRIVE: Final = (
    Gauge("load", "%", 0, 150, idle=0, base=0, load=100, noise=0.6),
    Gauge("voltage", "V", 340, 460, idle=401, base=401, load=-4, noise=1.2, decimals=1),
    Gauge("vibration_de", "mm/s", 0, 30, idle=0.05, base=0.9, load=0.8, noise=0.06, decimals=3),
    Gauge("vibration_nde", "mm/s", 0, 30, idle=0.05, base=0.8, load=0.6, noise=0.05, decimals=3),
    Gauge("vibration_axial", "mm/s", 0, 30, idle=0.04, base=0.5, load=0.4, noise=0.04, decimals=3),
    Gauge("bearing_temp_de", "°C", -40, 160, 0, base=12, load=20, noise=0.25, ambient=0.9, lag_s=900),
    Gauge("bearing_temp_nde", "°C", -40, 160, 0, base=10, load=17, noise=0.25, ambient=0.9, lag_s=900),
    Gauge("winding_temp", "°C", -40, 220, 0, base=20, load=45, noise=0.3, ambient=0.9, lag_s=1_500),
    Gauge("ambient_temp", "°C", -40, 60, idle=0, base=0, load=0, noise=0.15, ambient=1),
    Gauge("oil_temp", "°C", -40, 140, 0, base=10, load=18, noise=0.25, ambient=0.9, lag_s=1_200),
    Gauge("oil_pressure", "bar", 0, 10, idle=0.05, base=2.6, load=0.5, noise=0.03, decimals=3),
    Gauge("noise", "dB", 20, 140, idle=45, base=72, load=8, noise=0.5),
)
"""What every class has."""

_DRIVE_EFFECTS: Final[dict[str, dict[str, float]]] = {
    "bearing_wear": {
        "vibration_de": 4.5,
        "vibration_nde": 0.8,
        "bearing_temp_de": 30,
        "oil_temp": 8,
        "noise": 9,
    },
    "imbalance": {
        "vibration_de": 4.0,
        "vibration_nde": 3.6,
        "vibration_axial": 0.4,
        "bearing_temp_de": 3,
        "noise": 4,
    },
    "misalignment": {
        "vibration_axial": 3.0,
        "vibration_de": 1.5,
        "bearing_temp_de": 10,
        "bearing_temp_nde": 12,
        "power": 4,
    },
    "overheating": {"winding_temp": 55, "oil_temp": 10, "bearing_temp_nde": 8},
}


def _effects(own: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {kind: _DRIVE_EFFECTS.get(kind, {}) | own.get(kind, {}) for kind in {**_DRIVE_EFFECTS, **own}}


PUMP: Final = MachineClass(
    "pump",
    "P",
    (
        *_DRIVE,
        Gauge("speed", "rpm", 0, 2_000, idle=0.5, base=1_200, load=260, noise=2, decimals=1),
        Gauge("power", "kW", 0, 250, idle=0.3, base=15, load=75, noise=0.8),
        Gauge("current", "A", 0, 400, idle=0.3, base=30, load=110, noise=1),
        Gauge("flow", "m³/h", 0, 600, idle=0.5, base=40, load=220, noise=2),
        Gauge("inlet_pressure", "bar", -1, 10, idle=1.3, base=1.6, load=-0.4, noise=0.02, decimals=3),
        Gauge("outlet_pressure", "bar", 0, 25, idle=1.3, base=5, load=3, noise=0.05, decimals=3),
        Gauge("seal_temp", "°C", -40, 160, 0, base=14, load=14, noise=0.25, ambient=0.9, lag_s=600),
        Gauge("seal_pressure", "bar", 0, 15, idle=1, base=5, load=1.2, noise=0.04, decimals=3),
    ),
    _effects(
        {
            "misalignment": {"current": 6},
            "overheating": {"current": 12, "power": 6},
            "cavitation": {
                "flow": -60,
                "outlet_pressure": -1.8,
                "inlet_pressure": -0.5,
                "vibration_nde": 2,
                "noise": 14,
            },
            "seal_leak": {"seal_pressure": -2.8, "seal_temp": 22, "outlet_pressure": -0.9, "flow": -22},
        }
    ),
)

MOTOR: Final = MachineClass(
    "motor",
    "M",
    (
        *_DRIVE,
        Gauge("speed", "rpm", 0, 2_000, idle=0.5, base=1_497, load=-32, noise=1, decimals=1),
        Gauge("power", "kW", 0, 250, idle=0.3, base=8, load=110, noise=0.8),
        Gauge("current", "A", 0, 500, idle=0.3, base=45, load=150, noise=1),
        Gauge("torque", "Nm", 0, 2_000, idle=1, base=50, load=700, noise=5, decimals=1),
        Gauge("power_factor", "1", 0, 1, idle=0.02, base=0.72, load=0.15, noise=0.004, decimals=4),
        Gauge("phase_unbalance", "%", 0, 20, idle=0.1, base=0.9, load=0.3, noise=0.05, decimals=3),
        Gauge("insulation", "MΩ", 0, 2_000, idle=620, base=540, load=-40, noise=5, decimals=1),
        Gauge("cooling_air_temp", "°C", -40, 120, 0, base=6, load=10, noise=0.2, ambient=1, lag_s=600),
    ),
    _effects(
        {
            "misalignment": {"current": 7, "torque": 25},
            "overheating": {
                "insulation": -330,
                "phase_unbalance": 3.5,
                "current": 14,
                "power_factor": -0.06,
                "cooling_air_temp": 12,
            },
        }
    ),
)

TURBINE: Final = MachineClass(
    "turbine",
    "T",
    (
        *_DRIVE,
        Gauge("speed", "rpm", 0, 9_000, idle=2, base=5_600, load=900, noise=8, decimals=1),
        Gauge("power", "kW", 0, 2_500, idle=2, base=80, load=1_300, noise=6, decimals=1),
        Gauge("exhaust_temp", "°C", -40, 800, 0, base=310, load=160, noise=1.5, ambient=0.9, lag_s=300),
        Gauge("inlet_temp", "°C", -40, 80, idle=0, base=1, load=1, noise=0.2, ambient=1, lag_s=120),
        Gauge("compressor_pressure", "bar", 0, 30, idle=1, base=7, load=6, noise=0.05, decimals=3),
        Gauge("fuel_flow", "kg/h", 0, 800, idle=0.2, base=70, load=260, noise=2),
        Gauge("axial_position", "mm", -2, 2, idle=0.01, base=0.12, load=0.1, noise=0.01, decimals=4),
        Gauge("seal_pressure", "bar", 0, 15, idle=1, base=5, load=1.2, noise=0.04, decimals=3),
    ),
    _effects(
        {
            "bearing_wear": {"axial_position": 0.5},
            "misalignment": {"power": -30},
            "overheating": {"exhaust_temp": 95, "fuel_flow": 28, "power": -60},
            "seal_leak": {"seal_pressure": -2.8, "compressor_pressure": -1.6, "fuel_flow": 14, "power": -70},
        }
    ),
)

CLASSES: Final = (PUMP, MOTOR, TURBINE)
GAUGES: Final = len(PUMP.gauges)
"""Every class has so many measurements."""

_PATTERN: Final = "PMPTPMPMPT"
_BY_LETTER: Final = {each.letter: each for each in CLASSES}


def class_of(number: int) -> MachineClass:
    """Return the class of the machine with this number."""
    return _BY_LETTER[_PATTERN[number % len(_PATTERN)]]


def machine_name(number: int) -> str:
    """Return the name of the machine with this number, such as `P0001`: the classes' letter, counted from 1."""
    return f"{class_of(number).letter}{number + 1:04d}"
