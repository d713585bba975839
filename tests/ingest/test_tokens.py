import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RefuseInputError
from ingest.tokens import KEY_BYTES, Tokenizer, load_or_create_key
from models.errors import RejectEventError
from models.events import build

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
NUMBERS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(KEYS, NUMBERS)
def test_a_token_is_a_card_of_the_event_types(key: bytes, number: str) -> None:
    token = Tokenizer(key).token(number)
    assert build("transaction", transaction(token)).key == token


def test_a_card_number_is_no_card_of_the_event_types() -> None:
    with pytest.raises(RejectEventError, match="card"):
        build("transaction", transaction("4111111111111111"))


@given(KEYS, NUMBERS, NUMBERS)
def test_tokens_tell_card_numbers_apart_and_only_those(key: bytes, one: str, other: str) -> None:
    tokenizer = Tokenizer(key)
    assert (tokenizer.token(one) == tokenizer.token(other)) == (one == other)
    assert tokenizer.token(one) == Tokenizer(key).token(one)


@given(KEYS, KEYS, NUMBERS)
def test_another_key_gives_other_tokens(one: bytes, other: bytes, number: str) -> None:
    assert (Tokenizer(one).token(number) == Tokenizer(other).token(number)) == (one == other)


@given(NUMBERS.filter(lambda number: len(number) > 3))
def test_a_token_does_not_show_the_number(number: str) -> None:
    assert number not in Tokenizer(bytes(KEY_BYTES)).token(number)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_keys_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(RefuseInputError, match="32 bytes"):
        Tokenizer(bytes(size))


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "token.key"
    key = load_or_create_key(path)
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path) == key
    assert load_or_create_key(tmp_path / "other.key") != key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token.key"
    load_or_create_key(path)
    path.chmod(mode)
    with pytest.raises(RefuseInputError, match="chmod 600"):
        load_or_create_key(path)


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "\N{GREEK SMALL LETTER ALPHA}" * 64])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token.key"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RefuseInputError, match="token"):
        load_or_create_key(path)


def transaction(card: str) -> dict[str, object]:
    return {"event_id": "t", "event_time": 1, "card": card, "terminal": "T", "amount": 1.0}
