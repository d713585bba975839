"""The tests that run in turn are named by their files: a file that was renamed would run beside the others."""

from pathlib import Path

from in_turn import SHARED_SPARK, WHOLE_PIPELINE

ROOT = Path(__file__).parent.parent
TAKEN = ("spark: SparkSession", '"tables_in_shared_spark"')


def test_every_named_file_is_there() -> None:
    assert [name for name in sorted(WHOLE_PIPELINE | SHARED_SPARK) if not (ROOT / name).is_file()] == []


def test_the_files_that_share_a_spark_session_are_those_that_have_none_of_their_own() -> None:
    takers = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").rglob("test_*.py")
        if any(taken in (text := file.read_text(encoding="utf-8")) for taken in TAKEN)
        and not any(own in text for own in ("session_of", "spark_session", "run_query"))
    }
    assert takers == SHARED_SPARK
