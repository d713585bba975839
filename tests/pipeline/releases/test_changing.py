"""A run's children get another release while they run: real processes, real files, no server."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.children import LogLimits, Spec, Supervisor
from pipeline.releases import standing as files
from pipeline.releases.changing import Changing
from pipeline.releases.standing import Change, Kind, Release, Standing
from pipeline.supervision import Phase, Policy

PATIENCE_S = 60.0
PARTS = ["query", "writer"]
OLD, NEW = Release("/old", "1", "aaa"), Release("/new", "2", "bbb")
READY = """
import json, os, sys, time
open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
if sys.argv[2] == "2 query broken":
    raise SystemExit(2)
os.write(int(sys.argv[-1]), json.dumps({"ready": True}).encode() + b"\\n")
time.sleep(600)
"""


class Run:
    """A run whose children write down who they are."""

    def __init__(self, where: Path, *, broken: str = "") -> None:
        self.where, self.broken, self.told = where, broken, list[str]()
        self.supervisor = Supervisor(
            list(self.specs(OLD, PARTS).values()),
            Policy(first_delay_s=9, max_delay_s=9, budget=5, window_s=60, ready_timeout_s=30, grace_s=5),
            LogLimits(10_000, 1),
            environment=os.environ,
            record=where / "children.json",
            clock=time.monotonic,
            report=lambda name, line: self.told.append(f"{name} {line}"),
        )
        self.changing = Changing(
            run_dir=where,
            supervisor=self.supervisor,
            own=OLD,
            specs_of=self.specs,
            clock=time.monotonic,
            wall_ms=lambda: 5,
            settle_s=0.1,
            report=lambda name, line: self.told.append(f"{name} {line}"),
        )

    def specs(self, release: Release, parts: Sequence[str]) -> Mapping[str, Spec]:
        return {part: self.spec(release, part) for part in parts}

    def spec(self, release: Release, part: str) -> Spec:
        python = (
            "/no/such/python" if (release, self.broken) == (NEW, f"no python for {part}") else sys.executable
        )
        who = f"{release.version} {part}" + (" broken" if self.broken == part else "")
        return Spec(part, (python, "-c", READY, str(self.where / "begun"), who), self.where / f"{part}.log")

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, self.told
            self.supervisor.step()
            self.changing.step()
            time.sleep(0.01)

    def stands(self) -> Standing:
        found = files.read_standing(self.where)
        assert found is not None
        return found

    def ask(self, kind: Kind, to: Release, parts: Sequence[str] = PARTS, one_way: Sequence[str] = ()) -> None:
        change = Change(
            id=f"{kind} {to}",
            kind=kind,
            to=to,
            parts=list(parts),
            one_way=list(one_way),
            who="ann",
            why="new",
            at=4,
        )
        files.write_wanted(self.where, change)
        self.until(lambda: (s := files.read_standing(self.where)) is not None and s.answered == change.id)

    def begun(self) -> list[str]:
        return (self.where / "begun").read_text().splitlines()

    def ready(self) -> bool:
        return set(self.supervisor.phases.values()) == {Phase.READY}

    def close(self) -> None:
        self.supervisor.stop()
        while not self.supervisor.over:
            self.supervisor.step()
            time.sleep(0.01)


def run(where: Path, broken: str = "") -> Run:
    made = Run(where, broken=broken)
    made.until(made.ready)
    return made


def test_there_and_back_part_by_part(tmp_path: Path) -> None:
    going = run(tmp_path)
    going.ask("upgrade", NEW)
    assert going.stands() == Standing(current=NEW, previous=OLD, answered=f"upgrade {NEW}")
    going.ask("rollback", OLD)
    assert going.stands() == Standing(current=OLD, previous=NEW, answered=f"rollback {OLD}")
    assert sorted(going.begun()[:2]) == ["1 query", "1 writer"]
    assert going.begun()[2:] == ["2 writer", "2 query", "1 writer", "1 query"]
    assert going.ready()
    going.close()
    assert [entry["event"] for entry in files.history(tmp_path)] == ["asked", "answered"] * 2


@pytest.mark.parametrize("broken", ["query", "no python for query"])
def test_a_release_that_does_not_come_up_leaves_the_old_one_and_says_why(tmp_path: Path, broken: str) -> None:
    going = run(tmp_path, broken)
    going.ask("upgrade", NEW)
    stands = going.stands()
    assert (stands.current, stands.previous) == (OLD, None)
    assert "query did not come up" in stands.outcome
    assert set(going.begun()[-2:]) == {"1 query" + (" broken" if broken == "query" else ""), "1 writer"}
    going.until(going.ready)
    going.close()


def test_parts_may_be_added_and_taken_away(tmp_path: Path) -> None:
    going = run(tmp_path)
    going.ask("upgrade", NEW, ["query", "gateway"])
    assert set(going.supervisor.phases) == {"query", "gateway"}
    going.ask("rollback", OLD, PARTS)
    assert set(going.supervisor.phases) == set(PARTS)
    going.close()


def test_a_change_that_a_run_died_over_is_taken_up_by_the_next(tmp_path: Path) -> None:
    first = run(tmp_path)
    files.write_wanted(
        tmp_path,
        Change(id="x", kind="upgrade", to=NEW, parts=PARTS, one_way=[], who="ann", why="", at=4),
    )
    first.until(lambda: "2 writer" in first.begun())
    first.close()
    assert files.read_standing(tmp_path) is None
    second = Run(tmp_path)
    second.until(lambda: files.read_standing(tmp_path) is not None)
    assert second.stands().current == NEW
    second.close()


def test_after_the_finish_there_is_no_way_back(tmp_path: Path) -> None:
    going = run(tmp_path)
    going.ask("upgrade", NEW)
    going.ask("finish", NEW, one_way=["ann finished it"])
    assert going.stands().previous is None
    assert going.stands().one_way == ["ann finished it"]
    going.close()
