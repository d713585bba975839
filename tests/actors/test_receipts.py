from hypothesis import given
from hypothesis import strategies as st

from actors.receipts import Receipts


@given(
    partitions=st.lists(st.integers(0, 2), max_size=40),
    order=st.randoms(use_true_random=False),
    interruptions=st.integers(0, 40),
)
def test_only_what_has_nothing_undone_before_it_is_acknowledged(
    partitions: list[int], order: object, interruptions: int
) -> None:
    acknowledged: list[tuple[int, int]] = []
    receipts: Receipts[tuple[int, int]] = Receipts(acknowledged.append)
    under_way = [receipts.begin(p, (p, offset)) for offset, p in enumerate(partitions)]
    sequence = list(under_way)
    order.shuffle(sequence)  # type: ignore[attr-defined]
    for receipt in sequence[:interruptions]:
        receipts.finish(receipt)
        for partition in set(partitions):
            mine = [r for r in under_way if r.partition == partition]
            prefix = next((n for n, r in enumerate(mine) if not r.done), len(mine))
            assert [a for a in acknowledged if a[0] == partition] == [r.message for r in mine[:prefix]]
    assert len(receipts) == len(partitions) - len(acknowledged)


def test_all_done_is_all_acknowledged() -> None:
    acknowledged: list[int] = []
    receipts: Receipts[int] = Receipts(acknowledged.append)
    first, second, third = (receipts.begin("p", n) for n in range(3))
    receipts.finish(third)
    receipts.finish(second)
    assert acknowledged == []
    receipts.finish(first)
    assert acknowledged == [0, 1, 2]
    assert len(receipts) == 0
