"""Artifacts of a model that are damaged when they are to be deployed: they have to be refused, and nothing else changes."""

from models import artifact
from pipeline import failures
from pipeline.drill.model import artifact as sound
from pipeline.drill.rig import GiveUpFaultError, Rig

VERSION = "drill.2"


def corrupt(rig: Rig) -> str:
    """Deploy an artifact of which the second half is missing."""
    text = artifact.encode(sound())
    return _refused(rig, text[: len(text) // 2])


def checksum(rig: Rig) -> str:
    """Deploy an artifact with another threshold than the one that was sealed."""
    text = artifact.encode(sound())
    return _refused(rig, text.replace(f'"threshold": {sound().threshold}', '"threshold": 0.0'))


def _refused(rig: Rig, text: str) -> str:
    file = rig.models / sound().name / f"{VERSION}.json"
    file.write_text(text, encoding="utf-8")
    try:
        rig.deploy(VERSION)
    except Exception as error:
        if not failures.is_expected(error):
            raise
        return f"refused: {failures.one_line(error).removeprefix('fastdata: ')}"
    finally:
        file.unlink()
    raise GiveUpFaultError("a damaged artifact was deployed")
