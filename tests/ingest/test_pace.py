from hypothesis import given
from hypothesis import strategies as st

from ingest.pace import MAX_BEHIND_S, AsFastAsPossible, EventTime, FixedRate, Pacer, schedule


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(st.floats(0.5, 10_000), st.integers(2, 60))
def test_a_fixed_rate_is_kept_when_every_wait_is_waited(rate: float, count: int) -> None:
    clock = Clock()
    pacer = Pacer(FixedRate(rate), clock)
    for sent in range(count):
        clock.now += pacer.wait_s(sent, None)
    assert abs(clock.now - 1_000.0 - (count - 1) / rate) < 1e-6


@given(st.floats(0.1, 1_000), st.lists(st.integers(0, 10**9), min_size=1, max_size=40).map(sorted))
def test_event_time_runs_so_many_times_as_fast(speed: float, times: list[int]) -> None:
    clock = Clock()
    pacer = Pacer(EventTime(speed), clock)
    for sent, time in enumerate(times):
        clock.now += pacer.wait_s(sent, time)
        assert abs(clock.now - 1_000.0 - (time - times[0]) / 1_000 / speed) < 1e-5


def test_a_refusal_and_a_latecomer_do_not_wait() -> None:
    clock = Clock()
    pacer = Pacer(EventTime(1), clock)
    assert pacer.wait_s(0, 50_000) == 0
    assert pacer.wait_s(1, 53_000) == 3
    clock.now += 3
    assert pacer.wait_s(2, None) == 0
    assert pacer.wait_s(3, 49_000) == 0


@given(st.floats(0, 100))
def test_a_stall_is_made_up_for_by_no_more_than_its_limit(stall: float) -> None:
    clock = Clock()
    pacer = Pacer(FixedRate(10), clock)
    pacer.wait_s(0, None)
    clock.now += stall
    burst = 1
    while pacer.wait_s(burst, None) == 0:
        burst += 1
    assert burst <= min(stall, MAX_BEHIND_S + 0.1) * 10 + 2


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20))
def test_as_fast_as_possible_never_waits(times: list[int]) -> None:
    clock = Clock()
    pacer = Pacer(AsFastAsPossible(), clock)
    assert all(pacer.wait_s(sent, time) == 0 for sent, time in enumerate(times))


def test_no_event_is_sent_before_it_happened() -> None:
    pacer = Pacer(FixedRate(1_000), Clock(), not_before=lambda: 5_000)
    assert pacer.wait_s(0, 4_000) == 0
    assert pacer.wait_s(1, 7_500) == 2.5


def test_rate_and_speed_choose_the_schedule() -> None:
    assert schedule(5.0, None) == FixedRate(5.0)
    assert isinstance(schedule(None, 2.0), EventTime)
    assert isinstance(schedule(None, None), AsFastAsPossible)
