"""When a disk will be full."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.forecast import DAY_S, HORIZON_DAYS, Store, days_to_full


def store(megabytes: int, *, life_days: int | None, age_days: float) -> Store:
    return Store("s", megabytes * 10**6, None if life_days is None else life_days * DAY_S, age_days * DAY_S)


def test_what_never_ends_grows_by_its_average() -> None:
    grows = store(100, life_days=None, age_days=10)
    assert (grows.bytes_per_day, grows.level) == (10 * 10**6, None)
    assert days_to_full([grows], 95 * 10**6) == 9
    assert days_to_full([grows], 100 * 10**6) == 10
    assert days_to_full([grows], 1) == 0


def test_what_ends_comes_to_a_level() -> None:
    ends = store(100, life_days=30, age_days=10)
    assert ends.level == 300 * 10**6
    assert days_to_full([ends], 201 * 10**6) is None
    assert days_to_full([ends], 199 * 10**6) == 19
    full = store(100, life_days=30, age_days=500)
    assert (full.bytes_per_day, full.level) == (100 * 10**6 / 30, 100 * 10**6)
    assert days_to_full([full], 0) is None


def test_an_hour_is_the_least_that_an_average_is_taken_over() -> None:
    assert store(1, life_days=None, age_days=0).bytes_per_day == 24 * 10**6


@given(
    st.lists(
        st.builds(
            Store,
            st.just("s"),
            st.integers(0, 10**12),
            st.none() | st.integers(DAY_S, 4_000 * DAY_S),
            st.floats(0, 10**9),
        ),
        max_size=5,
    ),
    st.integers(0, 10**13),
)
def test_the_day_before_it_fits_and_the_day_after_it_does_not(stores: list[Store], free: int) -> None:
    days = days_to_full(stores, free)
    now = sum(each.bytes for each in stores)

    def needed(at: float) -> float:
        return sum(each.after(at) for each in stores) - now

    if days is None:
        assert needed(HORIZON_DAYS) <= free + 1
    else:
        assert needed(days) <= free + 1 or days == 0
        assert needed(days + 1) > free
