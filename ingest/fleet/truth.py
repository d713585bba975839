"""Ground truth: what was wrong with the simulated machines, in lines beside the readings."""

from typing import Literal

import msgspec


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """One episode; written when it is over, or when the simulation is.

    Attributes
    ----------
    what
        A machine's `fault`, one `sensor`'s, its `clock`'s, or a `command` that was carried out.
    kind
        As in `ingest.fleet.faults`; the command's kind.
    measurement
        Whose sensor it is.
    onset
        When it began, milliseconds since the epoch.
    failure
        When the machine failed; None when it did not, or not yet.
    end
        From when on all was well again (a machine's fault: it was repaired and runs); None when it is not over.
    """

    machine: str
    machine_class: str
    what: Literal["fault", "sensor", "clock", "command"]
    kind: str
    onset: int
    failure: int | None = None
    end: int | None = None
    measurement: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Truth)


def encode(truth: Truth) -> bytes:
    """Return one line of JSON, without its end."""
    return _encoder.encode(truth)


def decode(line: bytes) -> Truth:
    """Read one line."""
    return _decoder.decode(line)
