"""The closed vocabulary of reasons for which an event becomes a dead letter."""

from typing import Final

EMPTY: Final = "empty"
TOO_LARGE: Final = "too_large"
MALFORMED_JSON: Final = "malformed_json"
UNKNOWN_TYPE: Final = "unknown_type"
MISSING_FIELD: Final = "missing_field"
UNKNOWN_FIELD: Final = "unknown_field"
WRONG_TYPE: Final = "wrong_type"
OUT_OF_RANGE: Final = "out_of_range"
NOT_FINITE: Final = "not_finite"
NULL_KEY: Final = "null_key"
KEY_MISMATCH: Final = "key_mismatch"
FUTURE_EVENT_TIME: Final = "future_event_time"

REASONS: Final = frozenset({
    EMPTY, TOO_LARGE, MALFORMED_JSON, UNKNOWN_TYPE, MISSING_FIELD, UNKNOWN_FIELD, WRONG_TYPE, OUT_OF_RANGE,
    NOT_FINITE, NULL_KEY, KEY_MISMATCH, FUTURE_EVENT_TIME,
})  # fmt: skip
