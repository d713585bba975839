"""What devices say, as bytes: the answer to one command, checked strictly."""

from typing import Final

import msgspec

from models.actions import Outcome

MOST_REASON: Final = 500
"""Longer reasons are cut, in characters."""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device says of a command; by HTTP the request tells which one, so the id may be left out."""

    outcome: Outcome
    reason: str = ""
    command_id: str | None = None


_answers: Final = msgspec.json.Decoder(Answer)


def read_answer(data: bytes) -> Answer | str:
    """Return the answer, or what is wrong with the bytes."""
    try:
        answer = _answers.decode(data)
    except msgspec.DecodeError as error:
        return f"not an answer: {error}"
    return msgspec.structs.replace(answer, reason=answer.reason[:MOST_REASON])
