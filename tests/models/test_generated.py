import pytest

from models import events
from models.events import Event, Label, Reading, Transaction
from models.generated import generated


@pytest.mark.parametrize("event_type", [Transaction, Reading])
@pytest.mark.parametrize("extreme", [False, True])
def test_made_up_events_are_valid_and_the_same_again(event_type: type[Event], extreme: bool) -> None:  # noqa: FBT001 - a parameter of the test
    made = generated(event_type, 50, seed=1, days=3, extreme=extreme)
    assert made == generated(event_type, 50, seed=1, days=3, extreme=extreme)
    assert all(events.decode(events.encode(e)) == e for e in made)
    own = [e for e in made if isinstance(e, event_type)]
    assert len({e.event_id for e in own}) == 50


def test_transactions_get_labels_and_some_come_late() -> None:
    made = generated(Transaction, 200, seed=1, days=3)
    sales = [e for e in made if isinstance(e, Transaction)]
    assert {e.transaction_id for e in made if isinstance(e, Label)} == {e.event_id for e in sales}
    times = [e.event_time for e in sales]
    assert times != sorted(times)
    assert len(set(times)) < len(times)
