"""A pipeline has drained when two looks show nothing waiting and nothing moving."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline import drain
from pipeline.drain import Look

LOOKS = st.builds(
    Look,
    st.booleans(),
    st.fixed_dictionaries({"writer": st.integers(0, 2), "actors": st.integers(0, 2)}),
    st.fixed_dictionaries({"scores": st.integers(0, 2)}),
)


@given(earlier=st.none() | LOOKS, now=LOOKS)
def test_drained_means_quiet_twice_with_nothing_written_in_between(earlier: Look | None, now: Look) -> None:
    said = drain.drained(earlier, now)
    assert said == (
        earlier is not None
        and earlier.query_done
        and now.query_done
        and sum(earlier.lags.values()) == sum(now.lags.values()) == 0
        and earlier.ends == now.ends
    )


def test_who_is_waited_for_is_named() -> None:
    look = Look(query_done=False, lags={"writer: scores": 3, "actors: acks": 0}, ends={})
    assert drain.waiting(look) == "query, writer: scores 3"
    assert drain.waiting(Look(query_done=True, lags={"x": 0}, ends={})) == "nothing"
