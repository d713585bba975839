"""What every `OrderStore` promises, run on the twin and on Cassandra."""

from dataclasses import replace
from typing import Any

import pytest

from storage.memory_orders import MemoryOrders
from storage.order_table import CassandraOrders
from storage.orders import OrderRow, OrderStore

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> OrderStore:
    if request.param == "memory":
        return MemoryOrders()
    return CassandraOrders(request.getfixturevalue("session"))


def order(number: int = 1, **fields: Any) -> OrderRow:
    values = {
        "command_id": f"command-{number}",
        "entity": "card-1",
        "kind": "block_card",
        "issued_at": NOON + number,
        "version": 1,
        "status": "sent",
        "changed_at": NOON + number,
        "body": '{"any": "text"}',
    }
    return OrderRow(**{**values, **fields})


def test_a_command_is_listed_and_found_by_id_entity_and_status(store: OrderStore) -> None:
    store.record_order(order())
    assert store.order("command-1") == order()
    assert store.orders_of("card-1") == store.orders_in("sent") == store.latest_orders(9) == [order()]
    assert store.order("command-2") is None
    assert store.orders_of("card-2") == store.orders_in("held") == []


def test_nothing_listed_is_an_empty_list(store: OrderStore) -> None:
    assert store.latest_orders(9) == store.due_orders(NOON, 9) == []


def test_recording_again_changes_nothing_and_an_older_version_neither(store: OrderStore) -> None:
    later = order(version=2, status="succeeded", changed_at=NOON + 9, body="{}")
    for each in (order(due_at=NOON), later, later, order(due_at=NOON)):
        store.record_order(each)
    assert store.latest_orders(9) == [later]
    assert store.orders_in("sent") == store.due_orders(NOON, 9) == []


def test_lists_are_newest_first_over_days_and_limited(store: OrderStore) -> None:
    orders = [order(n, issued_at=NOON + n * DAY_MS // 2, entity=f"card-{n % 2}") for n in range(5)]
    for each in orders:
        store.record_order(each)
    assert store.latest_orders(3) == orders[:1:-1]
    assert store.orders_of("card-1") == [orders[3], orders[1]]
    assert store.orders_in("sent") == orders[::-1]


def test_what_is_due_is_found_until_it_is_not(store: OrderStore) -> None:
    due = [order(n, due_at=NOON + n) for n in range(4)]
    for each in (*due, order(9)):
        store.record_order(each)
    assert {row.command_id for row in store.due_orders(NOON + 1, 9)} == {"command-0", "command-1"}
    assert len(store.due_orders(NOON + 9, 3)) == 3
    store.record_order(replace(due[0], version=2, due_at=None))
    assert store.due_orders(NOON + 1, 9) == [due[1]]
