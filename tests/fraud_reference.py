"""The fraud model's features, by definition, of a stream whose order of arrival is known."""

from collections.abc import Sequence

from models.events import Event, Transaction
from models.fraud import FRAUD
from models.reference import Value, by_definition


def features(arrived: Sequence[Event]) -> dict[str, dict[str, Value]]:
    """Return each transaction's features, by its id."""
    return by_definition(Transaction, FRAUD.features, arrived)
